"""What a PPO update's loss costs, forward and backward: packed tokens beside the padded `[B, T]` form.

1,024 rows of 4,096 positions in up to 8 turns; in each turn the model's tokens come first, the observation's
after them. The padded form is written as verl's is (`core_algos.compute_policy_loss_vanilla`, token-mean),
operation by operation and with its metrics; `report` says by how much the values and gradients differ.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from common import child, repeat, report, save
from turnwise.learn.losses import aggregation, ppo

ROWS, POSITIONS, TURNS = 1024, 4096, 8
LOW, HIGH, DUAL = 0.2, 0.28, 3.0


def mask(rows: int, positions: int, turns: int) -> Tensor:
    """`[B, T]` True at the model's tokens: 4 to 8 turns, a quarter to three quarters of each."""
    random = torch.Generator().manual_seed(0)
    span = positions // turns
    made = torch.randint(turns // 2, turns + 1, (rows, 1, 1), generator=random) > torch.arange(turns)[:, None]
    size = torch.randint(span // 4, 3 * span // 4, (rows, turns, 1), generator=random)
    return (made & (torch.arange(span) < size)).reshape(rows, positions)


def padded(logprobs: Tensor, old: Tensor, advantages: Tensor, keep: Tensor) -> Tensor:
    """The loss on all positions, masked at the end."""
    tokens = keep.sum()
    moved = torch.clamp(logprobs - old, min=-20.0, max=20.0)
    ratio = torch.exp(moved)
    kl = (-moved * keep).sum() / tokens
    plain = -advantages * ratio
    clipped = -advantages * torch.clamp(ratio, 1 - LOW, 1 + HIGH)
    worst = torch.maximum(plain, clipped)
    share = (torch.gt(clipped, plain).float() * keep).sum() / tokens
    bound = -advantages * DUAL
    bounded = torch.min(bound, worst)
    share_bounded = (torch.gt(worst, bound) * (advantages < 0).float() * keep).sum() / tokens
    losses = torch.where(advantages < 0, bounded, worst)
    for metric in (kl, share, share_bounded):
        metric.detach().item()
    return (losses * keep).sum() / tokens


def best(step: Callable[[], Tensor], times: int = 9) -> float:
    """Milliseconds of the fastest of several runs."""
    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        step()
        taken.append((time.perf_counter() - start) * 1e3)
    return min(taken)


def measure(threads: int) -> dict[str, Any]:
    """Both forms on the same numbers, with and without the statistics of the update."""
    torch.set_num_threads(threads)
    random = torch.Generator().manual_seed(1)
    keep = mask(ROWS, POSITIONS, TURNS)
    old = -torch.rand(ROWS, POSITIONS, generator=random)
    wide = (old + 0.05 * torch.randn(ROWS, POSITIONS, generator=random)).requires_grad_()
    advantages = torch.randn(ROWS, POSITIONS, generator=random) * keep
    dense_mask = keep.float()
    flat, flat_old, flat_advantages = wide.detach()[keep].requires_grad_(), old[keep], advantages[keep]
    row = torch.arange(ROWS)[:, None].expand_as(keep)[keep]

    def dense() -> Tensor:
        wide.grad = None
        loss = padded(wide, old, advantages, dense_mask)
        loss.backward()
        return loss.detach()

    def packed() -> Tensor:
        flat.grad = None
        weights = aggregation.token_weights("token-mean", row=row)
        loss = ppo.ppo(
            flat, old=flat_old, advantages=flat_advantages, weights=weights, low=LOW, high=HIGH, dual=DUAL
        )
        loss.backward()
        return loss.detach()

    def packed_with_statistics() -> Tensor:
        ppo.statistics(flat.detach(), old=flat_old, advantages=flat_advantages, low=LOW, high=HIGH, dual=DUAL)
        return packed()

    value = abs(float(dense()) - float(packed()))
    assert wide.grad is not None
    assert flat.grad is not None
    gap = float((wide.grad[keep] - flat.grad).abs().max() * keep.sum())
    return {
        "padded_ms": best(dense),
        "packed_ms": best(packed),
        "packed_with_statistics_ms": best(packed_with_statistics),
        "difference_value": value,
        "difference_gradient_of_a_token": gap,
        "sampled_share": float(dense_mask.mean()),
    }


def main() -> None:
    """Five rounds on one and on two threads."""
    measures: dict[str, Any] = {
        f"{n} threads": lambda n=n: child(sys.executable, "learn_losses.py", n) for n in (1, 2)
    }
    rows = repeat(5, measures)
    times = ("padded_ms", "packed_ms", "packed_with_statistics_ms")
    # What else runs on the machine can only add to a time: the fastest run is the least wrong.
    best_of = {name: {key: min(row[key] for row in found) for key in times} for name, found in rows.items()}
    figures = {
        name: {
            **fastest,
            "ratio": fastest["padded_ms"] / fastest["packed_ms"],
            "ratio_with_statistics": fastest["padded_ms"] / fastest["packed_with_statistics_ms"],
        }
        for name, fastest in best_of.items()
    }
    save("learn_losses", {"figures": figures, "rows": rows})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        report(measure(int(sys.argv[1])))
    else:
        main()
