"""Who needs no model: assistants who know the case, do nothing, or do anything; and a user."""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from turnwise.agents.users.piecewise import first_person, piecewise
from turnwise.environments.parts.calls import calling
from turnwise.environments.service.suite.case import Case
from turnwise.message import Message, ToolSpec
from turnwise.model import Request, Sample

Player = Generator[str | Message | None, Message, None]
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[\w@.+#-]{3,}")


def solver(task: Case, rng: random.Random) -> Player:
    """Makes the calls of the case, then says what has to be said."""
    yield
    for number, use in enumerate(task.calls):
        yield calling(use.tool, use.arguments, number)
    yield "\n".join(["It is done.", *task.said])
    while True:
        yield "That is all."


def nothing(task: Case, rng: random.Random) -> Player:
    """Regrets."""
    yield
    while True:
        yield "I am sorry, I cannot help you with that."


def customer(task: Case, rng: random.Random) -> Player:
    """Says what the case lets them say, or the sentences of the goal in their own words."""
    told = task.says or [first_person(piece) for piece in _SENTENCE.split(task.goal.strip())]
    yield from piecewise(told)


class Wanderer:
    """Calls any tool with words it has read, or talks, as the dice fall.

    A draw follows from the role's seed and the number of the call alone, so the player keeps nothing.
    """

    name = "random"
    remote = False

    async def sample(self, request: Request) -> Sample:
        """A call or a word."""
        rng = random.Random(f"{request.rng_seed}/{request.ordinal}")
        if not request.tools or rng.random() < 0.4:
            text = rng.choice(("One moment.", "What is it about?", "Shall I go ahead?"))
            return Sample(message=Message(role="assistant", content=text))
        tool = rng.choice(request.tools)
        heard = [word for message in request.messages for word in _WORD.findall(message.text)]
        message = calling(tool.name, _arguments(tool, heard[-200:], rng), request.ordinal)
        return Sample(message=message, finish="tool_calls")

    async def close(self) -> None:
        """Nothing to let go of."""


def _arguments(tool: ToolSpec, words: Sequence[str], rng: random.Random) -> dict[str, Any]:
    properties: Mapping[str, Any] = (tool.parameters or {}).get("properties", {})
    return {name: _value(kind, words, rng) for name, kind in properties.items()}


def _value(kind: Mapping[str, Any], words: Sequence[str], rng: random.Random) -> Any:
    if "enum" in kind:
        return rng.choice(kind["enum"])
    drawn: dict[str, Any] = {
        "integer": rng.randint(0, 9),
        "number": rng.randint(0, 9),
        "boolean": rng.random() < 0.5,
        "array": [],
        "object": {},
    }
    return drawn.get(str(kind.get("type")), rng.choice(words or ["?"]).rstrip("."))
