"""WMAct's environments: Sokoban, a maze and a taxi, played by replies of several actions.

"Thinking by Doing: Building Efficient World Model Reasoning in LLMs via Multi-turn Interaction" (Shu et al.
2025, arXiv:2511.23476). The reward of success is multiplied by the share of actions that changed the state
(`parts/efficacy.py`), and the number of replies is annealed while a policy learns (`parts/annealing.py`). The
paper's code is not public: the sizes of maze and room walls, the texts and the form of a reply are ours.
"""

from turnwise.environments.wmact.maze import Maze
from turnwise.environments.wmact.sokoban import Sokoban
from turnwise.environments.wmact.taxi import Taxi

__all__ = ["Maze", "Sokoban", "Taxi"]
