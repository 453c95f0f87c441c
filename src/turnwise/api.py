"""The short Python API: `run`, `train`, `resume`, `fork`, `replay`, `runs`, `open_run`, and async forms.

The functions without `_async` may be called anywhere, in a notebook's running event loop too.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from turnwise import registry
from turnwise.agent import Agent
from turnwise.engine import launch, resolve
from turnwise.engine.config import AgentConfig, RunConfig, parse
from turnwise.engine.launch import Replayed, RunStopped, Watch
from turnwise.engine.resolve import Given
from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.message import Message
from turnwise.model import Model
from turnwise.store.store import Store
from turnwise.task import Task, TaskSet

__all__ = [
    "Replayed",
    "Run",
    "RunStopped",
    "Store",
    "fork",
    "fork_async",
    "open_run",
    "replay",
    "replay_async",
    "resume",
    "resume_async",
    "run",
    "run_async",
    "runs",
    "train",
    "train_async",
]

AnyAgent: TypeAlias = str | AgentConfig | Agent | Model | Any
"""A name as on the command line, an agent, a model, a script (see `turnwise.models.scripted`)."""
AnyStore: TypeAlias = Store | str | Path | None
T = TypeVar("T")


async def run_async(
    environment: str | Environment | type[Environment],
    agent: AnyAgent = None,
    *,
    agents: Mapping[str, AnyAgent] | None = None,
    tasks: str | Path | Iterable[Task] | None = None,
    store: AnyStore = None,
    watch: Watch | None = None,
    **options: Any,
) -> Run:
    """Play tasks x epochs and keep them in a store.

    Args:
        environment: A registered name, `file.py:Class`, or the thing itself.
        agent: Who fills the first role.
        agents: Who fills further roles.
        tasks: A `.jsonl`, `.toml` or `.parquet` file, or tasks; by default the environment's own.
        store: A path, a URL or a `Store`; by default `turnwise.db` in the current folder.
        watch: Is told of the run and its tally when it begins.
        **options: Fields of `RunConfig`: `limit`, `epochs`, `seed`, `settings`, `limits`, `concurrency` ...

    Raises:
        ConfigError, TaskError: something cannot be used; nothing was started.
        RunStopped: it stopped before its end, and can be resumed.
    """
    everyone = dict(agents or {})
    made = environment() if isinstance(environment, type) else environment
    if agent is not None:
        name = resolve.environment(RunConfig(environment=made)) if isinstance(made, str) else made
        everyone = {name.roles[0]: agent, **everyone}
    named, given = resolve.told_apart(everyone)
    raw: dict[str, Any] = {**options, "agents": named}
    if isinstance(made, str):
        raw["environment"] = made
    else:
        raw |= {"environment": _place(type(made)), "settings": made.settings()}
    task_set: TaskSet | None = None
    if isinstance(tasks, (str, Path)):
        raw["tasks"] = str(tasks)
    elif tasks is not None:
        task_set = TaskSet(tasks)
    things = Given(None if isinstance(made, str) else made, task_set, given)
    return await launch.start(parse(raw), _open(store), given=things, watch=watch)


async def resume_async(
    run: str,
    *,
    store: AnyStore = None,
    environment: Environment | None = None,
    agents: Mapping[str, AnyAgent] | None = None,
    tasks: Iterable[Task] | None = None,
    **options: Any,
) -> Run:
    """Go on with a run where it stopped; see `turnwise.engine.launch.resume`.

    What was given as Python objects when it began must be given again.
    """
    given = Given(environment, None if tasks is None else TaskSet(tasks), _made(agents))
    return await launch.resume(run, _open(store), given=given, **options)


async def fork_async(
    episode: str,
    at: int,
    *,
    store: AnyStore = None,
    seed: int | None = None,
    agents: Mapping[str, AnyAgent] | None = None,
    says: str | Message | None = None,
    count: int = 1,
    environment: Environment | None = None,
) -> Run:
    """Continue `RUN/NUMBER` another way from turn `at` on; see `turnwise.engine.launch.fork`."""
    named, given = resolve.told_apart(agents or {})
    return await launch.fork(
        episode,
        at,
        _open(store),
        seed=seed,
        agents=named,
        says=says,
        count=count,
        given=Given(environment, None, given),
    )


async def replay_async(
    run: str,
    *,
    store: AnyStore = None,
    environment: Environment | None = None,
    agents: Mapping[str, AnyAgent] | None = None,
) -> Replayed:
    """Run a whole run's or one episode's script over its log; see `turnwise.engine.launch.replay`.

    A scaffold that was given as a Python object must be given again, as what it does is part of the episode;
    its model is not asked.
    """
    return await launch.replay(run, _open(store), given=Given(environment, None, _made(agents)))


def run(environment: str | Environment | type[Environment], agent: AnyAgent = None, **options: Any) -> Run:
    """Play tasks x epochs and keep them in a store; see `run_async`."""
    return _wait(run_async(environment, agent, **options))


def resume(run: str, **options: Any) -> Run:
    """Go on with a run where it stopped; see `resume_async`."""
    return _wait(resume_async(run, **options))


def fork(episode: str, at: int, **options: Any) -> Run:
    """Continue an episode another way; see `fork_async`."""
    return _wait(fork_async(episode, at, **options))


def replay(run: str, **options: Any) -> Replayed:
    """Run scripts over their logs, with no model; see `replay_async`."""
    return _wait(replay_async(run, **options))


async def train_async(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    resume: str | None = None,
    environment: str | Environment | type[Environment] | None = None,
    agents: Mapping[str, AnyAgent] | None = None,
    tasks: str | Path | Iterable[Task] | None = None,
    store: AnyStore = None,
    **options: Any,
) -> Run:
    """Train a model on the episodes it plays; needs `turnwise[learn]`.

    Args:
        config: A TOML file, or keys of `turnwise.learn.config.TrainConfig`.
        resume: A training to go on with from its last checkpoint, instead of beginning one. What was given as
            Python objects when it began must be given again.
        environment: A registered name, `file.py:Class`, or the thing itself.
        agents: Who fills the other roles.
        tasks: A `.jsonl`, `.toml` or `.parquet` file, or tasks; by default the environment's own.
        store: A path, a URL or a `Store`; by default `turnwise.db` in the current folder.
        **options: Further keys (`model`, `steps`, `credit`, `lr` ...), and `engine`, `watch` and `say` of
            `turnwise.learn.start.train`.

    Raises:
        ConfigError: something cannot be used; nothing was started.
        RunStopped: it stopped before its end, and can be resumed.
    """
    from turnwise.learn import start
    from turnwise.learn.config import parse_training, read_training

    live = {name: options.pop(name) for name in ("engine", "watch", "say") if name in options}
    made = environment() if isinstance(environment, type) else environment
    named, given = resolve.told_apart(agents or {})
    task_set = None if tasks is None or isinstance(tasks, (str, Path)) else TaskSet(tasks)
    things = Given(None if isinstance(made, str) else made, task_set, given)
    if resume is not None:
        return await start.resume(resume, _open(store), given=things, **live)
    raw = read_training(config) if isinstance(config, (str, Path)) else dict(config or {})
    raw |= options
    if isinstance(made, str):
        raw["environment"] = made
    elif made is not None:
        raw |= {"environment": _place(type(made)), "settings": made.settings()}
    if named:
        raw["agents"] = {**raw.get("agents", {}), **named}
    if isinstance(tasks, (str, Path)):
        raw["tasks"] = str(tasks)
    where = str(config) if isinstance(config, (str, Path)) else "config"
    return await start.train(parse_training(raw, where=where), _open(store), given=things, **live)


def train(config: str | Path | Mapping[str, Any] | None = None, **options: Any) -> Run:
    """Train a model; see `train_async`."""
    return _wait(train_async(config, **options))


def runs(store: AnyStore = None) -> list[Run]:
    """All runs of a store, newest first."""
    opened = _open(store)
    return [Run(opened, row) for row in opened.runs()]


def open_run(run: str = "last", *, store: AnyStore = None) -> Run:
    """A run to read, by its id, the beginning of it, or `last`."""
    opened = _open(store)
    return Run(opened, opened.run(run))


def _place(kind: type[Environment]) -> str:
    """Where a config finds a class again: by its scheme, and a script that is being run by its file."""
    if registry.scheme("environments", kind.name) is not None:
        return kind.name
    module = kind.__module__
    if module == "__main__":
        module = str(Path(getattr(sys.modules[module], "__file__", None) or module).resolve())
    return f"{module}:{kind.__qualname__}"


def _open(store: AnyStore) -> Store:
    return store if isinstance(store, Store) else Store(store)


def _made(agents: Mapping[str, AnyAgent] | None) -> dict[str, Agent]:
    return resolve.told_apart(
        {role: agent for role, agent in (agents or {}).items() if not isinstance(agent, str)}
    )[1]


def _wait(work: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # A loop runs here already (a notebook): wait in a thread with a loop of its own.
    outcome: list[Any] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=target, name="turnwise")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return cast("T", outcome[0])
