"""pass@k and pass^k: by hand, by enumerating every draw, and their properties."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.metrics import (
    MetricError,
    clustered_mean,
    clustered_proportion,
    mean,
    pass_at_k,
    pass_at_k_of,
    pass_curve,
    pass_hat_k,
    pass_hat_k_of,
    wilson,
)

runs = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), min_size=1, max_size=12)
even_runs = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 1), min_size=n, max_size=n), min_size=2, max_size=12)
)


def flat(tries: list[list[int]]) -> tuple[list[int], list[int]]:
    """Verdicts and their tasks."""
    pairs = [(verdict, task) for task, verdicts in enumerate(tries) for verdict in verdicts]
    return [v for v, _ in pairs], [t for _, t in pairs]


def test_by_hand() -> None:
    # n = 5, c = 2, k = 3: of C(5,3) = 10 draws one avoids both successes.
    assert pass_at_k_of(5, 2, 3) == 0.9
    # τ-bench, n = 4, c = 2: 2/4, 1/6, 0, 0.
    assert [pass_hat_k_of(4, 2, k) for k in (1, 2, 3, 4)] == [0.5, 1 / 6, 0.0, 0.0]


@pytest.mark.parametrize(("n", "c"), [(1, 0), (1, 1), (4, 2), (6, 1), (6, 5), (7, 7)])
def test_by_enumerating_every_draw(n: int, c: int) -> None:
    tries = [1] * c + [0] * (n - c)
    for k in range(1, n + 1):
        draws = list(itertools.combinations(tries, k))
        assert pass_at_k_of(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws), rel=1e-15)
        assert pass_hat_k_of(n, c, k) == pytest.approx(sum(map(all, draws)) / len(draws), rel=1e-15)


def test_many_tries_stay_exact() -> None:
    # One success in n: pass@k = k/n.
    assert pass_at_k_of(20_000, 1, 5_000) == 0.25
    assert pass_hat_k_of(5_000, 4_999, 2_500) == 0.5  # (n-k)/n


def test_unequal_tries_weigh_tasks_equally() -> None:
    # A: 1 of 2, B: 2 of 4, C: one try only, too few for k = 2.
    values = [1, 0, 1, 1, 0, 0, 1]
    tasks = ["A", "A", "B", "B", "B", "B", "C"]
    # pass@2: A 1, B 1 - C(2,2)/C(4,2) = 5/6; mean 11/12. pass^2: A 0, B 1/6; mean 1/12.
    at, hat = pass_at_k(values, tasks, 2), pass_hat_k(values, tasks, 2)
    assert (at.mean, at.n, at.missing) == (pytest.approx(11 / 12), 2, 1)
    assert (hat.mean, hat.n, hat.missing) == (pytest.approx(1 / 12), 2, 1)
    # t interval: task values 1 and 5/6, s² = (1/12)²·2, SE = 1/12.
    assert pass_at_k(values, tasks, 2, interval="t").se == pytest.approx(1 / 12)


def test_a_missing_verdict_is_no_try() -> None:
    got = pass_hat_k([1, None, 1, 0, 1], ["A", "A", "A", "B", "B"], 2)
    assert got.mean == pytest.approx(0.5)  # A: both of two; B: one of two
    assert pass_hat_k([1, None], ["A", "A"], 2).missing == 1


def test_partial_credit_is_no_success() -> None:
    assert pass_at_k([0.99, 1 - 1e-9], ["A", "B"], 1).mean == 0.5
    assert pass_at_k([0.6, 0.4], ["A", "B"], 1, threshold=0.5).mean == 0.5


@given(runs)
def test_at_k_1_both_are_the_mean_over_tasks(tries: list[list[int]]) -> None:
    values, tasks = flat(tries)
    task_means = [sum(row) / len(row) for row in tries]
    for one in (pass_at_k, pass_hat_k):
        assert one(values, tasks, 1).mean == pytest.approx(mean(task_means).mean)


@given(even_runs)
def test_at_k_1_the_intervals_are_those_of_the_mean(tries: list[list[int]]) -> None:
    values, tasks = flat(tries)
    share, score = clustered_proportion(values, tasks), clustered_mean(values, tasks)
    by_wilson, by_t = pass_at_k(values, tasks, 1), pass_at_k(values, tasks, 1, interval="t")
    assert (by_wilson.low, by_wilson.high) == pytest.approx((share.low, share.high), abs=1e-9)
    assert (by_t.low, by_t.high) == pytest.approx((score.low, score.high), abs=1e-9)


@given(even_runs)
def test_more_tries_help_pass_at_k_and_hurt_pass_hat_k(tries: list[list[int]]) -> None:
    values, tasks = flat(tries)
    at = [e.mean for e in pass_curve(values, tasks)]
    hat = [e.mean for e in pass_curve(values, tasks, kind="hat")]
    assert len(at) == len(hat) == len(tries[0])
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(at))
    assert all(a + 1e-12 >= b for a, b in itertools.pairwise(hat))
    assert all(h <= a + 1e-12 for a, h in zip(at, hat, strict=True))


@given(runs, st.integers(1, 4), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_bounds_hold_the_estimate(tries: list[list[int]], k: int, rng) -> None:
    values, tasks = flat(tries)
    order = rng.sample(range(len(values)), len(values))
    got = pass_at_k(values, tasks, k)
    again = pass_at_k([values[i] for i in order], [tasks[i] for i in order], k)
    assert got.mean == pytest.approx(again.mean, nan_ok=True)
    assert (got.low, got.high) == pytest.approx((again.low, again.high), abs=1e-9)
    assert 0 <= got.low <= got.high <= 1
    assert math.isnan(got.mean) or got.low - 1e-9 <= got.mean <= got.high + 1e-9


def test_all_solved_is_as_sure_as_there_are_tasks() -> None:
    got = pass_hat_k([1] * 20, [i // 4 for i in range(20)], 4)
    assert (got.low, got.high) == pytest.approx(wilson(5, 5))


def test_tasks_of_equal_rate_count_each_group_of_k_tries_once() -> None:
    # Three tasks with 2 of 4: pass@2 = 1 - 1/6 for each, so they do not vary; 3 · 4//2 = 6 pairs of tries.
    got = pass_at_k([1, 1, 0, 0] * 3, [i // 4 for i in range(12)], 2)
    assert (got.low, got.high) == pytest.approx(wilson(5, 6))


def test_families_of_tasks_widen_the_interval() -> None:
    values, tasks = [1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 2, 2, 3, 3]
    alone = pass_at_k(values, tasks, 2)
    family = pass_at_k(values, tasks, 2, clusters=["x"] * 4 + ["y"] * 4)
    assert (alone.clusters, family.clusters) == (4, 2)
    assert (family.low, family.high) == pytest.approx(wilson(1, 2))  # two families that agree within
    assert (alone.low, alone.high) == pytest.approx(wilson(2, 4))


def test_edges_and_bad_input() -> None:
    empty = pass_at_k([], [], 3)
    assert math.isnan(empty.mean)
    assert (empty.low, empty.high, empty.n) == (0.0, 1.0, 0)
    assert pass_curve([None, None], ["A", "B"]) == []
    one = pass_at_k([1, 0], ["A", "A"], 2)
    assert (one.mean, one.low, one.high, one.clusters) == (1.0, 0.0, 1.0, 1)
    with pytest.raises(MetricError, match="k: expected at least 1, found 0"):
        pass_at_k([1], ["A"], 0)
    with pytest.raises(MetricError, match=r"clusters\[1\]: expected one cluster for all tries"):
        pass_at_k([1, 1], ["A", "A"], 1, clusters=["x", "y"])
    with pytest.raises(MetricError, match="found n=2, c=3"):
        pass_at_k_of(2, 3, 1)
