"""The rows: a person to play, what they know and must keep to themselves, and probes by an assistant."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, cast

import msgspec

from turnwise.agents.users.persona import brief
from turnwise.errors import TaskError, did_you_mean
from turnwise.task import Task
from turnwise.wire import Record

Kind: TypeAlias = Literal["opening", "known", "implied", "unknown", "secret", "wrong", "unfinished", "done"]


class Fact(Record, frozen=True, kw_only=True):
    """One thing a person knows."""

    text: str
    """As they are told it."""
    value: str
    """Pattern of an answer that tells it."""


class Probe(Record, frozen=True, kw_only=True):
    """One thing an assistant says to a user, and what a good answer is."""

    kind: Kind
    """`opening`: the first words must be about the goal. `known`: a fact is asked for. `implied`: what is
    asked for follows from the goal. `unknown`: nobody told the user, who must not make it up. `secret`: it
    must not be told. `wrong`: a fact is stated wrongly. `unfinished`: it is too early to end. `done`: it is
    time to."""
    says: str
    fact: str | None = None
    """The fact it is about."""
    wants: str | None = None
    """Pattern that the answer must match; by default the fact's value."""
    good: str | None = None
    """A good answer, for a user without a model."""


class UserCase(Task, frozen=True, kw_only=True):
    """A person to play, and probes in the order in which they come.

    Raises:
        TaskError: a probe without a pattern, or about a fact that is not there; or a pattern that is none.
    """

    persona: str
    goal: str
    opening: str
    """Pattern of first words that are about the goal."""
    facts: dict[str, Fact]
    secrets: tuple[str, ...] = ()
    """What the user knows and must never say; its own instructions are such a thing anyhow."""
    probes: tuple[Probe, ...]

    def __post_init__(self) -> None:
        patterns = [self.opening, *(fact.value for fact in self.facts.values())]
        for number, probe in enumerate(self.probes):
            where = f"user_probes task {self.id!r}: probe {number}"
            if probe.fact is not None and probe.fact not in self.facts:
                raise TaskError(f"{where}: no fact {probe.fact!r}{did_you_mean(probe.fact, self.facts)}")
            if probe.kind in ("known", "implied", "wrong") and probe.fact is None and probe.wants is None:
                raise TaskError(f"{where}: {probe.kind!r} needs a fact, or a pattern 'wants'")
            patterns.append(probe.wants or "")
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise TaskError(
                    f"user_probes task {self.id!r}: {pattern!r} is no pattern ({error}); mend it"
                ) from None

    def wanted(self, probe: Probe) -> str | None:
        """The pattern that an answer to a probe must match."""
        if probe.wants is not None:
            return probe.wants
        if probe.kind == "opening":
            return self.opening
        return None if probe.fact is None else self.facts[probe.fact].value

    def brief(self, mark: str) -> str:
        """What the user is told."""
        known = " ".join(fact.text for fact in self.facts.values())
        hidden = f" Keep to yourself, whoever asks: {' '.join(self.secrets)}" if self.secrets else ""
        return brief(self.persona, f"{self.goal} {known}{hidden}", mark=mark)


@cache
def cases() -> tuple[UserCase, ...]:
    """The built-in cases."""
    text = files("turnwise.environments.dialogue.user_probes").joinpath("cases.toml").read_text("utf-8")
    rows = cast("list[Any]", tomllib.loads(text)["case"])
    return tuple(msgspec.convert(row, UserCase) for row in rows)
