"""A conversation with all that a viewer has to show: roles, tools, pictures, thoughts, verdicts, failures."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from turnwise.agent import Agent
from turnwise.agents.window import Window
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Image, Message, Text, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task
from turnwise.tools.function import tool
from turnwise.verdict import Verdict


def png(width: int = 2, height: int = 2) -> bytes:
    """A small grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@tool
def price(item: str) -> str:
    """The price of an item."""
    return f"{item}: 12 crowns"


class Desk(Environment, kw_only=True, frozen=True):
    """A customer asks a clerk, who looks prices up."""

    name: ClassVar[str] = "desk"
    roles: ClassVar[tuple[str, ...]] = ("clerk", "customer")

    def tasks(self) -> Iterable[Task]:
        return [Task(id=name) for name in ("lamp", "kettle", "broken", "chair")]

    async def run(self, task: Task, episode: Episode) -> None:
        wish = await episode.customer.respond(f"You want a {task.id}.")
        for place in range(3):
            says: Any = wish
            if place == 1:
                says = [Text(text="They show you this:"), Image(media_type="image/png", data=png())]
            answer = await episode.clerk.respond(says, tools=[price])
            episode.reward(0.25, turn=answer, name="polite")
            if task.id == "broken" and place == 1:
                raise RuntimeError("the till is stuck")
            wish = await episode.customer.respond(answer)
        sold = episode.rng.random() < 0.5 or task.id == "lamp"
        episode.reward(0.25 if sold else 0.0, name="sold")
        verdict = Verdict(score=0.8, label="pass", reason="polite throughout", evidence=(1, 3))
        episode.note(verdict, name="judge")
        episode.note({"mood": "calm"}, turn=answer)
        episode.metric("minutes", 4.0)


def clerk(task: Task, rng: random.Random) -> Iterator[Any]:
    """Looks the price up once, then talks."""
    yield None
    call = ToolCall(id="c1", name="price", arguments=json.dumps({"item": task.id}))
    yield Message(role="assistant", reasoning="I should look it up.", tool_calls=(call,))
    for _ in range(10):
        yield f"It is 12 crowns, {rng.choice(['madam', 'sir'])}."


def customer(task: Task, rng: random.Random) -> Iterator[Any]:
    """Asks on and on."""
    yield None
    for number in range(10):
        yield f"And the {task.id}, question {number}?"


def players() -> dict[str, Agent]:
    """The clerk sees the last three messages and a system prompt of its own."""
    return {
        "clerk": Agent(ScriptedModel(clerk, "clerk"), system="You are a clerk.", context=Window(3)),
        "customer": Agent(ScriptedModel(customer, "customer")),
    }
