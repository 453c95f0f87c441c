"""Whether an event loop rests, and what the outside world is asked meanwhile.

An episode that waits for a tool or a sandbox will go on, though its event loop has nothing to do. Who wants
to know when a loop has really come to rest (`models/hf/lockstep.py`) asks here: what was asked is counted,
from `asked` to its answer. Models of other services are not counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary


class Outside:
    """What is asked from within one event loop."""

    def __init__(self) -> None:
        self.pending = 0
        """Questions without an answer."""
        self.answered: Callable[[], None] = lambda: None
        """Called when none is left."""

    def count(self, change: int) -> None:
        """So many questions more, or fewer."""
        self.pending += change
        if not self.pending:
            self.answered()


class _Question:
    """One that is counted, until it is answered or excused."""

    def __init__(self, outside: Outside) -> None:
        self._outside: Outside | None = outside
        outside.count(1)

    def close(self) -> None:
        """Count it no more."""
        outside, self._outside = self._outside, None
        if outside is not None:
            outside.count(-1)


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Outside] = WeakKeyDictionary()
_open: ContextVar[_Question | None] = ContextVar("_open", default=None)


def is_busy(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop has something to run at once. Of another kind than asyncio's own, nobody can tell."""
    # No public name tells it.
    return bool(getattr(loop, "_ready", None))


def here() -> Outside:
    """What is asked from within the running event loop."""
    return _loops.setdefault(asyncio.get_running_loop(), Outside())


@contextmanager
def asked() -> Generator[None]:
    """Around a question to the outside world, and the wait for its answer."""
    question = _Question(here())
    token = _open.set(question)
    try:
        yield
    finally:
        _open.reset(token)
        question.close()


def excused() -> None:
    """The question at hand waits for who waits for its answer: it is counted no more."""
    question = _open.get()
    if question is not None:
        question.close()
