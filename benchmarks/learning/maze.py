"""LMRL-Gym's maze: from a clone of random walks to the goal, online by PPO and offline by ILQL.

    python benchmarks/learning/maze.py

The maze is the benchmark's own, its 25 starts, its texts and its limit of 100 moves, and the policy sees the
last text only, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import study
import torch
from begin import begun
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told, within
from training import trained

import turnwise
from turnwise.agent import Agent
from turnwise.agents.window import Window
from turnwise.engine.config import AgentConfig
from turnwise.environments.lmrl_gym.maze import DISTANCES, STARTS
from turnwise.environments.lmrl_gym.normalised import SCALES
from turnwise.learn.batch import Batch, Ints
from turnwise.learn.engine.ilql import ILQL, ILQLOptions, distinct, next_rows
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.log import EpisodeLog
from turnwise.model import Sampling

MAZE = {"rules": False}
SCALE = SCALES["maze_fully_observed"]
REPLY = 6
OPTIONS = ILQLOptions(tau=0.9, alpha=0.0, polyak=0.5)
BETA = 32.0
SIZE = {
    "walks": 6,
    "clone_steps": 200,
    "ppo_steps": 120,
    "episodes": 25,
    "ilql_steps": 3000,
    "ilql_looks": 6,
    "tests": 4,
    "looks": 1,
    "lr": 6e-4,
    "warmup": 20,
}


class Data:
    """The data set, and the policy that was cloned from it.

    Args:
        work: Folder of the study.
        seed: Of both.
        size: How much.
    """

    def __init__(self, work: Path, seed: int, size: dict[str, Any]) -> None:
        store, folder = work / f"walks-{seed}.db", work / f"clone-{seed}"
        if folder.exists():
            self.run = turnwise.open_run("last", store=store)
            self.engine = LocalEngine(str(folder), options=LocalOptions(device="cpu"))
        else:
            walker = AgentConfig(use="mixed", window=1)
            settings = MAZE | {"split": "train"}
            self.run = turnwise.run(
                "maze", walker, epochs=size["walks"], seed=seed, settings=settings, store=store
            )
            self.engine = begun([self.run], seed=seed, context=256)
            losses = imitate(self.engine, self.batch, steps=size["clone_steps"], lr=3e-3, rows=128, seed=seed)
            print(f"{folder.name}: loss {losses[0]:.2f} to {losses[-1]:.2f}", flush=True)
            self.engine.save(folder)
        self.policy = f"hf/{folder}"

    @property
    def batch(self) -> Batch:
        """All moves of the data set, each with the text it was made after."""
        return demonstrations(self.run, self.engine.tokenizer)


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the walks, learn by one method, test from every start."""
    torch.manual_seed(seed)
    data = Data(work, seed, size)
    store = work / f"tests-{arm}-{seed}.db"
    curves: dict[str, Any] = {"ppo": [], "ilql": []}
    if arm == "ppo":
        done = trained(
            work / f"ppo-{seed}",
            environment="maze",
            settings=MAZE | {"split": "train"},
            model=data.policy,
            window=1,
            max_tokens=REPLY,
            seed=seed,
            credit={"name": "gae", "gamma": 0.99, "lam": 0.95},
            steps=size["ppo_steps"],
            tasks_per_step=size["episodes"],
            group=1,
            lr={"peak": size["lr"], "warmup": size["warmup"]},
            critic_lr=3e-3,
            minibatches=4,
        )
        curves["ppo"] = done.curve("score")
        logs = tested(AgentConfig(use=done.policy, window=1, sampling=SAMPLING), size["tests"], store)
    elif arm == "ilql":
        learner, batch = ILQL(data.engine, OPTIONS, seed=seed), data.batch
        moves = transitions(batch)
        every = max(1, size["ilql_steps"] // size["ilql_looks"])
        for number in range(size["ilql_looks"]):
            learner.learn(batch, steps=every, rows=100, seed=100 * seed + number, among=moves)
            logs = tested(player(learner, BETA), size["looks"], store)
            curves["ilql"].append(((number + 1) * every, score(logs)))
        logs = tested(player(learner, BETA), size["tests"], store)
    else:
        logs = tested(AgentConfig(use=data.policy, window=1, sampling=SAMPLING), size["tests"], store)
    return Played(
        curves,
        {
            "data": float(np.mean([log.score() for log in data.run.logs()])),
            "score": score(logs),
            "normalised": SCALE.normalised(score(logs)),
            "reached": Share(sum(bool(log.metrics["success"]) for log in logs), len(logs)),
        },
    )


def transitions(batch: Batch) -> Ints:
    """Each move that the data have of a cell, once. A last move that is cut off by the limit leads nowhere
    that is known, and is left out."""
    rows = distinct(batch)
    return rows[(next_rows(batch)[rows] >= 0) | (batch.turns.reward[rows] == 0)]


SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=REPLY)


def player(learner: ILQL, beta: float) -> Agent:
    """The policy that a learner has come to."""
    return Agent(learner.player(beta=beta), context=Window(1), sampling=SAMPLING)


def tested(agent: Any, epochs: int, store: Path) -> list[EpisodeLog]:
    """Episodes from each of the benchmark's 25 starts."""
    return list(turnwise.run("maze", agent, epochs=epochs, settings=MAZE, store=store).logs())


