"""The trainer: collect, credit, loss, step, and again.

    episodes = await collect(...)            the engine plays tasks x group, as in any run
    batch = batch_of(episodes)               exactly what was sampled, as flat arrays
    advantages = credit_of(...)              one number a sampled token
    metrics = update(...)                    loss, gradient, step

Each is a plain function that a notebook can call by itself; `train` calls them in turn, writes a line of
metrics a step, evaluates, and saves.

**One run holds all steps.** Episode n belongs to step n // (tasks_per_step * group), so that one id is
resumed, read and drawn, and a step's episodes are read back from the store before they are learned from: what
is trained on is what is stored. Evaluations are runs of their own (kind `eval`, parent `RUN@STEP`), because
they are what is compared with other runs.

**A step is the unit of resuming.** A checkpoint is weights, optimiser, random state and the step's number;
tasks and seeds follow from the config's seed and the step. What was played after the last checkpoint is
played again: only whole batches sample bit for bit the same, and so a training that was killed ends with the
weights of one that was not.

**What cannot be learned from** stops the training before any weight moves (a loss or reward that is no
number, a step in which every episode failed), or is left out and counted (single failed episodes, missing
verdicts), or moves nothing (a step whose advantages are all 0, a gradient that is not finite).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from turnwise.agent import Agent
from turnwise.engine import launch, resolve
from turnwise.engine.launch import Watch
from turnwise.engine.plan import seed_of
from turnwise.engine.provenance import provenance
from turnwise.engine.resolve import NONE_GIVEN, Given
from turnwise.engine.results import Run
from turnwise.engine.runner import Halt, Job, Runner
from turnwise.engine.tally import Tally
from turnwise.errors import ConfigError
from turnwise.learn import credit, losses
from turnwise.learn.batch import Batch, Floats
from turnwise.learn.checkpoints import Checkpoints, Journal
from turnwise.learn.config import TrainConfig, parse_training
from turnwise.learn.credit.tokens import order
from turnwise.learn.engine.protocol import Engine, TrainingError
from turnwise.learn.lesson import Lesson, prepare
from turnwise.learn.rows import Built, batch_of
from turnwise.learn.tables import select_episodes
from turnwise.log import EpisodeLog, Stop
from turnwise.store.store import Store

Say = Callable[[dict[str, Any]], None]
"""Is told of each line of the log."""


def jobs_of(lesson: Lesson, step: int) -> list[Job]:
    """The episodes of a step: tasks drawn without replacement until all were played, a group of each."""
    config, tasks = lesson.config, lesson.tasks
    jobs: list[Job] = []
    for place in range(config.tasks_per_step):
        round_, index = divmod(step * config.tasks_per_step + place, len(tasks))
        shuffled = list(range(len(tasks)))
        Random(f"{config.seed}/{round_}").shuffle(shuffled)
        task = tasks[shuffled[index]]
        for copy in range(config.group):
            # A task's episodes differ by their epoch; no two of the whole training share one.
            epoch = (step * config.tasks_per_step + place) * config.group + copy
            jobs.append(Job(epoch, task, epoch, seed_of(config.seed, task.id, epoch)))
    return jobs


async def collect(
    lesson: Lesson,
    engine: Engine,
    run: Run,
    jobs: list[Job],
    *,
    tally: Tally,
    begun: Callable[[Runner], None] = lambda runner: None,
) -> list[EpisodeLog]:
    """Play jobs with the policy as it is, and read them back from the store.

    Args:
        lesson: What is played.
        engine: Whose policy plays.
        run: Where it is kept.
        jobs: What to play.
        tally: Where it is counted.
        begun: Is told of the runner, so that it can be stopped.

    Raises:
        Halt: it was stopped.
        TrainingError: every episode failed.
    """
    config = run.config
    given = lesson.given._replace(agents={**lesson.given.agents, lesson.role: policy_agent(lesson, engine)})
    cast = resolve.casting(config, lesson.environment, given)
    runner = Runner(
        lesson.environment,
        cast,
        run.store.journal(run.row.number),
        tally,
        limits=config.limits,
        concurrency=config.concurrency,
    )
    begun(runner)
    await runner.run(jobs, at_most=len(jobs))
    logs = [log for _, log in run.store.read_many(run.row.number, [job.number for job in jobs])]
    if all(log.stop is Stop.ERROR for log in logs):
        error = logs[-1].error
        reason = "" if error is None else f"; the last: {error.type}: {error.message}"
        raise TrainingError(f"every one of {len(logs)} episodes failed{reason}")
    return logs


def policy_agent(lesson: Lesson, engine: Engine) -> Agent:
    """The policy as an agent."""
    wanted = lesson.config.run_config(lesson.role).agents[lesson.role]
    return Agent(engine.policy, name=wanted.use, system=wanted.system, sampling=wanted.sampling)


def credit_of(
    batch: Batch, method: credit.Method, *, options: Mapping[str, Any], values: Floats | None = None
) -> Floats:
    """`[M]` The advantage of each sampled token, in the order of `batch.ids`.

    Args:
        batch: The episodes.
        method: How.
        options: Its settings.
        values: `[M]` A critic's, in the order of `batch.ids`, for methods that take them.

    Raises:
        TrainingError: an advantage is no finite number.
    """
    place = order(batch)
    number = np.cumsum(batch.sampled)[place] - 1
    given = {} if values is None else {"values": np.asarray(values, dtype=np.float64)[number]}
    found = np.asarray(method(batch.turns, **given, **options), dtype=np.float64)
    if not np.isfinite(found).all():
        raise TrainingError(f"credit method {method.name!r} gives an advantage that is no finite number")
    by_token = np.repeat(found, batch.turns.tokens) if method.per == "turn" else found
    advantages = np.empty(len(place))
    advantages[number] = by_token
    return advantages


def update(
    engine: Engine, batch: Batch, advantages: Floats, config: TrainConfig, *, step: int
) -> dict[str, float]:
    """Loss, gradient and step, for each minibatch of each pass over the batch.

    Args:
        engine: Whose weights move.
        batch: What was sampled; its log-probabilities are those the ratio is taken to.
        advantages: `[M]` See `credit_of`.
        config: Loss and optimiser.
        step: Number of the step, from 0.

    Returns:
        `loss`, `grad_norm` and `skipped`, as means; `mismatch`, by how much the policy's log-probabilities in
        training differ from those it sampled with, as the mean absolute difference in the first minibatch.

    Raises:
        TrainingError: a loss is no finite number.
    """
    lr = config.lr * min(1.0, (step + 1) / (config.warmup or 1))
    from turnwise.learn import objective

    episodes = len(batch.turns.group)
    found: list[dict[str, float]] = []
    for number in range(config.epochs):
        shuffled = np.random.default_rng([config.seed, step, number]).permutation(episodes)
        for part in np.array_split(shuffled, min(config.minibatches, episodes)):
            chosen = np.zeros(episodes, dtype=np.bool_)
            chosen[part] = True
            mini = batch if chosen.all() else select_episodes(batch, chosen)
            mine = advantages[chosen[batch.turns.episode[batch.turn[batch.sampled]]]]
            loss = objective.policy_loss(mini, mine, config)
            passed = engine.forward_backward(mini, loss, entropy="entropy" in losses.inputs(config.loss))
            moved = engine.optim_step(lr=lr, clip=config.clip, weight_decay=config.weight_decay)
            found.append({"loss": passed.loss, **moved})
            if len(found) == 1:
                difference = np.abs(passed.logprobs - mini.logprobs[mini.sampled])
                found[0]["mismatch"] = float(difference.mean())
    keys = ("loss", "grad_norm", "skipped")
    means = {key: float(np.mean([one[key] for one in found])) for key in keys}
    return {**means, "mismatch": found[0]["mismatch"], "lr": lr}


def learn(
    lesson: Lesson, engine: Engine, critic: Engine | None, built: Built, *, step: int
) -> dict[str, float]:
    """Credit, loss and step on what was collected.

    Raises:
        TrainingError: nothing is left to learn from, or a number is not finite; no weight was moved.
    """
    config, batch = lesson.config, built.batch
    if not batch.rows:
        raise TrainingError(f"nothing to learn from in this step: {built.report}")
    metrics = {
        "score": float(batch.outcome.mean()),
        "episodes": len(batch.turns.group),
        "left_out": built.report.read - len(batch.turns.group),
        "turns": len(batch.turns.episode) / len(batch.turns.group),
        "tokens": int(batch.turns.tokens.sum()),
        "truncated": float(batch.truncated.mean()),
    }
    values = None if critic is None else critic.forward_backward(batch, None).logprobs.astype(np.float64)
    advantages = credit_of(batch, lesson.method, options=config.credit_options, values=values)
    if critic is not None and values is not None:
        from turnwise.learn import objective

        passed = critic.forward_backward(batch, objective.value_loss(batch, advantages + values))
        critic.optim_step(lr=config.critic_lr, clip=config.clip)
        metrics["critic_loss"] = passed.loss
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    if not advantages.any():
        # Nothing is better than anything else; not even weight decay should move a weight.
        return metrics | {"idle": 1.0}
    return metrics | update(engine, batch, advantages, config, step=step)


async def evaluate(lesson: Lesson, engine: Engine, run: Run, step: int) -> dict[str, Any]:
    """Play the evaluation's tasks as a run of its own; its mean score with a 95 % interval."""
    config = lesson.config.run_config(lesson.role)
    config = msgspec.structs.replace(config, settings={**config.settings, **lesson.config.eval_settings})
    agents = {**lesson.given.agents, lesson.role: policy_agent(lesson, engine)}
    given = Given(None, lesson.given.tasks, agents)
    played = await launch.start(config, run.store, given=given, kind="eval", parent=f"{run.id}@{step}")
    score = played.score
    return {"run": played.id, "mean": score.mean, "low": score.low, "high": score.high}


