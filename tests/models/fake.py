"""Models for the tests of what wraps models."""

from __future__ import annotations

from itertools import count
from typing import Any

from turnwise.message import Message, assistant
from turnwise.model import Request, Sample, Usage


class Counting:
    """Answers with the number of times it was asked."""

    remote = True

    def __init__(self, name: str = "openai/tiny", usage: Usage | None = None, options: Any = None) -> None:
        self.name = name
        self.usage = usage
        self.options = options
        self.closed = False
        self._asked = count(1)

    async def sample(self, request: Request) -> Sample:
        return Sample(message=assistant(str(next(self._asked))), usage=self.usage)

    async def close(self) -> None:
        self.closed = True


class Remembering(Counting):
    """Keeps something for each session."""

    remote = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told: list[Any] = []

    def replayed(self, request: Request, message: Message, sampled_ids: object = None) -> None:
        self.told.append((request.ordinal, message.text))

    def forget(self, session: str) -> None:
        self.told.append(session)
