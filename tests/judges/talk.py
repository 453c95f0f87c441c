"""Small conversations and scripted judges, for the tests of judges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from turnwise.log import EpisodeLog, Note, Stop, Turn
from turnwise.message import Message, ToolCall, assistant, user

T = TypeVar("T")


def wait(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it."""
    return asyncio.run(work)


def log_of(*said: str | Message, stop: Stop = Stop.COMPLETED, state: Any = None, **task: Any) -> EpisodeLog:
    """A user and an agent who speak in turn, and a task."""
    turns = [
        Turn(
            index=index,
            role="agent" if index % 2 else "environment",
            message=text if isinstance(text, Message) else (assistant if index % 2 else user)(text),
        )
        for index, text in enumerate(said)
    ]
    notes = () if state is None else (Note(value=state, name="final_state"),)
    return EpisodeLog(
        environment="chat", task={"id": "0", **task}, turns=tuple(turns), notes=notes, stop=stop
    )


def calling(name: str, arguments: str) -> Message:
    """A message that calls a tool."""
    return assistant("", tool_calls=(ToolCall(id="1", name=name, arguments=arguments),))


class Judge:
    """Answers with lines in turn, or by a function of the prompt; keeps what it was asked."""

    def __init__(self, *answers: str | Exception, by: Callable[[str], str] | None = None) -> None:
        self.asked: list[str] = []
        self._left: list[str | Exception] = list(answers)
        self._by = by

    async def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        if self._by is not None:
            return self._by(prompt)
        answer = self._left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Cycle(Judge):
    """Gives its answers over and over."""

    def __init__(self, answers: Sequence[str | Exception]) -> None:
        super().__init__()
        self._answers = answers

    async def __call__(self, prompt: str) -> str:
        self._left = [self._answers[len(self.asked) % len(self._answers)]]
        return await super().__call__(prompt)
