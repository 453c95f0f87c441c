"""An event loop whose clock jumps to the next timer: hours of waiting pass in milliseconds, exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at second 0. Where nothing can ever happen any more it fails instead of hanging."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        really_select = self._selector.select

        def select(timeout: float | None) -> Any:
            if timeout is None:
                raise RuntimeError("deadlock: every task waits and no timer is set")
            self._now += max(0.0, timeout)
            return really_select(0)

        self._selector.select = select

    def time(self) -> float:
        return self._now


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()
