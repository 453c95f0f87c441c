"""Agents that play twenty questions without a model."""

from __future__ import annotations

from turnwise.environments.games.twenty_questions.table import table
from turnwise.environments.parts.guessing import Thing
from turnwise.environments.parts.guessing.agents import askers


def a_guess(thing: Thing) -> str:
    """The question that guesses an object."""
    return f"Is it a {thing.name}?"


AGENTS = askers(table, a_guess)
