"""DART: what is won by not waiting for the slowest, and by playing what is solved less often?

    python benchmarks/learning/dart.py

Three arms play in worlds that take their time, and differ in who waits for whom. Two more, in worlds that
take none, differ in how often each task is played.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import study
from approaching import cloned, reached
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told
from training import Trained, trained

from turnwise import metrics
from turnwise.metrics import Estimate

WORLD = f"{Path(__file__).with_name('workshop.py')}:Workshop"
TURNS = 8
PLACES = {
    "lockstep": {"together": True},
    "free": {"together": False},
    "decoupled": {"together": False},
}
SIZE = {
    "pace": 0.04,
    "places": 16,
    "timed_steps": 4,
    "timed_tasks": 8,
    "clone_steps": 120,
    "tasks": 24,
    "steps": 24,
    "tasks_per_step": 8,
    "group": 8,
    "turns": 5000,
    "tests": 150,
    "lr": 1e-3,
}


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the careless player; train, and look at the clock or at what was learned."""
    world = {"split": "train", "count": size["tasks"], "pace": 0.0, "max_turns": TURNS}
    policy = cloned(work / f"careless-{seed}", steps=size["clone_steps"], seed=seed)
    keys: dict[str, Any] = {
        "environment": WORLD,
        "model": policy,
        "max_tokens": 4,
        "seed": seed,
        "group": size["group"],
        "lr": size["lr"],
    }
    folder = work / f"{arm}-{seed}"
    if arm in PLACES:
        return timed(folder, arm, size, keys | {"settings": world | PLACES[arm] | {"pace": size["pace"]}})
    done = trained(
        folder,
        settings=world,
        steps=size["steps"],
        tasks_per_step=size["tasks_per_step"],
        curriculum="uniform" if arm == "fixed" else {"name": "dart", "turns": None},
        eval_every=max(1, size["steps"] // 6),
        eval_settings={"split": "test", "count": size["tests"]},
        **keys,
    )
    curve = learned(done)
    turns, shares = zip(*curve, strict=True)
    at = float(np.interp(size["turns"] / 1000, turns, shares))
    return Played(
        {"reached": curve},
        dict.fromkeys(("worlds", "policy", "speed"))
        | {"before": shares[0], "reached": at, "groups": groups(done, size)},
    )


def timed(folder: Path, arm: str, size: dict[str, Any], keys: dict[str, Any]) -> Played:
    """Train for some steps, and tell what was at work between the first step and the last but one."""
    clock: list[tuple[float, float]] = []

    def say(line: dict[str, Any]) -> None:
        clock.append((time.perf_counter(), time.process_time()))

    decoupled = arm == "decoupled"
    sampler = {"name": "local", "sampler": "copy"}
    done = trained(
        folder,
        config={"engine": sampler} if decoupled else {},
        say=say,
        steps=size["timed_steps"],
        tasks_per_step=size["timed_tasks"],
        concurrency=size["places"],
        lag=int(decoupled),
        **keys,
    )
    wall, processor = (end - begin for begin, end in zip(clock[0], clock[-2], strict=True))
    # One step ahead: what is played in that time is learned from a step later.
    first, last = (2, len(clock)) if decoupled else (1, len(clock) - 1)
    each = size["timed_tasks"] * size["group"]
    store, run = done.run.store, done.run.row.number
    logs = [log for _, log in store.read_many(run, range(first * each, last * each))]
    worked = sum(log.metrics["worked"] for log in logs)
    moves = sum(log.metrics["moves"] for log in logs)
    return Played(
        {"reached": []},
        {
            "worlds": worked / (wall * size["places"]),
            "policy": processor / wall,
            "speed": moves / wall,
            "before": None,
            "reached": None,
            "groups": None,
        },
    )


def learned(done: Trained) -> list[tuple[float, float | None]]:
    """Success in the test by thousand turns played so far."""
    turns = np.cumsum([0.0, *(line["turns"] * line["episodes"] for line in done.lines if "eval" not in line)])
    return [
        (round(float(turns[step]) / 1000, 3), reached(logs, TURNS).value) for step, logs in done.evaluations()
    ]


def groups(done: Trained, size: dict[str, Any]) -> Share:
    """In how many groups outcomes differed, so that there was something to learn."""
    each = size["tasks_per_step"] * size["group"]
    store, run = done.run.store, done.run.row.number
    found: dict[tuple[int, str], set[float]] = {}
    for number, log in store.read_many(run, sorted(store.stops(run))):
        found.setdefault((number // each, log.task["id"]), set()).add(round(log.score("agent") or 0.0, 6))
    return Share(sum(len(scores) > 1 for scores in found.values()), len(found))


def ratio(results: Results, arm: str, measure: str) -> Estimate:
    """An arm's measure over that of lock-step, seed by seed: mean with its interval."""
    pairs = zip(results.values(arm, measure), results.values("lockstep", measure), strict=True)
    return metrics.mean([mine / theirs for mine, theirs in pairs])


def findings(results: Results) -> list[Finding]:
    """Ratios by the clock, and what unequal numbers of rollouts are worth."""
    found: list[Finding] = []
    for arm in ("free", "decoupled"):
        label = STUDY.arms[arm].label
        for key, claim in (
            ("worlds", "the worlds are used more"),
            ("policy", "the policy is used more"),
            ("speed", "more turns a second are played"),
        ):
            times = ratio(results, arm, key)
            found.append(
                Finding(
                    f"{label}: {claim} than in lock-step", f"{told(times)} times", judged(times, above=1.0)
                )
            )
    gain = results.difference("fixed", "fixed", "reached", "before")
    apart = results.difference("dynamic", "fixed", "reached")
    turns = f"{results.size['turns']:,}"
    return [
        *found,
        Finding(
            "With fixed numbers of rollouts the policy learns",
            f"reached after {turns} turns of training, less before: {told(gain)}",
            judged(gain),
        ),
        Finding(
            "Dynamic numbers of rollouts: more is learned from as many turns",
            f"reached after {turns} turns, dynamic less fixed: {told(apart)}",
            judged(apart),
        ),
    ]


STUDY = Study(
    name="dart",
    title="DART, decoupled collection and dynamic rollouts",
    question="How much more is done where nobody waits for the slowest world, and is more learned where "
    "solved tasks are played less often?",
    setting=(
        f"A number 1 to 12 away, in either direction, is to be reached in {TURNS} moves of at most 3; each "
        f"turn tells how far it still is, and is paid by how much nearer it came. The policy is a Llama of "
        f"two layers, cloned for {SIZE['clone_steps']} steps from a player that moves at random, but in "
        f"three of ten turns the right way; GRPO in groups of {SIZE['group']}. "
        f"**By the clock**: {SIZE['places']} worlds at a time, in which a turn of the middle task takes "
        f"{1000 * SIZE['pace']:.0f} ms, and one turn in 20 more than 4.7 times that; {SIZE['timed_steps']} "
        f"steps of {SIZE['timed_tasks'] * SIZE['group']} episodes, the first and the last not counted, on "
        f"two cores with nothing else at work. A world is used while it works on a turn. The policy's use is "
        f"the processor seconds of sampling and learning, and what little else is done, in a second. "
        f"**By what is learned**: worlds that take no time, {SIZE['tasks']} tasks, {SIZE['steps']} steps of "
        f"at most {SIZE['tasks_per_step'] * SIZE['group']} episodes, compared after {SIZE['turns']:,} turns "
        f"of training (between two tests, on the line that joins them); tested on {SIZE['tests']} other "
        f"tasks, at temperature 1."
    ),
    papers=("Li et al. 2025, arXiv:2509.23866 (DART)",),
    arms={
        "lockstep": Arm("lock-step", "each turn all wait for the slowest world, and learning for the last"),
        "free": Arm(
            "rollout by rollout", "a world goes on as soon as it can, the next episode when one ends"
        ),
        "decoupled": Arm("decoupled", "so, and the next step is played while this one is learned from"),
        "fixed": Arm("fixed rollouts", f"every task {SIZE['group']} times, in its turn"),
        "dynamic": Arm(
            "dynamic rollouts",
            "fewer of tasks that succeed more than six times in ten, and a stored success where all fail",
        ),
    },
    curves=(Curve("reached", "Reached, in the test", "thousand turns of training", "share of numbers"),),
    measures=(
        Measure("worlds", "worlds used"),
        Measure("policy", "policy used"),
        Measure("speed", "turns a second", 1),
        Measure("before", "reached, before"),
        Measure("reached", "reached, after as many turns"),
        Measure("groups", "groups that differ"),
    ),
    size=SIZE,
    smallest={
        "pace": 0.001,
        "timed_steps": 3,
        "timed_tasks": 2,
        "clone_steps": 60,
        "steps": 2,
        "tasks_per_step": 4,
        "group": 4,
        "tests": 16,
        "turns": 50,
    },
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
