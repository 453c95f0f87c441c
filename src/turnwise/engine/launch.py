"""Starting, resuming, forking and replaying runs: what the command line and the Python API both call."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from turnwise import wire
from turnwise.engine import fork as forking
from turnwise.engine import resolve
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.plan import Plan, seed_of
from turnwise.engine.provenance import provenance
from turnwise.engine.replay import Frame, replay_log
from turnwise.engine.replay import frames as watched
from turnwise.engine.resolve import NONE_GIVEN, Cast, Given
from turnwise.engine.results import Run
from turnwise.engine.runner import Halt, Job, Runner, without_failures
from turnwise.engine.tally import Tally
from turnwise.environment import Environment
from turnwise.errors import ConfigError, ReplayDivergence, StoreError, TaskError, TurnwiseError
from turnwise.log import Stop
from turnwise.message import Message
from turnwise.store import owner
from turnwise.store.store import Store
from turnwise.task import Task

Watch = Callable[[Run, Tally], Any]
"""Called once when a run begins; may return an object with `close()`, called when it ends."""


class RunStopped(TurnwiseError):
    """A run was stopped before its end; what was finished is stored, and `run` can be resumed."""

    def __init__(self, reason: str, run: Run, *, interrupted: bool = False, written: bool = True) -> None:
        how = "train --resume" if run.row.kind == "train" else "resume"
        kept = "all finished turns are stored" if written else "all that was written before is kept"
        super().__init__(f"{reason}; {kept}, go on with: turnwise {how} {run.id}")
        self.run = run
        if interrupted:
            self.exit_code = 130


async def start(
    config: RunConfig,
    store: Store,
    *,
    given: Given = NONE_GIVEN,
    watch: Watch | None = None,
    show: Callable[[int, Any], None] | None = None,
    kind: str = "run",
    parent: str | None = None,
) -> Run:
    """Play a new run to its end.

    Args:
        config: What to play.
        store: Where to keep it.
        given: Things made in Python that go before what the config names.
        watch: See `Watch`.
        show: Called with each picture that the environment shows, and how many turns there were by then.
        kind: What the run is for, where it is part of something else.
        parent: Of what.

    Raises:
        ConfigError: something in `config` cannot be used; nothing was started.
        RunStopped: by Ctrl-C, or because going on was senseless; the cause is chained.
    """
    environment = resolve.environment(config, given)
    tasks = resolve.tasks(config, environment, given)
    config = resolve.completed(config, environment, given)
    cast = resolve.casting(config, environment, given)
    plan = Plan(tasks, epochs=config.epochs, seed=config.seed)
    row = store.create_run(
        environment=environment.name,
        planned=len(plan),
        config=msgspec.to_builtins(config),
        provenance=provenance() | {"tasks": {"count": len(tasks), "hash": tasks.hash}},
        kind=kind,
        parent=parent,
    )
    session = _Session(Run(store, row), config, environment, cast, Tally(len(plan)), watch, show)
    return await session.play((Job(*item) for item in plan), len(plan))


async def resume(
    name: str,
    store: Store,
    *,
    retry: bool = True,
    concurrency: int | None = None,
    given: Given = NONE_GIVEN,
    watch: Watch | None = None,
) -> Run:
    """Go on with a run where it stopped: nothing that is recorded is asked for again.

    Args:
        name: Id of the run, or `last`.
        store: Where it is.
        retry: Try failed episodes again, keeping their calls that passed.
        concurrency: Most episodes at a time from now on.
        given: Things made in Python that go before what the config names.
        watch: See `Watch`.

    Raises:
        TaskError: its task set changed since it began.
        StoreError: another process works on it.
        RunStopped: as `start`; also where an episode diverges because the environment changed.
    """
    run = Run(store, store.run(name))
    if run.row.kind == "train":
        raise ConfigError(f"run {run.id} is a training: go on with it by turnwise train --resume {run.id}")
    store.claim(run.row.number)
    try:
        session, jobs, count = _pick_up(run, retry, concurrency, given, watch)
    except BaseException:
        store.release(run.row.number, "done" if run.row.status == "done" else "stopped")
        raise
    return await session.play(jobs, count)


def _pick_up(
    run: Run, retry: bool, concurrency: int | None, given: Given, watch: Watch | None
) -> tuple[_Session, Iterator[Job], int]:
    """What is left to do of a run, and who does it."""
    config, store = run.config, run.store
    if concurrency is not None:
        config = msgspec.structs.replace(config, concurrency=concurrency)
    if run.row.kind == "judge" and given.tasks is None:
        from turnwise.engine.cases import cases, judged_runs

        given = given._replace(tasks=cases(*judged_runs(run.row.parent or "", store)))
    environment = resolve.environment(config, given)
    plan = None if run.row.kind == "fork" else _same_plan(run, config, environment, given)
    cast = resolve.casting(config, environment, given)
    tally = Tally(run.row.planned)
    begun: set[int] = set()
    done: set[int] = set()
    for number, task, stop, score in store.columns(run.row.number, ("number", "task", "stop", "score")):
        begun.add(number)
        if stop is not None and not (retry and stop == Stop.ERROR.value):
            done.add(number)
            tally.known(stop, task, score)
    pending = [number for number in range(run.row.planned) if number not in done]

    def jobs() -> Iterator[Job]:
        for number in pending:
            if number in begun:
                yield _continued(store, run.row.number, number, environment)
            elif plan is not None:
                yield Job(*plan.item(number))

    return _Session(run, config, environment, cast, tally, watch), jobs(), len(pending)


async def fork(
    episode: str,
    at: int,
    store: Store,
    *,
    seed: int | None = None,
    agents: Mapping[str, AgentConfig | str] | None = None,
    says: str | Message | None = None,
    count: int = 1,
    given: Given = NONE_GIVEN,
    watch: Watch | None = None,
) -> Run:
    """Continue a stored episode another way from turn `at`, as a run of its own; the original stays as it is.

    Args:
        episode: `RUN/NUMBER`.
        at: Index of the first turn to make anew.
        store: Where it is.
        seed: Of all draws from there on; by default one that follows from the original's seed and `at`.
            Further ones (`count`) follow from it.
        agents: Who takes over from there on, by role.
        says: What the role that said turn `at` says there instead, without being asked.
        count: How many ways to go on.
        given: Things made in Python that go before what the config names.
        watch: See `Watch`.

    Raises:
        ConfigError: there is no such turn, role or agent.
        CapabilityError: turn `at` cannot be edited.
        RunStopped: as `start`.
    """
    run, number = find_episode(episode, store)
    log = store.read(run.row.number, number)
    parent = run.config
    chosen = {
        role: agent if isinstance(agent, AgentConfig) else AgentConfig(use=agent)
        for role, agent in (agents or {}).items()
    }
    if says is None:
        shared = log
    else:
        shared, at = forking.edited(log, at, says), at + 1
    # Of the places where the parent itself left its own, only those before `at` are shared.
    kept = len(forking.prefix(shared, at).branches) - 1
    forebears = (*parent.forebears, parent.agents)[: kept + 1]
    config = msgspec.structs.replace(parent, agents=parent.agents | chosen, forebears=forebears, epochs=1)
    made = resolve.environment(config, given)
    environment = resolve.as_played(log, made)
    if environment is not made:
        config = msgspec.structs.replace(config, settings=environment.settings())
    cast = resolve.casting(config, environment, given)
    row = store.create_run(
        environment=environment.name,
        planned=count,
        config=msgspec.to_builtins(config),
        provenance=run.row.provenance,
        kind="fork",
        parent=f"{run.id}/{number}@{at}",
    )
    names = {role: agent.name for role, agent in cast.agents.items()}
    first = seed_of(log.seed, f"fork at {at}", len(log.branches)) if seed is None else seed
    task: Task = wire.from_builtins(log.task, environment.task_type)
    jobs: list[Job] = []
    for index in range(count):
        new_seed = first if index == 0 else seed_of(first, "fork", index)
        known = msgspec.structs.replace(forking.prefix(shared, at, seed=new_seed), agents=names)
        store.plant(row.number, index, known)
        jobs.append(Job(index, task, log.epoch, log.seed, known, part=2))
    session = _Session(Run(store, row), config, environment, cast, Tally(count), watch)
    return await session.play(jobs, count)


class Replayed(msgspec.Struct, kw_only=True):
    """What came of replaying: how many episodes repeated their logs, and which did not."""

    replayed: int = 0
    diverged: int = 0
    errors: dict[str, str] = {}
    """By episode, the first difference."""


async def replay(name: str, store: Store, *, given: Given = NONE_GIVEN) -> Replayed:
    """Run the ended episodes of `RUN`, or the one `RUN/NUMBER`, over their logs, with no model.

    Raises:
        ConfigError: the environment is gone, or the one episode has not ended.
        StoreError: there is no such run or episode.
    """
    if "/" in name:
        run, number = find_episode(name, store)
        if store.read(run.row.number, number).stop is None:
            raise ConfigError(
                f"episode {number} of {run.id} has not ended: turnwise resume {run.id} goes on with it"
            )
        numbers = [number]
    else:
        run = Run(store, store.run(name))
        numbers = [number for number, stop in sorted(store.stops(run.row.number).items()) if stop is not None]
    environment = resolve.environment(run.config, given)
    cast = resolve.casting(run.config, environment, given, mute=True)
    result = Replayed()
    for number, log in store.read_many(run.row.number, numbers):
        try:
            await replay_log(log, resolve.as_played(log, environment), cast)
            result.replayed += 1
        except ReplayDivergence as error:
            result.diverged += 1
            result.errors[f"{run.id}/{number}"] = str(error)
    return result


async def frames(name: str, store: Store, *, given: Given = NONE_GIVEN) -> list[Frame]:
    """The pictures of the episode `RUN/NUMBER`, by replay.

    Raises:
        ConfigError: the environment is gone, or shows no pictures.
        ReplayDivergence: the environment changed since.
        StoreError: there is no such run or episode.
    """
    run, number = find_episode(name, store)
    environment = resolve.environment(run.config, given)
    cast = resolve.casting(run.config, environment, given, mute=True)
    log = store.read(run.row.number, number)
    seen = await watched(log, resolve.as_played(log, environment), cast)
    if not seen:
        raise ConfigError(f"episode {run.id}/{number}: environment {environment.name!r} shows no pictures")
    return seen


def find_episode(name: str, store: Store) -> tuple[Run, int]:
    """The run and number that `RUN/NUMBER` means.

    Raises:
        ConfigError: it is not of that form.
        StoreError: there is no such run or episode.
    """
    run, slash, number = name.rpartition("/")
    if not slash or not number.isdecimal():
        raise ConfigError(f"{name!r} is no episode: expected RUN/NUMBER, e.g. last/0")
    found = Run(store, store.run(run))
    found.check(int(number))
    return found, int(number)


def _same_plan(run: Run, config: RunConfig, environment: Environment, given: Given) -> Plan:
    """The plan the run began with.

    Raises:
        TaskError: its tasks are no longer the same.
    """
    tasks = resolve.tasks(config, environment, given)
    began = run.row.provenance.get("tasks", {})
    if began.get("hash") != tasks.hash:
        raise TaskError(
            f"run {run.id}: its task set {tasks.name!r} changed since it began ({began.get('count')} tasks, "
            f"hash {str(began.get('hash'))[:12]}, now {len(tasks)}, {tasks.hash[:12]}): restore it, or start "
            f"a new run"
        )
    return Plan(tasks, epochs=config.epochs, seed=config.seed)


def _continued(store: Store, run: int, number: int, environment: Environment) -> Job:
    """An episode that was begun, from where its log ends; a failed one without what failed."""
    log, part = store.resumable(run, number)
    lenient = log.stop is Stop.ERROR
    if lenient:
        log = without_failures(log)
        store.plant(run, number, log)
        part = 2
    task: Task = wire.from_builtins(log.task, environment.task_type)
    return Job(number, task, log.epoch, log.seed, log, part, lenient)


class _Session:
    """One process's work on one run: signals, signs of life, and giving the run back in the end."""

    def __init__(
        self,
        run: Run,
        config: RunConfig,
        environment: Environment,
        cast: Cast,
        tally: Tally,
        watch: Watch | None,
        show: Callable[[int, Any], None] | None = None,
    ) -> None:
        self.run = run
        self.cast = cast
        self.tally = tally
        self.watch = watch
        self.runner = Runner(
            environment,
            cast,
            run.store.journal(run.row.number),
            tally,
            limits=config.limits,
            concurrency=config.concurrency,
            max_errors=config.max_errors,
            show=show,
        )

    async def play(self, jobs: Iterable[Job], count: int) -> Run:
        """Play the jobs, and leave the run `done` or `stopped`."""
        run = self.run
        watching = None if self.watch is None else self.watch(run, self.tally)
        async with at_work(run, self.runner.stop):
            try:
                await self.runner.run(jobs, at_most=count)
            finally:
                if watching is not None:
                    watching.close()
                await self.cast.close()
        return run


