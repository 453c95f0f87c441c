"""Two runs on the same tasks: a worked comparison, scipy's paired t, and what stays the same."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import MetricError, compare, mcnemar

# Task means, two epochs each: A: a 0, b 1/2, c 1, d 0;  B: a 1, b 1, c 1/2, d 0.  B - A: 1, 1/2, -1/2, 0.
TASKS = ["a", "a", "b", "b", "c", "c", "d", "d"]
RUN_A = [0, 0, 1, 0, 1, 1, 0, 0]
RUN_B = [1, 1, 1, 1, 1, 0, 0, 0]

paired_scores = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=10)


def test_a_comparison_by_hand() -> None:
    got = compare(RUN_A, TASKS, RUN_B, TASKS)
    assert (got.a.mean, got.b.mean, got.difference.mean) == (0.375, 0.625, 0.25)
    # errors 3/4, 1/4, -3/4, -1/4: squares sum to 5/4, s² = 5/12, SE = √(5/48); t(0.975; 3) = 3.182446
    assert got.difference.se == pytest.approx(math.sqrt(5 / 48))
    assert got.difference.high == pytest.approx(0.25 + 3.182446 * math.sqrt(5 / 48), abs=1e-6)
    # ±1 ±1/2 ±1/2: |sum| >= 1 for ±(2), ±(1) twice: six of eight
    assert (got.p, got.exact, got.flips) == (0.75, True, 8)
    assert (got.improved, got.worse, got.same) == (("a", "b"), ("c",), 1)
    assert (got.gained, got.lost, got.flipped) == (("a",), (), ("a",))
    assert got.mcnemar is None  # means of 1/2 are no binary verdicts
    assert got.bootstrap.mean == 0.25
    assert -0.5 <= got.bootstrap.low <= 0.25 <= got.bootstrap.high <= 1
    # means 3/8 and 5/8; Σ dx·dy = (-9 + 3 - 5 + 15)/64 = 1/16; Σ dx² = Σ dy² = (9 + 1 + 25 + 9)/64 = 11/16
    assert got.correlation == pytest.approx(1 / 11)


def test_binary_verdicts_get_mcnemar_and_the_flipped_tasks() -> None:
    tasks = list("abcdefgh")
    before, after = [1, 0, 0, 0, 0, 0, 1, 0], [0, 1, 1, 1, 1, 1, 1, 0]
    got = compare(before, tasks, after, tasks)
    # 5 gained, 1 lost: 14/64, and the exact sign flips agree.
    assert got.mcnemar == mcnemar(5, 1) == 14 / 64
    assert got.p == got.mcnemar
    assert (got.gained, got.lost) == (tuple("bcdef"), ("a",))


def test_only_shared_tasks_are_compared_and_the_others_named() -> None:
    got = compare([1, 0, None, 1], ["x", "y", "z", "w"], [1, 1, 1, None, 1], ["v", "y", "z", "w", "x"])
    assert (got.only_a, got.only_b) == (("w",), ("v", "z"))  # w has no verdict in B, z none in A
    assert (got.difference.n, got.difference.missing, got.difference.mean) == (2, 3, 0.5)
    assert got.bootstrap.missing == 3


@settings(max_examples=40)
@given(paired_scores.filter(lambda rows: len(rows) > 1))
def test_the_t_interval_is_scipys(rows: list[tuple[float, float]]) -> None:
    a, b = [x for x, _ in rows], [y for _, y in rows]
    got = compare(a, range(len(a)), b, range(len(b)), resamples=50).difference
    if got.se > 1e-6:
        theirs = stats.ttest_rel(b, a).confidence_interval(0.95)
        assert (got.low, got.high) == pytest.approx((theirs.low, theirs.high), rel=1e-7, abs=1e-9)


@settings(max_examples=40)
@given(paired_scores, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_swapping_the_runs_mirrors(rows: list[tuple[float, float]], rng) -> None:
    a, b, tasks = [x for x, _ in rows], [y for _, y in rows], list(range(len(rows)))
    order = rng.sample(tasks, len(tasks))
    got = compare(a, tasks, b, tasks, resamples=50)
    shuffled = compare(a, tasks, [b[i] for i in order], order, resamples=50)
    assert str(shuffled.difference) == str(got.difference)
    assert shuffled.p == got.p
    mirror = compare(b, tasks, a, tasks, resamples=50)
    assert mirror.difference.mean == pytest.approx(-got.difference.mean)
    assert mirror.p == pytest.approx(got.p)
    assert (mirror.improved, mirror.worse, mirror.lost) == (got.worse, got.improved, got.gained)
    assert got.same + len(got.improved) + len(got.worse) == len(rows)


def test_a_run_against_itself_shows_nothing() -> None:
    got = compare(RUN_A, TASKS, RUN_A, TASKS)
    assert (got.difference.mean, got.difference.low, got.difference.high) == (0, 0, 0)
    assert (got.p, got.same, got.flipped) == (1.0, 4, ())


def test_rounding_of_epoch_sums_is_no_change() -> None:
    got = compare([0.1, 0.2, 0.3], ["t"] * 3, [0.3, 0.2, 0.1], ["t"] * 3)
    assert (got.same, got.improved, got.worse) == (1, (), ())


def test_families_of_tasks_are_flipped_and_drawn_together() -> None:
    tasks = list("abcd")
    got = compare([0, 0, 0, 0], tasks, [1, 1, 1, 0], tasks, clusters={"a": 1, "b": 1, "c": 2, "d": 2})
    # family sums 2 and 1: four patterns, |sum| = 3 in two
    assert (got.p, got.flips) == (0.5, 4)
    # errors sum to ±1/2: Σ = 1/2; /16 · 2/1 = 1/16
    assert (got.difference.clusters, got.difference.se) == (2, 0.25)
    assert got.mcnemar is None


def test_many_tasks_draw_repeatably() -> None:
    n = 60
    a, b = [0.0] * n, [float(i % 3 - 1) + 0.01 * i for i in range(n)]
    got = compare(a, range(n), b, range(n), permutations=2000, seed=4)
    again = compare(a, range(n), b, range(n), permutations=2000, seed=4)
    assert not got.exact
    assert (got.p, got.bootstrap.low) == (again.p, again.bootstrap.low)
    assert got.p == pytest.approx(stats.ttest_rel(b, a).pvalue, abs=0.02)


def test_edges_and_bad_input() -> None:
    nothing = compare([1], ["a"], [1], ["b"])
    assert math.isnan(nothing.p)
    assert math.isnan(nothing.difference.mean)
    assert (nothing.difference.n, nothing.difference.missing, nothing.mcnemar) == (0, 2, None)
    one = compare([0], ["a"], [1], ["a"])
    assert (one.difference.mean, one.p) == (1.0, 1.0)
    assert math.isnan(one.difference.low)
    assert math.isnan(one.correlation)
    with pytest.raises(
        MetricError, match="clusters: expected a cluster for every shared task, found none for 'b'"
    ):
        compare([1, 1], ["a", "b"], [1, 1], ["a", "b"], clusters={"a": 1})
