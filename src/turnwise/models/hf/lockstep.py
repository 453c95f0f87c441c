"""Batches that follow from what is asked alone, never from when it is asked.

A batch of another shape adds the same numbers in another order, so which calls happen to be generated
together shows in the last digits of log-probabilities, and sooner or later in a token. Here generation goes
on only when the event loop has come to rest: all that was answered has been acted upon, and whoever will ask
next has asked. Rest is counted in rounds of the loop, not in seconds, so a slow machine makes the same
batches as a quick one. Jobs still join and leave between any two tokens; nobody waits for the longest answer.

Where several models talk to each other (two policies, a policy and its past), all rest together: none is
given new jobs while another computes.

Where an episode asks the outside world (a tool, a sandbox: `turnwise.outside`), all wait for the answer, for
the same reason. What another service's model answers comes when it comes, and joins then: it is not the same
twice anyway.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary, WeakSet

from turnwise import outside
from turnwise.models.hf.batch import Batch
from turnwise.models.hf.job import Job
from turnwise.models.hf.worker import Worker

_ROUNDS = 32
"""Rounds of the event loop without a new job after which nobody is about to ask."""


class Rest:
    """When the running event loop has come to rest, waits for nothing outside, and no worker computes."""

    def __init__(self) -> None:
        self.workers: WeakSet[LockstepWorker] = WeakSet()
        self._outside = outside.here()
        self._outside.answered = self.disturbed
        self._quiet = 0
        """Rounds of the loop since something happened."""
        self._counting = False

    def disturbed(self) -> None:
        """A job came, or a worker came to wait: count from now on."""
        self._quiet = 0
        if not self._counting and self._all_wait():
            self._counting = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._quiet += 1
        if self._quiet < _ROUNDS:
            asyncio.get_running_loop().call_soon(self._round)
            return
        self._counting = False
        if self._all_wait():
            for worker in list(self.workers):
                worker.go_on()

    def _all_wait(self) -> bool:
        return not self._outside.pending and all(worker.waits for worker in self.workers)


_rests: WeakKeyDictionary[asyncio.AbstractEventLoop, Rest] = WeakKeyDictionary()


class LockstepWorker(Worker):
    """A worker that looks for new jobs only when an answer was given and the event loop has come to rest.

    Args:
        name: What errors call the model.
        batch: The batch.
        max_batch: Most jobs at once.
    """

    def __init__(self, name: str, batch: Batch, *, max_batch: int) -> None:
        super().__init__(name, batch, max_batch=max_batch, wait=0.0)
        self._loop: asyncio.AbstractEventLoop | None = None
        # What follows is touched in the event loop only.
        self._rest: Rest | None = None
        self._asked: list[Job] = []
        """Asked for since the last cohort."""
        self._wanted = False
        """Whether the thread waits for a cohort."""
        self._busy = False
        """Whether it has other jobs to go on with, so that an empty one will do."""
        self._ended = -1
        """Jobs that had ended when new ones were last looked for."""

    @property
    def waits(self) -> bool:
        """Whether it is not computing."""
        return self._wanted or self._thread is None

    def submit(self, job: Job) -> None:
        """Have a job done, together with all that are asked for before the loop rests."""
        rest = self._enter()
        # Who asks for the sake of a tool or the like would wait for himself.
        outside.excused()
        self._start()
        self._asked.append(job)
        rest.disturbed()

    def _enter(self) -> Rest:
        """Rest with the others in the running event loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._rest is None:
            if self._rest is not None:
                self._rest.workers.discard(self)
            if loop not in _rests:
                _rests[loop] = Rest()
            self._loop, self._rest = loop, _rests[loop]
            self._rest.workers.add(self)
        return self._rest

    def go_on(self) -> None:
        """The loop rests: give the thread what was asked for, if there is anything to do."""
        if self._wanted and (self._asked or self._busy):
            self._wanted = False
            self._inbox.put(sorted(self._asked, key=lambda job: job.place))
            self._asked.clear()

    def _want(self, busy: bool) -> None:
        """The thread waits for a cohort."""
        self._wanted, self._busy = True, busy
        if self._rest is not None:
            self._rest.disturbed()

    def _collect(self) -> bool:
        """Where somebody was answered, or there is nothing to do: what is asked next. False: stop."""
        ended = self._batch.counters.ended
        busy = bool(self._batch.jobs or self._waiting)
        if busy and ended == self._ended:
            return True
        self._ended = ended
        try:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._want, busy)
        except RuntimeError:
            # A closed loop asks nothing more; the next one's first job begins the count.
            self._wanted, self._busy = True, busy
        while True:
            item = self._inbox.get()
            if item is None:
                return False
            if isinstance(item, str):
                self._forget(item)
                continue
            self._waiting += item if isinstance(item, list) else [item]
            return True
