"""Quantiles without scipy agree with scipy's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import normal_quantile, t_quantile
from turnwise.metrics.distributions import fair_binomial_two_sided, normal_cdf, t_tail

DEGREES = [1, 2, 3, 4, 7.5, 10, 29, 100, 999, 999.99, 1000, 1001, 5000, 1e5, 1e7]
SHARES = [1e-8, 1e-4, 0.005, 0.025, 0.05, 0.3, 0.6, 0.9, 0.975, 0.995, 0.9999]


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("p", SHARES)
def test_t_quantile_agrees_with_scipy(p: float, df: float) -> None:
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-11)


def test_t_quantile_in_closed_form() -> None:
    # df = 1 (Cauchy): tan(π(p - 1/2)) = tan(π/4) = 1 at p = 0.75.
    assert t_quantile(0.75, 1) == pytest.approx(1.0, rel=1e-13)
    # df = 2: t = (2p-1) √(2 / (1 - (2p-1)²)); p = 0.9: 0.8 · √(2 / 0.36) = 0.8 · √2 / 0.6.
    assert t_quantile(0.9, 2) == pytest.approx(0.8 * math.sqrt(2) / 0.6, rel=1e-13)


@given(p=st.floats(0.0001, 0.9999), df=st.floats(1, 1e6))
def test_t_quantile_is_symmetric_and_wider_than_normal(p: float, df: float) -> None:
    t = t_quantile(p, df)
    assert t == pytest.approx(-t_quantile(1 - p, df), rel=1e-9, abs=1e-9)
    assert abs(t) >= abs(normal_quantile(p)) * (1 - 1e-9)


@pytest.mark.parametrize("df", [1, 4, 30, 500])
@pytest.mark.parametrize("t", [0.0, 0.1, 1.0, 2.5, 40.0])
def test_t_tail_agrees_with_scipy(t: float, df: float) -> None:
    assert t_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-11)


def test_the_ends_of_the_range() -> None:
    assert (t_quantile(0, 5), t_quantile(0.5, 5), t_quantile(1, 5)) == (-math.inf, 0.0, math.inf)
    assert (normal_quantile(0), normal_quantile(1)) == (-math.inf, math.inf)


@pytest.mark.parametrize("z", [-30.0, -3.0, 0.0, 0.5, 8.0])
def test_normal_cdf_agrees_with_scipy(z: float) -> None:
    assert normal_cdf(z) == pytest.approx(stats.norm.cdf(z), rel=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (0, 1), (3, 10), (7, 10), (5, 10), (0, 12), (480, 1000)])
def test_binomial_tail_agrees_with_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).pvalue if n else 1.0
    assert fair_binomial_two_sided(k, n) == pytest.approx(expected, rel=1e-9)
