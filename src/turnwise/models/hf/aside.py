"""Where computing happens on a CPU: in as few threads as can be.

OpenMP gives every thread that computes helpers of its own. As soon as all of them together are more than the
processors, each dozes off after every operation, and waking them takes longer than a small operation does: a
small network runs at two thirds of its speed. Threads that end take their helpers with them. So what is
computed once is computed `aside`, and training in the thread that samples (`worker`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Errand(Generic[Result]):
    """Work for another thread, and what has come of it."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._done: Future[Result] = Future()

    def run(self) -> None:
        """Do it."""
        try:
            self._done.set_result(self._work())
        except BaseException as error:
            self._done.set_exception(error)

    def result(self) -> Result:
        """Wait until it is done.

        Raises:
            BaseException: what the work raised.
        """
        return self._done.result()


def aside(work: Callable[[], Result]) -> Result:
    """Do work in a thread of its own, which ends with it."""
    errand = Errand(work)
    thread = threading.Thread(target=errand.run, name="aside", daemon=True)
    thread.start()
    thread.join()
    return errand.result()
