"""A role that stands in for tools: it makes up what a call might have said, shown calls of which it is known.

`by_role(episode.simulator)` is what `tools.cached.Layer` asks of who simulates. Each call is put to the role
by itself. Its model is best sampled greedily (TravelBench: temperature 0). A stand-in that needs no model
reads the call back with `called`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from turnwise.environments.parts.views import ask_alone
from turnwise.role import Role
from turnwise.tools.cached import Miss, Simulate, written

_CALL = re.compile(r"<call tool=\"(.*?)\">\n(.*)\n</call>\s*\Z", re.DOTALL)


class Asked(NamedTuple):
    """A call as a stand-in is asked for it."""

    tool: str
    arguments: dict[str, Any]


def by_role(role: Role) -> Simulate:
    """Have a role make up what tools say."""

    async def simulate(miss: Miss) -> str:
        return (await ask_alone(role, prompt(miss))).text.strip()

    return simulate


def prompt(miss: Miss) -> str:
    """What a stand-in is told of one call: the tool, similar calls with what came of them, the call."""
    tool = miss.tool
    shown = "\n\n".join(
        f"<example>\narguments: {example.arguments}\nresult: {example.result}\n</example>"
        for example in miss.similar
    )
    known = f"Calls of it and their results:\n\n{shown}" if shown else "No earlier call is known."
    return (
        f"You stand in for the tool {tool.name}, which cannot be reached. Return what it would most likely "
        "have returned for the call below: in the form of the examples, plausible for the place and time, in "
        "keeping with what they show. Where the real tool would find nothing, return an empty result. Return "
        "the result alone, without a word about it.\n\n"
        f"What it does: {tool.description}\nArguments: {msgspec.json.encode(tool.parameters).decode()}\n\n"
        f'{known}\n\n<call tool="{tool.name}">\n{written(miss.arguments)}\n</call>'
    )


def called(text: str) -> Asked | None:
    """The call that a prompt asks for; None where it is none."""
    found = _CALL.search(text)
    if found is None:
        return None
    try:
        return Asked(found[1], msgspec.json.decode(found[2], type=dict[str, Any]))
    except msgspec.MsgspecError:
        return None
