"""Agents that need no model: one that acts out each task's solution, one by chance, two that do not act."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import msgspec

from turnwise.environments.m3tooleval.desks import desk
from turnwise.environments.m3tooleval.rows import ToolTask
from turnwise.message import Message, ToolCall

Says = Generator[str | Message, Message, None]


def solver(task: ToolTask, actions: str) -> Generator[Any, Message, None]:
    """Takes a task's steps one by one, or runs its code, then gives the answer."""
    heard = yield
    if not task.code:
        # Of the published tasks only the answer is known.
        yield f"Answer: {task.answer}"
        return
    if actions == "code":
        heard = yield f"Thought: all at once. Action:\n{task.code}\nEnd Action"
        yield f"Answer: {heard.text.strip()}"
        return
    for number, (name, arguments) in enumerate(task.steps):
        if actions == "tools":
            yield Message(role="assistant", tool_calls=(_call(task, number),))
        elif actions == "json":
            yield f"Action: {_json({'tool': name, 'args': arguments})} End Action"
        else:
            yield f"Action: {', '.join(map(str, (name, *arguments)))} End Action"
    yield f"Answer: {task.answer}"


def coder(task: ToolTask, rng: random.Random) -> Generator[Any, Message, None]:
    """The model of a CodeAct agent."""
    yield
    if not task.code:
        yield str(task.answer)
        return
    heard = yield f"<execute>\n{task.code}\n</execute>"
    yield heard.text.removeprefix("Observation:").strip()


def random_agent(task: ToolTask, rng: random.Random) -> Generator[Any, Message, None]:
    """Guesses a number, or calls a tool with one."""
    names = [tool.spec.name for tool in desk(task).tools()]
    yield
    while True:
        number = rng.randint(1, 100)
        yield rng.choice([f"Answer: {number}", f"Action: {rng.choice(names)}, {number} End Action"])


def oracle(task: ToolTask, rng: random.Random) -> Generator[Any, Message, None]:
    """Answers at once."""
    yield
    yield f"Answer: {task.answer}"


def empty(task: ToolTask, rng: random.Random) -> Generator[Any, Message, None]:
    """Says nothing, time and again."""
    yield
    while True:
        yield ""


def _call(task: ToolTask, number: int) -> ToolCall:
    name, arguments = task.steps[number]
    specs = {tool.spec.name: tool.spec for tool in desk(task).tools()}
    names = specs[name].parameters["properties"]
    given = dict(zip(names, arguments, strict=False))
    return ToolCall(id=f"call-{number}", name=name, arguments=_json(given))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
