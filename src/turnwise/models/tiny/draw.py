"""From logits to a token, as `models.hf.draw` does it, for one call and in numpy."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from turnwise.models.draws import Draw, Likeliest


def choose(
    logits: NDArray[np.float32], draw: Draw, logprobs_of: Literal["raw", "sampled"] = "raw"
) -> tuple[int, float]:
    """A token, and its log-probability (natural logarithm).

    It is drawn by inverting the distribution's cumulative sum at one uniform number of the call's own.

    Args:
        logits: As the model gave them, [vocabulary].
        draw: How to draw.
        logprobs_of: `raw`: the softmax of the logits at temperature 1, whatever was drawn from; `sampled`:
            the distribution that was drawn from (a greedy choice then has probability 1).
    """
    raw = _log_softmax(logits)
    if draw.temperature == 0:
        token = int(raw.argmax())
        return token, float(raw[token]) if logprobs_of == "raw" else 0.0
    kept = _drawn_from(raw, draw)
    sums = np.exp(kept).cumsum(dtype=np.float64)
    # Rounding never lifts a point past the last token with any probability.
    point = min(draw.rng.random(), 1 - 2 * np.finfo(np.float64).eps) * float(sums[-1])
    token = int(np.searchsorted(sums, point, side="right"))
    return token, float(raw[token] if logprobs_of == "raw" else kept[token])


def likeliest(
    logits: NDArray[np.float32], draw: Draw, logprobs_of: Literal["raw", "sampled"] = "raw"
) -> Likeliest:
    """The likeliest tokens (`draw.alternatives`) of the distribution that `choose` tells probabilities of."""
    told = _log_softmax(logits)
    if logprobs_of == "sampled":
        if draw.temperature == 0:
            return [(int(told.argmax()), 0.0)]
        told = _drawn_from(told, draw)
    order = np.argsort(-told, kind="stable")[: draw.alternatives]
    return [(int(token), float(told[token])) for token in order if np.isfinite(told[token])]


def _drawn_from(raw: NDArray[np.float32], draw: Draw) -> NDArray[np.float32]:
    """The log-probabilities a token is drawn from, of those at temperature 1."""
    scaled = raw if draw.temperature == 1 else np.divide(raw, np.float32(draw.temperature))
    kept = _keep(scaled, draw)
    return raw if kept is raw else _log_softmax(kept)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted: NDArray[np.float32] = logits - logits.max()
    return np.subtract(shifted, np.log(np.add.reduce(np.exp(shifted))))


def _keep(logits: NDArray[np.float32], draw: Draw) -> NDArray[np.float32]:
    """`logits` [vocabulary] with what top-k and then top-p rule out at minus infinity.

    Top-p keeps the likeliest tokens up to the one with which their probability reaches p (Holtzman et al.
    2020), so at least one.
    """
    if draw.top_p == 1 and draw.top_k == 0:
        return logits
    order = np.argsort(-logits, kind="stable")
    order = order[: draw.top_k or len(order)]
    if draw.top_p < 1:
        shares = np.exp(_log_softmax(logits[order]))
        order = order[shares.cumsum() - shares < draw.top_p]
    kept = np.full(len(logits), -np.inf, np.float32)
    kept[order] = logits[order]
    return kept
