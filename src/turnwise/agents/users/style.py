"""Style: how a simulated user behaves, as one setting: protocol, persona, difficulty, patience.

An environment has a field `user: Style = Style()`; the record makes the manner of a task's user (`manner`)
and the words on who they are (`persona_text`). Its `level` is a preset of the rest: what is given explicitly
goes before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from turnwise.agents.users.disclosure import Disclosure
from turnwise.agents.users.interruption import Channel, Interruption, Schedule
from turnwise.agents.users.manner import Manner, Plain
from turnwise.agents.users.marks import MARK
from turnwise.agents.users.patience import Patience
from turnwise.agents.users.tau import React, Reflection, Variant, Verify
from turnwise.errors import ConfigError, did_you_mean
from turnwise.wire import Record

Level = Literal["easy", "medium", "hard"]

PERSONAS: dict[str, str] = {
    "plain": "An ordinary person, polite and to the point.",
    "expert": "Knows the matter well, names things by their right names, and wants short answers.",
    "novice": "Knows little of technical things, describes what can be seen, and follows one step at a time.",
    "anxious": "Is afraid of doing something wrong, asks back before each step, and needs to be reassured.",
    "hurried": "Has no time: writes in fragments, and skips over what is not asked outright.",
    "rambling": "Tells stories, and what matters stands somewhere in the middle of them.",
    "stubborn": "Insists on what was said first, and gives way only to a clear reason.",
    "vague": "Says 'that thing' and 'the other one', and becomes precise only when asked to.",
}
"""Who a user can be, by name."""


class Difficulty(Record, frozen=True, kw_only=True):
    """How hard a user makes it."""

    persona: str
    first: int
    """Facts known before the first words."""
    step: int
    """Facts that come with each further ones."""
    turns: int | None
    """Messages answered."""
    stale: int | None
    """Repetitions in a row before the user leaves."""
    repeats: int | None
    """Times the same may be asked before the user complains."""


LEVELS: dict[Level, Difficulty] = {
    "easy": Difficulty(persona="plain", first=100, step=100, turns=None, stale=None, repeats=None),
    "medium": Difficulty(persona="novice", first=2, step=1, turns=30, stale=3, repeats=3),
    "hard": Difficulty(persona="vague", first=1, step=1, turns=15, stale=2, repeats=1),
}


class Style(Record, frozen=True, kw_only=True):
    """How a simulated user behaves.

    Raises:
        ConfigError: a persona by a name that is almost one of `PERSONAS`.
    """

    protocol: Literal["llm", "react", "verify", "reflection"] = "llm"
    """How words come about; see `tau`."""
    variant: Variant = "corrected"
    """Of the protocol."""
    level: Level = "easy"
    persona: str | None = None
    """A name in `PERSONAS`, or words; by default the level's."""
    first: int | None = None
    step: int | None = None
    turns: int | None = None
    stale: int | None = None
    repeats: int | None = None
    channel: Channel = "after"
    """How interruptions are said."""
    mark: str = MARK

    def __post_init__(self) -> None:
        persona = self.persona
        if persona is not None and " " not in persona.strip() and persona not in PERSONAS:
            near = did_you_mean(persona, PERSONAS) or f"; known: {', '.join(PERSONAS)}"
            raise ConfigError(f"unknown persona {persona!r}{near}; or describe it in several words")

    @property
    def persona_text(self) -> str:
        """Who the user is, in words."""
        named = self.persona or LEVELS[self.level].persona
        return PERSONAS.get(named, named)

    def manner(self, *, facts: Sequence[str] = (), schedule: Schedule = ()) -> Manner:
        """The manner of a user, from the inside out: words, facts, protocol, patience, interruptions.

        Args:
            facts: What it has to tell; none where its brief says all.
            schedule: Changes of mind.
        """
        given = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        level = {**msgspec.structs.asdict(LEVELS[self.level]), **given}
        made: Manner = React(self.variant) if self.protocol == "react" else Plain()
        if facts:
            made = Disclosure(facts, made, first=level["first"], step=level["step"], marks=(self.mark,))
        if self.protocol == "verify":
            made = Verify(made, variant=self.variant)
        elif self.protocol == "reflection":
            made = Reflection(made, variant=self.variant)
        if any(level[name] is not None for name in ("turns", "stale", "repeats")):
            made = Patience(
                made,
                turns=level["turns"],
                stale=level["stale"],
                repeats=level["repeats"],
                leaves=self.mark,
            )
        if schedule:
            made = Interruption(schedule, made, channel=self.channel, marks=(self.mark,))
        return made
