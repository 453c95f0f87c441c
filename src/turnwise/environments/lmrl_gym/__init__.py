"""LMRL-Gym (Abdulhai et al. 2023, arXiv 2311.18232): small text games in which multi-turn RL can be studied.

Rewards, limits, feedback and observations are those of the official environments. By default each first
message also tells the rules, which a chat model needs and a model trained on the benchmark's data does not:
`rules=False` gives the published texts alone. `normalised` holds the benchmark's score normalisation,
`datasets` how its data sets are made by scripted players of graded skill (`turnwise.synth.lmrl_gym` makes
them), `offline` the published rows as episodes and back.
"""

from turnwise.environments.lmrl_gym.maze import Maze
from turnwise.environments.lmrl_gym.text_nav import TextNav
from turnwise.environments.lmrl_gym.wordle import Wordle

__all__ = ["Maze", "TextNav", "Wordle"]
