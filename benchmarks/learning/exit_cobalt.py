"""ExIt and Cobalt: do single steps from stored histories teach what takes many steps?

    python benchmarks/learning/exit_cobalt.py

All arms begin with one policy and take as many turns in the world. One learns from whole episodes; the others
never play more than one turn before they are paid.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import study
from approaching import ABOUT, WORLD, by_turns, cloned, moves, reached, wasted
from study import Arm, Curve, Finding, Measure, Played, Results, Study, judged, told
from training import Trained

import turnwise
from turnwise.engine.config import AgentConfig
from turnwise.learn.journal import read_log
from turnwise.model import Sampling

SIZE = {
    "turns": 6,
    "tested_turns": 12,
    "tests": 150,
    "clone_steps": 120,
    "steps": 40,
    "tasks_per_step": 12,
    "group": 8,
    "stored_tasks": 30,
    "lr": 1e-3,
    "minibatches": 2,
}


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the careless player, train, test with twice as many turns."""
    world = {"split": "train", "count": 600, "max_turns": size["turns"]}
    policy = cloned(work / f"careless-{seed}", steps=size["clone_steps"], seed=seed)
    folder = work / f"{arm}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = folder / "runs.db"
    turns = size["steps"] * size["tasks_per_step"] * size["group"]
    keys: dict[str, Any] = {"tasks_per_step": size["tasks_per_step"], "steps": size["steps"]}
    spent = 0
    if arm == "full":
        keys["tasks_per_step"] = max(1, size["tasks_per_step"] // size["turns"])
    elif arm == "cobalt":
        run = stored(policy, world, seed, size, store)
        spent = sum(moves(log) for log in run.logs())
        # What the stored run took is not there for training.
        keys["steps"] = max(1, (turns - spent) // (size["tasks_per_step"] * size["group"]))
        keys["curriculum"] = {"name": "cobalt", "run": run.id, "rate": "total"}
    else:
        fresh = 1.0 if arm == "first" else 0.3
        keys["curriculum"] = {"name": "exit", "fresh": fresh, "depth": size["turns"] - 1}
    test = {"split": "test", "count": size["tests"], "max_turns": size["tested_turns"]}
    run = turnwise.train(
        environment=WORLD,
        settings=world,
        model=policy,
        max_tokens=4,
        seed=seed,
        group=size["group"],
        lr=size["lr"],
        minibatches=size["minibatches"],
        concurrency=128,
        eval_settings=test,
        eval_every=keys["steps"],
        save_every=keys["steps"],
        folder=str(folder),
        store=store,
        **keys,
    )
    done = Trained(run, folder, store, read_log(folder))
    (_, before), (_, after) = done.evaluations()[0], done.evaluations()[-1]
    spent += sum(line["turns"] * line["episodes"] for line in done.lines if "eval" not in line)
    return Played(
        {"reached": by_turns(after, size["tested_turns"])},
        {
            "before": reached(before, size["turns"]),
            "after": reached(after, size["turns"]),
            "beyond": reached(after, size["tested_turns"]),
            "wasted_before": wasted(before),
            "wasted": wasted(after),
            "thousands": spent / 1000,
        },
    )


def stored(policy: str, world: dict[str, Any], seed: int, size: dict[str, Any], store: Path) -> turnwise.Run:
    """What Cobalt cuts into histories: episodes of the start."""
    sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=4, extra={"top_k": 0})
    return turnwise.run(
        WORLD,
        AgentConfig(use=policy, sampling=sampling),
        settings=world,
        limit=size["stored_tasks"],
        epochs=4,
        seed=seed,
        concurrency=128,
        store=store,
    )


def findings(results: Results) -> list[Finding]:
    """What single steps are worth in full episodes."""
    found: list[Finding] = []
    turns, tested = results.size["turns"], results.size["tested_turns"]
    for arm in ("exit", "cobalt"):
        label = STUDY.arms[arm].label
        compared = {
            f"{label}: single steps make full episodes better": (
                f"reached within {turns} turns, after less before",
                results.difference(arm, arm, "after", "before"),
            ),
            f"{label}: more than from first turns alone": (
                f"reached within {turns} turns, less first turns alone",
                results.difference(arm, "first", "after"),
            ),
            f"{label}: as good as whole episodes, or better, with as many turns": (
                f"reached within {turns} turns, less whole episodes",
                results.difference(arm, "full", "after"),
            ),
            f"{label}: success rises beyond the {turns} turns that any history had": (
                f"reached within {tested} turns less within {turns}",
                results.difference(arm, arm, "beyond", "after"),
            ),
        }
        for claim, (what, estimate) in compared.items():
            found.append(Finding(claim, f"{what}: {told(estimate)}", judged(estimate)))
    return found


def start(results: Results) -> dict[str, float]:
    """What the start reaches within the turns of training."""
    return {f"start, {results.size['turns']} moves": results.mean("full", "before").mean}


STUDY = Study(
    name="exit_cobalt",
    title="ExIt and Cobalt, single steps from stored histories",
    question="Does a policy that is trained on single steps, each from a stored history, do well in full "
    "episodes?",
    setting=(
        ABOUT.format(steps=SIZE["clone_steps"])
        + f" A move is paid by how much nearer it comes. Every arm takes "
        f"{SIZE['steps'] * SIZE['tasks_per_step'] * SIZE['group']:,} turns in the world at most, in "
        f"{SIZE['steps']} steps (GRPO in groups of {SIZE['group']}); Cobalt's stored run is part of them, so "
        f"that it has fewer steps. Histories and whole episodes have at most {SIZE['turns']} turns. Tested "
        f"on {SIZE['tests']} other numbers with up to {SIZE['tested_turns']} moves, at temperature 1."
    ),
    papers=(
        "Jiang et al. 2025, arXiv:2509.04575 (ExIt)",
        "Chen et al. 2026, arXiv:2602.03806 (Cobalt)",
    ),
    arms={
        "full": Arm("whole episodes", "every turn of an episode learns from what the episode came to"),
        "first": Arm("first turns alone", "single turns, all of them the first"),
        "exit": Arm("ExIt", "single turns from histories that grew in the training, drawn by learnability"),
        "cobalt": Arm("Cobalt", "single turns from the prefixes of successful episodes of the start"),
    },
    curves=(
        Curve(
            "reached",
            "Reached by moves allowed, in the test",
            "moves allowed",
            "share of numbers",
            levels=start,
        ),
    ),
    measures=(
        Measure("before", f"reached in {SIZE['turns']} moves, before"),
        Measure("after", "after"),
        Measure("beyond", f"in {SIZE['tested_turns']} moves, after"),
        Measure("wasted_before", "moves wasted, before"),
        Measure("wasted", "after"),
        Measure("thousands", "thousand turns", 1),
    ),
    baseline="full",
    size=SIZE,
    smallest={"steps": 2, "clone_steps": 30, "tests": 16, "tasks_per_step": 6, "group": 4},
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
