"""The oracle of twenty questions that needs no model, over the built-in table (`parts/guessing`)."""

from __future__ import annotations

from functools import cache

from turnwise.environments.games.twenty_questions.table import table
from turnwise.environments.parts.guessing import Oracle

NEUTRAL = ("object", "something", "type", "kind")
"""Nouns that a guess may have, by LMRL-Gym's `is_done`."""


@cache
def oracle() -> Oracle:
    """The built-in table's oracle."""
    return Oracle(table(), NEUTRAL)
