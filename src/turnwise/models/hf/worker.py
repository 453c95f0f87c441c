"""One thread that generates for everybody: it collects the jobs that are there and works on them together.

The event loop only puts jobs into a queue and awaits their futures. Between any two steps the thread takes
in what has arrived, so a job waits for one step at most before it joins, and never for others to finish.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from turnwise.errors import ModelError
from turnwise.models.hf.aside import Errand, aside
from turnwise.models.hf.batch import Batch
from turnwise.models.hf.job import Job

Result = TypeVar("Result")


class Worker:
    """Runs a batch in a thread of its own, which starts with the first job.

    Args:
        name: What errors call the model.
        batch: The batch; only the thread touches it.
        max_batch: Most jobs at once.
        wait: Seconds that an idle thread waits for more jobs when the first one arrives.
    """

    def __init__(self, name: str, batch: Batch, *, max_batch: int, wait: float) -> None:
        self._name = name
        self._batch = batch
        self._runner = batch.runner
        self._max_batch = max_batch
        self._wait = wait
        self._inbox: queue.SimpleQueue[Job | list[Job] | str | None] = queue.SimpleQueue()
        """Jobs to do, sessions to forget (`""`: none, only wake up), and None to stop."""
        self._errands: deque[Errand[Any]] = deque()
        self._waiting: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._still = threading.Lock()
        """Held while the thread computes, and by whoever wants the weights for himself."""

    def submit(self, job: Job) -> None:
        """Have a job done."""
        self._start()
        self._inbox.put(job)

    @contextmanager
    def held(self) -> Generator[None]:
        """The thread rests between two tokens; afterwards no keys and values of earlier turns are left."""
        with self._still:
            yield
            self._runner.forget_all()

    def run(self, work: Callable[[], Result]) -> Result:
        """Do other work in the thread, between two tokens, and wait for it; see `aside`."""
        if self._thread is None:
            return aside(work)
        if threading.current_thread() is self._thread:
            return work()
        errand = Errand(work)
        self._errands.append(errand)
        self._inbox.put("")
        return errand.result()

    def forget(self, session: str) -> None:
        """Drop what is kept for a session."""
        if self._thread is not None:
            self._inbox.put(session)

    def stop(self) -> None:
        """End the thread and forget everything; a later job starts a new one."""
        if self._thread is None:
            return
        self._inbox.put(None)
        self._thread.join()
        self._thread = None
        self._run_errands()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._collect():
            self._run_errands()
            room = self._max_batch - len(self._batch.jobs)
            joining = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
            joining = [job for job in joining if not job.done.cancelled()]
            with self._still:
                try:
                    if joining:
                        self._batch.join(joining)
                    if self._batch.jobs:
                        self._batch.step()
                except Exception as error:
                    self._fail({*self._runner.clear(), *joining}, error)
        self._fail({*self._runner.clear(), *self._waiting}, RuntimeError("the model was closed"))
        self._waiting.clear()
        self._runner.forget_all()
        self._run_errands()

    def _collect(self) -> bool:
        """Take in what has arrived; when there is nothing to do, wait for it. False: stop."""
        idle = not self._batch.jobs and not self._waiting
        until: float | None = None
        while True:
            try:
                if not idle or len(self._waiting) >= self._max_batch:
                    item = self._inbox.get_nowait()
                elif until is None:
                    item = self._inbox.get()
                else:
                    item = self._inbox.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return True
            if item is None:
                return False
            if isinstance(item, str):
                self._forget(item)
                continue
            self._waiting += item if isinstance(item, list) else [item]
            if until is None:
                until = time.monotonic() + self._wait

    def _forget(self, session: str) -> None:
        with self._still:
            self._runner.forget(session)
        self._run_errands()

    def _run_errands(self) -> None:
        while self._errands:
            self._errands.popleft().run()

    def _fail(self, jobs: set[Job], error: Exception) -> None:
        """Tell those who wait for `jobs` what went wrong."""
        reason = " ".join(str(error).split())[:300]
        for job in jobs:
            if not job.done.done():
                kind = "memory" if "OutOfMemory" in type(error).__name__ else "local"
                job.resolve(ModelError(f"{self._name}: {type(error).__name__}: {reason}", kind=kind))
