"""How many tasks a comparison needs, and how small a difference it can see (Miller 2024, section 5)."""

from __future__ import annotations

import math

from turnwise.metrics.distributions import normal_cdf, normal_quantile
from turnwise.metrics.values import MetricError


def difference_sd(
    between: float, within_a: float = 0.0, within_b: float = 0.0, *, epochs_a: int = 1, epochs_b: int = 1
) -> float:
    """Standard deviation of a task's difference of means: √(ω² + σ_A²/K_A + σ_B²/K_B).

    Args:
        between: ω, standard deviation over tasks of the true difference.
        within_a: σ_A, standard deviation of one task's scores over epochs in run A (root mean variance).
        within_b: σ_B, the same in run B.
        epochs_a: K_A, epochs of each task in run A.
        epochs_b: K_B.
    """
    if min(between, within_a, within_b) < 0 or min(epochs_a, epochs_b) < 1:
        raise MetricError("difference_sd: expected standard deviations of at least 0 and at least 1 epoch")
    return math.sqrt(between**2 + within_a**2 / epochs_a + within_b**2 / epochs_b)


def minimum_detectable_effect(sd: float, tasks: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest true difference that a two-sided test at `alpha` finds with chance `power`.

    δ = (z_{1-α/2} + z_power) · sd / √tasks; `sd` is of the differences per task (see `difference_sd`).
    """
    _check(sd, alpha)
    if tasks < 1:
        raise MetricError(f"tasks: expected at least 1, found {tasks}")
    return _z_sum(power, alpha) * sd / math.sqrt(tasks)


def tasks_needed(effect: float, sd: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """The fewest tasks with which a true difference of `effect` is found with chance `power`.

    n = (z_{1-α/2} + z_power)² · sd² / δ², rounded up.
    """
    _check(sd, alpha)
    if effect == 0:
        raise MetricError("effect: expected a difference other than 0; no number of tasks can find none")
    return max(1, math.ceil((_z_sum(power, alpha) * sd / effect) ** 2))


def power_of(effect: float, sd: float, tasks: int, *, alpha: float = 0.05) -> float:
    """The chance that a two-sided test at `alpha` finds a true difference of `effect`, either way."""
    _check(sd, alpha)
    if tasks < 1:
        raise MetricError(f"tasks: expected at least 1, found {tasks}")
    if sd == 0:
        return 1.0 if effect else alpha
    z = normal_quantile(1 - alpha / 2)
    shift = effect * math.sqrt(tasks) / sd
    return normal_cdf(shift - z) + normal_cdf(-shift - z)


def _z_sum(power: float, alpha: float) -> float:
    if not alpha < power < 1:
        raise MetricError(f"power: expected a number between alpha={alpha} and 1, found {power}")
    return normal_quantile(1 - alpha / 2) + normal_quantile(power)


def _check(sd: float, alpha: float) -> None:
    if not sd >= 0:
        raise MetricError(f"sd: expected at least 0, found {sd}")
    if not 0 < alpha < 1:
        raise MetricError(f"alpha: expected a number between 0 and 1, found {alpha}")
