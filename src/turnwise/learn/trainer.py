"""The trainer: collect, credit, loss, step.

    logs = await collect(...)                the engine plays the curriculum's tasks, as in any run
    batch = batch_of(logs)                   exactly what was sampled, as flat arrays
    advantages = credit_of(...)              one number a sampled token
    metrics = update(...)                    loss, gradient, step

Each is a plain function that a notebook can call by itself; `loop.py` calls them step after step.

**What cannot be learned from** stops the training before any weight moves (a loss or reward that is no
number, a step in which every episode failed), or is left out and counted (single failed episodes, missing
verdicts), or moves nothing (a step whose advantages are all 0, a gradient that is not finite).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from turnwise.engine.resolve import Cast
from turnwise.engine.results import Run
from turnwise.engine.runner import Job, Runner
from turnwise.engine.tally import Tally
from turnwise.environment import Environment
from turnwise.learn import losses
from turnwise.learn.batch import Batch, Bools, Floats
from turnwise.learn.config import TrainConfig, named
from turnwise.learn.credit.tokens import order
from turnwise.learn.curriculum import filters
from turnwise.learn.engine.protocol import Engine, TrainingError
from turnwise.learn.lesson import Learner
from turnwise.learn.rows import Built
from turnwise.learn.tables import select_episodes
from turnwise.log import EpisodeLog, Stop


class Student(NamedTuple):
    """A learner at work."""

    learner: Learner
    engine: Engine
    critic: Engine | None = None
    """Gives values, where the credit method needs them."""
    reference: Engine | None = None
    """The weights to stay near to, where `kl` asks for it."""


async def collect(
    run: Run,
    jobs: Sequence[Job],
    *,
    environment: Environment,
    cast: Cast,
    tally: Tally,
    begun: Callable[[Runner], None] = lambda runner: None,
) -> list[EpisodeLog]:
    """Play jobs, and read them back from the store.

    Args:
        run: Where they are kept.
        jobs: What to play.
        environment: Where.
        cast: Who plays.
        tally: Where it is counted.
        begun: Is told of the runner, so that it can be stopped.

    Raises:
        Halt: it was stopped.
        TrainingError: every episode failed.
    """
    config = run.config
    journal = run.store.journal(run.row.number)
    runner = Runner(environment, cast, journal, tally, limits=config.limits, concurrency=config.concurrency)
    begun(runner)
    await runner.run(jobs, at_most=len(jobs))
    logs = read_back(run, jobs)
    if all(log.stop is Stop.ERROR for log in logs):
        error = logs[-1].error
        reason = "" if error is None else f"; the last: {error.type}: {error.message}"
        raise TrainingError(f"every one of {len(logs)} episodes failed{reason}")
    return logs


def read_back(run: Run, jobs: Sequence[Job]) -> list[EpisodeLog]:
    """What was played of jobs."""
    return [log for _, log in run.store.read_many(run.row.number, [job.number for job in jobs])]


def credit_of(student: Student, batch: Batch) -> tuple[Floats, Floats | None]:
    """`[M]` The advantage of each sampled token, and the critic's value there, in the order of `batch.ids`.

    Raises:
        TrainingError: an advantage is no finite number.
    """
    method = student.learner.method
    place = order(batch)
    number = np.cumsum(batch.sampled)[place] - 1
    given = dict(named(student.learner.config.credit, "credit").options)
    values = None
    if student.critic is not None:
        values = student.critic.forward_backward(batch, None).logprobs.astype(np.float64)
        given["values"] = values[number]
    found = np.asarray(method(batch.turns, **given), dtype=np.float64)
    if not np.isfinite(found).all():
        raise TrainingError(f"credit method {method.name!r} gives an advantage that is no finite number")
    advantages = np.empty(len(place))
    advantages[number] = np.repeat(found, batch.turns.tokens) if method.per == "turn" else found
    return advantages, values


def columns_of(student: Student, batch: Batch, advantages: Floats, lagging: bool) -> dict[str, Floats]:
    """What a loss is given of each sampled token `[M]`; see `objective.policy_loss`.

    Args:
        student: Who learns.
        batch: What was sampled.
        advantages: `[M]` See `credit_of`.
        lagging: Whether other weights may have sampled it than those that learn now.
    """
    from turnwise.learn import objective

    config = student.learner.config
    sampled = batch.logprobs[batch.sampled].astype(np.float64)
    columns = {"advantages": advantages, "old": sampled}
    name = named(config.correction, "correction").name
    name = ("tis" if lagging else "none") if name == "auto" else name
    if name != "none":
        # Ratios are taken to the weights the update starts from; how far these are from who sampled is
        # another factor, which no clip touches (decoupled PPO, Hilton et al., 2022).
        columns["old"] = student.engine.forward_backward(batch, None).logprobs.astype(np.float64)
        columns["correction"] = objective.corrected(batch, columns["old"], config, name)
    if student.reference is not None:
        near = student.reference.forward_backward(batch, None).logprobs
        columns["reference"] = near.astype(np.float64)
    return columns


def update(student: Student, batch: Batch, columns: Mapping[str, Floats], *, step: int) -> dict[str, float]:
    """Loss, gradient and step, for each minibatch of each pass over the batch.

    Args:
        student: Whose weights move.
        batch: What was sampled.
        columns: Numbers of each sampled token; see `columns_of`.
        step: Number of the step, from 0.

    Returns:
        `loss`, `grad_norm` and `skipped`, as means; of the first minibatch, where nothing has moved yet,
        `mismatch`, the mean absolute difference of log-probabilities to those it was sampled with, and `kl`
        to the reference (k3), where there is one.

    Raises:
        TrainingError: a loss is no finite number.
    """
    from turnwise.learn import objective

    config, engine = student.learner.config, student.engine
    lr = config.rate.at(step)
    entropy = "entropy" in losses.inputs(named(config.loss, "loss").name)
    episodes = len(batch.turns.group)
    episode = batch.turns.episode[batch.turn[batch.sampled]]
    found: list[dict[str, float]] = []
    before: dict[str, float] = {}
    for number in range(config.epochs):
        shuffled = np.random.default_rng([config.seed, step, number]).permutation(episodes)
        for part in np.array_split(shuffled, min(config.minibatches, episodes)):
            chosen = np.zeros(episodes, dtype=np.bool_)
            chosen[part] = True
            mini = batch if chosen.all() else select_episodes(batch, chosen)
            mine = {name: column[chosen[episode]] for name, column in columns.items()}
            passed = engine.forward_backward(mini, objective.policy_loss(mini, mine, config), entropy=entropy)
            moved = engine.optim_step(lr=lr, clip=config.clip, weight_decay=config.weight_decay)
            found.append({"loss": passed.loss, **moved})
            if not before:
                before["mismatch"] = float(np.abs(passed.logprobs - mini.logprobs[mini.sampled]).mean())
                if "reference" in mine:
                    apart = mine["reference"] - passed.logprobs
                    before["kl"] = float((np.expm1(apart) - apart).mean())
    means = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    return {**means, **before, "lr": lr}


def learn(student: Student, built: Built, *, step: int, lagging: bool = False) -> dict[str, float]:
    """Credit, loss and step on what was collected.

    Args:
        student: Who learns.
        built: What of.
        step: Number of the step, from 0.
        lagging: See `columns_of`.

    Raises:
        TrainingError: nothing is left to learn from, or a number is not finite; no weight was moved.
    """
    config, batch = student.learner.config, built.batch
    if not batch.rows:
        raise TrainingError(f"nothing to learn from in this step: {built.report}")
    metrics = {
        "score": float(batch.outcome.mean()),
        "episodes": len(batch.turns.group),
        "left_out": built.report.read - len(batch.turns.group),
        "turns": len(batch.turns.episode) / len(batch.turns.group),
        "tokens": int(batch.turns.tokens.sum()),
        "truncated": float(batch.truncated.mean()),
        # Minus the mean log-probability of what was drawn estimates it without bias.
        "entropy": -float(batch.logprobs[batch.sampled].mean()),
    }
    if config.filter is not None:
        kept = filters.filtered(batch, filters.get(config.filter))
        if kept is None:
            return metrics | {"idle": 1.0}
        metrics["kept"] = len(kept.turns.group) / len(batch.turns.group)
        batch = kept
    advantages, values = credit_of(student, batch)
    if student.critic is not None and values is not None:
        from turnwise.learn import objective

        passed = student.critic.forward_backward(batch, objective.value_loss(batch, advantages + values))
        student.critic.optim_step(lr=config.critic_lr, clip=config.clip)
        metrics["critic_loss"] = passed.loss
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    if not advantages[_counts(batch, config)].any():
        # Nothing is better than anything else; not even weight decay should move a weight.
        return metrics | {"idle": 1.0}
    columns = columns_of(student, batch, advantages, lagging or not student.engine.exact)
    return metrics | update(student, batch, columns, step=step)


def _counts(batch: Batch, config: TrainConfig) -> Bools:
    """`[M]` Which sampled tokens are learned from, by what becomes of episodes that were cut off."""
    policy = named(config.aggregation, "aggregation").options.get("truncated", "penalize")
    kept = np.ones_like(batch.truncated) if policy == "penalize" else ~batch.truncated
    return kept[batch.turns.episode[batch.turn[batch.sampled]]]
