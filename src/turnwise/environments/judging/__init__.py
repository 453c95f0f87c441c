"""Judging as an environment: a task is an episode (or a pair), the role that plays is the judge."""

from turnwise.environments.judging.case import Case, case_of
from turnwise.environments.judging.environment import Judging

__all__ = ["Case", "Judging", "case_of"]
