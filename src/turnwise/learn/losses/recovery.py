"""Recovery distillation: a model that learns something new keeps what it knew by imitating its former self
(TransLLM: Geng et al., "Why not transform chat large language models to non-English?", 2024).

The recovery rows are answers that the original model gave, not those of a stronger one: its distribution is
what must not be lost. The loss is cross-entropy on both kinds of rows. Here each kind has its own mask and
its own denominator, so that more rows of one kind never dilute the other; `share` says what recovery counts.
"""

from __future__ import annotations

from torch import Tensor

from turnwise.learn.losses import aggregation


def recovery(
    logprobs: Tensor,
    *,
    row: Tensor,
    recalled: Tensor,
    share: float | None = None,
    mode: aggregation.Mode = "token-mean",
) -> Tensor:
    """Cross-entropy of new rows and recovery rows.

    Args:
        logprobs: `[M]` Log-probabilities of the tokens to be learned.
        row: `[M]` Number of each token's row.
        recalled: `[M]` bool: whether the token is of a recovery row.
        share: (1 - share)·(mean of the new) + share·(mean of the recalled); None is one mean over all, as in
            the paper.
        mode: How tokens are added up, see `aggregation.token_weights` (one that names no turns).
    """
    if share is None:
        weights = aggregation.token_weights(mode, row=row)
    else:
        old = aggregation.token_weights(mode, row=row, mass=recalled)
        new = aggregation.token_weights(mode, row=row, mass=recalled.logical_not())
        weights = share * old + (1 - share) * new
    return -(logprobs * weights).sum()
