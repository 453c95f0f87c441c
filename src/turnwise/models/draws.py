"""How one call draws its tokens, for models that draw themselves."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from turnwise.errors import ModelError
from turnwise.model import Request


class Draw(NamedTuple):
    """How one call draws its tokens. Temperature 0 takes the likeliest token and draws nothing."""

    temperature: float
    top_p: float
    top_k: int
    """0 keeps all tokens."""
    rng: random.Random
    alternatives: int = 0
    """Likeliest tokens to name in the place of each that is drawn."""


Likeliest: TypeAlias = list[tuple[int, float]]
"""Token ids with their log-probabilities (natural), likeliest first."""


def draw_of(request: Request, defaults: Mapping[str, float]) -> Draw:
    """How `request` wants its tokens drawn, its random numbers included.

    These come from `sampling.seed` where it is given, else from the role's seed and the number of the call.
    Either way they belong to the call: what else is asked at the same time changes none of them.

    Args:
        request: What is asked.
        defaults: `temperature`, `top_p` and `top_k` of the model, where it has its own; else 0, 1 and 0.

    Raises:
        ModelError: a value out of range.
    """
    sampling = request.sampling
    asked: Any = sampling.extra.get("top_k")
    if asked is not None and not isinstance(asked, (int, float)):
        raise ModelError(f"top_k must be a number, not {asked!r}", kind="bad_request")
    temperature = _first(sampling.temperature, defaults.get("temperature"), 0.0)
    top_p = _first(sampling.top_p, defaults.get("top_p"), 1.0)
    top_k = _first(asked, defaults.get("top_k"), 0)
    for name, value, good in (
        ("temperature", temperature, temperature >= 0),
        ("top_p", top_p, 0 < top_p <= 1),
        ("top_k", top_k, top_k >= 0),
    ):
        if not good:
            raise ModelError(f"{name} cannot be {value}", kind="bad_request")
    seed = sampling.seed if sampling.seed is not None else f"{request.rng_seed}/{request.ordinal}"
    return Draw(temperature, top_p, int(top_k), random.Random(seed), sampling.top_logprobs)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
