"""Credit methods: which of six gets furthest where only the end of a long episode is paid?

    python benchmarks/learning/credit_methods.py

A combination lock. Who tries at random hardly ever opens it in time; who keeps from episode to episode which
digit was right where opens it every time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import study
from begin import clone
from budget import evenly, mean_of
from study import Arm, Curve, Finding, Measure, Played, Results, Study, judged, told

from turnwise.agent import Agent
from turnwise.environments.graded.lock import Lock
from turnwise.learn.config import parse_training
from turnwise.learn.engine.registry import engine_of
from turnwise.learn.engine.utterances import UtteranceCritic, archer_step
from turnwise.learn.lesson import prepare
from turnwise.learn.playing import Play
from turnwise.learn.replay import Replay
from turnwise.learn.resets import futures, paired, refuel_loss
from turnwise.learn.rows import batch_of
from turnwise.learn.trainer import Student, learn
from turnwise.log import EpisodeLog
from turnwise.model import Sampling
from turnwise.store.store import Store

SIZE = {
    "wheels": 10,
    "digits": 2,
    "slack": 1.4,
    "clone_steps": 60,
    "episodes": 48,
    "turns": 15_000,
    "lr": 5e-4,
    "rise": 5,
    "eta": 1.0,
    "warmup": 4,
    "states": 96,
    "updates": 20,
    "batch": 64,
    "critic_lr": 1e-3,
}
"""`turns` are the environment steps of a training; `rise` the steps in which the learning rate rises to `lr`;
`eta` is REFUEL's, what stands below it ArCHer's."""
MINIBATCHES = 4
END = 0.1
"""The share of the turns that is told of as the end."""
MAX_TOKENS = 3
SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=MAX_TOKENS, extra={"top_k": 0})


class Stage(NamedTuple):
    """What a method is given to learn with."""

    student: Student
    play: Play
    size: dict[str, Any]
    seed: int


Way = Callable[[Sequence[EpisodeLog], int], Awaitable[int]]
"""Learns from a step's episodes; says how many more turns it played for that."""


