"""M3ToolEval (Wang et al. 2024, arXiv 2402.01030): tasks for several tools, by text, JSON or code."""

from turnwise.environments.m3tooleval.environment import M3ToolEval

__all__ = ["M3ToolEval"]
