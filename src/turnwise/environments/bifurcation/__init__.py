"""Controlled tasks for credit assignment: few turns decide, and the exact credit of each is known.

Source: the benchmark protocol of "From Reasoning to Agentic: Credit Assignment in Reinforcement Learning for
Large Language Models".
"""

from turnwise.environments.bifurcation.branches import Branches
from turnwise.environments.bifurcation.environment import Bifurcation, BifurcationTask

__all__ = ["Bifurcation", "BifurcationTask", "Branches"]
