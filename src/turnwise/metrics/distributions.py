"""Quantiles and tails of the normal, Student's t and the fair binomial, so that the base needs no scipy."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_NORMAL = NormalDist()
_SERIES_FROM = 1000.0
"""Degrees of freedom from which the series in 1/df is exact to rounding."""


def normal_quantile(p: float) -> float:
    """The z with P(Z <= z) = `p`; -inf and inf at 0 and 1."""
    if p <= 0 or p >= 1:
        return -math.inf if p <= 0 else math.inf
    return _NORMAL.inv_cdf(p)


def normal_cdf(z: float) -> float:
    """P(Z <= z), accurate in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: float) -> float:
    """The t with P(T <= t) = `p` for Student's t with `df` > 0 degrees of freedom; about 1e-12 relative.

    Newton's method on the upper tail from the normal quantile: the tail is convex and t lies above z, so
    every step stays on one side and none overshoots. Many degrees of freedom use the expansion of
    Abramowitz & Stegun 26.7.5 instead.
    """
    tail = min(p, 1 - p)
    if tail <= 0 or tail == 0.5:
        return math.copysign(math.inf, p - 0.5) if tail <= 0 else 0.0
    z = -normal_quantile(tail)
    t = _t_series(z, df) if df >= _SERIES_FROM else _t_newton(z, tail, df)
    return math.copysign(t, p - 0.5)


def _t_series(z: float, df: float) -> float:
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / df**power for power, term in enumerate(terms, start=1))


def _t_newton(z: float, tail: float, df: float) -> float:
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    t = z
    for _ in range(2000):
        density = math.exp(log_scale - (df + 1) / 2 * math.log1p(t * t / df))
        step = (t_tail(t, df) - tail) / density
        t += step
        if abs(step) <= 1e-14 * t:
            break
    return t


def t_tail(t: float, df: float) -> float:
    """P(T > t) for t >= 0 under Student's t with `df` degrees of freedom."""
    return 0.5 * _incomplete_beta(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t))


def _incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """Regularised I_x(a, b), with `y` = 1 - x given apart so that neither loses digits."""
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)
    front = math.exp(log_front)
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, y) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta (Abramowitz & Stegun 26.5.8), by Lentz's algorithm."""
    tiny = 1e-300
    c = 1.0
    d = 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def fair_binomial_two_sided(k: int, n: int) -> float:
    """P(a count as far from n/2 as `k`, or farther) for n fair coins: exact, in integers; 1 for n = 0."""
    term = total = 1
    smaller = min(k, n - k)
    for i in range(smaller):
        term = term * (n - i) // (i + 1)
        total += term
    return min(1.0, 2 * total / 2**n)
