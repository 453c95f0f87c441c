"""BIRD-INTERACT (Huo et al. 2025, arXiv 2510.05318): requests for SQL that can be read in several ways.

A task is a request, in which words are ambiguous or stand for knowledge that is masked, and a follow-up once
it is solved. The agent asks a simulated user what is meant (`user`: a question is first made one of a few
allowed acts, and then answered), looks at a database, its columns' meanings and a knowledge base, and submits
SQL, which is tested by what it gives or what it changes (`grading`). Two settings (`play`): c-Interact allows
m + patience questions, a submission and one more try in each phase; a-Interact has tools that cost coins, and
any number of submissions while they last (`budget`).

Tasks of our own, 33 over three databases, run on SQLite and PostgreSQL (`databases`); `published` reads the
published rows, `logs` the official logs.
"""

from turnwise.environments.service.bird_interact.environment import BirdInteract
from turnwise.environments.service.bird_interact.rows import Ambiguity, BirdTask, Detail, Masked, Part

__all__ = ["Ambiguity", "BirdInteract", "BirdTask", "Detail", "Masked", "Part"]
