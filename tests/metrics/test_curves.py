"""Curves over turns: MINT's published row, worked examples and properties."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import (
    MetricError,
    clustered_mean,
    gap_by_distance,
    mean,
    success_curve,
    trend,
    turn_scores,
    wilson,
)

outcomes = st.lists(st.one_of(st.none(), st.integers(1, 6)), min_size=1, max_size=30)


def test_trend_gives_mints_published_slope() -> None:
    # gpt-3.5-turbo-0613: (-2·2.73 - 16.89 + 31.74 + 2·36.18)/10 = 81.75/10; published 8.17 and R² 0.96.
    got = trend([2.73, 16.89, 24.06, 31.74, 36.18])
    assert got.slope == pytest.approx(8.175)
    assert round(got.r2, 2) == 0.96
    assert got.intercept == pytest.approx(22.32 - 3 * 8.175)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=12).filter(lambda v: max(v) - min(v) > 1e-3))
def test_trend_agrees_with_scipy(values: list[float]) -> None:
    got, theirs = trend(values), stats.linregress(range(1, len(values) + 1), values)
    assert (got.slope, got.intercept) == pytest.approx((theirs.slope, theirs.intercept), abs=1e-9)
    assert got.r2 == pytest.approx(theirs.rvalue**2, abs=1e-9)


def test_trend_edges() -> None:
    assert trend([2.0, None, 4.0]).slope == 1.0  # a missing point is left out, its step with it
    assert trend([0.0, 1.0], steps=[10, 30]).slope == 0.05
    flat = trend([3.0, 3.0, 3.0])
    assert (flat.slope, flat.intercept) == (0.0, 3.0)
    assert math.isnan(flat.r2)
    assert math.isnan(trend([1.0]).slope)
    with pytest.raises(MetricError, match="steps: expected 2, one a value, found 1"):
        trend([1.0, 2.0], steps=[1])


def test_success_curve_by_hand() -> None:
    # Solved at turns 1, 3, never, 2; lengths 1, 3, 3, 2: by turn 1 1/4, 2 2/4, 3 3/4.
    got = success_curve([1, 3, None, 2], turns=3, lengths=[1, 3, 3, 2])
    assert [e.mean for e in got.solved] == [0.25, 0.5, 0.75]
    assert got.active == [4, 3, 2]
    assert (got.solved[1].low, got.solved[1].high) == wilson(2, 4)
    assert (got.trend.slope, got.trend.r2) == (pytest.approx(0.25), pytest.approx(1.0))


def test_a_failure_of_the_infrastructure_is_missing_not_unsolved() -> None:
    got = success_curve([1, None, None], turns=2, missing=[False, False, True])
    assert [(e.mean, e.n, e.missing) for e in got.solved] == [(0.5, 2, 1)] * 2


def test_repeated_tasks_widen_the_band() -> None:
    plain = success_curve([1, 1, None, None], turns=1).solved[0]
    clustered = success_curve([1, 1, None, None], turns=1, clusters=["a", "a", "b", "b"]).solved[0]
    assert (clustered.low, clustered.high) == pytest.approx(wilson(1, 2))
    assert (plain.low, plain.high) == pytest.approx(wilson(2, 4))


@given(outcomes, st.randoms(use_true_random=False))
def test_success_never_falls_and_ends_at_the_share_ever_solved(solved_at: list[int | None], rng) -> None:
    got = success_curve(solved_at, turns=6)
    shares = [e.mean for e in got.solved]
    assert all(a <= b for a, b in itertools.pairwise(shares))
    assert shares[-1] == pytest.approx(sum(t is not None for t in solved_at) / len(solved_at))
    assert all(e.low <= e.mean <= e.high for e in got.solved)
    shuffled = success_curve(rng.sample(solved_at, len(solved_at)), turns=6)
    assert [e.mean for e in shuffled.solved] == pytest.approx(shares)


def test_turn_scores_by_hand() -> None:
    # Turn 1: 8, 6, 4; turn 2: 6 and one missing; turn 3: only the first dialogue is that long.
    got = turn_scores([[8, 6, 5], [6, None], [4]])
    assert [(e.n, e.missing) for e in got] == [(3, 0), (1, 1), (1, 0)]
    assert [e.mean for e in got] == [6.0, 6.0, 5.0]
    # s = 2, SE = 2/√3, t(0.975; 2) = 4.302653
    assert got[0].high == pytest.approx(6 + 4.302653 * 2 / math.sqrt(3), abs=1e-5)
    assert math.isnan(got[1].low)


def test_turn_scores_by_task() -> None:
    scores, tasks = [[1, 2], [3, 2], [5, 9], [7]], ["a", "a", "b", "b"]
    got = turn_scores(scores, turns=3, clusters=tasks)
    assert str(got[0]) == str(clustered_mean([1, 3, 5, 7], tasks))
    assert str(got[1]) == str(clustered_mean([2, 2, 9], ["a", "a", "b"]))
    assert (got[2].n, math.isnan(got[2].mean)) == (0, True)
    assert turn_scores([]) == []


def test_gap_by_distance_by_hand() -> None:
    # distance 1: 7-9, 8-8 -> -1; distance 4: 3-9 and a pair without its twin -> -6; one has no distance.
    got = gap_by_distance([3, 7, 8, 5, 2], [9, 9, 8, None, 2], [4, 1, 1, 4, None])
    assert [(g.distance, g.multi, g.single, g.difference.mean) for g in got] == [
        (1.0, 7.5, 8.5, -1.0),
        (4.0, 3.0, 9.0, -6.0),
    ]
    assert [(g.difference.n, g.difference.missing) for g in got] == [(2, 0), (1, 1)]
    paired = mean([-2, 0])
    assert (got[0].difference.low, got[0].difference.high) == pytest.approx((paired.low, paired.high))


def test_gap_counts_dialogues_as_clusters_and_survives_no_pairs() -> None:
    got = gap_by_distance([1, 2, 3, 4], [2, 2, 2, 2], [1, 1, 1, 1], clusters=["d", "d", "e", "e"])
    assert (got[0].difference.n, got[0].difference.clusters) == (4, 2)
    empty = gap_by_distance([None], [1], [2])[0]
    assert math.isnan(empty.multi)
    assert (empty.difference.n, empty.difference.missing) == (0, 1)
    assert gap_by_distance([], [], []) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: success_curve([0], turns=2), r"solved_at\[0\]: expected a turn from 1 on or None, found 0"),
        (
            lambda: success_curve([1, 5], turns=5, lengths=[1, 3]),
            r"solved_at\[1\]: expected a turn within .* 3",
        ),
        (lambda: success_curve([1], turns=0), "turns: expected at least 1"),
        (lambda: success_curve([1], turns=1, lengths=[]), "lengths: expected 1"),
        (lambda: success_curve([1], turns=1, missing=[]), "missing: expected 1 flags"),
        (lambda: turn_scores([[1]], clusters=[]), "clusters: expected 1 labels"),
        (lambda: gap_by_distance([1], [1], []), "expected as many single"),
    ],
)
def test_bad_input_is_one_clear_line(call, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        call()


def test_no_episode_at_all() -> None:
    got = success_curve([], turns=2, lengths=[])
    assert [(e.n, e.low, e.high) for e in got.solved] == [(0, 0.0, 1.0)] * 2
    assert got.active == [0, 0]
    assert math.isnan(got.trend.slope)
