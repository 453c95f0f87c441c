"""Retry worlds: answers read and compared, UFO's and RISE's numbers worked by hand, GSM8K and arithmetic."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import play

import turnwise
from turnwise.environments.parts.staged import Outcome
from turnwise.environments.retry import Retry, RetryTask, answers
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError
from turnwise.message import Message

FOUR = RetryTask(id="t", question="How much is 2 + 2?", answer="4")


def answering(environment: Retry, said: Sequence[str], task: RetryTask = FOUR) -> Episode:
    """An episode in which the replies are `said`, one after the other."""

    def model(messages: Sequence[Message]) -> str:
        return said[sum(message.role == "assistant" for message in messages)]

    return play(environment, task, agent=model)


def marked(*given_answers: int | str) -> list[str]:
    return [f"So it is <answer>{answer}</answer>" for answer in given_answers]


def boxed(*given_answers: int | str) -> list[str]:
    return [f"So it is \\boxed{{{answer}}}." for answer in given_answers]


def parts(episode: Episode) -> list[tuple[str, float | None]]:
    return [(reward.name, reward.value) for reward in episode.rewards]


def told(episode: Episode) -> list[str]:
    return [turn.text for turn in episode.turns if turn.role == "environment"]


# UFO ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_answers", "score"),
    [
        ((3, 3, 4), 0.25 - 0.5 * (1 - 2 / 3)),  # 0.08333
        ((4,), 1.0),
        ((3, 3, 3, 3, 3), -0.4),
        ((1, 2, 3, 5, 6), 0.0),
        ((3, 4), 0.5),
        ((3, "3.0", " 3", 5, 5), -0.5 * (1 - 2 / 5)),
    ],
)
def test_ufo_pays_early_answers_and_charges_for_repeated_ones(
    given_answers: tuple[int | str, ...], score: float
) -> None:
    episode = answering(Retry(policy="ufo"), marked(*given_answers))
    assert episode.score() == pytest.approx(score)


def test_ufo_names_its_parts() -> None:
    assert parts(answering(Retry(), marked(3, 3, 4))) == [
        ("correct", 0.25),
        ("repetition", pytest.approx(-1 / 6)),
    ]


def test_ufo_says_the_same_whatever_the_wrong_answer_is() -> None:
    episode = answering(Retry(attempts=4), [*marked(3, 5), "I give up.", *marked(4)])
    first, *rest = told(episode)
    assert first.startswith("How much is 2 + 2?")
    assert len(set(rest[:3])) == 1
    assert rest[3:] == ["Correct!"]


def test_an_empty_answer_takes_an_attempt_and_costs_the_format_penalty_alone() -> None:
    # Two empty ones, then right at the third: 1/4 less two penalties; one valid answer repeats nothing.
    episode = answering(Retry(format_penalty=0.1), ["", "<answer> </answer>", *marked(4)])
    assert episode.score() == pytest.approx(0.25 - 0.2)
    assert episode.metrics["invalid"] == 2
    nothing = answering(Retry(format_penalty=0), [""] * 5)
    assert (nothing.score(), nothing.metrics["attempts"], nothing.rewards) == (0.0, 5, [])
    assert "distinct" not in nothing.metrics


def test_decay_and_repetition_are_settings() -> None:
    episode = answering(Retry(decay=0.8, repetition=0.3), marked(3, 3, 4))
    assert episode.score() == pytest.approx(0.64 - 0.1)


# RISE -----------------------------------------------------------------------------------------------------


def test_rise_pays_1_0_and_minus_1_for_every_attempt() -> None:
    episode = answering(Retry(policy="rise"), ["It is 3.", *boxed(3, "four", 4)])
    assert [reward.value for reward in episode.rewards] == [-1, 0, -1, 1]
    assert [reward.turn for reward in episode.rewards] == [1, 3, 5, 7]
    assert episode.detail == "right"


def test_rise_repeats_the_question_after_a_solved_example() -> None:
    first, second, last = told(answering(Retry(policy="rise"), boxed(3, 4)))
    assert "\\boxed{18}" in first
    assert first.endswith("How much is 2 + 2?")
    assert second.endswith("How much is 2 + 2?")
    assert last == "Correct!"


def test_without_an_oracle_right_at_the_second_and_wrong_later_passes_but_loses_the_majority() -> None:
    episode = answering(Retry(policy="rise", oracle=False), boxed(3, 4, 3, 3, 5))
    metrics = episode.metrics
    assert (metrics["attempts"], metrics["right_ever"]) == (5, 1)
    assert (metrics["right_at_1"], metrics["right_by_majority"], metrics["right_at_end"]) == (0, 0, 0)
    assert "Correct!" not in told(episode)
    assert len({*told(episode)[1:]}) == 1
    assert episode.detail == "wrong"


def test_without_an_oracle_the_majority_can_be_right() -> None:
    metrics = answering(Retry(policy="rise", oracle=False), boxed(4, 3, "4.0", 5, 4)).metrics
    assert (metrics["right_at_1"], metrics["right_by_majority"]) == (1, 1)
    assert metrics["distinct"] == pytest.approx(3 / 5)


# The problem's own feedback -------------------------------------------------------------------------------


def test_a_problem_says_which_way_a_number_is_wrong() -> None:
    episode = answering(Retry(policy="environment"), [*marked(3, 5), "hm", *marked("four", 4)])
    assert told(episode)[1:] == [
        "3 is too low. Try again.",
        "5 is too high. Try again.",
        "Your reply holds no answer of the form <answer>…</answer>. Try again.",
        "four is wrong. Try again.",
        "Correct!",
    ]
    assert parts(episode) == [("correct", 1.0)]


def test_any_check_can_be_wrapped() -> None:
    class Anagram(Retry, kw_only=True, frozen=True):
        name: ClassVar[str] = "anagram"

        def tasks(self) -> list[RetryTask]:
            return [RetryTask(id="0", question="An anagram of 'stone'?", answer="notes")]

        def read(self, task: RetryTask, reply: str) -> str | None:
            return reply.strip() or None

        def grade(self, task: RetryTask, answer: str) -> Outcome:
            passed = sorted(answer) == sorted(task.answer) and answer != "stone"
            return Outcome(passed=passed, feedback="" if passed else "These are other letters.")

    environment = Anagram(policy="environment")
    (task,) = environment.tasks()
    episode = answering(environment, ["stove", "onset"], task)
    assert (episode.score(), told(episode)[1]) == (1.0, "These are other letters. Try again.")
    ufo = answering(Anagram(policy="ufo"), ["stove", "stove", "onset"], task)
    assert ufo.score() == pytest.approx(0.08333, abs=1e-5)


# Answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "given_answer", "verdict"),
    [
        ("2,125", "2125", True),
        ("2,125", "$2,125.00", True),
        ("2,125", "2", False),
        ("18", "18.0", True),
        ("18", "18.4", False),
        ("-3", "−3", True),
        ("-3", "3", False),
        ("0.333", "1/3", False),
        ("0.333", "0.3333", True),
        ("0.333", "0.334", False),
        ("0.500", "0.5", True),
        ("0.500", "0.54", False),
        ("15", "15%", True),
        ("15", "15 apples", False),
        ("15", "", False),
        ("Black Sea", "black  sea", True),
        ("Black Sea", "the Black Sea", False),
    ],
)
def test_answers_are_compared_by_value(right: str, given_answer: str, verdict: bool) -> None:
    assert answers.same(right, given_answer) is verdict


@pytest.mark.parametrize(
    ("right", "given_answer", "marker", "verdict"),
    [
        ("2,125", "2,125", "boxed", False),  # the right answer is cut at its comma
        ("2,125", "2", "boxed", True),
        ("18", "18", "boxed", True),
        ("-3", "-3", "boxed", True),
        ("2,125", "2,9", "answer", True),  # both are 2
        ("-3", "3", "answer", True),  # signs are lost
        ("18", "from 18 to 20", "answer", True),
        ("18", "20", "answer", False),
    ],
)
def test_the_published_checks_keep_their_slips(
    right: str, given_answer: str, marker: answers.Marker, verdict: bool
) -> None:
    assert answers.published_same(right, given_answer, marker) is verdict


def test_published_rise_reads_whole_numbers_only() -> None:
    said = boxed("4.0", "four", 4)
    assert [r.value for r in answering(Retry(policy="rise", variant="published"), said).rewards] == [
        -1,
        -1,
        1,
    ]
    assert [reward.value for reward in answering(Retry(policy="rise"), said).rewards] == [1]


@pytest.mark.parametrize(
    ("text", "normal"),
    [("18", "18"), ("$018.50", "18.5"), ("-0.0", "0"), ("1,000", "1000"), ("+.5", "0.5"), ("A  b", "ab")],
)
def test_one_form_for_the_same_answer(text: str, normal: str) -> None:
    assert answers.normal(text, "corrected") == normal


def test_as_published_answers_differ_by_their_letters() -> None:
    assert answers.normal("18.0", "published") != answers.normal("18", "published")


@given(value=st.integers(-(10**9), 10**9), decimals=st.integers(0, 3))
def test_equal_numbers_have_equal_forms(value: int, decimals: int) -> None:
    text = f"{value:,}" + ("." + "0" * decimals if decimals else "")
    assert answers.normal(text, "corrected") == str(value)
    assert answers.same(str(value), text)


@given(
    said=st.lists(
        st.one_of(
            st.text(max_size=30),
            st.text(max_size=12).map(lambda text: f"<answer>{text}</answer>"),
            st.text(alphabet="0123456789.,-", max_size=300).map(lambda text: f"\\boxed{{{text}}}"),
            st.sampled_from(["<answer>４</answer>", "\\boxed{4}", "<answer>" + "9" * 9999 + "</answer>"]),
        ),
        min_size=5,
        max_size=5,
    ),
    policy=st.sampled_from(["ufo", "rise", "environment"]),
    variant=st.sampled_from(["published", "corrected"]),
    oracle=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_any_reply_takes_one_attempt_and_rewards_stay_in_range(
    said: list[str], policy: Any, variant: Any, oracle: bool
) -> None:
    environment = Retry(policy=policy, variant=variant, oracle=oracle)
    episode = answering(environment, said)
    low, high = environment.reward_range
    assert low <= (episode.score() or 0.0) <= high
    assert episode.metrics["attempts"] <= 5
    assert oracle or episode.metrics["attempts"] == 5


# Problems -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["ufo", "rise", "environment"])
@pytest.mark.parametrize("source", ["sample", "arithmetic"])
def test_agents_are_graded(policy: Any, source: Any, tmp_path: Path) -> None:
    environment = Retry(policy=policy, source=source, count=6)
    means: dict[str, float] = {}
    for agent in ("solver", "reviser", "stubborn", "random"):
        run = turnwise.run(environment, agent, store=tmp_path / "t.db", epochs=4)
        assert run.summary()["failed"] == 0
        means[agent] = run.score.mean or 0.0
    assert means["solver"] == 1.0
    assert means["solver"] >= means["reviser"] > means["random"]
    assert means["stubborn"] == pytest.approx(-0.4 if policy == "ufo" else 0.0)


def test_a_reviser_with_a_chance_of_one_in_three_needs_several_attempts(tmp_path: Path) -> None:
    run = turnwise.run(Retry(source="arithmetic", count=100), "reviser", store=tmp_path / "t.db", epochs=10)
    logs = run.logs()
    # Succ@5 = 1 - (2/3)^5 = 0.868; of 1,000 episodes the standard error is 0.011.
    assert sum(log.metrics["right_ever"] for log in logs) / 1000 == pytest.approx(0.868, abs=0.043)
    assert all(log.metrics["distinct"] == 1 for log in logs)


def test_guessing_without_repetition_succeeds_k_of_m_times() -> None:
    # The Bayes bound: with the answer even among 8, five different guesses hit 5 of the 8 tasks.
    hits = 0
    for right in range(8):
        task = RetryTask(id="t", question="Which of 0 to 7?", answer=str(right))
        hits += int(answering(Retry(), marked(0, 1, 2, 3, 4), task).metrics["right_ever"])
    assert hits == 5


def test_arithmetic_splits_share_no_seed_and_the_rows_stay_the_same() -> None:
    def rows(**changes: Any) -> list[tuple[str, str]]:
        return [(task.question, task.answer) for task in Retry(source="arithmetic", **changes).tasks()]

    assert rows(count=5) == rows(count=9)[:5]
    assert not {*rows(split="train", digits=5)} & {*rows(split="test", digits=5)}


needs_data = pytest.mark.skipif(
    not Path(os.environ.get("TURNWISE_DATA", "/nowhere"), "gsm8k", "test.jsonl").is_file(),
    reason="TURNWISE_DATA names no folder with gsm8k/test.jsonl",
)


@needs_data
@pytest.mark.parametrize(("split", "rows"), [("train", 7473), ("test", 1319)])
def test_the_gold_answer_of_every_row_of_gsm8k_scores_1(split: Any, rows: int) -> None:
    environment = Retry(source="gsm8k", split=split, count=10_000, policy="rise")
    tasks = list(environment.tasks())
    assert len(tasks) == rows
    for task in tasks:
        reply = answers.write(task.answer, "boxed")
        answer = environment.read(task, reply)
        assert answer is not None
        assert environment.grade(task, answer).passed


def test_rows_that_do_not_fit_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gsm8k").mkdir()
    file = tmp_path / "gsm8k" / "test.jsonl"
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    file.write_text('{"question": "q", "answer": "so\\n#### 1,080"}\n{"question": "q", "answer": "2"}\n')
    assert [task.answer for task in Retry(source="gsm8k", count=1).tasks()] == ["1,080"]
    with pytest.raises(TaskError, match=r"test\.jsonl:2: expected '#### '"):
        Retry(source="gsm8k").tasks()
    file.write_text('{"question": "q"}\n')
    with pytest.raises(TaskError, match=r"test\.jsonl:1: .*`answer`"):
        Retry(source="gsm8k").tasks()


@pytest.mark.parametrize(
    "changes", [{"attempts": 0}, {"decay": 1.5}, {"repetition": -1.0}, {"digits": 9}, {"operations": 0}]
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="retry: "):
        Retry(**changes)
