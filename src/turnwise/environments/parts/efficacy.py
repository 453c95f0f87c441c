"""Efficacy: the share of actions that changed anything, and an outcome rewarded in proportion to it.

The reward of an outcome is multiplied by N_eff / N: N actions were issued in the episode, and after N_eff of
them the state differed from before ("Thinking by Doing", Shu et al. 2025, arXiv:2511.23476). What counts as
the state is the environment's to say; a counter of steps must not be part of it, or every action counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise

from turnwise.log import Note

CHANGED = "changed"
"""Name of the note that goes with a reply: for each of its actions, whether the state changed."""


def changes(states: Iterable[Hashable]) -> list[bool]:
    """For each step from one state to the next, whether they differ: one flag fewer than states."""
    return [before != after for before, after in pairwise(states)]


class Efficacy:
    """Actions issued so far, and those that changed the state."""

    __slots__ = ("effective", "issued")

    def __init__(self, issued: int = 0, effective: int = 0) -> None:
        self.issued = issued
        self.effective = effective

    @classmethod
    def of(cls, notes: Iterable[Note]) -> Efficacy:
        """What the notes of an episode (`changed`, a flag for each action of a reply) add up to."""
        efficacy = cls()
        for note in notes:
            if note.name == CHANGED:
                efficacy.add(note.value)
        return efficacy

    def add(self, flags: Iterable[bool]) -> None:
        """More actions, each with whether it changed the state."""
        for flag in flags:
            self.issued += 1
            self.effective += flag

    @property
    def share(self) -> float:
        """N_eff / N; 0 where nothing was done."""
        return self.effective / self.issued if self.issued else 0.0

    def rescaled(self, outcome: float) -> float:
        """The outcome's reward, times the share."""
        return outcome * self.share
