"""Many episodes at once: a fixed number of coroutines that take the next episode of the plan and play it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from turnwise import outside
from turnwise.agent import Agent
from turnwise.engine.gateway import Gateway
from turnwise.engine.resolve import Cast
from turnwise.engine.tally import Tally
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ModelError, ReplayDivergence, TurnwiseError
from turnwise.limits import Limits
from turnwise.log import EpisodeLog, Stop
from turnwise.recording import Recording
from turnwise.store.journal import EpisodeJournal, RunJournal
from turnwise.task import Task


class Job(NamedTuple):
    """One episode to play, from its beginning or from where its log ends."""

    number: int
    task: Task
    epoch: int
    seed: int
    log: EpisodeLog | None = None
    """What is known of it already."""
    part: int = 0
    """Number of the next part of its log in the store; 0 where nothing of it is stored."""
    lenient: bool = False
    """See `Recording`."""
    turns: int | None = None
    """Most turns said in it, where that is fewer than the run's limit."""


_MANY = 20
"""Episodes at a time from which the garbage collector is in the way."""
_TOGETHER, _APART = 14, 0.001
"""Episodes that begin at once, and seconds until more do: of one length, what begins together ends together,
and many ends and beginnings at one time hold up everybody's next call."""


class Halt(Exception):
    """The run stops here; what was played stands."""


class Runner:
    """Plays jobs.

    Args:
        environment: What is played.
        cast: Who plays.
        journal: Where it is written.
        tally: Where it is counted.
        limits: Of each episode.
        concurrency: Most episodes at a time.
        max_errors: See `RunConfig`.
        show: Called with each picture that an environment shows; see `Episode.show`.
    """

    def __init__(
        self,
        environment: Environment,
        cast: Cast,
        journal: RunJournal,
        tally: Tally,
        *,
        limits: Limits | None = None,
        concurrency: int = 200,
        max_errors: float | None = None,
        show: Callable[[int, Any], None] | None = None,
    ) -> None:
        self.environment = environment
        self.cast = cast
        self.journal = journal
        self.tally = tally
        self.limits = None if limits == Limits() else limits
        self.concurrency = concurrency
        self.max_errors = max_errors
        self.show = show
        self._agents, self._successors = succession(cast)
        self._trouble: TurnwiseError | None = None
        self._stopped = False
        self._taken = False
        """Whether the last job was taken."""
        self._workers: list[asyncio.Task[None]] = []

    async def run(self, jobs: Iterable[Job], *, at_most: int | None = None) -> None:
        """Play all jobs.

        Args:
            jobs: Taken one by one, as coroutines come free.
            at_most: How many there are, where that is known.

        Raises:
            Halt: stopped by `stop`, or by too many errors.
            TurnwiseError: what made going on senseless: the store is full, a model never answers, a
                resumed episode diverges.
        """
        self.journal.on_failure = self.stop
        count = self.concurrency if at_most is None else max(1, min(self.concurrency, at_most))
        queue = iter(jobs)
        with contextlib.nullcontext() if count < _MANY else _less_garbage_collection():
            try:
                ends = await self._work_all(queue, count)
            finally:
                # Also where whoever waits for the run was cancelled: what was played is written down.
                self.tally.running.clear()
                await self.journal.close()
        if self._trouble is not None:
            raise self._trouble
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end
        if self._stopped:
            raise Halt("stopped")

    def stop(self) -> None:
        """Begin nothing new and give up what is in flight; finished turns are kept."""
        self._stopped = True
        for worker in self._workers:
            worker.cancel()

    async def _work_all(self, queue: Iterator[Job], count: int) -> list[BaseException | None]:
        """Let `count` coroutines work until no job is left."""
        self._workers = []
        together = _TOGETHER
        # A loop does not rest while somebody has yet to begin.
        world = outside.here()
        world.count(1)
        try:
            while len(self._workers) < count and not (self._stopped or self._taken):
                first = not self._workers
                more = min(together, count - len(self._workers))
                self._workers += [asyncio.create_task(self._work(queue)) for _ in range(more)]
                await asyncio.sleep(0 if first else _APART)
                if first and outside.is_busy(asyncio.get_running_loop()):
                    # Nobody waits for answers: there is nobody to hold up.
                    together = count
        except asyncio.CancelledError:
            self.stop()
            await asyncio.wait(self._workers)
            raise
        finally:
            world.count(-1)
        return await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self, queue: Iterator[Job]) -> None:
        for job in queue:
            journal = self.journal.of(job.number, job.part)
            episode = self._begin(job, journal)
            try:
                await episode.play()
            except ReplayDivergence as error:
                self._give_up(ReplayDivergence(f"episode {job.number}, {error}"))
            else:
                self._end(job, episode, journal)
            if self._stopped:
                return
            if self.journal.overdue:
                # Where agents wait for nothing, nothing else would ever run: no writing, no sign of life.
                await asyncio.sleep(0)
        self._taken = True

    def _begin(self, job: Job, journal: EpisodeJournal) -> Episode:
        """The episode of a job, written in its journal from now on."""
        log = job.log
        recording = None
        if log is not None:
            recording = Recording(log, live=True, stored=job.part > 0, lenient=job.lenient)
        episode = Episode(
            self.environment,
            job.task,
            self._agents,
            seed=job.seed,
            epoch=job.epoch,
            limits=self.limits if job.turns is None else _shorter(self.limits or Limits(), job.turns),
            recording=recording,
            branches=() if log is None else log.branches,
            successors=self._successors,
            journal=journal,
            watch=self.show,
        )
        if job.part == 0:
            journal.changed(episode)
        self.tally.running[job.number] = episode
        return episode

    def _end(self, job: Job, episode: Episode, journal: EpisodeJournal) -> None:
        """Write the end of an episode down and count it."""
        score = episode.score()
        self.journal.end(episode, journal, score)
        self.tally.end(job.number, episode, score)
        if episode.stop is Stop.ERROR:
            self._judge_failure(episode)
        episode.dissolve()

    def _judge_failure(self, episode: Episode) -> None:
        """Whether an episode's failure is a reason to stop the run."""
        failure = episode.failure
        if isinstance(failure, ModelError) and not self._has_answered():
            # A model that never answered is a fault of the set-up, not of this episode.
            self._give_up(failure)
        limit = self.max_errors
        if limit is None:
            return
        allowed = limit * self.tally.planned if 0 < limit < 1 else limit
        if self.tally.failed > allowed:
            self._give_up(
                TurnwiseError(
                    f"stopped after {self.tally.failed} failed episodes (max_errors is {limit:g}); the last: "
                    f"{type(failure).__name__}: {failure}"
                )
            )

    def _has_answered(self) -> bool:
        """Whether every remote model has answered at least once."""
        gates = [gate for model in self.cast.models.values() if (gate := _gateway(model)) is not None]
        return all(gate.stats.calls or not gate.stats.failed for gate in gates)

    def _give_up(self, error: TurnwiseError) -> None:
        if self._trouble is None:
            self._trouble = error
            self.stop()


