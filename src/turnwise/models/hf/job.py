"""What is to be generated (`Job`), and who computes it (`Runner`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Literal, Protocol

from turnwise.models.draws import Draw, Likeliest

if TYPE_CHECKING:
    from torch import Tensor


class Job:
    """One sequence to generate, and what has come of it.

    Args:
        prompt: Token ids to start from.
        draw: How to draw tokens.
        limit: Most tokens to sample.
        stop: Strings that end the sample.
        session: Whose past to use and to leave.
        place: What orders jobs that were asked for at the same time; see `lockstep`.
        loop: Where it is awaited; see `answer`.
    """

    __slots__ = (
        "alternatives",
        "cached",
        "done",
        "draw",
        "finish",
        "limit",
        "logprobs",
        "loop",
        "place",
        "prompt",
        "sampled",
        "session",
        "stop",
        "wanted",
    )

    def __init__(
        self,
        prompt: list[int],
        draw: Draw,
        limit: int,
        *,
        stop: tuple[str, ...] = (),
        session: str = "",
        place: tuple[str, int] = ("", 0),
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.prompt = prompt
        self.draw = draw
        self.limit = limit
        self.stop = stop
        self.session = session
        self.place = place
        self.loop = loop
        self.cached = 0
        """Prompt tokens that were in the cache."""
        self.sampled: list[int] = []
        self.logprobs: list[float] = []
        self.alternatives: list[Likeliest] = []
        """For each sampled token, where the draw asks for them."""
        self.finish: Literal["stop", "length"] | None = None
        self.done: Future[Job] = Future()
        """Resolves to the job itself; cancelling it ends the work on it."""
        self.wanted = True
        """Whether it was not cancelled."""
        self.done.add_done_callback(self._ended)

    @property
    def held(self) -> int:
        """Tokens that were fed once it has joined: all but the last one sampled."""
        return len(self.prompt) + len(self.sampled) - 1

    @property
    def to_feed(self) -> int:
        """Prompt tokens that are not in the cache."""
        return len(self.prompt) - self.cached

    def resolve(self, error: Exception | None = None) -> None:
        """Say that it is done, or why it will not be, unless nobody wants to know any more."""
        if self.done.set_running_or_notify_cancel():
            if error is None:
                self.done.set_result(self)
            else:
                self.done.set_exception(error)

    def _ended(self, done: Future[Job]) -> None:
        self.wanted = not done.cancelled()


def answer(jobs: Sequence[Job]) -> None:
    """Say that jobs are done, each in the loop where it is awaited, and those of one loop in one go: to wake
    it for each of them, and to take turns with it at Python, would cost more than their tokens."""
    waiting: dict[asyncio.AbstractEventLoop | None, list[Job]] = {}
    for job in jobs:
        waiting.setdefault(job.loop, []).append(job)
    for loop, mine in waiting.items():
        try:
            if loop is not None:
                loop.call_soon_threadsafe(_resolve, mine)
                continue
        except RuntimeError:
            # It is closed, and nobody waits any more.
            pass
        _resolve(mine)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.resolve()


class Runner(Protocol):
    """Runs a network over the sequences that are being generated, and holds their keys and values.

    What a sequence leaves behind stays for its session's next turn, as long as there is room.
    """

    jobs: list[Job]
    """The sequences in the order of its rows."""

    def admit(self, jobs: Sequence[Job]) -> list[Job]:
        """Make room for newcomers and find their pasts, whose lengths become `Job.cached`; each is then fed.

        Returns:
            The newcomers, those together that are best fed together.
        """
        ...

    def feed(self, jobs: Sequence[Job]) -> Tensor:
        """Feed the prompts of newcomers, less what is cached.

        Returns:
            Logits after each prompt, [jobs, vocabulary].
        """
        ...

    def step(self) -> Tensor:
        """Feed the last sampled token of each sequence.

        Returns:
            Logits [sequences, vocabulary].
        """
        ...

    def part(self, gone: Sequence[bool]) -> None:
        """Let sequences go; those that are finished and wanted leave a past to their session."""
        ...

    def forget(self, session: str) -> None:
        """Drop a session's past."""
        ...

    def forget_all(self) -> None:
        """Drop the pasts of all sessions."""
        ...

    def clear(self) -> list[Job]:
        """Drop all sequences; returns them."""
        ...
