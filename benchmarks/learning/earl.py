"""EARL: does a tool call that is written for the policy make it find a tool that it would never try?

    python benchmarks/learning/earl.py

Three items are to be sorted whose values are hidden. The policy guesses: it swaps, and hands in. It would
know what to do with a comparison; it just never makes one.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import Generator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import study
import torch
from begin import begun
from budget import evenly
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told

import turnwise
from turnwise.agent import Agent
from turnwise.environments.earl.sorting import Sort, swaps
from turnwise.learn.batch import Batch
from turnwise.learn.config import parse_training
from turnwise.learn.credit.cpo import cpo
from turnwise.learn.engine.intervention import Inserted, Tools, intervene
from turnwise.learn.engine.protocol import Loss, Scored
from turnwise.learn.engine.registry import engine_of
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.learn.lesson import prepare
from turnwise.learn.objective import imitation_loss
from turnwise.learn.playing import Play
from turnwise.learn.rows import batch_of
from turnwise.learn.tables import concat, select_rows
from turnwise.learn.trainer import Student, learn, update
from turnwise.log import EpisodeLog
from turnwise.model import Sampling
from turnwise.store.store import Store

SIZE = {
    "items": 3,
    "limit": 8,
    "clone_steps": 300,
    "forget_steps": 200,
    "tasks": 8,
    "group": 6,
    "turns": 8_000,
    "tests": 100,
    "lr": 1e-3,
}
"""`turns` are the replies that a training may sample, `limit` those of an episode."""
ENTRIES = (" compare", " swap", "done")
FEW = 0.02
"""Below that share of episodes, something counts as not done."""
MAX_TOKENS = 8
SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=MAX_TOKENS, extra={"top_k": 0})


def sorter(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    """Compares until the order is known, then swaps."""
    said = yield
    items, down = _asked(said.text)
    left = list(permutations(items))
    # Neighbours first, which may be all that is needed.
    pairs = sorted(itertools.combinations(items, 2), key=lambda pair: ord(pair[1]) - ord(pair[0]))
    while len(left) > 1:
        a, b = next(pair for pair in pairs if _open(left, *pair))
        said = yield f" compare {a} and {b}"
        less = said.text == f"{a} < {b}"
        left = [row for row in left if (row.index(a) < row.index(b)) == less]
    goal = list(left[0])
    for a, b in swaps(items, goal[::-1] if down else goal):
        yield f" swap {a} and {b}"
    yield "done"


def guesser(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    """Swaps towards any order, and hands in."""
    said = yield
    items, _ = _asked(said.text)
    for a, b in swaps(items, rng.sample(items, len(items))):
        yield f" swap {a} and {b}"
    yield "done"


def _asked(text: str) -> tuple[list[str], bool]:
    """The items, and whether the largest comes first."""
    return text.split("order: ")[1].split(".")[0].split(", "), "descending" in text


def _open(left: Sequence[tuple[str, ...]], a: str, b: str) -> bool:
    """Whether the orders that are left do not agree on two items."""
    return len({row.index(a) < row.index(b) for row in left}) > 1


def world(size: dict[str, Any], split: str, count: int) -> Sort:
    """Sorting, as the paper's code pays it but that comparisons must prove the order."""
    return Sort(items=size["items"], turns=size["limit"], split=split, count=count)  # pyright: ignore[reportArgumentType]


def start(folder: Path, seed: int, size: dict[str, Any]) -> str:
    """A policy that was cloned from both players, and then, of how to begin, from the guesser alone."""
    if folder.exists():
        return f"hf/{folder}"
    store = folder.with_name(f"{folder.name}-players.db")
    runs = [
        turnwise.run(world(size, "train", 300), player, seed=seed, store=store)
        for player in (sorter, guesser)
    ]
    engine = begun(runs, seed=seed, context=512)
    sorts, guesses = (demonstrations(run, engine.tokenizer) for run in runs)
    imitate(engine, concat([sorts, guesses]), steps=size["clone_steps"], lr=3e-3, seed=seed)
    draw = np.random.default_rng(seed)
    for _ in range(size["forget_steps"]):
        for batch in (guesses, sorts):
            part = select_rows(batch, draw.choice(batch.rows, size=16, replace=False))
            engine.forward_backward(part, later(part) if batch is sorts else imitation_loss(part))
        engine.optim_step(lr=3e-3, clip=1.0)
    engine.save(folder)
    return f"hf/{folder}"


