"""Forecasts and thresholds: the cards' hand cases, identities that must hold, and what raises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.metrics import MetricError
from turnwise.metrics.calibration import (
    Confusion,
    brier,
    confusion,
    expected_calibration_error,
    fit_threshold,
    reliability,
    risk_coverage,
    wrong_at,
)
from turnwise.metrics.values import join

SAID = [0.95, 0.9, 0.8, 0.6, 0.3]
RIGHT = [1, 0, 1, 0, 0]
QUICK = 100


def test_brier_by_hand() -> None:
    # (.0025 + .81 + .04 + .36 + .09) / 5
    assert brier(SAID, RIGHT, resamples=QUICK).score.mean == pytest.approx(0.2605)


def test_wrong_at_high_confidence_by_hand() -> None:
    assert wrong_at(SAID, RIGHT, 0.8).mean == pytest.approx(1 / 3)
    at = wrong_at(SAID, RIGHT, 0.9)
    assert (at.mean, at.n) == (0.5, 2)
    assert math.isnan(wrong_at(SAID, RIGHT, 0.99).mean)


def test_ece_by_hand() -> None:
    # .95 and .9 share the last bin: (2/5)|.925 - .5| + (1/5)(.2) + (1/5)(.6) + (1/5)(.3)
    got = expected_calibration_error(SAID, RIGHT, resamples=QUICK)
    assert got.mean == pytest.approx(0.39)
    diagram = reliability(SAID, RIGHT)
    assert [(round(b.low, 1), b.n, b.accuracy) for b in diagram] == [
        (0.3, 1, 0.0),
        (0.6, 1, 0.0),
        (0.8, 1, 1.0),
        (0.9, 2, 0.5),
    ]
    assert sum(b.n * abs(b.confidence - b.accuracy) for b in diagram) / 5 == pytest.approx(got.mean)


def test_a_bin_takes_its_lower_edge_and_the_last_takes_both() -> None:
    assert [b.n for b in reliability([0.0, 0.1, 0.2, 1.0], [0, 0, 0, 1])] == [1, 1, 1, 1]


def test_bins_of_equal_mass() -> None:
    said = [0.5, 0.51, 0.52, 0.53, 0.9, 0.91, 0.92, 0.93]
    right = [0, 1, 0, 1, 1, 1, 1, 0]
    diagram = reliability(said, right, bins=2, binning="mass")
    assert [(b.n, b.accuracy) for b in diagram] == [(4, 0.5), (4, 0.75)]
    # |.515 - .5| / 2 + |.915 - .75| / 2
    got = expected_calibration_error(said, right, bins=2, binning="mass", resamples=QUICK)
    assert got.mean == pytest.approx((0.015 + 0.165) / 2)


def test_risk_and_coverage_by_hand() -> None:
    got = risk_coverage(SAID, RIGHT, resamples=QUICK)
    assert got.risk == pytest.approx((0, 0.5, 1 / 3, 0.5, 0.6))
    assert got.coverage == pytest.approx((0.2, 0.4, 0.6, 0.8, 1.0))
    # .2 · (.25 + .41667 + .41667 + .55)
    assert got.area.mean == pytest.approx(0.32667, abs=1e-5)


def test_equal_confidences_keep_their_order() -> None:
    assert risk_coverage([0.5, 0.5], [0, 1], resamples=QUICK).risk == (1.0, 0.5)


def test_a_calibrated_forecaster_has_no_error_and_an_overconfident_one_its_shift() -> None:
    draw = np.random.default_rng(1)
    chance = draw.uniform(0.1, 0.8, size=40_000)
    right = (draw.random(40_000) < chance).astype(int)
    assert expected_calibration_error(chance, right, resamples=2).mean == pytest.approx(0, abs=0.012)
    assert expected_calibration_error(chance + 0.15, right, resamples=2).mean == pytest.approx(0.15, abs=0.01)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), st.integers(0, 1)), min_size=1))
def test_the_parts_of_brier_sum_to_it(rows: list[tuple[float, int]]) -> None:
    got = brier([c for c, _ in rows], [y for _, y in rows], resamples=2)
    assert got.reliability - got.resolution + got.uncertainty == pytest.approx(got.score.mean)


def test_a_missing_confidence_is_no_forecast() -> None:
    whole = brier([0.9, None, 0.2], [1, 1, None], resamples=QUICK).score
    assert (whole.n, whole.missing) == (1, 2)
    assert whole.mean == pytest.approx(0.01)
    assert wrong_at([0.9, None], [0, 0], 0.5).missing == 1


def test_nothing_at_all() -> None:
    assert math.isnan(brier([], []).score.mean)
    assert math.isnan(expected_calibration_error([None], [1]).mean)
    assert math.isnan(risk_coverage([], []).area.mean)
    assert reliability([], []) == []


def test_what_is_no_forecast_is_refused() -> None:
    with pytest.raises(MetricError, match="from 0 to 1"):
        brier([1.2], [1])
    with pytest.raises(MetricError, match="0 or 1"):
        brier([0.5], [0.3])
    with pytest.raises(MetricError, match="expected 2 values"):
        brier([0.5, 0.5], [1])
    with pytest.raises(MetricError, match="bins"):
        reliability([0.5], [1], bins=0)


def test_rows_of_one_dialogue_stand_and_fall_together() -> None:
    once = brier(SAID, RIGHT, resamples=2000).score
    tenfold = brier(SAID * 10, RIGHT * 10, clusters=[*range(5)] * 10, resamples=2000).score
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))
    assert (tenfold.n, tenfold.clusters) == (50, 5)


# Thresholds


def test_the_first_of_tied_thresholds_is_kept() -> None:
    # Any threshold in (0.4, 0.6] parts the two classes; the first of 0, 0.01, … is 0.41.
    got = fit_threshold([0.1, 0.4, 0.6, 0.9], [0, 0, 1, 1])
    assert (got.value, got.fitted.f1, got.held_out) == (0.41, 1.0, None)


def test_m2s_at_its_threshold() -> None:
    table = Confusion(tp=354, fp=30, fn=0, tn=153)
    figures = (table.precision, table.recall, table.f1, table.accuracy, table.kappa)
    assert figures == pytest.approx((0.9219, 1.0, 0.9593, 0.9441, 0.8705), abs=5e-5)


@pytest.mark.parametrize(("aim", "value"), [("f1", 1), ("accuracy", 1), ("kappa", 3), ("youden", 3)])
def test_aims_differ(aim: str, value: float) -> None:
    # From 1 on all are yes: F1 10/12. From 3 on, three of five yes and no false one: F1 6/8.
    # Right are 5 of 7 either way.
    scores, labels = [1, 2, 3, 4, 5, 1, 2], [1, 1, 1, 1, 1, 0, 0]
    got = fit_threshold(scores, labels, aim=aim, candidates=[1, 3])
    assert got.value == value


def test_a_threshold_is_reported_on_what_it_never_saw() -> None:
    draw = np.random.default_rng(8)
    labels = draw.integers(0, 2, size=200)
    scores = np.clip(labels * 0.4 + draw.random(200) * 0.6, 0, 1)
    goals = [index // 4 for index in range(200)]
    got = fit_threshold(scores, labels, share=0.5, clusters=goals, seed=1)
    assert got.held_out is not None
    assert (got.fitted.n, got.held_out.n) == (100, 100)
    other = fit_threshold(scores, labels, share=0.5, clusters=goals, seed=2)
    assert (got.fitted, got.held_out) != (other.fitted, other.held_out)


def test_nothing_to_fit_to() -> None:
    with pytest.raises(MetricError, match="nothing"):
        fit_threshold([None], [1])
    with pytest.raises(MetricError, match="aim: expected one of f1, accuracy, kappa, youden, found 'F1'"):
        fit_threshold([0.5], [1], aim="F1")  # type: ignore[arg-type]


def test_empty_classes_are_nan_and_not_nought() -> None:
    table = confusion([0, 0], [0, 0])
    assert all(math.isnan(x) for x in (table.precision, table.recall, table.f1, table.youden, table.kappa))
    assert table.accuracy == 1


# Joins


def test_a_key_that_occurs_twice_is_refused() -> None:
    with pytest.raises(MetricError, match=r"second\[2\].*'goal'"):
        join(["goal"], ["goal", "other", "goal"])


def test_rows_that_stand_alone_are_told() -> None:
    got = join(["a", "b", "c"], ["c", "a", "d"])
    assert got == ([0, 2], [1, 0], [1], [2])