def score(logs: Sequence[EpisodeLog]) -> float:
    """The mean return."""
    return float(np.mean([log.score() for log in logs]))


def best() -> float:
    """The mean return of the shortest ways: a move costs 1, the last one nothing."""
    return 1 - sum(DISTANCES[place] for place in STARTS) / len(STARTS)


def minus(number: float) -> str:
    """A number with a sign as long as that of the others."""
    return f"{number:g}".replace("-", "−")


def levels(results: Results) -> dict[str, float]:
    """The clone, and the shortest ways."""
    return {"clone": results.mean("clone", "score").mean, "shortest ways": best()}


def findings(results: Results) -> list[Finding]:
    """Is the clone what the data are, and how near to the shortest ways do the others come?"""
    clone = results.mean("clone", "score")
    found = [
        Finding(
            f"A clone of the data scores as published, {minus(SCALE.average)} within 5",
            f"return {told(clone, 1)}; the data {told(results.mean('clone', 'data'), 1)}",
            within(clone, SCALE.average - 5, SCALE.average + 5),
        )
    ]
    for arm in ("ppo", "ilql"):
        gain = results.difference(arm, "clone", "score")
        reached = results.mean(arm, "score")
        label = STUDY.arms[arm].label
        found += [
            Finding(
                f"{label} is better than the clone", f"{label} less clone: {told(gain, 1)}", judged(gain)
            ),
            Finding(
                f"{label} comes within 1 of the shortest ways ({minus(round(best(), 2))})",
                f"return {told(reached)}",
                judged(reached, above=best() - 1),
            ),
        ]
    apart = results.difference("ilql", "ppo", "score")
    found.append(
        Finding(
            "ILQL is better than PPO, as published (99.9 against 79.7, normalised)",
            f"ILQL less PPO: {told(apart)}",
            judged(apart),
        )
    )
    return found


STUDY = Study(
    name="maze",
    title="LMRL-Gym's maze, from random walks to the goal",
    question=(
        "Does a clone of random walks find the shortest ways, by PPO from episodes of its own and by ILQL "
        "from the walks alone?"
    ),
    setting=(
        f"The fully observed maze of LMRL-Gym at its own size: 26 cells, 25 starts, 100 moves; a move "
        f"costs 1, a reply that is none costs 4. The policy sees the last text only, with its place and the "
        f"walls, as there. The data are {25 * SIZE['walks']} walks, one in 28 by the shortest way, "
        f"the others random. The policy is a Llama of two layers with random weights, cloned from them for "
        f"{SIZE['clone_steps']} steps of 128 moves. PPO has {SIZE['ppo_steps']} steps of "
        f"{SIZE['episodes']} episodes of its own, one from each start, and a learning rate that rises to "
        f"{SIZE['lr']:g} within {SIZE['warmup']} of them. ILQL has {SIZE['ilql_steps']:,} steps over moves "
        f"of the data, each that they have of a cell counting the same (γ 0.99, τ {OPTIONS.tau:g}, "
        f"α {OPTIONS.alpha:g}, target rate {OPTIONS.polyak:g}, β {BETA:g}; the benchmark's maze has τ 0.95, "
        f"α 0 and a target rate of 0.005, over many more steps). All are tested {SIZE['tests']} times from "
        f"each start, sampling at temperature 1. What was changed after a look: ILQL's τ, α, target rate and "
        f"number of steps were chosen by its curve of seed 0. PPO first had 0.001 from its first step on and "
        f"20 steps less; it reached −10.5 with seed 0, and with seed 1, while its critic knew nothing yet, "
        f"forgot how to reply at all. So it was trained anew with all seeds; the clones and ILQL, whose "
        f"setting was the same, were not."
    ),
    papers=(
        "Abdulhai et al. 2023, arXiv:2311.18232 (LMRL-Gym)",
        "Snell et al. 2023, arXiv:2206.11871 (ILQL)",
        "Schulman et al. 2017, arXiv:1707.06347 (PPO)",
    ),
    arms={
        "clone": Arm("clone", "says what the data say, and learns nothing more"),
        "ppo": Arm(
            "PPO", "goes on from the clone by episodes of its own, with a critic and GAE (γ 0.99, λ 0.95)"
        ),
        "ilql": Arm(
            "ILQL",
            "goes on by the data alone: learns Q of every token, which tilts the logits of the clone",
        ),
    },
    curves=(
        Curve("ppo", "PPO, while training", "step of 25 episodes", "return", levels=levels),
        Curve("ilql", "ILQL, from every start once", "step", "return", levels=levels),
    ),
    measures=(
        Measure("data", "return of the data", 1),
        Measure("score", "return"),
        Measure("normalised", "normalised", 1),
        Measure("reached", "goal reached"),
    ),
    size=SIZE,
    smallest={
        "walks": 1,
        "clone_steps": 2,
        "ppo_steps": 1,
        "episodes": 2,
        "ilql_steps": 2,
        "ilql_looks": 1,
        "tests": 1,
    },
    play=play,
    findings=findings,
    baseline="clone",
)

if __name__ == "__main__":
    study.main(STUDY)
