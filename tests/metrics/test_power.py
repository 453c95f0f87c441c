"""Power by hand, by simulation of its own formula, and as inverses of each other."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import MetricError, difference_sd, minimum_detectable_effect, power_of, tasks_needed


def test_by_hand() -> None:
    # z(0.975) + z(0.8) = 1.959964 + 0.841621 = 2.801585; sd/√n = 0.5/10 = 0.05.
    assert minimum_detectable_effect(0.5, 100) == pytest.approx(0.14007926, abs=1e-7)
    # (2.801585 · 0.5 / 0.1)² = 196.22: 197 tasks.
    assert tasks_needed(0.1, 0.5) == 197
    # ω² = 0.01, σ²/K = 0.16/4 + 0.09/1 = 0.13; √0.14.
    assert difference_sd(0.1, 0.4, 0.3, epochs_a=4, epochs_b=1) == pytest.approx(math.sqrt(0.14))


def test_power_agrees_with_the_normal_tails() -> None:
    # shift = 0.1·√100/0.5 = 2.
    expected = stats.norm.sf(1.959963984540054 - 2) + stats.norm.cdf(-1.959963984540054 - 2)
    assert power_of(0.1, 0.5, 100) == pytest.approx(expected)
    assert power_of(0, 0.5, 100) == pytest.approx(0.05)


@given(st.floats(0.01, 5), st.integers(2, 10_000), st.floats(0.5, 0.99), st.floats(0.001, 0.2))
def test_the_three_are_inverse(sd: float, tasks: int, power: float, alpha: float) -> None:
    effect = minimum_detectable_effect(sd, tasks, power=power, alpha=alpha)
    # The other direction adds a little power, never takes any.
    assert power <= power_of(effect, sd, tasks, alpha=alpha) + 1e-9
    assert power_of(effect, sd, tasks, alpha=alpha) <= power + alpha
    assert tasks_needed(effect * 1.000001, sd, power=power, alpha=alpha) <= tasks


def test_edges_and_bad_input() -> None:
    assert minimum_detectable_effect(0, 5) == 0
    assert tasks_needed(-0.1, 0.5) == 197
    assert (power_of(0.1, 0, 5), power_of(0, 0, 5)) == (1.0, 0.05)
    for call, message in (
        (lambda: tasks_needed(0, 1), "effect: expected a difference other than 0"),
        (lambda: minimum_detectable_effect(1, 0), "tasks: expected at least 1"),
        (lambda: minimum_detectable_effect(-1, 10), "sd: expected at least 0"),
        (lambda: minimum_detectable_effect(1, 10, power=80), "power: expected a number between"),
        (lambda: power_of(1, 1, 10, alpha=0), "alpha: expected a number between 0 and 1"),
        (lambda: difference_sd(1, epochs_a=0), "at least 1 epoch"),
    ):
        with pytest.raises(MetricError, match=message):
            call()
