"""Training on rows that begin alike: each row by itself beside trees, where what is shared is computed once.

Forward and backward of the local engine with its own defaults (`layout` "rectangles", and "auto", which finds
the trees), a Llama of 0.49 M random weights, float32. Groups are 16 completions of 64 tokens of one prompt;
`forks` is an episode forked four ways at each of three turns; in `vines` each of eight turns of an episode is
played four more times and then to an end of 64 tokens.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common import child, repeat, report, save
from turnwise.learn import tiny
from turnwise.learn.batch import Batch, Turns, check
from turnwise.learn.engine.layout import micro_batches
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.engine.protocol import Scored

Row = list[tuple[int, bool]]
"""Tokens, and whether each was sampled."""
TIMES = 5


def spans(rng: random.Random, *sizes: tuple[int, int]) -> Row:
    """Turns of so many observed and so many sampled tokens."""
    return [
        (rng.randrange(6, 262), sampled)
        for observed, said in sizes
        for size, sampled in ((observed, False), (said, True))
        for _ in range(size)
    ]


def group(prompt: int) -> list[Row]:
    """16 completions of one prompt."""
    rng = random.Random(0)
    shared = spans(rng, (prompt, 0))
    return [shared + spans(rng, (0, 64)) for _ in range(16)]


def forks() -> list[Row]:
    """64 episodes of three turns, which fork four ways at each."""
    rng = random.Random(0)
    rows = [spans(rng, (256, 0))]
    for _ in range(3):
        rows = [row + spans(rng, (16, 48)) for row in rows for _ in range(4)]
    return rows


def vines() -> list[Row]:
    """33 episodes: one of eight turns, and four that leave it at each."""
    rng = random.Random(0)
    turns = [spans(rng, (160, 64)) for _ in range(8)]
    left = [
        [token for turn in turns[:number] for token in turn] + turns[number][:160] + spans(rng, (0, 64))
        for number in range(8)
        for _ in range(4)
    ]
    return [[token for turn in turns for token in turn], *left]


SHAPES = {
    "group, prompt 512": lambda: group(512),
    "group, prompt 2048": lambda: group(2048),
    "forks": forks,
    "vines": vines,
}


def batch_of(rows: Sequence[Row]) -> Batch:
    """Rows as a batch, each an episode; each span of sampled tokens is a turn."""
    ids, sampled = (np.array([pair[part] for row in rows for pair in row]) for part in (0, 1))
    row_start = np.cumsum([0, *map(len, rows)])
    row = np.repeat(np.arange(len(rows)), np.diff(row_start))
    begins = sampled & ~np.append(False, sampled[:-1])
    begins[row_start[:-1]] = sampled[row_start[:-1]]
    turn = np.where(sampled, np.cumsum(begins) - 1, -1)
    zeros = np.zeros(int(begins.sum()), dtype=np.int64)
    return check(
        Batch(
            ids=ids.astype(np.int32),
            row_start=row_start,
            sampled=sampled,
            logprobs=np.zeros(len(ids), dtype=np.float32),
            turn=turn,
            turns=Turns(
                episode=row[begins],
                group=np.zeros(len(rows), dtype=np.int64),
                reward=zeros.astype(np.float64),
                index=zeros,
                role=zeros,
                tokens=np.bincount(turn[sampled]),
            ),
            turn_row=row[begins],
            turn_version=zeros,
            outcome=np.zeros(len(rows)),
            truncated=np.zeros(len(rows), dtype=np.bool_),
        )
    )


def measure(shape: str, threads: int) -> dict[str, Any]:
    """Both ways on the same batch and weights, in turn."""
    torch.set_num_threads(threads)
    batch = batch_of(SHAPES[shape]())
    count = int(batch.sampled.sum())
    advantages = torch.randn(count, generator=torch.Generator().manual_seed(1))

    def loss(scored: Scored) -> Tensor:
        ratio = (scored.logprobs - scored.logprobs.detach()).exp()
        return -(ratio * advantages[scored.places]).sum() / count

    module = tiny.policy(hidden=128, layers=2, heads=4, context=4096)
    ways = {
        name: LocalEngine(module, tiny.tokenizer(), options=LocalOptions(device="cpu", layout=layout))
        for name, layout in (("rows", "rectangles"), ("trees", "auto"))
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    gradients: dict[str, Tensor] = {}
    for _ in range(TIMES + 1):
        for name, engine in ways.items():
            module.zero_grad()
            start = time.perf_counter()
            engine.forward_backward(batch, loss)
            taken[name].append((time.perf_counter() - start) * 1e3)
            gradients[name] = torch.cat([weight.grad.flatten() for weight in module.parameters()])
    apart = (gradients["trees"] - gradients["rows"]).norm() / gradients["rows"].norm()
    tokens = {
        name: sum(micro.ids.size for micro in micro_batches(batch, 8192, layout))
        for name, layout in (("rows", "rectangles"), ("trees", "trees"))
    }
    # The first pass warms up.
    return {
        "rows_ms": min(taken["rows"][1:]),
        "trees_ms": min(taken["trees"][1:]),
        "rows_tokens": tokens["rows"],
        "trees_tokens": tokens["trees"],
        "difference_gradient": float(apart),
        "parameters": sum(weight.numel() for weight in module.parameters()),
    }


def main(rounds: int) -> None:
    """All shapes on two threads."""
    measures: dict[str, Any] = {
        shape: lambda shape=shape: child(sys.executable, "learn_trees.py", shape, 2) for shape in SHAPES
    }
    rows = repeat(rounds, measures)
    figures: dict[str, Any] = {}
    for shape, found in rows.items():
        # What else runs on the machine can only add to a time: the fastest run is the least wrong.
        fastest = {key: min(row[key] for row in found) for key in ("rows_ms", "trees_ms")}
        figures[shape] = {
            **fastest,
            "ratio": fastest["rows_ms"] / fastest["trees_ms"],
            "ratio_of_tokens": found[0]["rows_tokens"] / found[0]["trees_tokens"],
            "difference_gradient": max(row["difference_gradient"] for row in found),
        }
    save("learn_trees", {"figures": figures, "rows": rows})


if __name__ == "__main__":
    if len(sys.argv) > 2:
        report(measure(sys.argv[1], int(sys.argv[2])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
