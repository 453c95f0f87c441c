"""Answers over a chosen view: a role is shown exactly the given entries, whatever else was said to it."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.agent import Entry
from turnwise.log import Turn
from turnwise.role import Role


async def respond_to(role: Role, view: Sequence[Entry]) -> Turn:
    """One answer of the role's model to exactly `view`; its turn is posted like any other.

    The scaffold and context policy of the role's agent are passed by: they work on its whole history.
    """
    return role.post(await role.sample(view))


async def ask_alone(role: Role, text: str) -> Turn:
    """Put a question to a role as if nothing had been said before, except its own system prompt."""
    turn = role.tell(text)
    prompt = [entry for entry in role.history[:1] if entry.message.role == "system"]
    return await respond_to(role, [*prompt, Entry(turn.index, turn.message)])
