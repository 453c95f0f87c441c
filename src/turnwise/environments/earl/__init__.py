"""EARL: calculations and sorting with tools whose actions are offered one by one.

Source: Yue et al., "Expanding the Action Space of LLMs to Reason Beyond Language", 2025, arXiv:2510.07581
(ExpA, EARL), and its published code. Its policy has an output row for each action of a tool beside those of
its vocabulary; here the environment offers the same actions with ids, renderings and legal masks
(`parts/modes.py`), and reads them from text, too.
"""

from turnwise.environments.earl.calculations import Arithmetic, Count, Countdown
from turnwise.environments.earl.sorting import CompareTwo, Order, Sort

__all__ = ["Arithmetic", "CompareTwo", "Count", "Countdown", "Order", "Sort"]