def later(batch: Batch) -> Loss:
    """To say what was said, but for the first turns: how to go on is kept, how to begin is not."""
    counts = torch.as_tensor(batch.turns.index[batch.turn[batch.sampled]] > 0).float()
    weights = counts / counts.sum()

    def loss(scored: Scored) -> torch.Tensor:
        return -(weights[scored.places] * scored.logprobs).sum()

    return loss


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Train by one method until its replies are used up; test before and after."""
    policy = start(work / f"guesser-{seed}", seed, size)
    (store := work / f"{arm}-{seed}.db").unlink(missing_ok=True)
    return asyncio.run(train(arm, policy, seed, size, Store(store)))


async def train(arm: str, policy: str, seed: int, size: dict[str, Any], store: Store) -> Played:
    """Play and learn, step by step."""
    sort = world(size, "train", 300)
    config = parse_training(
        {
            "environment": sort.name,
            "settings": sort.settings(),
            "model": policy,
            "max_tokens": MAX_TOKENS,
            "seed": seed,
            "credit": "grpo",
            "lr": size["lr"],
            "minibatches": 2,
            "concurrency": 128,
        }
    )
    engine = engine_of(config)
    agent = Agent(engine.policy, name=policy, sampling=SAMPLING)
    student = Student(prepare(config).learners[0], engine)
    played = Play(sort, agent, store=store, episodes=size["turns"], seed=seed)
    before = await tested(agent, size, store)
    tools = Tools.of(ENTRIES)
    taken, scores, uses = 0, list[tuple[float, float]](), list[tuple[float, float]]()
    for step in itertools.count():
        logs = await played.fresh(size["tasks"], group=size["group"])
        scores.append((taken, float(np.mean([log.score() for log in logs]))))
        uses.append((taken, compares(logs).value))
        taken += sum(said(log) for log in logs)
        if arm == "grpo":
            learn(student, batch_of(logs), step=step)
        else:
            hopeless = failed(logs, size["group"])
            found = (
                await intervene(engine, played, hopeless, tools, seed=f"{seed}/{step}") if hopeless else []
            )
            tools = tools.after(gains(found))
            taken += sum(said(one.log) - shared(one.log) for one in found)
            learn_from(student, logs, found, step)
        engine.sync(step + 1)
        if taken >= size["turns"]:
            break
    after = await tested(agent, size, store)
    await engine.close()
    curves = {"compares": evenly(uses, size["turns"]), "score": evenly(scores, size["turns"])}
    return Played(
        curves,
        {
            "compares_before": compares(before),
            "compares": compares(after),
            "solved_before": solved(before),
            "solved": solved(after),
            "score": mean_score(after),
        },
    )


async def tested(agent: Agent, size: dict[str, Any], store: Store) -> list[EpisodeLog]:
    """Other tasks, played by the policy as it is."""
    return list((await turnwise.run_async(world(size, "test", size["tests"]), agent, store=store)).logs())


def failed(logs: Sequence[EpisodeLog], group: int) -> list[EpisodeLog]:
    """The episodes of the groups in which nobody scored."""
    groups = [logs[first : first + group] for first in range(0, len(logs), group)]
    return [log for mine in groups if not any(log.score() for log in mine) for log in mine]


def gains(found: Sequence[Inserted]) -> dict[str, list[float]]:
    """What each tool's insertions brought."""
    brought: dict[str, list[float]] = defaultdict(list)
    for one in found:
        brought[one.entry].append((one.log.score() or 0.0) - (one.factual.score() or 0.0))
    return brought


def learn_from(student: Student, logs: Sequence[EpisodeLog], found: Sequence[Inserted], step: int) -> None:
    """CPO: what came of insertions in the place of what came without."""
    instead = {id(one.factual): one.log for one in found}
    batch = batch_of([instead.get(id(log), log) for log in logs], shared=True, logprobs=False).batch
    without = [log.score() if id(log) in instead else None for log in logs]
    factual = np.array([without[int(name)] for name in batch.names], dtype=np.float64)
    advantages = cpo(batch.turns, factual=factual)
    if not advantages.any():
        return
    # An inserted entry was sampled by nobody: all ratios are to what the policy would have said it with.
    old = student.engine.forward_backward(batch, None).logprobs.astype(np.float64)
    update(student, batch, {"advantages": advantages[batch.turn[batch.sampled]], "old": old}, step=step)


