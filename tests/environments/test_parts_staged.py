"""The staged verifier: order, early failure, weights, missing verdicts, feedback."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.staged import Outcome, Report, Stage, judged_outcome, verify
from turnwise.errors import ConfigError
from turnwise.verdict import Verdict, no_verdict


def stage(name: str, outcome: Outcome, weight: float = 1.0, log: list[str] | None = None) -> Stage[str]:
    async def check(artefact: str) -> Outcome:
        if log is not None:
            log.append(f"{name}({artefact})")
        return outcome

    return Stage(name, check, weight)


def run(*stages: Stage[str]) -> Report:
    return asyncio.run(verify("work", stages))


PASSED = Outcome(passed=True)


def test_all_stages_pass_in_order() -> None:
    log: list[str] = []
    report = run(stage("run", PASSED, log=log), stage("test", PASSED, log=log))
    assert log == ["run(work)", "test(work)"]
    assert (report.passed, report.score, report.failed, report.feedback) == (True, 1.0, None, "")


def test_an_early_failure_zeroes_the_rest_which_is_not_asked() -> None:
    log: list[str] = []
    report = run(
        stage("run", PASSED, log=log),
        stage("test", Outcome(passed=False, score=0.5, feedback="2 of 4 tests fail"), 2, log),
        stage("judge", PASSED, log=log),
    )
    assert log == ["run(work)", "test(work)"]
    assert report.score == pytest.approx((1 * 1 + 2 * 0.5 + 1 * 0) / 4)
    assert (report.passed, report.failed, report.feedback) == (False, "test", "2 of 4 tests fail")
    assert list(report.outcomes) == ["run", "test"]


def test_a_missing_verdict_is_neither_a_pass_nor_a_zero() -> None:
    unread = judged_outcome(no_verdict("unreadable"), at_least=7, low=1, high=10)
    report = run(stage("run", PASSED), stage("judge", unread))
    assert (report.passed, report.score, report.failed) == (False, None, "judge")
    assert report.outcomes["judge"].missing == "unreadable"


def test_a_judges_scale_becomes_a_share() -> None:
    good = judged_outcome(Verdict(score=7, reason="clear"), at_least=7, low=1, high=10)
    assert (good.passed, good.value, good.feedback) == (True, pytest.approx(2 / 3), "clear")
    assert not judged_outcome(Verdict(score=6.9), at_least=7, low=1, high=10).passed
    assert judged_outcome(Verdict(label="pass"), at_least=1).missing == "the verdict has no score: pass"


def test_feedback_of_all_stages_where_all_passed() -> None:
    report = run(
        stage("run", Outcome(passed=True, feedback="ran")),
        stage("test", PASSED),
        stage("judge", Outcome(passed=True, feedback="neat")),
    )
    assert report.feedback == "ran\nneat"


@pytest.mark.parametrize(
    "stages",
    [
        (),
        (stage("a", PASSED), stage("a", PASSED)),
        (stage("a", PASSED, 0.0),),
        (stage("a", PASSED, 2.0), stage("b", PASSED, -1.0)),
    ],
)
def test_stages_that_make_no_sense_are_refused(stages: tuple[Stage[str], ...]) -> None:
    with pytest.raises(ConfigError):
        run(*stages)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=6))
def test_the_score_is_the_weight_of_the_stages_before_the_first_failure(
    plan: list[tuple[bool, int]],
) -> None:
    stages = [stage(f"{n}", Outcome(passed=passed), weight) for n, (passed, weight) in enumerate(plan)]
    reached = next((n for n, (passed, _) in enumerate(plan) if not passed), len(plan))
    expected = sum(weight for _, weight in plan[:reached]) / sum(weight for _, weight in plan)
    report = run(*stages)
    assert report.score == pytest.approx(expected)
    assert report.passed == (reached == len(plan))
