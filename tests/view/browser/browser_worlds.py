"""Environments whose episodes hold everything a page must show, and what it must withstand."""

from __future__ import annotations

import json
import math
import random
import struct
import zlib
from collections.abc import Generator, Iterable, Sequence
from typing import Any, ClassVar, Literal

import msgspec

from turnwise import Environment, Task
from turnwise.agent import Agent, Entry
from turnwise.agents.window import Window
from turnwise.message import Audio, Image, Message, Text, ToolCall, Video
from turnwise.models.scripted import ScriptedModel
from turnwise.tools.function import tool
from turnwise.verdict import Verdict


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour with a darker bar on top, as a screen has."""
    red, green, blue = colour
    bar = bytes((red // 3, green // 3, blue // 3))
    rows = b"".join(b"\x00" + (bar if y < height // 8 else bytes(colour)) * width for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def wav(seconds: float = 0.2, rate: int = 8000) -> bytes:
    """A short tone."""
    samples = b"".join(
        struct.pack("<h", int(9000 * math.sin(2 * math.pi * 440 * n / rate)))
        for n in range(int(seconds * rate))
    )
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


# A help desk: two roles, a judge, tools, media, rewards in components -------------------------------------


@tool
def look_up(order: str) -> dict[str, Any]:
    """Everything known of an order.

    Args:
        order: Its number, e.g. `A-17`.
    """
    return {"order": order, "items": [{"name": "kettle", "price": 39.5}], "state": "delivered", "days_ago": 6}


@tool
def python(code: str) -> str:
    """Run a program and give what it prints.

    Args:
        code: Python.
    """
    return f"\x1b[32mran {len(code.splitlines())} lines\x1b[0m\n19.75"


_PROGRAM = "price = 39.5\n# half of it goes back\nprint(price / 2)"


def clerk(task: Task, rng: random.Random) -> Generator[str | Message | None, Message, None]:
    yield
    yield Message(
        role="assistant",
        content="Let me look that up.",
        reasoning="The order number is A-17. I should look before I promise anything.",
        tool_calls=(ToolCall(id="c1", name="look_up", arguments='{"order": "A-17"}'),),
    )
    yield Message(
        role="assistant",
        tool_calls=(ToolCall(id="c2", name="python", arguments=json.dumps({"code": _PROGRAM})),),
    )
    half = "19.75" if rng.random() < 0.6 else "39.50"
    yield f"I can give you {half} back.\n\n```python\n{_PROGRAM}\n```\nSee https://example.com/refunds."
    yield "I would press the confirm button: click(160, 96)"
    yield f"Done. You get {half} back."


def customer(task: Task, rng: random.Random) -> Generator[str | None, Message, None]:
    yield
    yield "My kettle from order A-17 leaks. I want half of the money back."
    yield "Good. Do it, please."
    yield "Thank you."


def judge(task: Task, rng: random.Random) -> Generator[str | None, Message, None]:
    yield
    yield "pass: it looked the order up before it promised anything."


class HelpDesk(Environment, frozen=True, kw_only=True):
    """A customer, an agent with tools, and a judge who reads all of it."""

    name: ClassVar[str] = "help_desk"
    roles: ClassVar[tuple[str, ...]] = ("agent", "customer", "judge")

    def tasks(self) -> Iterable[Task]:
        return [Task(id=f"order-{number}") for number in range(6)]

    def agents(self) -> dict[str, Any]:
        return {"clerk": clerk, "customer/customer": customer, "judge/reader": judge}

    async def run(self, task: Task, episode: Any) -> None:
        asked = await episode.customer.respond("You bought a kettle. It leaks.")
        offer = await episode.agent.respond(asked, tools=(look_up, python))
        episode.reward(0.25, turn=offer, name="looked_first")
        agreed = await episode.customer.respond(offer)
        screen = Image(media_type="image/png", data=png(320, 200, (214, 225, 245)), name="the form")
        episode.agent.tell(agreed)
        pressed = await episode.agent.respond((Text(text="This is the form."), screen))
        sound = Audio(media_type="audio/wav", data=wav(), name="a tone")
        film = Video(media_type="video/mp4", data=b"\x00\x00\x00\x18ftypmp42", name="a film")
        end = await episode.agent.respond((Text(text="The form makes a sound."), sound, film))
        await episode.customer.respond(end)
        good = "19.75" in end.text
        episode.reward(1.0 if good else 0.0, turn=end, name="right_amount")
        verdict = await episode.judge.respond("Did the agent look the order up first? pass or fail.")
        judged = Verdict(label="pass", score=1.0, reason=verdict.text, evidence=(offer.index, end.index))
        episode.note(msgspec.to_builtins(judged), name="diligence")
        episode.metric("refund", 19.75 if good else 39.5)
        episode.note({"pressed": pressed.text}, turn=pressed, name="press")


class Forgetful:
    """A context policy that hides old turns and sums them up in words of its own."""

    def __init__(self, keep: int = 4) -> None:
        self.window = Window(keep)

    async def view(self, role: Any) -> Sequence[Entry]:
        shown = list(await self.window.view(role))
        if len(role.history) <= len(shown):
            return shown
        summary = Message(role="user", content=f"[{len(role.history) - len(shown)} messages before these]")
        return [*shown[:1], Entry(summary, summary), *shown[1:]]


def forgetful_guesser() -> Agent:
    """Guesses upwards, and soon sees only the last few messages."""
    number = iter(range(1, 10_000))
    model = ScriptedModel(lambda messages: str(next(number) % 100 + 1), name="forgetful")
    return Agent(model, name="forgetful", system="You guess numbers.", context=Forgetful())


# What a page must withstand -------------------------------------------------------------------------------

MARK = "window.__pwned = true"

ATTACKS: dict[str, str] = {
    "script": f"<script>{MARK}</script>",
    "handler": f'<img src="x" onerror="{MARK}"> <svg onload="{MARK}"></svg>',
    "link": f"[press](javascript:{MARK}) javascript:{MARK} <a href='javascript:{MARK}'>x</a>",
    "data": f"data:text/html,<script>{MARK}</script> <iframe srcdoc='<script>{MARK}</script>'></iframe>",
    "credentials": "https://bank.example@evil.example/ and https://honest.example/path?a=1).",
    "ansi": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x08\x08\x08 bell\x07",
    "direction": "user\u202etxt.exe \u2066abc\u2069 \u200b zero",
    "broken": "half \ud83d and \udc00 pairs, \x00 nul, \ufffe non-character, \U000e0041 tag",
    "template": "{{constructor.constructor('" + MARK + "')()}} ${" + MARK + "} %3Cscript%3E",
    "markdown": f"# head\n![x](javascript:{MARK})\n| a | b |\n```html\n<script>{MARK}</script>\n```",
    "long_line": "x" * 30_000,
}


def deep(levels: int) -> str:
    """JSON nested so deep that a recursive reader falls over."""
    return '{"a":' * levels + "1" + "}" * levels


class Hostile(Environment, frozen=True, kw_only=True):
    """Its agent says the worst that can be said."""

    name: ClassVar[str] = "hostile"
    large: int = 5_000_000
    """Characters of the longest message."""

    def tasks(self) -> Iterable[Task]:
        return [Task(id="<img src=x onerror=alert(1)>")]

    async def run(self, task: Task, episode: Any) -> None:
        for name, attack in ATTACKS.items():
            episode.tell("agent", f"{name}: {attack}")
            await episode.agent.respond(attack)
        episode.note({"<b>key</b>": ATTACKS["handler"]}, name="<script>note</script>")
        episode.tell("agent", "y" * self.large)
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{MARK}"><script>{MARK}</script></svg>'
        episode.tell("agent", [Image(media_type="image/svg+xml", data=svg.encode(), name="<b>drawn</b>")])
        episode.reward(1.0, name="<i>reward</i>")


def parrot(messages: Sequence[Message]) -> Message:
    """Says again what it was told, in every place a message has."""
    said = messages[-1].text
    return Message(role="assistant", content=said, reasoning=said)


# Length -----------------------------------------------------------------------------------------------------


class Long(Environment, frozen=True, kw_only=True):
    """Counts, turn by turn."""

    name: ClassVar[str] = "long"
    turns: int = 10_000
    pace: Literal["fast", "slow"] = "fast"

    def tasks(self) -> Iterable[Task]:
        return [Task(id=f"count-{number}") for number in range(3)]

    def agents(self) -> dict[str, Any]:
        return {"parrot": parrot}

    async def run(self, task: Task, episode: Any) -> None:
        for number in range(self.turns // 2):
            if self.pace == "slow":
                await episode.effect("breath", _breath)
            reply = await episode.agent.respond(f"Turn {2 * number}. " + "word " * (number % 40))
            if number % 100 == 0:
                episode.reward(0.01, turn=reply, name="hundred")


async def _breath() -> None:
    """As long as a quick model takes."""
    import asyncio

    await asyncio.sleep(0.15)