def said(log: EpisodeLog) -> int:
    """How many replies were sampled in an episode."""
    return sum(bool(turn.calls) for turn in log.turns)


def shared(log: EpisodeLog) -> int:
    """How many of them were another's."""
    return sum(bool(turn.calls) for turn in log.turns[: log.branches[-1].turns])


def compares(logs: Sequence[EpisodeLog]) -> Share:
    """In how many episodes something was compared."""
    return Share(sum(log.metrics.get("compares", 0) > 0 for log in logs), len(logs))


def solved(logs: Sequence[EpisodeLog]) -> Share:
    """How many were right."""
    return Share(sum(log.detail == "right" for log in logs), len(logs))


def mean_score(logs: Sequence[EpisodeLog]) -> float:
    """The mean score."""
    return float(np.mean([log.score() for log in logs]))


def findings(results: Results) -> list[Finding]:
    """Who found it, and what it was worth."""
    grpo, own = results.mean("grpo", "compares"), results.mean("cpo", "compares")
    apart = results.difference("cpo", "grpo", "compares")
    gain = results.difference("cpo", "grpo", "solved")
    return [
        Finding(
            "GRPO stays at no comparison",
            f"episodes of the test with one, after training: {told(grpo)}",
            "yes" if grpo.mean < FEW else "no",
        ),
        Finding(
            "CPO finds the comparison",
            f"episodes of the test with one, CPO less GRPO: {told(apart)}; CPO alone: {told(own)}",
            judged(apart),
        ),
        Finding(
            "CPO sorts more rows rightly than GRPO",
            f"solved, CPO less GRPO: {told(gain)}",
            judged(gain),
        ),
    ]


STUDY = Study(
    name="earl",
    title="EARL: a tool that the policy would never try",
    question="Does a tool call that is written for the policy make it find a tool which GRPO never finds?",
    setting=(
        f"{SIZE['items']} items with hidden values are to be put into order, in at most {SIZE['limit']} "
        "replies: each compares two, swaps two, or hands in. Half of the reward is for the right order, "
        "half for having proved it in few calls. The policy is a Llama of two layers with random weights, "
        f"cloned for {SIZE['clone_steps']} steps from a player that compares and one that guesses. Then, for "
        f"{SIZE['forget_steps']} steps, it learns how to begin from the guesser alone, and how to go on from "
        "both: it knows what to do with a comparison, and hardly ever makes the first. Each training "
        f"samples {SIZE['turns']} replies, those after an insertion included, in steps of {SIZE['tasks']} "
        f"tasks with {SIZE['group']} episodes each. It is tested, sampling at temperature 1, on "
        f"{SIZE['tests']} other tasks. What stands for the paper's entry action is the first word of a call; "
        "nothing is masked. The start was made rarer twice, because from one that compares in some 3 % of "
        "episodes GRPO finds the tool, too; and after three seeds with half as many replies, undecided, the "
        "replies were doubled and two seeds added."
    ),
    papers=("Yue et al. 2025, arXiv:2510.07581 (ExpA, EARL)", "Shao et al. 2024, arXiv:2402.03300 (GRPO)"),
    arms={
        "grpo": Arm("GRPO", "an episode's outcome against its group's"),
        "cpo": Arm(
            "CPO",
            "the same; but where a whole group failed, each of its episodes is played again with the first "
            "word "
            "of a call inserted, and learned from by the difference that made",
        ),
    },
    curves=(
        Curve(
            "compares", "Episodes with a comparison, while training", "replies sampled", "share of episodes"
        ),
        Curve("score", "Score, while training", "replies sampled", "mean score", smooth=5),
    ),
    measures=(
        Measure("compares_before", "compares, before"),
        Measure("compares", "compares, after"),
        Measure("solved_before", "solved, before"),
        Measure("solved", "solved, after"),
        Measure("score", "score, after"),
    ),
    baseline="grpo",
    size=SIZE,
    seeds=(0, 1, 2, 3, 4),
    smallest={"clone_steps": 4, "forget_steps": 2, "turns": 60, "tests": 8, "tasks": 2, "group": 3},
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
