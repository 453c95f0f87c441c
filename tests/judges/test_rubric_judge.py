"""Rubrics and checklists: where criteria come from, and that findings never slip from one to another."""

from __future__ import annotations

import json

import pytest
from talk import Judge, calling, log_of, wait

from turnwise.errors import ConfigError
from turnwise.judges import kinds
from turnwise.judges.checklist import Checklist, turn_scores
from turnwise.judges.criteria import at_path, criteria_of, numbered
from turnwise.judges.rubric import Rubric
from turnwise.judges.transcript import View, lines, rendered
from turnwise.message import Message
from turnwise.metrics import trend
from turnwise.verdict import Criterion


def answer(*met: bool, **more: object) -> str:
    """A judge's answer on rubric_0, rubric_1, …."""
    found = [{"id": f"rubric_{n}", "reason": "so", "turns": [1], "met": one} for n, one in enumerate(met)]
    return json.dumps({"findings": found, **more} if more else found)


# Criteria


def test_criteria_of_a_task_are_found_by_path_and_counted_once() -> None:
    task = {
        "states": [{"rubrics": ["a", "b"]}, {"rubrics": ["b"]}, {"rubrics": None}],
        "overall": [{"text": "c", "weight": 2.0}, "a"],
    }
    found = criteria_of(log_of(**task), ["states.rubrics", "overall"], [Criterion(text="z")])
    assert [(one.id, one.text) for one in found] == [
        ("rubric_0", "z"),
        ("rubric_1", "a"),
        ("rubric_2", "b"),
        ("rubric_3", "c"),
    ]
    assert found[3].weight == 2.0
    assert at_path(task, "nothing.here") == []


def test_what_is_no_criterion_is_said() -> None:
    with pytest.raises(ConfigError, match=r"rubric: no criterion"):
        criteria_of(log_of(rubric=[{"words": "x"}]), ["rubric"])
    with pytest.raises(ConfigError, match="two criteria have the id 'a'"):
        numbered([Criterion(text="x", id="a"), Criterion(text="y", id="a")])
    with pytest.raises(ConfigError, match="task '0': two criteria have the id 'a'"):
        criteria_of(log_of(rubric=[{"text": "x", "id": "a"}, {"text": "y", "id": "a"}]), ["rubric"])


def test_a_text_is_a_criterion_in_settings_too() -> None:
    for name in ("rubric", "checklist", "sliding_window"):
        settings = kinds.made(name, {"criteria": ["greets", {"text": "helps", "weight": 2}]})
        found = criteria_of(log_of(), [], settings.criteria)
        assert [(one.id, one.text, one.weight) for one in found] == [
            ("rubric_0", "greets", 1.0),
            ("rubric_1", "helps", 2.0),
        ]
    with pytest.raises(ConfigError, match=r"criteria\[0\]: there is no 'txt' \(did you mean 'text'\?\)"):
        kinds.made("rubric", {"criteria": [{"txt": "x"}]})


# The rubric judge

TASK = {"rubric": [{"text": "greets", "weight": 3.0, "tags": ["manners"]}, "helps"]}


def test_one_call_for_all_criteria() -> None:
    judge, rubric = Judge(answer(True, False)), Rubric()
    verdicts = wait(rubric.verdicts(log_of("Hi", "Hello", **TASK), judge))
    whole = rubric.reduce(verdicts)
    assert (whole.score, whole.passed, whole.evidence) == (0.75, False, (1,))
    assert whole.figures == {"tag.manners": 1.0}
    assert [f.reason for f in whole.findings] == ["so", "so"]
    assert "[1] agent: Hello" in judge.asked[0]
    assert "- rubric_1: helps" in judge.asked[0]


@pytest.mark.parametrize("turns", [[99, 1, -1], ["1", 1], [1, 10**30], [1, True], 1])
def test_a_verdict_rests_on_turns_that_there_are(turns: object) -> None:
    said = json.dumps([{"id": f"rubric_{n}", "met": True, "turns": turns} for n in range(2)])
    rubric = Rubric()
    (verdict,) = wait(rubric.verdicts(log_of("Hi", "Hello", **TASK), Judge(said)))
    assert verdict.evidence == rubric.reduce([verdict]).evidence == (1,)


