"""M-DPO, M-KTO, RISE: does what was verified to be better, iterated, improve a cloned policy?

    python benchmarks/learning/preferences.py

No reward is maximised: in each iteration the policy plays, its episodes are compared, and it learns from
which were right. All methods may play as many turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import study
from approach import Approach
from approaching import ABOUT, by_turns, cloned, moves, reached, wasted
from study import Arm, Curve, Finding, Measure, Played, Results, Study, judged, told

import turnwise
from turnwise.agent import Agent
from turnwise.learn.batch import Batch, Floats
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.engine.protocol import Loss
from turnwise.learn.playing import Play
from turnwise.learn.preferences import dpo_loss, improved, kto_loss, pairs, reference, rise_loss
from turnwise.learn.rows import batch_of
from turnwise.learn.tables import concat, select_episodes
from turnwise.log import EpisodeLog
from turnwise.model import Sampling
from turnwise.store.store import Store

SIZE = {
    "turns": 6,
    "tested_turns": 12,
    "tests": 80,
    "clone_steps": 120,
    "iterations": 3,
    "tasks": 32,
    "group": 8,
    "passes": 6,
    "part": 32,
    "beta": 0.5,
    "lr": 3e-4,
}


class OneTurn(Play):
    """Plays one turn of each episode, to be gone on from."""

    async def _play(self, jobs: Any, agent: Agent) -> list[EpisodeLog]:
        return await super()._play([job._replace(turns=1) for job in jobs], agent)


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the careless player; play, compare, learn, again and again; test after each iteration."""
    world = Approach(max_turns=size["turns"], split="train", count=600)
    start = cloned(work / f"careless-{seed}", steps=size["clone_steps"], seed=seed)
    path = work / f"{arm}-{seed}.db"
    for old in work.glob(f"{path.name}*"):
        old.unlink()
    return asyncio.run(_iterate(arm, seed, size, start, world, Store(path)))


async def _iterate(
    arm: str, seed: int, size: dict[str, Any], start: str, world: Approach, store: Store
) -> Played:
    engine = begun(start)
    kind = OneTurn if arm == "rise" else Play
    count = size["iterations"] * size["tasks"] * size["group"]
    table = kind(world, player(engine), store=store, episodes=count, seed=seed)
    tested = [await test(engine, world, size, seed, store)]
    turns = 0
    known: list[Batch] = []
    for iteration in range(size["iterations"]):
        if isinstance(table, OneTurn):
            logs, spent = await climbed(table, size["tasks"], size["group"], size["turns"])
            turns += spent
            known.append(batch_of(logs).batch)
            # RISE learns from the beginning again, from all there is so far.
            engine = begun(start)
            table.agent = player(engine)
            batch = concat(known)
        else:
            logs = await table.fresh(size["tasks"], group=size["group"])
            turns += sum(moves(log) for log in logs)
            batch = batch_of(logs).batch
        near = reference(batch)
        for part, loss in losses(arm, engine, batch, near, size, seed=1000 * seed + iteration):
            engine.forward_backward(part, loss)
            engine.optim_step(lr=size["lr"], clip=1.0)
        engine.sync(iteration + 1)
        tested.append(await test(engine, world, size, seed, store))
    return read(tested, turns, size)


def begun(start: str) -> LocalEngine:
    """The cloned policy, with an optimiser that has not moved."""
    return LocalEngine(start.removeprefix("hf/"), options=LocalOptions(device="cpu"))


def player(engine: LocalEngine) -> Agent:
    """Who plays with an engine's weights."""
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=4, extra={"top_k": 0})
    return Agent(engine.policy, name="policy", sampling=sampling)


async def test(
    engine: LocalEngine, world: Approach, size: dict[str, Any], seed: int, store: Store
) -> list[EpisodeLog]:
    """Other rows, with more turns."""
    other = msgspec.structs.replace(world, split="test", count=size["tests"], max_turns=size["tested_turns"])
    run = await turnwise.run_async(other, player(engine), seed=seed, concurrency=128, store=store)
    return list(run.logs())


async def climbed(table: OneTurn, tasks: int, samples: int, turns: int) -> tuple[list[EpisodeLog], int]:
    """RISE's collection: of some samples of a turn the best is what is gone on from, until it is right.

    Returns:
        The episodes whose last turns are to be learned, and how many turns were sampled.
    """
    logs = await table.fresh(tasks, group=samples)
    chains: list[list[EpisodeLog]] = [[] for _ in range(tasks)]
    active, spent = list(range(tasks)), 0
    for turn in range(turns):
        spent += len(logs)
        for place, task in enumerate(active):
            mine = logs[place * samples : (place + 1) * samples]
            chains[task].append(max(mine, key=worth))
        active = [task for task in active if worth(chains[task][-1]) < 1]
        if not active or turn + 1 == turns:
            break
        places = [(last := chains[task][-1], len(last.turns)) for task in active]
        logs = await table.anew([place for place in places for _ in range(samples)])
    better = [chain[place] for chain in chains for place in improved(np.array([worth(log) for log in chain]))]
    return better, spent


def worth(log: EpisodeLog) -> float:
    """How much of the way it has come."""
    return round(log.score("agent") or 0.0, 6)


