"""MARS's games: self-play between roles with private views (thu-nics/MARS, "Reinforcing Multi-Agent Reasoning
of LLMs through Self-Play in Strategic Games"), played by OpenSpiel (Lanctot et al. 2019, arXiv:1908.09453).

MARS trains on tic-tac-toe, Kuhn poker and mini-Hanabi, and tests on Connect Four, Leduc poker and larger
Hanabi; `spiel:GAME` is any other of OpenSpiel's. Each role has a view of its own and rewards of its own: a
reward that another's move brings is stored with that move under the role it belongs to, so that the return
of a role from one of its turns on is the sum of its rewards from there.
"""

from turnwise.environments.mars.any_game import Spiel
from turnwise.environments.mars.connect_four import ConnectFour
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.hanabi import Hanabi
from turnwise.environments.mars.kuhn_poker import KuhnPoker
from turnwise.environments.mars.leduc_poker import LeducPoker
from turnwise.environments.mars.tic_tac_toe import TicTacToe

__all__ = ["ConnectFour", "Hanabi", "KuhnPoker", "LeducPoker", "SeatedGame", "Spiel", "TicTacToe"]
