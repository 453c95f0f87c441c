"""Number guess: does reinforcement learning from a weak start reach binary search?

    python benchmarks/learning/number_guess.py

The weak start is cloned from a player that heeds the hints but guesses anywhere within what they leave; it
never halves. The weakest is cloned from one that guesses blindly: it can name a number, and that is all.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Generator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import study
from begin import clone
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told, within
from training import trained

import turnwise
from turnwise.environments.games.number_guess import NumberGuess
from turnwise.log import EpisodeLog

SIZE = {
    "high": 8,
    "turns": 3,
    "tested_turns": 8,
    "tests": 320,
    "clone_steps": 200,
    "steps": 150,
    "tasks_per_step": 16,
    "group": 8,
    "lr": 1e-3,
}


def heedful(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    """Guesses anywhere within what the hints leave."""
    said = yield
    low, high = (int(word.strip(".")) for word in said.text.split() if word.strip(".").isdigit())
    while True:
        said = yield str(guess := rng.randint(low, high))
        low, high = (guess + 1, high) if said.text == "higher" else (low, guess - 1)


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone a player, train by one credit method, test before and after."""
    credit, player = LESSONS[arm]
    train = {"high": size["high"], "max_turns": size["turns"], "split": "train", "count": 400}
    policy = clone(
        work / f"clone-{'blind' if player == 'random' else 'heedful'}-{seed}",
        environment="number_guess",
        settings=train,
        players={player: 2},
        steps=size["clone_steps"],
        context=512,
        seed=seed,
    )
    done = trained(
        work / f"{arm}-{seed}",
        environment="number_guess",
        settings=train,
        model=policy,
        max_tokens=4,
        seed=seed,
        credit=credit,
        steps=size["steps"],
        tasks_per_step=size["tasks_per_step"],
        group=size["group"],
        lr=size["lr"],
        critic_lr=3e-3,
        minibatches=2,
        eval_every=size["steps"],
        eval_settings={"split": "test", "count": size["tests"], "max_turns": size["tested_turns"]},
    )
    (_, before), (_, after) = done.evaluations()
    return Played(
        {"score": done.curve("score")},
        {
            "before": solved(before, size["turns"]),
            "after": solved(after, size["turns"]),
            "guesses_before": guesses(before),
            "guesses": guesses(after),
        },
    )


STEP = f"step of {SIZE['tasks_per_step'] * SIZE['group']} episodes"
LESSONS: dict[str, tuple[Any, Any]] = {
    "turn_baseline": ("turn_baseline", heedful),
    "ppo": ({"name": "gae", "gamma": 1.0, "lam": 0.95}, heedful),
    "blind": ("turn_baseline", "random"),
}
"""The credit method of each arm, and whom its policy is cloned from."""


def solved(logs: Sequence[EpisodeLog], turns: int) -> Share:
    """How many episodes found the number within so many guesses."""
    return Share(sum(log.detail == "correct" and log.metrics["guesses"] <= turns for log in logs), len(logs))


def guesses(logs: Sequence[EpisodeLog]) -> float:
    """The mean number of guesses; where the number was not found, those that were allowed."""
    return sum(log.metrics["guesses"] for log in logs) / len(logs)


@cache
def searched(high: int, turns: int, tests: int, tested_turns: int) -> tuple[Share, float]:
    """What binary search does on the tasks of the test: found within `turns`, and mean guesses."""
    world = NumberGuess(high=high, max_turns=tested_turns, count=tests, split="test")
    with tempfile.TemporaryDirectory() as folder:
        logs = list(turnwise.run(world, "solver", store=Path(folder) / "runs.db").logs())
    return solved(logs, turns), guesses(logs)


def search_of(results: Results) -> tuple[Share, float]:
    """As `searched`, for the size of some results."""
    return searched(*(results.size[key] for key in ("high", "turns", "tests", "tested_turns")))


def levels(results: Results) -> dict[str, float]:
    """What binary search scores on tasks like those that are trained on, in the long run."""
    high, turns = results.size["high"], results.size["turns"]
    return {"binary search": min(2**turns - 1, high) / high}


def findings(results: Results) -> list[Finding]:
    """Does each method climb, and does it come within a tenth of binary search?"""
    share, fewest = search_of(results)
    found: list[Finding] = []
    for arm, said in STUDY.arms.items():
        gain = results.difference(arm, arm, "after", "before")
        found.append(
            Finding(
                f"{said.label}: learns more than its start knew",
                f"found within {results.size['turns']} guesses, after less before: {told(gain)}",
                judged(gain),
            )
        )
        rate, number = results.mean(arm, "after"), results.mean(arm, "guesses")
        found.append(
            Finding(
                f"{said.label}: finds it as often as binary search, within 10 %",
                f"{told(rate)} against {share.value:.2f} of binary search",
                within(rate, 0.9 * share.value, 1.1 * share.value),
            )
        )
        found.append(
            Finding(
                f"{said.label}: needs as few guesses as binary search, within 10 %",
                f"{told(number)} against {fewest:.2f} of binary search",
                within(number, 0.9 * fewest, 1.1 * fewest),
            )
        )
    return found


STUDY = Study(
    name="number_guess",
    title="Number guess, from a weak start to binary search",
    question="Does a policy that never halved come to binary search, from nothing but whether it won?",
    setting=(
        f"A number from 1 to {SIZE['high']} is to be guessed in {SIZE['turns']} turns; a wrong guess is "
        f'answered "higher" or "lower"; the reward is 1 for the number, at the end. The policy is a Llama of '
        f"two layers with random weights, cloned for {SIZE['clone_steps']} steps from a scripted player that "
        f"heeds the hints and guesses anywhere within what they leave (in one arm, from one that guesses "
        f"blindly), then trained for {SIZE['steps']} steps of {SIZE['tasks_per_step'] * SIZE['group']} "
        f"episodes. It is tested, sampling at temperature 1, on {SIZE['tests']} other tasks, in which "
        f"{SIZE['tested_turns']} guesses are allowed, so that guesses can be counted; where the number is "
        f"not found, {SIZE['tested_turns']} are."
    ),
    papers=("Schulman et al. 2017, arXiv:1707.06347 (PPO)",),
    arms={
        "turn_baseline": Arm("turn baseline", "reward to go less the mean of the group's other episodes"),
        "ppo": Arm("PPO", "a critic of its own, advantages by GAE over the sampled tokens (λ 0.95)"),
        "blind": Arm("blind start", "turn baseline, begun from the clone of the blind player"),
    },
    curves=(
        Curve("score", "Found in time, while training", STEP, "share of episodes", smooth=10, levels=levels),
    ),
    measures=(
        Measure("before", "found in time, before"),
        Measure("after", "found in time, after"),
        Measure("guesses_before", "guesses, before"),
        Measure("guesses", "guesses, after"),
    ),
    size=SIZE,
    smallest={"steps": 2, "clone_steps": 4, "tests": 16, "tasks_per_step": 2, "group": 4},
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