async def train(
    config: TrainConfig,
    store: Store,
    *,
    given: Given = NONE_GIVEN,
    engine: Engine | None = None,
    watch: Watch | None = None,
    say: Say = lambda line: None,
) -> Run:
    """Train from the beginning.

    Args:
        config: What and how.
        store: Where the run goes.
        given: Things made in Python that go before what the config names.
        engine: What to train; by default the config's model in this process.
        watch: Shows progress; see `launch.Watch`.
        say: Is told of each line of the log.

    Raises:
        ConfigError: something in `config` cannot be used; nothing was started.
        RunStopped: by Ctrl-C, or because going on was senseless; it can be resumed.
    """
    lesson = prepare(config, given)
    engine = engine or local_engine(config)
    played = resolve.completed(config.run_config(lesson.role), lesson.environment, given)
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
    return await _go_on(lesson, engine, Run(store, row), watch, say)


async def resume(
    name: str,
    store: Store,
    *,
    given: Given = NONE_GIVEN,
    engine: Engine | None = None,
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
    if run.row.kind != "train":
        raise ConfigError(f"run {run.id} is no training: go on with it by turnwise resume {run.id}")
    config = parse_training(run.row.provenance["train"], where=f"run {run.id}")
    lesson = prepare(config, given)
    if lesson.tasks.hash != run.row.provenance["tasks"]["hash"]:
        raise ConfigError(f"run {run.id}: its tasks changed since it began: restore them, or train anew")
    engine = engine or local_engine(config)
    store.claim(run.row.number)
    return await _go_on(lesson, engine, run.refresh(), watch, say)


def local_engine(config: TrainConfig) -> Engine:
    """The config's model, in this process.

    Raises:
        ConfigError: it cannot be loaded, or `turnwise[learn]` is not installed.
    """
    from turnwise.models.options import sdk_of

    sdk_of(config.model, "torch", "learn")
    from turnwise.learn.engine.local import LocalEngine, LocalOptions

    options = LocalOptions(
        dtype=config.dtype,
        lora=config.lora,
        checkpointing=config.checkpointing,
        tokens=config.micro_tokens,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        batch=config.concurrency,
        seed=config.seed,
    )
    return LocalEngine(config.model.removeprefix("hf/"), options=options)


async def _go_on(lesson: Lesson, engine: Engine, run: Run, watch: Watch | None, say: Say) -> Run:
    """All steps that are left, from the last checkpoint."""
    config = lesson.config
    parts = {"policy": engine}
    if "values" in lesson.method.takes:
        from turnwise.learn.engine.critic import critic_of

        parts["critic"] = critic_of(engine)
    folder = Path(config.folder or f"turnwise-train/{run.id}")
    saved = Checkpoints(folder, parts)
    stopping = _Stopping()
    watching = None
    async with launch.at_work(run, stopping.stop):
        first = saved.load_last()
        run.store.cut(run.row.number, first * lesson.per_step)
        tally = Tally(run.row.planned)
        for task, stop, score in run.store.columns(run.row.number, ("task", "stop", "score")):
            tally.known(stop, task, score)
        try:
            watching = None if watch is None else watch(run, tally)
            with Journal(folder, before=first, say=say) as journal:
                for step in range(first, config.steps + 1):
                    if _due(config, step) and not journal.evaluated(step):
                        journal.write(step, eval=await evaluate(lesson, engine, run, step))
                    stopping.check()
                    if step == config.steps:
                        break
                    journal.write(step, **await _step(lesson, parts, run, step, tally, stopping))
                    if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
                        await asyncio.to_thread(saved.save, step + 1)
        finally:
            if watching is not None:
                watching.close()
            for part in parts.values():
                await part.close()
    return run


async def _step(
    lesson: Lesson, parts: Mapping[str, Engine], run: Run, step: int, tally: Tally, stopping: _Stopping
) -> dict[str, float]:
    """One step, and what is to be said of it."""
    engine = parts["policy"]
    began = perf_counter()
    logs = await collect(lesson, engine, run, jobs_of(lesson, step), tally=tally, begun=stopping.watch)
    collected = perf_counter()
    built = batch_of(logs, roles=lesson.role)
    # In a thread, so that the event loop goes on saying that the run is alive.
    metrics = await asyncio.to_thread(learn, lesson, engine, parts.get("critic"), built, step=step)
    engine.sync(step + 1)
    return metrics | {"seconds_collect": collected - began, "seconds_learn": perf_counter() - collected}


class _Stopping:
    """The first Ctrl-C stops the episodes in flight, or else the training before its next step."""

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._wanted = False

    def watch(self, runner: Runner) -> None:
        self._runner = runner

    def stop(self) -> None:
        self._wanted = True
        if self._runner is not None:
            self._runner.stop()

    def check(self) -> None:
        if self._wanted:
            raise Halt("stopped")


def _due(config: TrainConfig, step: int) -> bool:
    return bool(config.eval_every) and (step % config.eval_every == 0 or step == config.steps)