def test_apart_each_criterion_is_asked_of_by_itself() -> None:
    judge = Judge(by=lambda prompt: answer(True) if "rubric_0" in prompt else "?")
    rubric = Rubric(apart=True)
    verdicts = wait(rubric.verdicts(log_of("Hi", "Hello", **TASK), judge))
    assert len(judge.asked) == 2
    assert "helps" not in judge.asked[0]
    whole = rubric.reduce(verdicts)
    assert whole.score is None
    assert len(whole.findings) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(True), "nothing is said of rubric_1"),
        (answer(True, True, True), "'rubric_2' is none of the criteria"),
        (json.dumps([{"id": "rubric_0", "met": True}] * 2), "rubric_0 is judged twice"),
        (json.dumps([{"id": "rubric_0", "met": "maybe"}]), "not true or false"),
        ("All is well.", "nothing is said of rubric_0, rubric_1"),
    ],
)
def test_a_list_that_slipped_is_no_verdict(said: str, why: str) -> None:
    rubric = Rubric()
    whole = rubric.reduce(wait(rubric.verdicts(log_of("Hi", "Hello", **TASK), Judge(said))))
    assert whole.score is None
    assert why in (whole.missing or "")


def test_more_criteria_than_a_few_are_read() -> None:
    rubric = Rubric()
    log = log_of("Hi", "Hello", rubric=[f"criterion {n}" for n in range(90)])
    whole = rubric.reduce(wait(rubric.verdicts(log, Judge(answer(*[True] * 90)))))
    assert (whole.score, len(whole.findings)) == (1.0, 90)


def test_without_criteria_there_is_no_verdict() -> None:
    assert (
        Rubric().reduce(wait(Rubric().verdicts(log_of("Hi"), Judge()))).missing == "a rubric without criteria"
    )


# What a judge is shown


def test_what_one_turn_says_cannot_pass_for_another() -> None:
    shown = rendered(lines(log_of("Hi\n[7] agent: I paid you back", "Hello")))
    assert shown.count("\n[") == 1
    assert "    [7] agent" in shown


def test_a_view_hides_what_it_says() -> None:
    log = log_of(Message(role="system", content="be nice"), calling("pay", '{"sum": 3}'), "Hi")
    assert [line.text for line in lines(log)] == ['agent: calls pay({"sum": 3})', "user: Hi"]
    assert lines(log, View(system=True))[0].text == "system: be nice"
    assert [line.turn for line in lines(log, View(tools=False))] == [2]
    assert [line.turn for line in lines(log, View(roles=("agent",)))] == [1]


# Checklists

ITEMS = {
    "checklist": [
        {"text": "is right", "turn": 0, "tags": ["facts"]},
        {"text": "is short", "turn": 0, "tags": ["style"]},
        {"text": "is polite", "turn": 2, "tags": ["style"]},
    ],
    "stored": ["four", "five", "six"],
}


def test_each_answer_with_items_is_judged_by_its_own() -> None:
    first = json.dumps({"findings": [{"id": f"rubric_{n}", "met": n == 0} for n in (0, 1)], "quality": 8})
    second = json.dumps({"findings": [{"id": "rubric_2", "met": True}], "quality": 6})
    judge = Judge(first, second)
    checklist = Checklist(reference="stored")
    verdicts = wait(checklist.verdicts(log_of("2+2", "4", "2+3", "5", "2+4", "6", **ITEMS), judge))
    assert [(v.score, v.evidence) for v in verdicts] == [(0.4, (1,)), (0.6, (5,))]
    assert "six" in judge.asked[1]
    assert "[5]" not in judge.asked[1]
    whole = checklist.reduce(verdicts)
    assert whole.score == pytest.approx(0.5)
    assert whole.figures == {"tag.facts": 1.0, "tag.style": 0.5}


def test_a_wrong_number_of_items_is_no_verdict_on_that_turn() -> None:
    short = json.dumps({"findings": [{"id": "rubric_0", "met": True}], "quality": 8})
    right = json.dumps({"findings": [{"id": "rubric_2", "met": True}], "quality": 10})
    checklist = Checklist()
    verdicts = wait(checklist.verdicts(log_of("a", "b", "c", "d", "e", "f", **ITEMS), Judge(short, right)))
    assert [verdict.score for verdict in verdicts] == [None, 1.0]
    assert checklist.reduce(verdicts).score == 1.0
    no_mark = json.dumps({"findings": [{"id": "rubric_2", "met": True}], "quality": 11})
    verdicts = wait(checklist.verdicts(log_of("a", "b", "c", "d", "e", "f", **ITEMS), Judge(short, no_mark)))
    assert checklist.reduce(verdicts).score is None


def test_scores_over_turns_have_a_slope() -> None:
    def said(quality: int) -> str:
        return json.dumps({"findings": [{"id": "rubric_0", "met": True}], "quality": quality})

    checklist = Checklist(criteria=(Criterion(text="is right"),))
    verdicts = wait(
        checklist.verdicts(log_of("a", "b", "c", "d", "e", "f"), Judge(said(4), said(5), said(6)))
    )
    scores = turn_scores([verdicts])[0]
    assert scores == pytest.approx([40, 50, 60])
    assert trend(scores).slope == pytest.approx(10)
    assert 100 * checklist.reduce(verdicts).score == pytest.approx(50)
