"""MINT (Wang et al. 2023, arXiv 2309.10691): problems to solve in several turns, with code and feedback."""

from turnwise.environments.mint.environment import Mint
from turnwise.environments.mint.rows import MintTask

__all__ = ["Mint", "MintTask"]
