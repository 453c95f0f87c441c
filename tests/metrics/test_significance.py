"""Tests by hand, by scipy, and against each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import MetricError, holm, mcnemar, sign_flip
from turnwise.metrics.significance import benjamini_hochberg, bonferroni, mcnemar_chi_squared


def test_sign_flip_by_hand() -> None:
    # ±1±2±3: eight sums, |sum| = 6 in two of them.
    got = sign_flip([1, 2, 3])
    assert (got.p, got.flips, got.exact) == (0.25, 8, True)
    # 1 + 2 - 3 = 0: every pattern is at least as far out.
    assert sign_flip([1, 2, -3]).p == 1.0
    # 3 + 2 - 1 = 4: |sum| >= 4 for ±(3+2+1), ±(3+2-1): four of eight.
    assert sign_flip([3, 2, -1]).p == 0.5


@pytest.mark.parametrize("seed", range(4))
def test_sign_flip_agrees_with_scipy(seed: int) -> None:
    d = np.random.default_rng(seed).normal(0.4, 1, size=10)
    theirs = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(d).p == pytest.approx(theirs.pvalue, rel=1e-12)


def test_ties_by_rounding_count_as_ties() -> None:
    # 0.1 + 0.2 + (-0.3) is not 0 in floating point, nor is 0.3 twice the same sum; scaled integers decide.
    tenths = [1, 2, -3, 4, 5, -6, 7]
    assert sign_flip([x / 10 for x in tenths]).p == sign_flip(tenths).p


def test_drawn_p_is_near_the_exact_one_never_zero_and_free_of_chunking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    d = np.random.default_rng(2).normal(0.5, 1, size=14)
    exact, drawn = sign_flip(d), sign_flip(d, exact_up_to=0, permutations=20_000)
    assert not drawn.exact
    assert drawn.flips == 20_001
    assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p / 20_000))
    monkeypatch.setattr("turnwise.metrics.significance.CELLS", 100)
    assert sign_flip(d, exact_up_to=0, permutations=20_000).p == drawn.p
    # All 60 improve alike: the exact p, 2/2**60, is out of reach; (b+1)/(m+1) with b = 0.
    assert sign_flip([1.0] * 60, permutations=999).p == 1 / 1000


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5))
def test_on_binary_verdicts_sign_flip_is_mcnemar(gained: int, lost: int, same: int) -> None:
    differences = [1] * gained + [-1] * lost + [0] * same
    if differences:
        assert sign_flip(differences).p == pytest.approx(mcnemar(gained, lost), rel=1e-12)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_sign_flip_is_blind_to_order_direction_and_missing(d: list[float], rng) -> None:
    p = sign_flip(d).p
    assert 0 < p <= 1
    assert sign_flip([-x for x in d]).p == p
    assert sign_flip(rng.sample([*d, None], len(d) + 1)).p == pytest.approx(p)


def test_mcnemar_by_hand_and_scipy() -> None:
    # 1 gained, 5 lost: 2·(C(6,0)+C(6,1))/2⁶ = 14/64.
    assert mcnemar(1, 5) == mcnemar(5, 1) == 14 / 64
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(13, 31) == pytest.approx(stats.binomtest(13, 44).pvalue, rel=1e-12)


def test_mcnemar_as_papers_print_it() -> None:
    # Exact below 25 flips: 2·(C(10,0)+C(10,1))/2¹⁰ = 22/1024. Above: (|10 - 30| - 1)² / 40.
    assert mcnemar(1, 9) == pytest.approx(0.0215, abs=5e-5)
    statistic, p = mcnemar_chi_squared(10, 30)
    assert statistic == 9.025
    assert p == pytest.approx(stats.chi2.sf(9.025, 1))
    assert mcnemar_chi_squared(3, 3)[1] == mcnemar_chi_squared(0, 0)[1] == 1.0


def test_corrections_by_hand() -> None:
    p = [0.01, 0.04, 0.03]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06])
    # Ascending .01·3/1, .03·3/2, .04·3/3: .03, .045 lowered to .04, .04.
    assert benjamini_hochberg(p) == pytest.approx([0.03, 0.04, 0.04])
    assert bonferroni(p) == pytest.approx([0.03, 0.12, 0.09])


@given(st.lists(st.floats(0, 1), max_size=10))
def test_benjamini_hochberg_is_scipys(p: list[float]) -> None:
    adjusted = benjamini_hochberg([*p, None])
    assert math.isnan(adjusted.pop())
    assert adjusted == pytest.approx(list(stats.false_discovery_control(p)) if p else [])


def test_holm_by_hand() -> None:
    # Ascending 0.005·4, 0.01·3, 0.03·2, 0.04·1 = 0.02, 0.03, 0.06, 0.04 -> last raised to 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]  # 0.8·2 is cut at 1, and 0.9 is raised to it


@given(st.lists(st.floats(0, 1), max_size=10))
def test_holm_lies_between_none_and_bonferroni(p: list[float]) -> None:
    adjusted = holm([*p, None])
    assert math.isnan(adjusted.pop())
    for before, after in zip(p, adjusted, strict=True):
        assert before <= after <= min(1, before * len(p)) + 1e-12
    assert [adjusted[i] for i in np.argsort(p)] == sorted(adjusted)


def test_edges_and_bad_input() -> None:
    none = sign_flip([None])
    assert math.isnan(none.p)
    assert none.flips == 0
    assert sign_flip([0.0, 0.0]).p == 1.0
    assert sign_flip([5.0]).p == 1.0
    assert holm([]) == []
    for call, message in (
        (lambda: mcnemar(-1, 2), "mcnemar: expected counts"),
        (lambda: holm([0.1, 1.2]), "p_values: expected numbers from 0 to 1"),
        (lambda: sign_flip([1.0], permutations=0), "permutations: expected at least 1"),
    ):
        with pytest.raises(MetricError, match=message):
            call()
