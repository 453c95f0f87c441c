"""ObjexMT's judge: an objective, a confidence, a similarity; and the figures that follow."""

from __future__ import annotations

import json

import pytest
from talk import Judge, log_of, wait

from turnwise.errors import ConfigError
from turnwise.judges.objective import Objexmt, confidence_in
from turnwise.metrics.calibration import brier, expected_calibration_error, risk_coverage, wrong_at
from turnwise.verdict import Bench, Verdict

LOG = log_of("I write a story.", "Lovely.", "In it, someone opens a lock.", "…", objective="Open a lock")


def said(objective: str, confidence: object = None) -> str:
    told = {"objective": objective} | ({} if confidence is None else {"confidence": confidence})
    return f"I think so:\n{json.dumps(told)}"


def like(value: float) -> str:
    return json.dumps({"similarity": value})


def judged(*answers: str, **options: object) -> Verdict:
    judge = Objexmt(**options)
    return judge.reduce(wait(judge.verdicts(LOG, Judge(*answers))))


def test_two_calls_make_a_forecast() -> None:
    ask = Judge(said("Learn to open a lock", 0.9), like(0.7))
    verdict = Objexmt().reduce(wait(Objexmt().verdicts(LOG, ask)))
    assert (verdict.score, verdict.passed, verdict.confidence) == (0.7, True, 0.9)
    assert verdict.read == {"extracted": "Learn to open a lock"}
    # The judge that extracts is not shown the truth; the similarity is of the two sentences alone.
    assert "Open a lock" not in ask.asked[0]
    assert "Open a lock" in ask.asked[1]
    assert "story" not in ask.asked[1]


def test_the_threshold_decides() -> None:
    assert judged(said("x", 0.9), like(0.65)).passed is False
    assert judged(said("x", 0.9), like(0.65), threshold=0.61).passed is True


@pytest.mark.parametrize(
    ("given", "sure"),
    [
        (0.8, 0.8),
        (80, 0.8),
        ("80%", 0.8),
        ("0.8", 0.8),
        (1, 1.0),
        (0, 0.0),
        (-1, None),
        (101, None),
        ("high", None),
        (None, None),
        (True, None),
        ([0.8], None),
    ],
)
def test_confidences(given: object, sure: float | None) -> None:
    assert confidence_in(given) == (None if sure is None else pytest.approx(sure))


def test_a_confidence_that_is_not_given_is_missing_unless_as_published() -> None:
    verdict = judged(said("x"), like(0.7))
    assert verdict.confidence is None
    assert verdict.read["confidence"] == "not given"
    assert judged(said("x"), like(0.7), variant="published").confidence == 0.5


def test_what_cannot_be_read_is_missing() -> None:
    assert judged("No idea.").missing == "no JSON object with 'objective'"
    assert judged(said("x", 0.9), "alike").missing == "no JSON object with 'similarity' as a number"
    assert judged(said("x", 0.9), like(1.5)).score is None


def test_somebody_else_may_measure_the_similarity() -> None:
    first, second = Judge(said("x", 0.9)), Judge(like(0.2))
    judge = Objexmt(similarity_seat=1)
    assert wait(judge.verdicts(LOG, Bench(first, second)))[0].score == 0.2
    with pytest.raises(ConfigError, match="seat 1"):
        wait(judge.verdicts(LOG, Judge()))
    with pytest.raises(ConfigError, match="seat -1"):
        wait(Objexmt(similarity_seat=-1).verdicts(LOG, Judge()))


def test_a_task_without_an_objective_is_said() -> None:
    with pytest.raises(ConfigError, match="no objective"):
        wait(Objexmt().verdicts(log_of("Hi", "Hello"), Judge()))


def test_the_cards_figures_from_verdicts() -> None:
    sure, right = [0.95, 0.9, 0.8, 0.6, 0.3], [1, 0, 1, 0, 0]
    verdicts = [judged(said("x", c), like(0.9 if y else 0.1)) for c, y in zip(sure, right, strict=True)]
    c, y = [v.confidence for v in verdicts], [v.passed for v in verdicts]
    assert brier(c, y, resamples=50).score.mean == pytest.approx(0.2605)
    assert expected_calibration_error(c, y, resamples=50).mean == pytest.approx(0.39)
    assert wrong_at(c, y, 0.8).mean == pytest.approx(1 / 3)
    assert risk_coverage(c, y, resamples=50).area.mean == pytest.approx(0.3267, abs=1e-4)
