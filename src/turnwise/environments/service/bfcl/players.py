"""Agents without a model: one that makes the reference calls, one that makes none, one that makes any."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from typing import Any, Literal

import msgspec

from turnwise.environments.service.bfcl.rows import BfclTask
from turnwise.environments.service.bfcl.shelf import Shelf
from turnwise.message import Message, ToolCall
from turnwise.tools.written import written_calls

Player = Generator[str | Message | None, Message, None]
Form = Literal["native", "text"]
_VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("report.txt", "archive", "..", "USR002", "l", "admin", ""),
    "integer": (0, 1, 2, 7),
    "number": (0.5, 2, 10),
    "boolean": (True, False),
    "array": (["a"], []),
    "object": ({"priority": 3}, {}),
}


def solver(shelf: Callable[[BfclTask], Shelf], form: Form) -> Callable[..., Player]:
    """Who makes the reference calls of each turn, all in one message."""

    def play(task: BfclTask, rng: random.Random) -> Player:
        known = shelf(task)
        yield
        for ask in task.asks:
            if ask.calls and form == "text":
                yield f"[{', '.join(ask.calls)}]"
            elif ask.calls:
                calls = [call for text in ask.calls for call in written_calls(text)]
                yield calling([(call.name, known.arguments(call)) for call in calls])
            yield "Done."

    return play


def nothing(messages: Sequence[Message]) -> str:
    """Who calls nothing."""
    return "Done."


def random_player(shelf: Callable[[BfclTask], Shelf], form: Form) -> Callable[..., Player]:
    """Who calls what comes to mind."""

    def play(task: BfclTask, rng: random.Random) -> Player:
        specs = [tool.spec for tool in shelf(task).tools]
        yield
        while True:
            if rng.random() < 0.5:
                yield "Done."
                continue
            spec = rng.choice(specs)
            given = {
                name: rng.choice(_VALUES.get(kind.get("type", "string"), _VALUES["string"]))
                for name, kind in spec.parameters.get("properties", {}).items()
                if rng.random() < 0.9
            }
            if form == "text":
                yield f"[{spec.name}({', '.join(f'{name}={value!r}' for name, value in given.items())})]"
            else:
                yield calling([(spec.name, given)])

    return play


def calling(calls: Sequence[tuple[str, dict[str, Any]]]) -> Message:
    """A message that calls tools, by name and arguments."""
    made = tuple(
        ToolCall(id=f"call_{number}", name=name, arguments=msgspec.json.encode(arguments).decode())
        for number, (name, arguments) in enumerate(calls)
    )
    return Message(role="assistant", tool_calls=made)