def losses(
    arm: str, engine: LocalEngine, batch: Batch, near: Floats, size: dict[str, Any], *, seed: int
) -> Iterator[tuple[Batch, Loss]]:
    """Part after part, what a method minimises on it; each is made when the one before was learned."""
    draw = np.random.default_rng(seed)
    good = batch.outcome >= 1 - 1e-6
    better, worse = pairs(good, batch.turns.group, seed=seed)
    count = {"winners": int(good.sum()), "mkto": len(good), "rise": len(good)}.get(arm, len(better))
    winners = np.flatnonzero(good)
    for _ in range(size["passes"]):
        order = draw.permutation(count)
        for part in np.array_split(order, max(1, round(count / size["part"]))):
            if not len(part):
                continue
            if arm == "mdpo":
                both = np.unique([better[part], worse[part]])
                mini = select_episodes(batch, both)
                first, second = (np.searchsorted(both, side[part]) for side in (better, worse))
                yield (
                    mini,
                    dpo_loss(
                        engine, mini, better=first, worse=second, reference=near[both], beta=size["beta"]
                    ),
                )
            else:
                chosen = np.sort(winners[part] if arm == "winners" else part)
                mini = select_episodes(batch, chosen)
                if arm == "mkto":
                    yield (
                        mini,
                        kto_loss(engine, mini, good=good[chosen], reference=near[chosen], beta=size["beta"]),
                    )
                else:
                    paid = mini.outcome[mini.turns.episode] * (arm == "rise")
                    yield mini, rise_loss(engine, mini, reward=paid)


def read(tested: Sequence[Sequence[EpisodeLog]], turns: int, size: dict[str, Any]) -> Played:
    """What came of it."""
    before, after = tested[0], tested[-1]
    return Played(
        {
            "reached": [(number, reached(logs, size["turns"]).value) for number, logs in enumerate(tested)],
            "by_turn": by_turns(after, size["tested_turns"]),
        },
        {
            "before": reached(before, size["turns"]),
            "once": reached(tested[1], size["turns"]),
            "after": reached(after, size["turns"]),
            "beyond": reached(after, size["tested_turns"]),
            "wasted_before": wasted(before),
            "wasted": wasted(after),
            "thousands": turns / 1000,
        },
    )


def findings(results: Results) -> list[Finding]:
    """Does each method improve the clone, and does iterating add to it?"""
    found: list[Finding] = []
    turns = results.size["turns"]
    for arm in ("mdpo", "mkto", "rise"):
        label = STUDY.arms[arm].label
        gain = results.difference(arm, arm, "after", "before")
        more = results.difference(arm, arm, "after", "once")
        apart = results.difference(arm, "winners", "after")
        for claim, what, estimate in (
            (f"{label} improves the cloned policy", f"reached within {turns} turns, after less before", gain),
            (f"{label}: iterating adds to the first iteration", "after all iterations less after one", more),
            (f"{label} is better than imitating what was right", "less imitation of successes", apart),
        ):
            found.append(Finding(claim, f"{what}: {told(estimate)}", judged(estimate)))
    return found


STUDY = Study(
    name="preferences",
    title="M-DPO, M-KTO and RISE, preferences from verified outcomes",
    question="Does a cloned policy get better by learning, again and again, which of its own episodes were "
    "right?",
    setting=(
        ABOUT.format(steps=SIZE["clone_steps"])
        + f" What reaches it within {SIZE['turns']} moves is right. Each of {SIZE['iterations']} iterations "
        f"plays {SIZE['tasks']} numbers, {SIZE['group']} episodes each (RISE: {SIZE['group']} samples of "
        f"each turn), and goes {SIZE['passes']} times through what it compares, {SIZE['part']} pairs or "
        f"episodes an update, β {SIZE['beta']}, τ 0.4, learning rate {SIZE['lr']:g}. Tested on "
        f"{SIZE['tests']} other numbers with up to {SIZE['tested_turns']} moves, at temperature 1. Learning "
        "rate and β are one for all methods, chosen "
        "by trials with the first seed: with β 0.1, M-DPO at a learning rate of 1e-3, and M-KTO at 3e-4, "
        "fell below the clone."
    ),
    papers=(
        "Xiong et al. 2024, arXiv:2409.02392 (M-DPO, M-KTO)",
        "Qu et al. 2024, arXiv:2407.18219 (RISE)",
    ),
    arms={
        "mdpo": Arm("M-DPO", "a right and a wrong episode of each number; the reference is who played them"),
        "mkto": Arm("M-KTO", "all episodes, right or wrong, without pairs"),
        "rise": Arm(
            "RISE", "the best of the samples of each turn, where better than before, by exp(reward / τ)"
        ),
        "winners": Arm("imitation of successes", "what was right is imitated, nothing is compared (RAFT)"),
    },
    curves=(
        Curve("reached", f"Reached in {SIZE['turns']} turns, in the test", "iterations", "share of numbers"),
        Curve("by_turn", "Reached by moves allowed, at the end", "moves allowed", "share of numbers"),
    ),
    measures=(
        Measure("before", f"reached in {SIZE['turns']} moves, before"),
        Measure("once", "after one iteration"),
        Measure("after", "after all"),
        Measure("beyond", f"in {SIZE['tested_turns']} moves, after all"),
        Measure("wasted_before", "moves wasted, before"),
        Measure("wasted", "after"),
        Measure("thousands", "thousand turns", 1),
    ),
    baseline="winners",
    size=SIZE,
    smallest={"iterations": 2, "clone_steps": 60, "tests": 16, "tasks": 6, "group": 4, "passes": 1},
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
