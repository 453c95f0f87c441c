"""MINT's measures (Wang et al. 2023, arXiv 2309.10691) over plain arrays of success.

SR_k is the share of tasks solved with a budget of k steps, pooled over all tasks (micro mean); each k is a
run of its own (`Mint.sweep`). The slope of the least-squares line through SR_1 … SR_5 says how well further
turns are used; Delta-feedback, SR_5 with an expert's feedback less SR_5 without, how well words are.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from turnwise.metrics.curves import Trend, trend
from turnwise.metrics.intervals import mean, proportion
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import MetricError, Values, as_floats


class MintTable(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's row of MINT's tables; shares are from 0 to 1."""

    rates: list[Estimate]
    """At index k-1 the success rate with k steps."""
    trend: Trend
    """The line through them: slope per further step, and R²."""
    with_feedback: Estimate | None
    """Success rate with the largest budget and feedback."""
    delta_feedback: Estimate | None
    """What feedback adds to it, over the same tasks, with the interval of the paired difference."""


def mint_table(
    successes: Sequence[Values], *, with_feedback: Values | None = None, level: float = 0.95
) -> MintTable:
    """The success rates by budget, their slope, and what feedback adds.

    Args:
        successes: for each budget, smallest first, the success (0 or 1) of each task; nan or None where an
            episode failed for reasons of infrastructure. All hold the same tasks in the same order.
        with_feedback: the same for the largest budget with feedback.
        level: of the intervals: Wilson's for rates, Student's t for the paired difference.

    Raises:
        MetricError: without budgets, or where their numbers of tasks differ.
    """
    if not successes:
        raise MetricError("successes: expected at least one budget")
    columns = [as_floats(values, f"successes[{k}]") for k, values in enumerate(successes)]
    fed = None if with_feedback is None else as_floats(with_feedback, "with_feedback")
    for column in (*columns[1:], *([] if fed is None else [fed])):
        if len(column) != len(columns[0]):
            raise MetricError(
                f"mint_table: every budget needs the same tasks, got {len(columns[0])} and {len(column)}"
            )
    rates = [proportion(column, level=level) for column in columns]
    return MintTable(
        rates=rates,
        trend=trend([rate.mean for rate in rates]),
        with_feedback=None if fed is None else proportion(fed, level=level),
        delta_feedback=None if fed is None else mean(fed - columns[-1], level=level),
    )
