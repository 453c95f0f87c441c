"""The sliding window: windows by hand, a state that is carried along, and VitaBench's own tasks."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talk import Judge, log_of, wait

from turnwise import data
from turnwise.errors import ConfigError
from turnwise.judges.criteria import criteria_of
from turnwise.judges.sliding_window import SlidingWindow, windows
from turnwise.log import EpisodeLog, Stop
from turnwise.verdict import Criterion, Verdict, json_objects


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, [(0, 0)]),
        (3, [(0, 3)]),
        (10, [(0, 10)]),
        (11, [(0, 10), (8, 11)]),
        (18, [(0, 10), (8, 18)]),
        (19, [(0, 10), (8, 18), (16, 19)]),
    ],
)
def test_windows_by_hand(count: int, expected: list[tuple[int, int]]) -> None:
    assert windows(count) == expected


@given(st.integers(0, 200), st.integers(1, 20), st.integers(0, 19))
def test_windows_cover_every_message(count: int, size: int, overlap: int) -> None:
    if overlap >= size:
        with pytest.raises(ValueError, match="overlap"):
            windows(count, size=size, overlap=overlap)
        return
    found = windows(count, size=size, overlap=overlap)
    assert {n for start, end in found for n in range(start, end)} == set(range(count))
    assert all(end < count for _, end in found[:-1])
    assert all(one[1] - other[0] == overlap for one, other in pairwise(found))


def by_keyword(prompt: str) -> str:
    """A rubric turns true where its `+word` is said in the window, false where its `-word` is."""
    shown = prompt.partition("Criteria as they stand")[0].partition("in the whole:\n")[2]
    told = []
    for item in json_objects(prompt.partition("Criteria as they stand:\n")[2]):
        met = item["meetExpectation"]
        for line in shown.split("\n"):
            for sign, word in re.findall(r"([+-])(\w+)", item["rubric"]):
                if re.search(rf"\b{word}\b", line):
                    met = sign == "+"
        told.append({"rubric_idx": item["rubric_idx"], "meetExpectation": met, "justification": "seen"})
    return json.dumps(told)


def talk(count: int, *, at: dict[int, str], **task: object) -> EpisodeLog:
    """A conversation of so many messages, of which some say something."""
    return log_of(*(at.get(n, f"line {n}") for n in range(count)), **task)


def judge(log: EpisodeLog, ask: Judge, **options: object) -> Verdict:
    made = SlidingWindow(**options)
    return made.reduce(wait(made.verdicts(log, ask)))


def test_what_was_met_can_be_undone_in_a_later_window() -> None:
    ask = Judge(by=by_keyword)
    log = talk(24, at={2: "ordered", 20: "cancelled"}, rubric=["+ordered -cancelled"])
    verdict = judge(log, ask)
    assert len(ask.asked) == 3
    assert (verdict.score, verdict.passed) == (0.0, False)
    states = wait(SlidingWindow().verdicts(log, Judge(by=by_keyword)))
    assert [state.findings[0].met for state in states] == [True, True, False]
    # The user's wish to cancel undoes nothing.
    kept = talk(24, at={2: "ordered", 21: "no more"}, rubric=["+ordered -cancelled"])
    assert judge(kept, Judge(by=by_keyword)).passed is True


def test_all_must_hold() -> None:
    log = talk(12, at={1: "one", 5: "two", 11: "three"}, rubric=["+one", "+two", "+three", "+four"])
    verdict = judge(log, Judge(by=by_keyword))
    assert (verdict.score, verdict.passed) == (0.75, False)
    assert verdict.figures["windows"] == 2


def test_garbage_leaves_the_state_and_is_counted() -> None:
    log = talk(24, at={2: "one", 20: "two"}, rubric=["+one", "+two"])
    said: list[int] = []

    def faulty(prompt: str) -> str:
        said.append(1)
        return "I am not sure." if len(said) == 2 else by_keyword(prompt)

    verdict = judge(log, Judge(by=faulty))
    assert (verdict.score, verdict.passed) == (1.0, True)
    assert verdict.figures["unread_windows"] == 1


def test_a_rubric_that_nobody_ever_looked_at_is_missing_and_not_failed() -> None:
    verdict = judge(talk(3, at={}, rubric=["+one"]), Judge(by=lambda prompt: "Hm."))
    assert verdict.score is None
    assert "no window could be read" in (verdict.missing or "")


def test_only_what_is_named_changes() -> None:
    ask = Judge('[{"rubric_idx": "rubric_1", "meetExpectation": true, "justification": "yes, in [3]"}]', "[]")
    verdict = judge(talk(11, at={}, rubric=["a", "b"]), ask)
    assert [finding.met for finding in verdict.findings] == [False, True]
    # The second window was shown the state and the reason of the first.
    assert "yes, in [3]" in ask.asked[1]
    assert '"Not evaluated yet"' in ask.asked[1]
    assert "part 2 of 2" in ask.asked[1]
    assert "[8] user: line 8" in ask.asked[1]
    assert "[7]" not in ask.asked[1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["one", "two", "three", "nothing"]), min_size=1, max_size=40))
def test_for_what_is_never_undone_windows_see_what_the_whole_shows(said: list[str]) -> None:
    log = log_of(*said, rubric=["+one", "+two", "+three"])
    small = judge(log, Judge(by=by_keyword), size=4, overlap=1)
    whole = judge(log, Judge(by=by_keyword), windows=False)
    assert (small.score, small.passed) == (whole.score, whole.passed)


def test_evidence_that_is_far_apart_needs_a_state() -> None:
    # Both halves are never in one window: a judge that forgets what it found finds no window with both.
    log = talk(20, at={1: "paid", 19: "shipped"}, rubric=["+paid", "+shipped"])
    assert judge(log, Judge(by=by_keyword)).passed is True

    def forgetful(prompt: str) -> str:
        items = json_objects(prompt.partition("Criteria as they stand:\n")[2])
        blank = json.dumps([{**item, "meetExpectation": False} for item in items])
        return by_keyword(
            prompt.partition("Criteria as they stand:\n")[0] + "Criteria as they stand:\n" + blank
        )

    assert judge(log, Judge(by=forgetful)).passed is False


def test_the_judge_is_told_what_the_user_wants_and_when() -> None:
    ask = Judge("[]")
    log = log_of(
        "Hi", rubric=["x"], instructions="Order noodles.", environment={"time": "2025-06-21 11:20:00"}
    )
    judge(log, ask)
    assert "Time: 2025-06-21 11:20:00 (Saturday)" in ask.asked[0]
    assert "What the user wants: Order noodles." in ask.asked[0]


def test_without_a_rubric_a_memory_is_carried_to_one_verdict() -> None:
    ask = Judge("It paid.", '{"justification": "paid and shipped", "meetExpectation": true}')
    verdict = judge(talk(12, at={}, rubric=["was paid"]), ask, rubrics=False)
    assert (verdict.score, verdict.passed) == (1.0, True)
    assert "It paid." in ask.asked[1]
    assert "was paid" not in ask.asked[0]
    unread = Judge("It paid.", "No idea.")
    assert judge(talk(12, at={}, rubric=["was paid"]), unread, rubrics=False).score is None


def test_what_was_broken_off_fails_unjudged() -> None:
    for stop in (Stop.MAX_TURNS, Stop.TIMEOUT):
        ask = Judge()
        verdict = judge(log_of("Hi", "Hello", stop=stop, rubric=["+Hello"]), ask)
        assert (verdict.score, verdict.passed, ask.asked) == (0.0, False, [])


def test_no_criterion_is_passed() -> None:
    assert judge(log_of("Hi"), Judge()).passed is True


def test_windows_that_do_not_move_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        SlidingWindow(size=2, overlap=2)
    from turnwise.judges.kinds import made

    with pytest.raises(ConfigError, match="overlap"):
        made("sliding_window", {"size": 2, "overlap": 2})


@pytest.mark.parametrize(("name", "told", "once"), [("delivery", 1470, 931), ("instore", 2528, 2104)])
def test_the_published_tasks(name: str, told: int, once: int) -> None:
    try:
        place = data.path(f"vitabench/{name}_tasks_en.json")
    except ConfigError as error:
        pytest.skip(str(error))
    tasks = json.loads(place.read_text())
    paths = SlidingWindow().paths
    found = [criteria_of(log_of(**{**task, "id": "0"}), paths) for task in tasks]
    assert len(found) == 100
    assert sum(map(len, found)) == once < told
    assert all(found)

    def pleased(prompt: str) -> str:
        items = json_objects(prompt.partition("Criteria as they stand:\n")[2])
        return json.dumps([{**item, "meetExpectation": True} for item in items])

    one = {**tasks[0], "id": "0"}
    verdict = judge(talk(25, at={}, **one), Judge(by=pleased))
    assert (verdict.score, verdict.passed) == (1.0, True)


def test_criteria_may_stand_in_the_settings() -> None:
    verdict = judge(log_of("hello"), Judge(by=by_keyword), criteria=(Criterion(text="+hello"),))
    assert verdict.passed is True
