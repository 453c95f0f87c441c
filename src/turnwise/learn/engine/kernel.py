"""Attention of some queries to some keys, with what it takes to add more keys later.

Softmax over keys in two parts, A and B, is the mean of the softmaxes over each, weighted by their sums of
exponentials. So a part returns its output and the logarithm of that sum (Milakov & Gimelshein 2018), and
parts are merged. Backwards, a part needs the merged output and the merged logarithm, and nothing of the other
parts (Dao 2023, algorithm 2; as in ring attention, Liu et al. 2023).

On a CPU torch's own fused kernel does this. Elsewhere it is matrix products over a few queries at a time, so
that memory does not grow with the square of the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

_FUSED: Any = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
_FUSED_BACKWARD: Any = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu_backward", None)
_SCORES = {"cpu": 1 << 18}
"""Most scores at once: on a CPU what its cache holds."""
_SCORES_ELSEWHERE = 1 << 26


def exact(dtype: torch.dtype) -> torch.dtype:
    """The type in which sums over keys are kept: at least single precision."""
    return torch.float64 if dtype is torch.float64 else torch.float32


def forward(q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Attention of `[B, H, L, D]` queries to `[B, H, M, D]` keys: query i to keys 0 … i, later ones to all.

    Args:
        q: Queries.
        k: Keys.
        v: Values `[B, H, M, E]`.
        scale: Scores are the products times this.

    Returns:
        Outputs `[B, H, L, E]`, and the logarithms of the sums of exponentials `[B, H, L]`.
    """
    if _fused(q, v):
        return _FUSED(q, k, v, 0.0, True, scale=scale)
    outputs: list[Tensor] = []
    sums: list[Tensor] = []
    for part in _parts(q, k):
        scores = _scores(q[:, :, part], k, scale, part.start)
        total = scores.logsumexp(-1)
        share = scores.sub_(total[..., None]).exp_()
        outputs.append(share.to(v.dtype) @ v)
        sums.append(total)
    return torch.cat(outputs, 2), torch.cat(sums, 2)


def backward(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, total: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """What this part of the keys adds to the gradients.

    Args:
        grad: `[B, H, L, E]` Gradient of the merged output.
        q: As it was.
        k: As it was.
        v: As it was.
        out: `[B, H, L, E]` The merged output, over all parts.
        total: `[B, H, L]` The merged logarithm, over all parts.
        scale: As it was.

    Returns:
        Gradients of q, k and v.
    """
    if _fused(q, v):
        return _FUSED_BACKWARD(grad, q, k, v, out, total, 0.0, True, scale=scale)
    kept = exact(q.dtype)
    grad_q: list[Tensor] = []
    grad_k, grad_v = torch.zeros_like(k, dtype=kept), torch.zeros_like(v, dtype=kept)
    for part in _parts(q, k):
        scores = _scores(q[:, :, part], k, scale, part.start)
        share = scores.sub_(total[:, :, part, None]).exp_()
        given = grad[:, :, part]
        grad_v += share.to(v.dtype).transpose(2, 3) @ given
        mean = (given * out[:, :, part]).sum(-1, keepdim=True, dtype=kept)
        moved = (given @ v.transpose(2, 3)).to(kept).sub_(mean).mul_(share).mul_(scale).to(q.dtype)
        grad_q.append(moved @ k)
        grad_k += moved.transpose(2, 3) @ q[:, :, part]
    return torch.cat(grad_q, 2), grad_k.to(k.dtype), grad_v.to(v.dtype)


def _fused(q: Tensor, v: Tensor) -> bool:
    known = _FUSED is not None and _FUSED_BACKWARD is not None
    return known and q.device.type == "cpu" and q.shape[-1] == v.shape[-1] and q.dtype is not torch.float16


def _parts(q: Tensor, k: Tensor) -> Iterator[slice]:
    """Queries, as many at a time as there is room for scores."""
    room = _SCORES.get(q.device.type, _SCORES_ELSEWHERE)
    size = max(1, room // (q.shape[0] * q.shape[1] * k.shape[2]))
    for start in range(0, q.shape[2], size):
        yield slice(start, min(start + size, q.shape[2]))


def _scores(q: Tensor, k: Tensor, scale: float, first: int) -> Tensor:
    """`[B, H, L, M]` Of some queries, the first of which is number `first`."""
    scores = (q @ k.transpose(2, 3)).to(exact(q.dtype)).mul_(scale)
    if first < k.shape[2]:
        place = torch.arange(q.shape[2], device=q.device)[:, None] + first
        scores.masked_fill_(torch.arange(k.shape[2], device=q.device) > place, -torch.inf)
    return scores
