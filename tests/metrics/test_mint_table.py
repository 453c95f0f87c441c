"""MINT's table: rates by budget, their slope, what feedback adds."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.metrics.curves import trend
from turnwise.metrics.mint import mint_table
from turnwise.metrics.values import MetricError

# gpt-3.5-turbo-0613, per cent, as published.
PUBLISHED = (2.73, 16.89, 24.06, 31.74, 36.18)


def runs(*solved: int, tasks: int = 586) -> list[np.ndarray]:
    return [(np.arange(tasks) < count).astype(float) for count in solved]


def test_the_published_row_has_the_published_slope() -> None:
    line = trend(PUBLISHED)
    assert line.slope == pytest.approx((-2 * 2.73 - 16.89 + 31.74 + 2 * 36.18) / 10)
    assert line.slope == pytest.approx(8.175)
    assert line.r2 == pytest.approx(0.96, abs=0.005)


def test_the_same_row_from_counts_of_solved_tasks() -> None:
    counts = [round(share / 100 * 586) for share in PUBLISHED]
    assert counts == [16, 99, 141, 186, 212]
    fed = round(0.514 * 586)
    table = mint_table(runs(*counts), with_feedback=runs(fed)[0])
    assert [round(100 * rate.mean, 2) for rate in table.rates] == list(PUBLISHED)
    assert 100 * table.trend.slope == pytest.approx(8.175, abs=0.005)
    assert table.with_feedback is not None
    assert table.delta_feedback is not None
    assert 100 * table.delta_feedback.mean == pytest.approx(15.2, abs=0.05)
    assert table.with_feedback.mean == pytest.approx(table.rates[-1].mean + table.delta_feedback.mean)
    assert table.delta_feedback.n == 586


def test_the_gain_is_paired_by_task() -> None:
    table = mint_table([[0, 0, 1, 1]], with_feedback=[1, 0, 1, 1])
    assert table.delta_feedback is not None
    assert table.delta_feedback.mean == 0.25
    assert table.delta_feedback.se == pytest.approx(0.25)  # of the differences 1, 0, 0, 0: s = 0.5, / sqrt(4)
    without = mint_table([[0, 1]])
    assert (without.with_feedback, without.delta_feedback) == (None, None)


def test_an_episode_that_failed_is_in_no_share() -> None:
    table = mint_table([[1, None, 0]], with_feedback=[1, 1, None])
    assert (table.rates[0].mean, table.rates[0].n, table.rates[0].missing) == (0.5, 2, 1)
    assert table.delta_feedback is not None
    assert (table.delta_feedback.n, table.delta_feedback.missing) == (1, 2)


def test_budgets_must_hold_the_same_tasks() -> None:
    with pytest.raises(MetricError, match="same tasks, got 2 and 3"):
        mint_table([[0, 1], [0, 1, 1]])
    with pytest.raises(MetricError, match="same tasks, got 2 and 1"):
        mint_table([[0, 1]], with_feedback=[1])
    with pytest.raises(MetricError, match="at least one budget"):
        mint_table([])
