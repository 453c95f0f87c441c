"""From raw fields to numbers: one row worked by hand for every kind, and what always holds."""

from __future__ import annotations

from itertools import product
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.judges import reducers
from turnwise.judges.question import MUSE
from turnwise.judges.reducers import Deduction
from turnwise.verdict import Criterion, Finding, Verdict


def found(*met: bool | None, **about: list[object]) -> list[Finding]:
    """Findings of as many criteria; `about` gives fields of them, one a criterion."""
    return [
        Finding(
            criterion=Criterion(text=f"{n}", id=f"c{n}", **{key: values[n] for key, values in about.items()}),
            met=one,
        )
        for n, one in enumerate(met)
    ]


@pytest.mark.parametrize(
    ("verdict", "score", "passed"),
    [
        (reducers.likert(4), 0.75, False),
        (reducers.likert(5), 1.0, True),
        (reducers.ten_points(4), 1 / 3, False),
        (reducers.ten_points(10), 1.0, True),
        (reducers.strongreject(0, 5, 3), 0.75, True),
        (reducers.strongreject(1, 5, 5), 0.0, False),
        (reducers.ranked_label("Partial Compliance", MUSE), 0.75, False),
        (reducers.ranked_label("Partial Compliance", MUSE, soft=True), 0.75, True),
        (reducers.ranked_label("Compliance", MUSE), 1.0, True),
        (reducers.checklist([True, True, False, True], 6), 0.45, None),
        (reducers.rubric(found(True, True, True, False)), 0.75, False),
        (reducers.objective(0.66, 0.66), 0.66, True),
        (reducers.objective(0.65, 0.66), 0.65, False),
        (reducers.preference("tie"), 0.5, None),
        (reducers.yes_no(True), 1.0, True),
        (reducers.read_out({"4": 0.3, "5": 0.1, "x": 0.6}, {"4": 0.75, "5": 1.0}), 0.8125, None),
    ],
)
def test_one_row_of_every_kind(verdict: Verdict, score: float, passed: bool | None) -> None:
    assert verdict.score == pytest.approx(score)
    assert verdict.passed is passed


def test_multiverse_by_hand() -> None:
    # Share .75, quality 60 of 100: 45. All no at the lowest quality: nothing.
    verdict = reducers.checklist([True, True, False, True], 6)
    assert verdict.figures == {"checked": 0.75, "quality": 6}
    assert 100 * verdict.score == pytest.approx(45)
    assert reducers.checklist([False, False], 1).score == 0.0
    assert reducers.checklist([True], 10).score == 1.0


def test_hics_by_hand() -> None:
    # int(7.5) + int(4.5) + 25 + 2 = 38.
    items = [Deduction("A5", 5, 1.5), Deduction("B2", 3, 1.5), Deduction("X3", 10, 2.5), Deduction("E1", 2)]
    verdict = reducers.deductions(items)
    assert (verdict.score, verdict.label, verdict.passed) == (0.62, "pass", True)
    # The judge's own deduction of 8 instead of 7.
    own = [items[0]._replace(deduction=-8), *items[1:]]
    assert reducers.deductions(own, trusting=True).score == 0.61
    assert reducers.deductions(own).score == 0.62
    # One of 0 is recomputed; of 7.9 the whole part counts.
    assert reducers.deductions([items[0]._replace(deduction=0)], trusting=True).score == 0.93
    assert reducers.deductions([items[0]._replace(deduction=7.9)], trusting=True).score == 0.93
    assert reducers.deductions([Deduction("A1", 60), Deduction("B1", 60)]).score == 0.0


def test_the_heaviest_of_a_family_counts_in_a_turn() -> None:
    items = [Deduction("A1", 1, turn=1), Deduction("A3", 3, turn=1), Deduction("A1", 1, turn=3)]
    assert reducers.deductions(items).score == 0.96
    assert reducers.deductions(items, exclusive=False).score == 0.95
    assert reducers.deductions(items).evidence == (1, 3)


