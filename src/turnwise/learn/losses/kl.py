"""Divergence from a reference policy, estimated on sampled tokens.

With d = log π - log π_ref at a token sampled from π:

| kind | estimate | |
| --- | --- | --- |
| `k1` | d | unbiased; its own gradient has expectation 0 |
| `k2` | d²/2 | biased; its gradient is, in expectation, the divergence's |
| `k3` | e^-d + d - 1 | unbiased, never negative; its gradient is another divergence's |
| `abs` | abs(d) | |
| `k1+`, `k3+` | value of k1, k3 | gradient of k2 |

(Schulman, "Approximating KL divergence", 2020.)
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from turnwise.errors import ConfigError, did_you_mean

Kind: TypeAlias = Literal["k1", "k2", "k3", "abs", "k1+", "k2+", "k3+"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def estimate(logprobs: Tensor, reference: Tensor, kind: Kind = "k3", *, limit: float = 10.0) -> Tensor:
    """`[M]` The divergence from `reference` at each token.

    Args:
        logprobs: `[M]` Log-probabilities under the policy.
        reference: `[M]` The same under the reference.
        kind: One of `KINDS`.
        limit: k3, which is exponential, is at most so much.

    Raises:
        ConfigError: for an unknown kind.
    """
    if kind not in KINDS:
        raise ConfigError(
            f"no estimate of KL is called {kind!r}{did_you_mean(kind, KINDS)}; use {', '.join(KINDS)}"
        )
    apart = logprobs - reference
    value = _value(apart, kind.removesuffix("+"), limit)
    if not kind.endswith("+"):
        return value
    smooth = 0.5 * apart.square()
    return smooth - smooth.detach() + value.detach()


def kl(
    logprobs: Tensor,
    *,
    reference: Tensor,
    weights: Tensor,
    kind: Kind = "k3",
    old: Tensor | None = None,
    limit: float = 10.0,
) -> Tensor:
    """The divergence as a loss, to be added with a coefficient.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens.
        reference: `[M]` The same under the reference policy.
        weights: `[M]` See `aggregation.token_weights`.
        kind: One of `KINDS`.
        old: `[M]` Log-probabilities under the policy that sampled. Each estimate is then multiplied by π /
            π_old, with its gradient, and is unbiased though another policy sampled (DeepSeek-V3.2, 2025,
            section 3.1).
        limit: See `estimate`.
    """
    losses = estimate(logprobs, reference, kind, limit=limit)
    if old is not None:
        losses = losses * (logprobs - old).clamp(max=20.0).exp()
    return (losses * weights).sum()


def _value(apart: Tensor, kind: str, limit: float) -> Tensor:
    if kind == "k1":
        return apart
    if kind == "k2":
        return 0.5 * apart.square()
    if kind == "abs":
        return apart.abs()
    return (torch.expm1(-apart.clamp(min=-20.0, max=20.0)) + apart.clamp(min=-20.0, max=20.0)).clamp(
        max=limit
    )
