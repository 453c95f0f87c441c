"""WMAct: do a reward cut by wasted moves, and ever fewer replies, teach a policy not to waste any?

    python benchmarks/learning/wmact.py

A small maze that is seen whole. The policy begins as one that strays: every second move goes
anywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import study
from begin import clone
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told, within
from training import Trained, trained

from results import Points
from turnwise.environments.parts import grid
from turnwise.environments.wmact.maze import MazeGame, generate
from turnwise.log import EpisodeLog

SIZE = {
    "rooms": 2,
    "limit": 8,
    "most": 3,
    "window": 6,
    "clone_steps": 200,
    "steps": 30,
    "episodes": 48,
    "tests": 120,
    "lr": 2e-3,
}
"""`limit` are the replies of an episode, `most` the actions of a reply, `window` the steps after which the
limit is renewed where it is annealed."""
ARMS: dict[str, dict[str, Any]] = {
    "plain": {"settings": {"rescaling": False}},
    "rescaled": {"settings": {"rescaling": True}},
    "annealed": {"settings": {"rescaling": True}, "annealed": True},
}
EQUAL = 0.05
"""Success rates that differ by less count as equal."""


def strayer(rooms: int) -> Callable[[Any, random.Random], Generator[str | None, Any, None]]:
    """A player every second move of which is on the shortest way, one or two of them in a reply."""

    def play(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
        game = MazeGame(generate(rooms, 0.0, task.seed))
        yield
        while True:
            moves: list[int] = []
            for _ in range(rng.randint(1, 2)):
                way = grid.shortest(game.at, game.plan.moves, game.plan.goal.__eq__)
                moves.append(way[0] if way and rng.random() < 1 / 2 else rng.randrange(4))
                game.act(moves[-1])
            yield ", ".join(MazeGame.NAMES[move] for move in moves)

    return play


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the player that strays, train with an arm's reward and limit, test with the limit of all."""
    world = {"rooms": size["rooms"], "max_turns": size["limit"], "max_actions": size["most"]}
    policy = clone(
        work / f"strayer-{seed}",
        environment="wmact_maze",
        settings={**world, "split": "train", "count": 400},
        players={strayer(size["rooms"]): 1},
        steps=size["clone_steps"],
        context=1024,
        seed=seed,
    )
    annealed = {"name": "annealed", "initial": size["limit"], "window": size["window"]}
    done = trained(
        work / f"{arm}-{seed}",
        environment="wmact_maze",
        settings={**world, "split": "train", "count": 400, **ARMS[arm]["settings"]},
        model=policy,
        max_tokens=12,
        seed=seed,
        credit={"name": "gae", "gamma": 1.0, "lam": 0.95},
        curriculum=annealed if "annealed" in ARMS[arm] else "uniform",
        steps=size["steps"],
        tasks_per_step=size["episodes"],
        group=1,
        lr=size["lr"],
        critic_lr=3e-3,
        minibatches=4,
        eval_every=size["steps"],
        eval_settings={"count": size["tests"], "rescaling": False},
    )
    (_, before), (_, after) = done.evaluations()
    return Played(
        {"wasted": wasted_by_step(done, size), "turns": done.curve("turns")},
        {
            "success_before": success(before),
            "wasted_before": wasted(before),
            "success": success(after),
            "wasted": wasted(after),
            "moves": moves(after),
            "replies": replies(after),
        },
    )


def wasted_by_step(done: Trained, size: dict[str, Any]) -> Points:
    """The share of moves that changed nothing, among all of each step's."""
    found: list[float | tuple[float, float | None] | None] = []
    for step in range(size["steps"]):
        first = step * size["episodes"]
        logs = [
            log
            for _, log in done.run.store.read_many(
                done.run.row.number, range(first, first + size["episodes"])
            )
        ]
        found.append(wasted(logs))
    return found


def success(logs: Sequence[EpisodeLog]) -> Share:
    """How often the goal was reached."""
    return Share(sum(log.metrics["success"] > 0 for log in logs), len(logs))


