"""MARS: does self-play learn tic-tac-toe, and do statistics of each seat help?

    python benchmarks/learning/mars.py

One policy in both seats, from nothing but its own games; how good it is, is found out against players that it
never met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import study
import torch
from begin import tokenizer
from study import Arm, Curve, Finding, Measure, Played, Results, Share, Study, judged, told, within
from training import trained

import turnwise
from turnwise.engine.config import AgentConfig
from turnwise.learn import tiny
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.log import EpisodeLog
from turnwise.model import Sampling

SEATS = ("first", "second")
TOLD = {"others": "action"}
REPLY = 8
CREDIT: dict[str, dict[str, Any]] = {
    "seats": {"name": "mars", "whiten": True},
    "pooled": {"name": "mars", "whiten": True, "pooled": True},
}
SIZE = {
    "cloned": 300,
    "clone_steps": 300,
    "steps": 80,
    "games": 96,
    "tests": 400,
    "looks": 4,
    "looked": 100,
    "lr": 1e-3,
}
BOARD = re.compile(r"(?<=GAME STATE:\n)([_XO]{3}\n[_XO]{3}\n[_XO]{3})(?=\n\nLEGAL ACTIONS:\n)")
ACTION = re.compile(r"<[XO]\(\d,\d\)>(?:, )?")


def start(folder: Path, seed: int, size: dict[str, Any]) -> str:
    """A policy that plays legal moves at random, in both seats; as `hf/FOLDER`."""
    if folder.exists():
        return f"hf/{folder}"
    runs = [
        turnwise.run(
            "tic_tac_toe",
            "random",
            agents={"opponent": "random"},
            settings=TOLD | {"seat": seat, "split": "train", "count": size["cloned"]},
            seed=seed,
            store=folder.with_name(f"{folder.name}-players.db"),
        )
        for seat in SEATS
    ]
    reads = tokenizer(pieces(log for run in runs for log in run.logs()), vocabulary=1024)
    module = tiny.policy(context=768, seed=seed)
    torch.manual_seed(seed)
    module.resize_token_embeddings(len(reads), mean_resizing=False)
    engine = LocalEngine(module, reads, options=LocalOptions(device="cpu"))
    losses = imitate(engine, demonstrations(runs, reads), steps=size["clone_steps"], lr=3e-3, seed=seed)
    print(f"{folder.name}: loss {losses[0]:.2f} to {losses[-1]:.2f}", flush=True)
    engine.save(folder)
    return f"hf/{folder}"


def pieces(logs: Iterable[EpisodeLog]) -> Iterator[str]:
    """What is said, cut so that a cell of the board and an action are always tokens of their own."""
    for log in logs:
        for turn in log.turns:
            for number, part in enumerate(BOARD.split(turn.text)):
                # Every second part is a board.
                yield from () if number % 2 else _apart(part)


def _apart(text: str) -> Iterator[str]:
    yield from ACTION.split(text)
    yield from ACTION.findall(text)


def play(arm: str, seed: int, size: dict[str, Any], work: Path) -> Played:
    """Clone the random player, train against itself, test against others along the way and at the end."""
    policy = start(work / f"legal-{seed}", seed, size)
    every = max(1, size["steps"] // size["looks"])
    done = trained(
        work / f"{arm}-{seed}",
        environment="tic_tac_toe",
        settings=TOLD | {"split": "train", "count": 1000},
        roles=["agent", "opponent"],
        model=policy,
        max_tokens=REPLY,
        seed=seed,
        credit=CREDIT[arm],
        steps=size["steps"],
        tasks_per_step=size["games"],
        group=1,
        lr=size["lr"],
        minibatches=4,
        save_every=every,
    )
    curves: dict[str, Any] = {f"lost_{seat}": [] for seat in SEATS}
    saved = [(0, policy)]
    saved += [(int(one.name[5:]), f"hf/{one / 'policy'}") for one in sorted(done.folder.glob("step-*"))]
    for step, name in saved:
        for seat in SEATS:
            games = against("random", name, seat, size["looked"], done.store)
            curves[f"lost_{seat}"].append((step, lost(games).value))
    measures: dict[str, Any] = {}
    for seat in SEATS:
        measures[f"before_{seat}"] = lost(against("random", policy, seat, size["tests"], done.store))
        games = against("random", done.policy, seat, size["tests"], done.store)
        measures[f"lost_{seat}"] = lost(games)
        measures[f"won_{seat}"] = won(games)
        perfect = against("perfect", done.policy, seat, size["looked"], done.store)
        measures[f"perfect_{seat}"] = lost(perfect)
    return Played(curves | {"entropy": done.curve("entropy")}, measures)


def against(opponent: str, policy: str, seat: str, count: int, store: Path) -> list[EpisodeLog]:
    """Games of a policy against a player, on tasks that were not trained on."""
    agent = AgentConfig(use=policy, sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=REPLY))
    settings = TOLD | {"seat": seat, "split": "test", "count": count}
    run = turnwise.run(
        "tic_tac_toe", agent, agents={"opponent": opponent}, settings=settings, store=store, concurrency=128
    )
    return list(run.logs())


def lost(logs: Sequence[EpisodeLog]) -> Share:
    """How many games were neither won nor drawn; an illegal move loses."""
    return Share(sum(not log.metrics["won"] and not log.metrics["drawn"] for log in logs), len(logs))


def won(logs: Sequence[EpisodeLog]) -> Share:
    """How many games were won."""
    return Share(sum(bool(log.metrics["won"]) for log in logs), len(logs))


def findings(results: Results) -> list[Finding]:
    """Is a random player beaten from both seats, and which statistics lose less?"""
    found: list[Finding] = []
    for arm, said in STUDY.arms.items():
        for seat in SEATS:
            less = results.difference(arm, arm, f"before_{seat}", f"lost_{seat}")
            found.append(
                Finding(
                    f"Self-play with {said.label} loses less than its start, playing {seat}",
                    f"games lost to a random player, before less after: {told(less)}",
                    judged(less),
                )
            )
            rate = results.mean(arm, f"lost_{seat}")
            found.append(
                Finding(
                    f"Self-play with {said.label} loses less than 5 % to a random player, playing {seat}",
                    f"lost {told(rate, 3)}",
                    within(rate, float("-inf"), 0.05),
                )
            )
    for seat in SEATS:
        gain = results.difference("pooled", "seats", f"lost_{seat}")
        found.append(
            Finding(
                f"Statistics by seat lose less than pooled ones, playing {seat}",
                f"games lost to a random player, pooled less by seat: {told(gain, 3)}",
                judged(gain),
            )
        )
    return found


STUDY = Study(
    name="mars",
    title="MARS, tic-tac-toe by self-play",
    question=(
        "Does a policy that plays only itself come to beat others from both seats, and do statistics of each "
        "seat help?"
    ),
    setting=(
        f"Tic-tac-toe with MARS's rewards: 1 for a win, −1 for a loss, 0.1 for a draw, 0.05 for each legal "
        f"move, −10 more for an illegal one, which ends the game. The policy is a Llama of two layers with "
        f"random weights, cloned for {SIZE['clone_steps']} steps from games of a player that picks legal "
        f"moves at random. Then it plays both seats for {SIZE['steps']} steps of {SIZE['games']} games, and "
        f"learns from the reward to go of each turn less a mean. It is tested, sampling at temperature 1, "
        f"against a random player ({SIZE['tests']} games a seat) and a perfect one ({SIZE['looked']}), "
        f"neither of which it met before. An illegal move is a lost game."
    ),
    papers=("Yuan et al. 2025, arXiv:2510.15414 (MARS)",),
    arms={
        "seats": Arm("statistics by seat", "the mean of the same seat's turns is taken off, as in MARS"),
        "pooled": Arm("pooled statistics", "the mean of all turns of both seats is taken off"),
    },
    curves=(
        Curve(
            "lost_first",
            "Lost to a random player, playing first",
            "step",
            "share of games",
            levels=lambda _: {"5 %": 0.05},
        ),
        Curve(
            "lost_second",
            "Lost to a random player, playing second",
            "step",
            "share of games",
            levels=lambda _: {"5 %": 0.05},
        ),
        Curve("entropy", "Entropy, in self-play", "step", "nats a token", smooth=5),
    ),
    measures=(
        Measure("before_first", "lost to random, first, before", 3),
        Measure("lost_first", "after", 3),
        Measure("won_first", "won, after", 3),
        Measure("before_second", "lost to random, second, before", 3),
        Measure("lost_second", "after", 3),
        Measure("won_second", "won, after", 3),
        Measure("perfect_first", "lost to perfect, first"),
        Measure("perfect_second", "lost to perfect, second"),
    ),
    size=SIZE,
    smallest={"steps": 2, "cloned": 20, "clone_steps": 3, "games": 8, "tests": 10, "looks": 1, "looked": 5},
    play=play,
    findings=findings,
    baseline="pooled",
)

if __name__ == "__main__":
    study.main(STUDY)
