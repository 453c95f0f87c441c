"""What an agent is told: the published rules in our words, and the form of calls that are written as text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from turnwise.message import ToolSpec

RULES = """You meet a user's requests by calling functions. In each turn call all functions that the request
needs, one after the other or several at once, and look at what they return; when nothing is left to call,
answer without a call, and the next request comes. Where no function fits, or a parameter that one needs was
not given, say so instead of calling."""

_WRITTEN = """Write calls as a list, and nothing else in the same message:
[function_name1(parameter1=value1, parameter2=value2), function_name2(parameter=value)]
Values are written as Python literals. A message that is no such list ends the turn."""


def told(specs: Sequence[ToolSpec] | None = None) -> str:
    """What the agent is told; with the functions, where calls are written as text."""
    return RULES if specs is None else f"{RULES}\n\n{_WRITTEN}\n\n{listed(specs)}"


def listed(specs: Sequence[ToolSpec]) -> str:
    """Functions, one a line."""
    return "Functions:\n" + "\n".join(msgspec.json.encode(spec).decode() for spec in specs)


def results(said: Sequence[tuple[str, str]]) -> str:
    """What written calls returned, as the agent is told of it: pairs of name and result."""
    rows = [{"name": name, "result": text} for name, text in said]
    return f"Results:\n{msgspec.json.encode(rows).decode()}"