def _shorter(limits: Limits, turns: int) -> Limits:
    least = turns if limits.turns is None else min(turns, limits.turns)
    return msgspec.structs.replace(limits, turns=least)


def _gateway(model: Any) -> Gateway | None:
    """The gateway of a model, which may lie under a cache or such."""
    while model is not None and not isinstance(model, Gateway):
        model = getattr(model, "model", None)
    return model


def succession(cast: Cast) -> tuple[Mapping[str, Agent], list[Mapping[str, Agent]]]:
    """Who plays first, and at each fork who takes over."""
    line = [*cast.forebears, cast.agents]
    return line[0], [
        {role: agent for role, agent in after.items() if before.get(role) is not agent}
        for before, after in pairwise(line)
    ]


@contextlib.contextmanager
def _less_garbage_collection() -> Generator[None]:
    """Episodes free themselves by reference counts; the collector need not walk them all the time."""
    thresholds = gc.get_threshold()
    # Frozen without a collection before: what is garbage by now is collected after the run.
    gc.freeze()
    gc.set_threshold(500_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def without_failures(log: EpisodeLog) -> EpisodeLog:
    """What is worth keeping of a failed episode that is tried again: the calls and effects that passed."""
    said = {(turn.role, turn.calls[-1]): turn.message for turn in log.turns if turn.calls}
    calls = [
        call if call.message is not None else msgspec.structs.replace(call, message=said[call.role, call.n])
        for call in log.calls
        if call.error is None
    ]
    return msgspec.structs.replace(
        log,
        turns=(),
        calls=tuple(calls),
        effects=tuple(effect for effect in log.effects if effect.error is None),
        rewards=(),
        notes=(),
        metrics={},
        toolsets=(),
        stop=None,
        detail=None,
        error=None,
    )
