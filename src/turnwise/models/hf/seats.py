"""The runner for networks that are written out here: every sequence has a seat in one memory.

The sequences that are being generated sit in the first seats. Behind them sit the pasts of sessions that are
between two turns; one that comes back goes on where it sits, so nothing is copied as long as the same
sessions come and go together. Who is in the way moves: a past out of the seats, a sequence to the seat of one
that has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from turnwise.models.hf.job import Job
from turnwise.models.hf.llama import Call, Llama
from turnwise.models.hf.past import Past, Pasts

if TYPE_CHECKING:
    from torch import Tensor

_STEP = 64
"""The number of slots is a multiple of it."""


class SeatRunner:
    """See the module and `Runner`.

    Args:
        network: What to run.
        pasts: Where pasts are found and left.
    """

    def __init__(self, network: Llama, pasts: Pasts) -> None:
        self.jobs: list[Job] = []
        """The job in each seat, from the first."""
        self._network = network
        self._pasts = pasts
        self._memory = network.memory()
        self._call: Call | None = None
        """The last step's, as long as the same jobs take the next one."""
        self._seat_of: dict[str, int] = {}
        """Where the past of a session sits, if it is kept still."""
        self._session_in: dict[int, str] = {}
        """The same the other way round."""

    def admit(self, jobs: Sequence[Job]) -> list[Job]:
        """See `Runner.admit`. Newcomers take the next seats, in any order."""
        pasts = {job: self._pasts.find(job.session) for job in jobs}
        for job, past in pasts.items():
            job.cached = 0 if past is None else past.common(job.prompt)
        free = range(len(self.jobs), len(self.jobs) + len(jobs))
        self._reserve(free.stop, max(job.cached for job in jobs))
        taken: dict[int, Job] = {}
        others: list[Job] = []
        for job, past in pasts.items():
            seat = self._seat_of[job.session] if past is not None and past.held is None else -1
            if seat in free and seat not in taken:
                taken[seat] = job
            else:
                others.append(job)
        at_home = list(taken)
        for seat, job in zip([seat for seat in free if seat not in taken], others, strict=True):
            self._vacate(seat)
            if job.cached:
                self._memory.write(seat, self._tokens(job, pasts[job]))
            taken[seat] = job
        for seat in at_home:
            # From now on the seat holds what the job makes of it.
            self._pasts.drop(self._leave(seat))
        placed = [taken[seat] for seat in free]
        self.jobs = [*self.jobs, *placed]
        self._call = None
        return placed

    def feed(self, jobs: Sequence[Job]) -> Tensor:
        """See `Runner.feed`."""
        width = max(job.to_feed for job in jobs)
        start = [job.cached for job in jobs]
        self._reserve(0, max(start) + width)
        seat = {job: number for number, job in enumerate(self.jobs)}
        call = self._network.place(start, width, [seat[job] for job in jobs], self._memory)
        ids: list[int] = []
        for job in jobs:
            ids += job.prompt[job.cached :]
            ids += [0] * (width - job.to_feed)
        return self._run(ids, call, [job.to_feed - 1 for job in jobs])

    def step(self) -> Tensor:
        """See `Runner.step`."""
        if self._call is None or self._call.slots == self._memory.slots:
            start = [job.held for job in self.jobs]
            self._reserve(0, max(start) + 1)
            self._call = self._network.place(start, 1, range(len(start)), self._memory)
        else:
            self._call = self._network.after(self._call)
        return self._run([job.sampled[-1] for job in self.jobs], self._call)

    def part(self, gone: Sequence[bool]) -> None:
        """See `Runner.part`."""
        for seat, job in enumerate(self.jobs):
            if gone[seat] and job.session and job.wanted:
                self._keep(seat, job)
        left = len(gone) - sum(gone)
        empty = [seat for seat in range(left) if gone[seat]]
        moving = [seat for seat in range(left, len(gone)) if not gone[seat]]
        for seat, other in zip(empty, moving, strict=True):
            self._exchange(seat, other)
        self.jobs = self.jobs[:left]
        self._call = None
        self._rest()

    def forget(self, session: str) -> None:
        """See `Runner.forget`."""
        self._pasts.drop(session)

    def forget_all(self) -> None:
        """See `Runner.forget_all`."""
        self._pasts.clear()
        self._seat_of.clear()
        self._session_in.clear()
        self._rest()

    def clear(self) -> list[Job]:
        """See `Runner.clear`."""
        jobs, self.jobs, self._call = self.jobs, [], None
        return jobs

    def _run(self, ids: list[int], call: Call, last: Sequence[int] = ()) -> Tensor:
        return self._network(torch.tensor(ids, device=self._network.device), call, self._memory, last)

    def _reserve(self, seats: int, slots: int) -> None:
        """Have room, and some more, so that it is not asked for again soon."""
        memory = self._memory
        if seats > memory.seats:
            seats = 1 << (seats - 1).bit_length()
        if slots > memory.slots:
            slots = -(-max(slots, 3 * memory.slots // 2) // _STEP) * _STEP
        memory.reserve(seats, slots)

    def _rest(self) -> None:
        """Give the memory back when nobody generates, where it is more than pasts may take."""
        if not self.jobs and self._memory.bytes > self._pasts.room:
            for seat in list(self._session_in):
                self._vacate(seat)
            self._memory.release()

    def _tokens(self, job: Job, past: Past | None) -> Tensor:
        """Keys and values of what a job has in the cache."""
        assert past is not None
        if past.held is None:
            return self._memory.read(self._seat_of[job.session], job.cached)
        return past.held[0][:, :, :, : job.cached]

    def _keep(self, seat: int, job: Job) -> None:
        """Leave what a seat holds to the job's session."""
        past = Past([*job.prompt, *job.sampled[:-1]], job.held * self._memory.token_bytes, None)
        self._pasts.keep(job.session, past)
        self._sit(seat, job.session)

    def _sit(self, seat: int, session: str) -> None:
        """A session's past sits here, and nowhere else."""
        self._session_in.pop(self._seat_of.get(session, -1), None)
        self._seat_of[session] = seat
        self._session_in[seat] = session

    def _leave(self, seat: int) -> str:
        """No past sits here any more; returns whose did, "" where none did."""
        session = self._session_in.pop(seat, "")
        self._seat_of.pop(session, None)
        return session

    def _vacate(self, seat: int) -> None:
        """Let the past that sits here have a place of its own."""
        session = self._leave(seat)
        past = self._pasts.peek(session)
        if past is not None:
            self._pasts.move(session, [self._memory.read(seat, len(past.ids))])

    def _exchange(self, seat: int, other: int) -> None:
        """Move the job of the other seat here, and what sits here there."""
        session = self._leave(seat)
        past = self._pasts.peek(session)
        kept = None if past is None else self._memory.read(seat, len(past.ids))
        self._memory.write(seat, self._memory.read(other, self.jobs[other].held))
        if kept is not None:
            self._memory.write(other, kept)
            self._sit(other, session)
        self.jobs[seat] = self.jobs[other]