@contextlib.asynccontextmanager
async def at_work(run: Run, stop: Callable[[], None]) -> AsyncGenerator[None]:
    """Around a process's work on a run: signs of life, Ctrl-C, and leaving the run `done` or `stopped`.

    Args:
        run: Owned by this process.
        stop: Called at the first Ctrl-C; what it stops raises `Halt` then.

    Raises:
        RunStopped: in place of any `TurnwiseError`.
    """
    status = "stopped"
    beating = asyncio.create_task(_beat(run))
    try:
        with _signals(stop):
            yield
        status = "done"
    except Halt as halt:
        raise RunStopped(str(halt), run, interrupted=True) from None
    except TurnwiseError as error:
        raise RunStopped(str(error), run, written=not isinstance(error, StoreError)) from error
    finally:
        beating.cancel()
        with contextlib.suppress(StoreError):
            run.store.release(run.row.number, status)
            run.refresh()


async def _beat(run: Run) -> None:
    while True:
        await asyncio.sleep(owner.BEAT_SECONDS)
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(run.store.beat, run.row.number)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Generator[None]:
    """The first Ctrl-C (or a termination) stops in good order; the second one is Python's own."""
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        release()
        stop()

    def release() -> None:
        for number in wanted:
            with contextlib.suppress(ValueError, NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in wanted:
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        release()
