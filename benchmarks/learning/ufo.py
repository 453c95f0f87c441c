"""UFO: does training with "try again" teach a policy to try something else?

    python benchmarks/learning/ufo.py

The same arithmetic, the same number of answers to learn from: once each answer is an episode of its own, once
a wrong one is told so and may be followed by others.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import study
from begin import clone
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told
from training import Trained, trained

from turnwise.log import EpisodeLog

ATTEMPTS = 5
ARMS: dict[str, dict[str, Any]] = {
    "single": {"attempts": 1},
    "retry": {"attempts": ATTEMPTS, "decay": 1.0, "repetition": 0.0},
    "ufo": {"attempts": ATTEMPTS},
}
SIZE = {
    "clone_steps": 400,
    "steps": 100,
    "episodes": 64,
    "single_episodes": 256,
    "tests": 250,
    "lr": 1e-3,
}


def careless(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    """Right one time in three, else a little off, and may well say the same thing twice."""
    yield
    while True:
        off = 0 if rng.random() < 1 / 3 else rng.choice((-3, -2, -1, 1, 2, 3))
        yield f"<answer>{round(float(task.answer)) + off if off else task.answer}</answer>"


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the careless player, train with one attempt or several, test with several."""
    world = {"source": "arithmetic", "digits": 1, "operations": 1, "split": "train", "count": 1000}
    policy = clone(
        work / f"careless-{seed}",
        environment="retry",
        settings=world | {"attempts": ATTEMPTS},
        players={careless: 1},
        steps=size["clone_steps"],
        context=512,
        seed=seed,
    )
    done = trained(
        work / f"{arm}-{seed}",
        environment="retry",
        settings=world | ARMS[arm],
        model=policy,
        max_tokens=12,
        seed=seed,
        credit={"name": "gae", "gamma": 1.0, "lam": 1.0},
        loss={"name": "ppo", "high": 0.28},
        steps=size["steps"],
        tasks_per_step=size["single_episodes" if arm == "single" else "episodes"],
        group=1,
        lr=size["lr"],
        critic_lr=3e-3,
        minibatches=2,
        eval_every=max(1, size["steps"] // 5),
        eval_settings={"split": "test", "count": size["tests"], "attempts": ATTEMPTS},
    )
    tests = done.evaluations()
    (_, before), (_, after) = tests[0], tests[-1]
    return Played(
        {
            "solved": [(step, solved(logs, ATTEMPTS).value) for step, logs in tests],
            "by_attempt": [(k, solved(after, k).value) for k in range(1, ATTEMPTS + 1)],
        },
        {
            "before_1": solved(before, 1),
            "before_5": solved(before, ATTEMPTS),
            "after_1": solved(after, 1),
            "after_5": solved(after, ATTEMPTS),
            "distinct": distinct(after),
            "thousands": answers(done) / 1000,
        },
    )


def solved(logs: Sequence[EpisodeLog], attempts: int) -> Share:
    """Succ@k: how many problems were right within so many attempts."""
    return Share(
        sum(bool(log.metrics["right_ever"]) and log.metrics["attempts"] <= attempts for log in logs),
        len(logs),
    )


def distinct(logs: Sequence[EpisodeLog]) -> float | None:
    """Of the problems that were tried more than once, the mean share of answers that repeat none before."""
    found = [
        log.metrics["distinct"] for log in logs if log.metrics["attempts"] > 1 and "distinct" in log.metrics
    ]
    return sum(found) / len(found) if found else None


def answers(done: Trained) -> float:
    """How many answers a training has learned from."""
    return sum(line["turns"] * line["episodes"] for line in done.lines if "eval" not in line)


def start(results: Results) -> dict[str, float]:
    """What the cloned policy solves within all attempts."""
    return {f"start, {ATTEMPTS} attempts": results.mean("single", "before_5").mean}


def findings(results: Results) -> list[Finding]:
    """What several attempts in training are worth, and cost."""
    gain = {arm: results.difference(arm, "single", "after_5") for arm in ("ufo", "retry")}
    first = results.difference("ufo", "single", "after_1")
    apart = results.difference("ufo", "single", "distinct")
    return [
        Finding(
            "Single-turn training makes the first answer better",
            f"right at the first attempt, after less before: "
            f"{told(learned := results.difference('single', 'single', 'after_1', 'before_1'))}",
            judged(learned),
        ),
        Finding(
            f'Training with "try again" solves more within {ATTEMPTS} attempts than single-turn training',
            f"UFO less single turn: {told(gain['ufo'])}",
            judged(gain["ufo"]),
        ),
        Finding(
            "It does so without decayed rewards and penalties, too",
            f"several turns, plain reward, less single turn: {told(gain['retry'])}",
            judged(gain["retry"]),
        ),
        Finding(
            "Decay and penalty add to that",
            f"UFO less plain reward, within {ATTEMPTS} attempts: "
            f"{told(shaped := results.difference('ufo', 'retry', 'after_5'))}",
            judged(shaped),
        ),
        Finding(
            "It repeats fewer wrong answers",
            f"share of answers that repeat none, UFO less single turn: {told(apart)}",
            judged(apart),
        ),
        Finding(
            "It loses less than 0.05 at the first attempt",
            f"right at the first attempt, UFO less single turn: {told(first)}",
            judged(first, above=-0.05),
        ),
    ]


STUDY = Study(
    name="ufo",
    title="UFO, learning to try something else",
    question='Does training with "try again" lift what is solved in several attempts, for no more answers?',
    setting=(
        f"Sums, differences, products and quotients of numbers of one digit, in the world `retry`: a wrong "
        f"answer is called wrong, no more is said, and it may be tried again, up to {ATTEMPTS} times. The "
        f"policy is a Llama of two layers with random weights, cloned for {SIZE['clone_steps']} steps from a "
        f"player that is right once in three, else off by up to 3, and repeats itself. It is then trained "
        f"by PPO for {SIZE['steps']} steps of {SIZE['episodes']} episodes, or of {SIZE['single_episodes']} "
        f"where an episode is a single answer; how many answers each arm was given to learn from is in the "
        f"table, and the single-turn arm has the most. All are tested with {ATTEMPTS} attempts, sampling at "
        f"temperature 1, on {SIZE['tests']} problems drawn anew."
    ),
    papers=("Liu et al. 2025, arXiv:2507.14295 (UFO, \"A Simple 'Try Again'\")",),
    arms={
        "single": Arm("single turn", "one answer an episode, worth 1 where it is right"),
        "retry": Arm(
            "several turns, plain reward", f"up to {ATTEMPTS} answers, 1 for the right one, whenever it comes"
        ),
        "ufo": Arm(
            "UFO",
            f"up to {ATTEMPTS} answers; the right one is worth half as much for each before it, and repeated "
            f"answers cost up to 0.5",
        ),
    },
    curves=(
        Curve("solved", f"Solved within {ATTEMPTS} attempts", "step", "share of problems", levels=start),
        Curve("by_attempt", "Solved within k attempts, after training", "attempts k", "share of problems"),
    ),
    measures=(
        Measure("before_1", "first attempt, before"),
        Measure("after_1", "first attempt, after"),
        Measure("before_5", f"within {ATTEMPTS}, before"),
        Measure("after_5", f"within {ATTEMPTS}, after"),
        Measure("distinct", "answers that repeat none, where there were several"),
        Measure("thousands", "thousand answers in training", 1),
    ),
    size=SIZE,
    smallest={"steps": 2, "clone_steps": 4, "episodes": 8, "single_episodes": 16, "tests": 16},
    play=play,
    findings=findings,
    baseline="single",
)

if __name__ == "__main__":
    study.main(STUDY)
