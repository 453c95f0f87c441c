"""Threads that read for the event loop, with as little between as there can be.

An executor's futures, locks and callbacks take as long as it takes to read an episode.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 8
"""Threads; what is asked for meanwhile waits."""


class Threads:
    """Some threads, begun as they are needed."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._begun = self._busy = 0

    def close(self) -> None:
        """Let them end, each with what it is doing; asked again, others begin."""
        for _ in range(self._begun):
            self._work.put(None)
        self._begun = 0

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function gives that may take its time, or the exception it raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._busy += 1
        if self._begun < min(self._busy, _MOST):
            self._begun += 1
            threading.Thread(target=self._read, name="turnwise-view", daemon=True).start()
        self._work.put((loop, answer, function, arguments))
        try:
            return await answer
        finally:
            self._busy -= 1

    def _read(self) -> None:
        while True:
            work = self._work.get()
            if work is None:
                return
            loop, answer, function, arguments = work
            try:
                tell, value = _give, function(*arguments)
            except BaseException as error:
                tell, value = _fail, error
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, answer, value)
            del work, loop, answer, function, arguments, value


def _give(answer: asyncio.Future[Any], value: Any) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: asyncio.Future[Any], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
