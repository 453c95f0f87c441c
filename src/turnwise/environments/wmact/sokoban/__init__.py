"""Sokoban: levels made from seeds, the game, and a solver with the fewest pushes."""

from turnwise.environments.wmact.sokoban.environment import Sokoban
from turnwise.environments.wmact.sokoban.game import SokobanGame
from turnwise.environments.wmact.sokoban.generate import KINDS, Kind, generate
from turnwise.environments.wmact.sokoban.level import Level, read_level
from turnwise.environments.wmact.sokoban.solve import solve, solve_pushes

__all__ = [
    "KINDS",
    "Kind",
    "Level",
    "Sokoban",
    "SokobanGame",
    "generate",
    "read_level",
    "solve",
    "solve_pushes",
]