def world(size: dict[str, Any]) -> dict[str, Any]:
    """One lock, the same in every episode."""
    shape = {"horizon": size["wheels"], "digits": size["digits"], "slack": size["slack"], "wrong": "stay"}
    return {**shape, "count": 1, "split": "train"}


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone a player of random digits, and train it by one method until its turns are used up."""
    policy = clone(
        work / f"random-{seed}",
        environment="lock",
        settings=world(size),
        players={"random": 64},
        steps=size["clone_steps"],
        context=512,
        seed=seed,
    )
    (store := work / f"{arm}-{seed}.db").unlink(missing_ok=True)
    return asyncio.run(train(arm, policy, seed, size, Store(store)))


async def train(arm: str, policy: str, seed: int, size: dict[str, Any], store: Store) -> Played:
    """Play and learn, step by step."""
    config = parse_training(
        {
            "environment": "lock",
            "settings": world(size),
            "model": policy,
            "max_tokens": MAX_TOKENS,
            "seed": seed,
            "credit": arm if arm in CREDIT else "grpo",
            "lr": {"peak": size["lr"], "warmup": size["rise"]},
            "minibatches": MINIBATCHES,
            "concurrency": size["episodes"],
        }
    )
    engine = engine_of(config)
    episodes = -(-size["turns"] // size["wheels"])
    agent = Agent(engine.policy, name=policy, sampling=SAMPLING)
    stage = Stage(
        Student(prepare(config).learners[0], engine),
        Play(Lock(**world(size)), agent, store=store, episodes=episodes, seed=seed),
        size,
        seed,
    )
    way = WAYS.get(arm, by_credit)(stage)
    taken, curve = 0, list[tuple[float, float]]()
    for step in itertools.count():
        logs = await stage.play.fresh(1, group=size["episodes"])
        # What the policy scores after the turns that it was trained on so far.
        curve.append((taken, float(np.mean([log.score() for log in logs]))))
        taken += sum(len(said(log)) for log in logs) + await way(logs, step)
        engine.sync(step + 1)
        if taken >= size["turns"]:
            break
    await engine.close()
    return read_off(curve, size["turns"])


def said(log: EpisodeLog, since: int = 0) -> list[int]:
    """The turns that the policy took in an episode, from one on."""
    return [turn.index for turn in log.turns if turn.calls and turn.index >= since]


def by_credit(stage: Stage) -> Way:
    """The trainer as it is, its advantages by the credit method of its config."""

    async def way(logs: Sequence[EpisodeLog], step: int) -> int:
        learn(stage.student, batch_of(logs), step=step)
        return 0

    return way


def refuel(stage: Stage) -> Way:
    """Each episode is played anew from one of its turns, and the difference in reward regressed on."""

    async def way(logs: Sequence[EpisodeLog], step: int) -> int:
        engine, size = stage.student.engine, stage.size
        found = await futures(stage.play, logs, seed=f"{stage.seed}/{step}")
        for part in np.array_split(np.arange(len(found)), MINIBATCHES):
            pairs = paired([found[number] for number in part], role=stage.play.role)
            engine.forward_backward(pairs.batch, refuel_loss(engine, pairs, eta=size["eta"]))
            engine.optim_step(lr=stage.student.learner.config.rate.at(step), clip=1.0)
        return sum(len(said(pair.second, pair.at)) for pair in found)

    return way


def archer(stage: Stage) -> Way:
    """Critics of utterances learn from all turns that were ever played, the policy from them."""
    engine, size = stage.student.engine, stage.size
    critic = UtteranceCritic(engine, context=24, lr=size["critic_lr"], seed=stage.seed)
    replay = Replay()

    async def way(logs: Sequence[EpisodeLog], step: int) -> int:
        replay.add(batch_of(logs).batch)
        await archer_step(
            engine,
            critic,
            replay,
            SAMPLING,
            states=size["states"],
            updates=size["updates"],
            batch=size["batch"],
            lr=stage.student.learner.config.rate.at(step),
            seed=f"{stage.seed}/{step}",
            actor=step >= size["warmup"],
        )
        return 0

    return way


CREDIT = ("grpo", "turn_grpo", "gigpo", "mapo")
WAYS = {"refuel": refuel, "archer": archer}


def read_off(points: Sequence[tuple[float, float]], turns: int) -> Played:
    """What a training came to: at its end, and all along."""
    curve = evenly(points, turns)
    return Played(
        {"opened": curve},
        {"start": points[0][1], "end": mean_of(curve, END), "all": mean_of(curve)},
    )


def findings(results: Results) -> list[Finding]:
    """Who learns, who does better than the plainest, and in which order they come in."""
    found: list[Finding] = []
    for arm, said_of in STUDY.arms.items():
        gain = results.difference(arm, arm, "end", "start")
        found.append(
            Finding(
                f"{said_of.label} learns", f"opened, at the end less at the start: {told(gain)}", judged(gain)
            )
        )
    for arm, said_of in STUDY.arms.items():
        if arm != "grpo":
            more = results.difference(arm, "grpo", "end")
            label = STUDY.arms["grpo"].label
            found.append(
                Finding(
                    f"{said_of.label} ends above {label}", f"opened, at the end: {told(more)}", judged(more)
                )
            )
    return [*found, ranking(results)]


def ranking(results: Results) -> Finding:
    """The order at the end, and whether it is one: each arm before the next, as its interval says."""
    order = sorted(STUDY.arms, key=lambda arm: -results.mean(arm, "end").mean)
    apart = [judged(results.difference(one, other, "end")) for one, other in pairwise(order)]
    shown = ", ".join(f"{STUDY.arms[arm].label} {told(results.mean(arm, 'end'))}" for arm in order)
    held = "yes" if set(apart) == {"yes"} else "undecided"
    return Finding("The six can be put in an order, each clearly before the next", shown, held)


STUDY = Study(
    name="credit_methods",
    title="Six ways to learn from the end of a long episode",
    question="Where only the end of 10 to 14 turns is paid, which method gets furthest in as many turns?",
    setting=(
        f"A lock with {SIZE['wheels']} wheels, one right digit of {SIZE['digits']} for each; a wrong one "
        f"changes nothing, and {int(SIZE['slack'] * SIZE['wheels'])} turns are all there are. The reward is "
        "1 for the open lock, at the end. It is one lock all along, so the digits can be learned by heart. "
        f"The policy is a Llama of two layers with random weights, cloned for {SIZE['clone_steps']} steps "
        f"from a player of random digits. Every training takes {SIZE['turns']} environment steps, turns of "
        f"REFUEL's second episodes included, in steps of {SIZE['episodes']} episodes, which are one group. "
        f"All have the same learning rate, which rises for {SIZE['rise']} steps, and {MINIBATCHES} "
        "minibatches (ArCHer's actor: one). Rate, minibatches and the number of steps were changed once, for "
        "all, because before that several broke down in their first steps; ArCHer's sizes were chosen on one "
        f"seed; nothing else was searched for. ArCHer asks the policy anew in {SIZE['states']} stored states "
        f"a step, makes {SIZE['updates']} "
        f"steps of its critics of {SIZE['batch']} turns each, and lets the policy rest for the first "
        f"{SIZE['warmup']}. What is told is how often the policy opens the lock, sampling at temperature 1, "
        "while it is trained."
    ),
    papers=(
        "Shao et al. 2024, arXiv:2402.03300 (GRPO)",
        "Feng et al. 2025, arXiv:2505.10978 (GiGPO)",
        "arXiv:2603.06194 (MAPO)",
        "Gao et al. 2024, arXiv:2410.04612 (REFUEL)",
        "Zhou et al. 2024, arXiv:2402.19446 (ArCHer)",
    ),
    arms={
        "grpo": Arm("trajectory GRPO", "an episode's outcome against its group's"),
        "turn_grpo": Arm("turn GRPO", "what is still to come, against the others' at the same turn"),
        "gigpo": Arm("GiGPO", "the outcome, and what is still to come against the others' in the same state"),
        "mapo": Arm("MAPO", "half turn GRPO, half the turn's own reward against all turns'"),
        "refuel": Arm("REFUEL", "a second episode from a random turn, and a regression on the difference"),
        "archer": Arm("ArCHer", "critics of whole utterances, learned from all turns that were ever played"),
    },
    curves=(
        Curve("opened", "Opened in time, while training", "environment steps", "share of episodes", smooth=7),
    ),
    measures=(
        Measure("start", "opened, at the start"),
        Measure("end", f"opened, last {END:.0%} of the turns"),
        Measure("all", "opened, over all turns"),
    ),
    baseline="grpo",
    size=SIZE,
    smallest={
        "clone_steps": 4,
        "turns": 200,
        "episodes": 8,
        "states": 8,
        "updates": 2,
        "batch": 4,
        "warmup": 1,
    },
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