def wasted(logs: Sequence[EpisodeLog]) -> float:
    """The share of all moves that changed nothing."""
    issued = sum(log.metrics["actions"] for log in logs)
    return 1 - sum(log.metrics["effective"] for log in logs) / issued


def moves(logs: Sequence[EpisodeLog]) -> float:
    """Mean moves of an episode."""
    return sum(log.metrics["actions"] for log in logs) / len(logs)


def replies(logs: Sequence[EpisodeLog]) -> float:
    """Mean replies of an episode."""
    return sum(bool(turn.calls) for log in logs for turn in log.turns) / len(logs)


def findings(results: Results) -> list[Finding]:
    """Whether less is wasted, at what success, and in how many replies."""
    found: list[Finding] = []
    for arm in ("rescaled", "annealed"):
        label = STUDY.arms[arm].label
        less = results.difference("plain", arm, "wasted")
        solved = results.difference(arm, "plain", "success")
        found += [
            Finding(
                f"{label}: fewer wasted moves than the plain arm",
                f"share of moves that change nothing, plain less {label}: {told(less, 3)}",
                judged(less),
            ),
            Finding(
                f"{label}: as successful as the plain arm, within {EQUAL}",
                f"success less the plain arm's: {told(solved, 3)}",
                within(solved, -EQUAL, EQUAL),
            ),
        ]
    fewer = results.difference("rescaled", "annealed", "replies")
    found.append(
        Finding(
            "Annealing the limit saves replies",
            f"replies of an episode, without less with annealing: {told(fewer)}",
            judged(fewer),
        )
    )
    return found


STUDY = Study(
    name="wmact",
    title="WMAct: fewer wasted moves in a small maze",
    question="Do a reward cut by wasted moves, and ever fewer replies, teach a policy to waste none?",
    setting=(
        f"A maze of {SIZE['rooms']} by {SIZE['rooms']} rooms that is seen whole; {SIZE['limit']} replies of "
        f"at most {SIZE['most']} moves; the reward is for reaching the goal. A move into a wall changes "
        "nothing and is wasted. The policy is a Llama of two layers with random weights, cloned for "
        f"{SIZE['clone_steps']} steps from a player every second of whose moves goes anywhere, then trained "
        f"by PPO (a critic of its own, advantages by GAE, λ 0.95) for {SIZE['steps']} steps of "
        f"{SIZE['episodes']} episodes. There are about a dozen such mazes; it is tested in those that it was "
        f"trained in, {SIZE['tests']} times, sampling at temperature 1, with {SIZE['limit']} replies "
        "whatever the arm. Two seeds were added after three had been seen, and turned what three said of the "
        "rescaled reward."
    ),
    papers=("Shu et al. 2025, arXiv:2511.23476 (WMAct)",),
    arms={
        "plain": Arm("plain", "reward 1 for the goal"),
        "rescaled": Arm("rescaled", "that times the share of moves that changed anything"),
        "annealed": Arm(
            "rescaled, annealed",
            f"and every {SIZE['window']} steps the most replies of an episode become the mean of the average "
            f"and the most that were needed",
        ),
    },
    curves=(
        Curve("wasted", "Wasted moves, while training", "step", "share of moves", smooth=3),
        Curve("turns", "Replies, while training", "step", "replies an episode", smooth=3),
    ),
    measures=(
        Measure("success_before", "success, before"),
        Measure("success", "success, after"),
        Measure("wasted_before", "wasted moves, before"),
        Measure("wasted", "wasted moves, after"),
        Measure("moves", "moves", 1),
        Measure("replies", "replies", 1),
    ),
    baseline="plain",
    size=SIZE,
    seeds=(0, 1, 2, 3, 4),
    smallest={"clone_steps": 4, "steps": 2, "window": 1, "episodes": 4, "tests": 8},
    play=play,
    findings=findings,
)

if __name__ == "__main__":
    study.main(STUDY)
