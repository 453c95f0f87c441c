"""A cap on the steps of one response: who calls tools without end is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from turnwise.log import Turn
from turnwise.role import Role, Says
from turnwise.tool import Tool


class Response(NamedTuple):
    """What came of it."""

    turn: Turn
    """The role's last turn."""
    steps: int
    """Messages that called tools."""
    stopped: bool
    """Whether the cap ended it: the last turn calls tools, and nothing was said after their results."""


async def respond_within(role: Role, says: Says | None, *, tools: Sequence[Tool], most: int) -> Response:
    """A role's answer, after at most `most` messages that call tools.

    All calls of the last one are made, so that each has its result.

    Args:
        role: Who is asked.
        says: What they are told.
        tools: What they may call.
        most: Messages with calls, the last of which ends it.
    """
    steps = waiting = 0

    def until(turn: Turn) -> bool:
        nonlocal steps, waiting
        if turn.message.role == "tool":
            waiting -= 1
        elif turn.message.tool_calls:
            steps += 1
            waiting = len(turn.message.tool_calls)
        return steps >= most and waiting == 0

    turn = await role.respond(says, tools=tools, until=until)
    return Response(turn, steps, stopped=steps >= most and bool(turn.message.tool_calls))