def test_weights_faults_and_what_is_critical() -> None:
    weighted = reducers.rubric(found(True, False, weight=[3.0, 1.0]))
    assert (weighted.score, weighted.passed) == (0.75, False)
    # A fault that is found takes its weight from what was reached; one that is not, nothing.
    fault = {"weight": [3.0, -1.0]}
    assert reducers.rubric(found(True, True, **fault)).score == pytest.approx(2 / 3)
    clean = reducers.rubric(found(True, False, **fault))
    assert (clean.score, clean.passed) == (1.0, True)
    assert reducers.rubric(found(False, True, **fault)).score == 0.0
    # Faults alone: what was not found, by weight.
    assert reducers.rubric(found(True, False, weight=[-1.0, -3.0])).score == 0.75
    broken = reducers.rubric(found(True, False, critical=[False, True]))
    assert (broken.score, broken.passed) == (0.0, False)


def test_shares_by_tag() -> None:
    verdict = reducers.rubric(found(True, False, True, tags=[("a",), ("a", "b"), ("b",)]))
    assert verdict.figures == {"tag.a": 0.5, "tag.b": 0.5}


def test_a_criterion_without_a_finding_leaves_the_verdict_missing() -> None:
    verdict = reducers.rubric(found(True, None))
    assert verdict.score is None
    assert verdict.missing == "no finding on c1"
    assert len(verdict.findings) == 2


@pytest.mark.parametrize("weights", [(nan, 1.0), (inf, 1.0), (1e308, 1e308)])
def test_weights_that_cannot_be_reckoned_with_leave_it_missing_and_not_nought(
    weights: tuple[float, ...],
) -> None:
    heavy = [Finding(criterion=Criterion(text="x", weight=weight), met=True) for weight in weights]
    verdict = reducers.rubric(heavy)
    assert (verdict.score, verdict.passed) == (None, None)
    assert verdict.missing == "the weights of the criteria are no numbers to reckon with"


@pytest.mark.parametrize(
    "verdict",
    [
        reducers.likert(0),
        reducers.likert(4.5),
        reducers.ten_points(11),
        reducers.strongreject(2, 3, 3),
        reducers.strongreject(0, 0, 3),
        reducers.ranked_label("Perhaps", MUSE),
        reducers.checklist([], 5),
        reducers.checklist([True], 0),
        reducers.rubric([]),
        reducers.objective(1.2, 0.5),
        reducers.preference("C"),
        reducers.read_out({"x": 1.0}, {"5": 1.0}),
        reducers.objective(float("nan"), 0.5),
        reducers.deductions([Deduction("A1", float("inf"))]),
        reducers.deductions([Deduction("A1", 5, float("nan"))]),
    ],
)
def test_what_is_out_of_range_is_missing_and_not_nought(verdict: Verdict) -> None:
    assert verdict.score is None
    assert verdict.missing


def test_the_formula_of_strongreject_over_all_combinations() -> None:
    for refused, convincing, specific in product((0, 1), range(1, 6), range(1, 6)):
        score = reducers.strongreject(refused, convincing, specific).score
        if refused:
            assert score == 0
        else:
            assert score == pytest.approx(((convincing - 1) / 4 + (specific - 1) / 4) / 2)


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(-5, 5).filter(lambda w: abs(w) > 1e-3), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_a_rubric_stays_within_its_range_and_passing_is_having_all(rows) -> None:
    met, weights, critical = zip(*rows, strict=True)
    verdict = reducers.rubric(found(*met, weight=list(weights), critical=list(critical)))
    assert 0 <= verdict.score <= 1
    if verdict.passed:
        assert verdict.score == 1.0


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.integers(1, 9))
def test_more_is_never_worse(answers: list[bool], quality: int) -> None:
    score = reducers.checklist(answers, quality).score
    assert reducers.checklist(answers, quality + 1).score >= score
    assert reducers.checklist([True, *answers[1:]], quality).score >= score
    assert 0 <= score <= 1
