"""The stage: runs that this server plays (forks, plays) in a thread and an event loop of their own.

So neither does a slow browser hold up an episode, nor an episode's work the pages; and signals stay the
server's. What was begun is stopped when the server ends, and can be resumed like any run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from turnwise.engine.results import Run
from turnwise.engine.tally import Tally
from turnwise.errors import TurnwiseError

Begin = Callable[[Callable[[Run, Tally], Any]], Coroutine[Any, Any, Run]]
"""Starts a run, given the function that it calls when it has begun (`launch.Watch`)."""
_END = 10.0
"""Seconds that runs have to stop when the server ends."""
_PATIENCE = 120.0
"""Seconds that a run may take to begin: a local model is loaded first."""


class Stage:
    """See the module."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._lock = threading.Lock()

    @property
    def playing(self) -> frozenset[str]:
        """Ids of the runs that are being played."""
        return frozenset(self._tasks)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Its event loop, which starts when it is first needed."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="turnwise-stage", daemon=True
                )
                self._thread.start()
            return self._loop

    def begin(self, begin: Begin) -> Run:
        """Begin to play a run; returns when it is in the store. Not to be called in the event loop.

        Raises:
            TurnwiseError: it cannot be begun.
        """
        begun: Future[Run] = Future()
        asyncio.run_coroutine_threadsafe(self._play(begin, begun), self.loop)
        try:
            return begun.result(_PATIENCE)
        except TimeoutError:
            raise TurnwiseError(f"the run did not begin within {_PATIENCE:g} seconds") from None

    def stop(self, run: str) -> bool:
        """Stop a run that is being played; what was played is kept."""
        task = self._tasks.get(run)
        if task is None:
            return False
        self.loop.call_soon_threadsafe(task.cancel)
        return True

    def close(self) -> None:
        """Stop everything, and wait until it has."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._stop_all(), self._loop).result(_END)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END)
        self._loop.close()

    # Inside -------------------------------------------------------------------------------------------

    async def _play(self, begin: Begin, begun: Future[Run]) -> None:
        task = asyncio.current_task()
        assert task is not None

        def watch(run: Run, tally: Tally) -> None:
            self._tasks[run.id] = task
            begun.set_result(run)

        try:
            await begin(watch)
        except asyncio.CancelledError:
            if not begun.done():
                begun.set_exception(TurnwiseError("the viewer is ending"))
        except Exception as error:
            # After its beginning a run says in the store how it ended.
            if not begun.done():
                begun.set_exception(error)
        finally:
            self._tasks = {run: one for run, one in self._tasks.items() if one is not task}

    async def _stop_all(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
