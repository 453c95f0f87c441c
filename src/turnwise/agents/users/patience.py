"""Patience: a user who leaves when it takes too long, goes round in circles, or gets nowhere.

By rules alone, so it wraps a model and a script alike. A message repeats another one if at least `SAME` of
its words stand in it. After `stale` repetitions in a row (TravelBench ends after two turns that bring nothing
new), or when it has answered `turns` messages, the user leaves; asked the same thing more than `repeats`
times (VitaBench: 3), it complains.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.agent import Ask
from turnwise.agents.users.leak import tokens
from turnwise.agents.users.manner import Draft, Manner, Wrapper, heard
from turnwise.agents.users.marks import MARK
from turnwise.errors import ConfigError
from turnwise.message import Message
from turnwise.role import Role

SAME = 0.9
"""Share of a message's words that stand in an earlier one, from which it says the same."""


class Patience(Wrapper):
    """A user whose patience ends; see the module.

    Args:
        inner: Who speaks until then.
        turns: Messages that the user answers; it leaves at the next.
        stale: Repetitions in a row after which the user leaves.
        repeats: How often the same may be said before the user complains.
        complaint: What is put before the words then.
        leaves: What is said in the end; the mark as published.

    Raises:
        ConfigError: a limit below 1.
    """

    def __init__(
        self,
        inner: Manner | None = None,
        *,
        turns: int | None = None,
        stale: int | None = None,
        repeats: int | None = None,
        complaint: str = "You have asked me that before.",
        leaves: str = MARK,
    ) -> None:
        super().__init__(inner)
        for name, value in (("turns", turns), ("stale", stale), ("repeats", repeats)):
            if value is not None and value < 1:
                raise ConfigError(f"patience: expected {name} >= 1, got {value}")
        self.turns = turns
        self.stale = stale
        self.repeats = repeats
        self.complaint = complaint
        self.leaves = leaves

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """The last word, once patience is over; else what is said, with a complaint where it is due."""
        messages = heard(role)
        why = self._over(messages)
        if why is not None:
            return Draft(Message(role="assistant", content=self.leaves)).noting("left", why)
        draft = await self.inner.draft(role, ask)
        silent = draft.message.tool_calls or self.leaves in draft.text
        if self.repeats is None or silent or said_before(messages) <= self.repeats:
            return draft
        return draft.saying(f"{self.complaint} {draft.text}").noting("complained", said_before(messages))

    def _over(self, messages: Sequence[str]) -> str | None:
        if self.turns is not None and len(messages) > self.turns:
            return "turns"
        if self.stale is not None and repetitions(messages) >= self.stale:
            return "stale"
        return None


def same(one: str, earlier: str) -> bool:
    """Whether a message says no more than an earlier one."""
    words = set(tokens(one))
    return len(words & set(tokens(earlier))) >= SAME * len(words)


def repetitions(messages: Sequence[str]) -> int:
    """How many of the last messages in a row say no more than one before them."""
    count = 0
    for at in range(len(messages) - 1, 0, -1):
        if not any(same(messages[at], earlier) for earlier in messages[:at]):
            break
        count += 1
    return count


def said_before(messages: Sequence[str]) -> int:
    """How often what the last message says was said before it."""
    return sum(same(messages[-1], earlier) for earlier in messages[:-1]) if messages else 0
