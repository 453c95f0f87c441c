"""Guessing games: a truth table, an oracle that answers free questions from it, and the game round both.

Twenty questions and Guess-My-City are such games: somebody thinks of a thing, and questions find it out.
"""

from turnwise.environments.parts.guessing.game import Guessing
from turnwise.environments.parts.guessing.oracle import Oracle, the_question
from turnwise.environments.parts.guessing.table import Attribute, Table, Thing

__all__ = ["Attribute", "Guessing", "Oracle", "Table", "Thing", "the_question"]
