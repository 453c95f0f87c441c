"""Distillation from a teacher: whole distributions, or the student's own samples.

`distillation` compares distributions over the vocabulary at each token (GKD: Agarwal et al., "On-policy
distillation of language models", 2024): where the student sampled the tokens, it learns from its own
mistakes. `on_policy` needs one log-probability a token: the student samples, the teacher scores, and each
token's log π_teacher - log π_student is its advantage, an estimate of minus the reverse KL at that state
alone (Lu, "On-policy distillation", Thinking Machines 2025).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.losses.ppo import BOUND, ppo

Divergence: TypeAlias = Literal["forward", "reverse", "jsd"]
DIVERGENCES: tuple[Divergence, ...] = get_args(Divergence)


def distillation(
    student: Tensor,
    *,
    teacher: Tensor,
    weights: Tensor,
    divergence: Divergence = "reverse",
    beta: float = 0.5,
    temperature: float = 1.0,
) -> Tensor:
    """The divergence of the student's distributions from the teacher's.

    Args:
        student: `[M, V]` Logits of the student at the tokens that are learned from.
        teacher: `[M, V]` Those of the teacher (no gradient).
        weights: `[M]` See `aggregation.token_weights`.
        divergence: `forward`, KL(teacher, student), covers all the teacher does; `reverse`, KL(student,
            teacher), keeps to some of it; `jsd` is between, β·KL(teacher, mixture) + (1 - β)·KL(student,
            mixture) with the mixture β·teacher + (1 - β)·student.
        beta: β of `jsd`.
        temperature: Divides the logits of both.

    Raises:
        ConfigError: for an unknown divergence.
    """
    if divergence not in DIVERGENCES:
        near = did_you_mean(divergence, DIVERGENCES)
        raise ConfigError(f"no divergence is called {divergence!r}{near}; use {', '.join(DIVERGENCES)}")
    ours = torch.log_softmax(student / temperature, -1)
    theirs = torch.log_softmax(teacher.detach() / temperature, -1)
    if divergence == "forward":
        apart = _kl(theirs, ours)
    elif divergence == "reverse":
        apart = _kl(ours, theirs)
    else:
        mixture = torch.logaddexp(theirs + _log(beta), ours + _log(1 - beta))
        apart = beta * _kl(theirs, mixture) + (1 - beta) * _kl(ours, mixture)
    return (apart * weights).sum()


def on_policy(
    logprobs: Tensor, *, old: Tensor, teacher: Tensor, weights: Tensor, clip: float | None = None
) -> Tensor:
    """A policy gradient whose advantages are the teacher's log-ratios.

    Args:
        logprobs: `[M]` Log-probabilities of the student's own tokens under the student of now.
        old: `[M]` The same when it sampled them.
        teacher: `[M]` The same under the teacher.
        weights: `[M]` See `aggregation.token_weights`.
        clip: Clip of the ratio as in PPO; None is none (plain importance sampling).
    """
    low, high = (1.0, BOUND) if clip is None else (clip, clip)
    return ppo(logprobs, old=old, advantages=teacher - old, weights=weights, low=low, high=high)


def _kl(of: Tensor, to: Tensor) -> Tensor:
    """`[M]` KL(of, to), from log-probabilities `[M, V]`."""
    return (of.exp() * (of - to)).sum(-1)


def _log(share: float) -> float:
    return torch.tensor(share, dtype=torch.float64).log().item()
