"""What a model might write to harm who reads it, or what reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import File, Image, Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"
DEEP: Any = "bottom"
for _ in range(300):
    DEEP = {"a": [DEEP]}

TEXTS = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "handler": "\"><svg/onload=alert(1)>' onmouseover='alert(1)",
    "link": "[click](javascript:alert(1)) <a href='javascript:alert(1)'>x</a> data:text/html,<script>",
    "ansi": "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b[0m\x9b31m",
    "bidi": "\u202egnp.exe\u202c \u2066hidden\u2069 \u200f",
    "closing": "</script></style></textarea></title>--></html>",
    "header": "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "control": "nul \x00 bell \x07 del \x7f \x02marks\x03 nbsp \xa0 \ufffe \U0010ffff",
    "emoji": "👩‍👩‍👧‍👦 z̸̢̛͚͎͊̔a̴͝l̷g̸o " * 20,
    "format": "%s %n {0} ${x} {{7*7}} `id` $(id) '; DROP TABLE runs; --",
}
LONG = 5 << 20
"""Characters of the long message."""
MANY = 10_000
"""Turns of the long episode."""


class Hostile(Environment, kw_only=True, frozen=True):
    """Says what its tasks are called."""

    name: ClassVar[str] = "hostile"

    def tasks(self) -> Iterable[Task]:
        names = [*TEXTS, "surrogate", "tool", "media", "notes", "long"]
        return [Task(id=name, meta={"text": TEXTS.get(name, "")}) for name in names]

    async def run(self, task: Task, episode: Episode) -> None:
        said = await episode.agent.respond(TEXTS.get(task.id, "go on"))
        deep = DEEP if task.id == "notes" else None
        episode.note({"<b>": said.text[:100], "deep": deep}, turn=said, name="<script>alert(1)</script>")
        if task.id == "media":
            episode.tell("agent", [Image(media_type="image/svg+xml", data=SVG)])
            episode.tell("agent", [File(media_type="text/html\r\nX-Evil: 1", data=HTML, name="</x>\n.html")])
        if task.id == "notes":
            # Almost verdicts.
            for value in ({"score": "high"}, {"missing": "x", "score": 1}, {"evidence": ["a"]}, {"label": 7}):
                episode.note(value)
        episode.reward(1.0, turn=said, name="<i>")


class Talk(Environment, kw_only=True, frozen=True):
    """Ten thousand turns."""

    name: ClassVar[str] = "talk"

    async def run(self, task: Task, episode: Episode) -> None:
        for number in range(MANY // 2):
            await episode.agent.respond(f"question {number}")


def speaker(task: Task, rng: Any) -> Any:
    """Says the worst of each task."""
    yield None
    if task.id == "surrogate":
        yield "half \ud83d of a pair \udc00"
    elif task.id == "tool":
        calls = [
            ToolCall(id="a", name="<script>", arguments="{" * 5000),
            ToolCall(id="b", name="__proto__", arguments=json.dumps(DEEP)),
            ToolCall(id="c", name="x", arguments='{"n": 1e999, "dup": 1, "dup": 2}'),
        ]
        yield Message(role="assistant", content="", tool_calls=tuple(calls), reasoning="<b>thought</b>")
    elif task.id == "long":
        yield "0123456789abcdef" * (LONG // 16)
    else:
        yield TEXTS.get(task.id, "x")
    while True:
        yield "so"


def hostile() -> Agent:
    """Who says it."""
    return Agent(ScriptedModel(speaker, "<img src=x onerror=alert(1)>"))


def talker() -> Agent:
    """Who talks on."""
    return Agent(ScriptedModel(_answer, "talker"))


def _answer(messages: Any) -> str:
    return f"answer to {messages[-1].text}"
