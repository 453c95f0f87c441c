"""Where the trainings in `approach` begin, and what is read off them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from study import Share

import turnwise
from turnwise.learn import tiny
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.log import EpisodeLog

WORLD = f"{Path(__file__).with_name('approach.py')}:Approach"
ABOUT = (
    "A number 6 to 12 away, in either direction, is to be reached by moves of at most 3; each turn tells how "
    "far it still is. The policy is a Llama of two layers, cloned for {steps} steps from a player that "
    "moves at random, but in three of ten turns the right way."
)
"""What a page says of world and start."""


def cloned(folder: Path, *, steps: int, seed: int) -> str:
    """The start: a policy that reads byte by byte, so that each digit is a token of its own."""
    if not folder.exists():
        store = folder.with_name(f"{folder.name}-players.db")
        shown = {"split": "train", "count": 600, "max_turns": 8}
        run = turnwise.run(WORLD, "careless", settings=shown, seed=seed, store=store)
        torch.manual_seed(seed)
        module = tiny.policy(context=512, seed=seed)
        engine = LocalEngine(module, tiny.tokenizer(), options=LocalOptions(device="cpu"))
        batch = demonstrations(run, engine.tokenizer)
        losses = imitate(engine, batch, steps=steps, lr=3e-3, seed=seed)
        print(f"{folder.name}: loss {losses[0]:.2f} to {losses[-1]:.2f}", flush=True)
        engine.save(folder)
    return f"hf/{folder}"


def moves(log: EpisodeLog) -> int:
    """How many turns the policy took."""
    return sum(turn.role == "agent" for turn in log.turns)


def reached(logs: Sequence[EpisodeLog], turns: int) -> Share:
    """How many numbers were reached within so many moves."""
    return Share(sum(log.detail == "there" and log.metrics["moves"] <= turns for log in logs), len(logs))


def wasted(logs: Sequence[EpisodeLog]) -> Share:
    """Of all moves, those that came no nearer."""
    return Share(
        int(sum(log.metrics["wasted"] for log in logs)), int(sum(log.metrics["moves"] for log in logs))
    )


def by_turns(logs: Sequence[EpisodeLog], most: int) -> list[Any]:
    """The share that was reached, by the number of moves."""
    return [(turns, reached(logs, turns).value) for turns in range(1, most + 1)]
