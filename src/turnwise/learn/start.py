"""Beginning a training, and going on with one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from turnwise.engine import resolve
from turnwise.engine.launch import Watch
from turnwise.engine.provenance import provenance
from turnwise.engine.resolve import NONE_GIVEN, Given
from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.learn.checkpoints import owner_of
from turnwise.learn.config import TrainConfig, named, parse_training
from turnwise.learn.engine import registry as engines
from turnwise.learn.engine.protocol import Engine
from turnwise.learn.lesson import MAIN, Learner, Lesson, prepare
from turnwise.learn.loop import Say, go_on
from turnwise.learn.trainer import Student
from turnwise.store.store import Store

_COMPUTING = ("device", "dtype", "tokens", "layout")
"""Options of engines that a reference shares."""


async def train(
    config: TrainConfig,
    store: Store,
    *,
    given: Given = NONE_GIVEN,
    engine: Engine | Mapping[str, Engine] | None = None,
    watch: Watch | None = None,
    say: Say = lambda line: None,
) -> Run:
    """Train from the beginning.

    Args:
        config: What and how.
        store: Where the run goes.
        given: Things made in Python that go before what the config names.
        engine: What to train, or one for each learner by its name; by default those the config names.
        watch: Shows progress; see `launch.Watch`.
        say: Is told of each line of the log.

    Raises:
        ConfigError: something in `config` cannot be used; nothing was started.
        RunStopped: by Ctrl-C, or because going on was senseless; it can be resumed.
    """
    lesson = prepare(config, given)
    if config.folder is not None and (whose := owner_of(Path(config.folder))) is not None:
        raise ConfigError(
            f"folder {config.folder} holds the training {whose}: go on with it by turnwise train --resume "
            f"{whose}, or name another folder"
        )
    students = [_student(learner, engine) for learner in lesson.learners]
    played = resolve.completed(lesson.run_config, lesson.environment, given)
    about = {
        "tasks": {"count": len(lesson.tasks), "hash": lesson.tasks.hash},
        "train": msgspec.to_builtins(config),
    }
    row = store.create_run(
        environment=lesson.environment.name,
        planned=config.steps * lesson.per_step,
        config=msgspec.to_builtins(played),
        provenance=provenance() | about,
        kind="train",
    )
    return await go_on(lesson, students, Run(store, row), watch=watch, say=say)


async def resume(
    name: str,
    store: Store,
    *,
    given: Given = NONE_GIVEN,
    engine: Engine | Mapping[str, Engine] | None = None,
    watch: Watch | None = None,
    say: Say = lambda line: None,
) -> Run:
    """Go on with a training from its last checkpoint.

    Raises:
        ConfigError: it is no training, its tasks changed, or its checkpoint is of another model.
        StoreError: another process works on it.
        RunStopped: as `train`.
    """
    run = Run(store, store.run(name))
    lesson = _resumed(run, given)
    students = [_student(learner, engine) for learner in lesson.learners]
    store.claim(run.row.number)
    return await go_on(lesson, students, run.refresh(), watch=watch, say=say)


def _resumed(run: Run, given: Given) -> Lesson:
    if run.row.kind != "train":
        raise ConfigError(f"run {run.id} is no training: go on with it by turnwise resume {run.id}")
    config = parse_training(run.row.provenance["train"], where=f"run {run.id}")
    lesson = prepare(config, given)
    if lesson.tasks.hash != run.row.provenance["tasks"]["hash"]:
        raise ConfigError(f"run {run.id}: its tasks changed since it began: restore them, or train anew")
    return lesson


def _student(learner: Learner, given: Engine | Mapping[str, Engine] | None) -> Student:
    """A learner with its weights.

    Raises:
        ConfigError: they cannot be loaded.
        CapabilityError: its engine has no room for a critic.
    """
    config = learner.config
    engine = (
        given.get(learner.name) if isinstance(given, Mapping) else given if learner.name == MAIN else None
    )
    engine = engine or engines.engine_of(config)
    critic = reference = None
    if "values" in learner.method.takes:
        from turnwise.learn.engine.critic import critic_of

        critic = critic_of(engine)
    if config.kl:
        # The weights it began with, whatever became of them since: without adapters, which began as nothing,
        # and in this process, whoever samples.
        given_options = named(config.engine, "engine").options
        how = {key: value for key, value in given_options.items() if key in _COMPUTING}
        first = msgspec.structs.replace(config, engine={"name": "local", **how}, lag=0)
        reference = engines.engine_of(first)
    return Student(learner, engine, critic, reference)
