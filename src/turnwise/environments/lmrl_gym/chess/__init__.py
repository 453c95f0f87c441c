"""Chess and Endgames of LMRL-Gym (Abdulhai et al. 2023, arXiv 2311.18232), over python-chess.

The agent has White; the role `opponent` has Black: Stockfish (installed on the machine) at the weakest it
plays, or a weak player of our own where there is none, or any model. Which one it was is part of the run.
"""

from turnwise.environments.lmrl_gym.chess.environment import Chess, ChessTask, Endgames

__all__ = ["Chess", "ChessTask", "Endgames"]
