"""From logits to tokens: temperature, top-k, top-p, and a draw of each call's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch

from turnwise.models.draws import Draw, Likeliest

if TYPE_CHECKING:
    from torch import Tensor


def choose(
    logits: Tensor, draws: Sequence[Draw], logprobs_of: Literal["raw", "sampled"] = "raw"
) -> tuple[list[int], list[float]]:
    """One token for each row, and its log-probability (natural logarithm).

    A token is drawn by inverting the distribution's cumulative sum at one uniform number of the row's own.

    Args:
        logits: As the model gave them, [rows, vocabulary].
        draws: How to draw, one a row.
        logprobs_of: `raw`: the softmax of the logits at temperature 1, whatever was drawn from; `sampled`:
            the distribution that was drawn from (a greedy choice then has probability 1).
    """
    logits = logits.float()
    raw = torch.log_softmax(logits, dim=-1)
    # On small networks going through the draws again and again would show.
    ways = {draw[:3] for draw in draws}
    if all(temperature > 0 for temperature, _, _ in ways):
        tokens, drawn_from = _draw(logits, raw, draws, ways)
        chosen = (raw if logprobs_of == "raw" else drawn_from).gather(1, tokens)
    else:
        tokens = raw.argmax(dim=-1, keepdim=True)
        chosen = raw.gather(1, tokens) if logprobs_of == "raw" else torch.zeros_like(raw[:, :1])
        hot = [row for row, draw in enumerate(draws) if draw.temperature > 0]
        if hot:
            rows = torch.tensor(hot, device=logits.device)
            warm = {way for way in ways if way[0] > 0}
            tokens[rows], drawn_from = _draw(logits[rows], raw[rows], [draws[row] for row in hot], warm)
            chosen[rows] = (raw[rows] if logprobs_of == "raw" else drawn_from).gather(1, tokens[rows])
    # torch does not say what its lists hold.
    return tokens.flatten().tolist(), chosen.flatten().tolist()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def likeliest(logits: Tensor, draw: Draw, logprobs_of: Literal["raw", "sampled"] = "raw") -> Likeliest:
    """The `draw.alternatives` likeliest tokens of the distribution that `choose` gives log-probabilities of.

    Args:
        logits: Of one row, [vocabulary].
        draw: How its token is drawn.
        logprobs_of: As for `choose`.
    """
    logits = logits.float()
    told = torch.log_softmax(logits, dim=-1)
    if logprobs_of == "sampled":
        if draw.temperature == 0:
            return [(int(told.argmax()), 0.0)]
        told = torch.log_softmax(_keep((logits / draw.temperature)[None], [draw])[0], dim=-1)
    values, tokens = told.topk(min(draw.alternatives, len(told)))
    return [
        (int(token), float(value)) for token, value in zip(tokens, values, strict=True) if value > -torch.inf
    ]


_Ways = set[tuple[float, float, int]]
"""Temperature, top-p and top-k of all rows."""


def _draw(logits: Tensor, raw: Tensor, draws: Sequence[Draw], ways: _Ways) -> tuple[Tensor, Tensor]:
    """A token of each row `[rows, 1]`, and the log-probabilities `[rows, vocabulary]` it was drawn from.

    Args:
        logits: `[rows, vocabulary]`.
        raw: Their log-probabilities at temperature 1.
        draws: One a row, none of temperature 0.
        ways: Theirs.
    """
    scaled = logits
    if any(temperature != 1 for temperature, _, _ in ways):
        scaled = logits / _column([draw.temperature for draw in draws], logits)
    # Ruled out by logits: rounded log-probabilities can tie where these do not.
    kept = scaled if all(way[1:] == (1, 0) for way in ways) else _keep(scaled, draws)
    kept = raw if kept is logits else torch.log_softmax(kept, dim=-1)
    exact = torch.float32 if raw.device.type == "mps" else torch.float64
    sums = kept.exp().cumsum(dim=-1, dtype=exact)
    # Rounding never lifts a point past the last token with any probability.
    most = 1 - 2 * torch.finfo(exact).eps
    points = _column([min(draw.rng.random(), most) for draw in draws], sums) * sums[:, -1:]
    return torch.searchsorted(sums, points, right=True), kept


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None]


def _keep(logits: Tensor, draws: Sequence[Draw]) -> Tensor:
    """`logits` [rows, vocabulary] with what top-k and then top-p rule out at minus infinity.

    Top-p keeps the likeliest tokens up to the one with which their probability reaches p (Holtzman et al.
    2020), so at least one.
    """
    size = logits.shape[-1]
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    limits = torch.tensor([draw.top_k or size for draw in draws], device=logits.device)[:, None]
    ordered = ordered.masked_fill(torch.arange(size, device=logits.device) >= limits, -torch.inf)
    probabilities = torch.softmax(ordered, dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    top_p = _column([draw.top_p for draw in draws], before)
    ordered = ordered.masked_fill((before >= top_p) & (top_p < 1), -torch.inf)
    return torch.full_like(logits, -torch.inf).scatter(1, order, ordered)
