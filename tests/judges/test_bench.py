"""What happens when a judge fails or cannot be read: attempts, who stands in, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from talk import Cycle, Judge, log_of, wait

import turnwise
from turnwise.environments.judging import Judging
from turnwise.errors import ConfigError, ModelError
from turnwise.judges import ask_model
from turnwise.judges.question import OneQuestion
from turnwise.message import assistant
from turnwise.model import Request, Sample
from turnwise.models.cached import cached
from turnwise.models.scripted import ScriptedModel
from turnwise.verdict import Bench, Unreadable, Verdict, judged

YES, NOTHING = "Indeed. YES", "perhaps"


def verdict_of(*judges: Judge, unreadable: Unreadable | None = None) -> Verdict:
    question = OneQuestion(question="Is it polite?", unreadable=unreadable or Unreadable())
    ask = Bench(*judges)
    return question.reduce(wait(question.verdicts(log_of("Hi", "Hello"), ask)))


def test_the_next_judge_is_asked_where_one_cannot_be_read() -> None:
    first, second, third = Judge(NOTHING, NOTHING), Judge(ModelError("down")), Judge(YES)
    verdict = verdict_of(first, second, third, unreadable=Unreadable(ask_again=1))
    assert (verdict.score, verdict.passed, verdict.attempts) == (1.0, True, 4)
    assert [len(judge.asked) for judge in (first, second, third)] == [2, 1, 1]
    assert "could not be used: neither yes nor no" in first.asked[1]
    # The next judge is not told what another got wrong.
    assert "could not be used" not in third.asked[0]


def test_a_readable_answer_asks_nobody_else() -> None:
    first, second = Judge(YES), Judge()
    assert verdict_of(first, second).attempts == 1
    assert second.asked == []


def test_where_none_can_be_read_the_policy_decides() -> None:
    assert verdict_of(Judge(NOTHING), Judge("")).missing == "neither yes nor no"
    # One that could not be reached may answer yet: the episode fails, and can be tried again.
    with pytest.raises(ModelError, match="down"):
        verdict_of(Judge(NOTHING), Judge(ModelError("down")))
    with pytest.raises(ModelError, match="cannot be read"):
        verdict_of(Judge(NOTHING), unreadable=Unreadable(then="error"))
    with pytest.raises(ModelError, match="down"):
        verdict_of(Judge(ModelError("up")), Judge(ModelError("down")))


def test_a_published_default_is_asked_for_by_name() -> None:
    # PAIR gives an answer that cannot be read the lowest mark; here it says so.
    verdict = verdict_of(Judge(NOTHING), unreadable=Unreadable(then="score", score=0.0))
    assert (verdict.score, verdict.passed) == (0.0, None)
    assert verdict.reason == "cannot be read: neither yes nor no"
    with pytest.raises(ConfigError, match="only then"):
        Unreadable(score=0.0)
    with pytest.raises(ConfigError, match="only then"):
        Unreadable(then="score")
    with pytest.raises(ConfigError, match="a finite score"):
        Unreadable(then="score", score=float("nan"))
    with pytest.raises(ConfigError, match="ask_again of 0 or more"):
        Unreadable(ask_again=-1)


def test_faults_in_a_fixed_cycle_are_counted_exactly() -> None:
    # Valid, malformed, empty, down, over and over, each judged once more where it cannot be read:
    # asked YES | perhaps, "" | down | YES | perhaps, "" | down | ...
    judge = Cycle([YES, NOTHING, "", ModelError("down")])
    scores: list[object] = []
    for _ in range(6):
        try:
            scores.append(wait(judged(judge, "?", _read, Unreadable(ask_again=1))).score)
        except ModelError:
            scores.append("down")
    assert scores == [1.0, None, "down", 1.0, None, "down"]
    assert len(judge.asked) == 8


def _read(answer: str) -> Verdict:
    from turnwise.judges.question import read_yes_no

    return read_yes_no(answer)


def test_no_fault_escapes_a_run(tmp_path: Path) -> None:
    answers = iter([YES, NOTHING, "", "raise", YES, NOTHING])

    def judge(messages: object) -> str:
        answer = next(answers)
        if answer == "raise":
            raise RuntimeError("the judge fell over")
        return answer

    asked = Judging(judge="question", config={"question": "Polite?"}, reward="verdict")
    run = turnwise.run(asked, judge, store=tmp_path / "t.db", concurrency=1)
    rows = run.episodes()
    assert [row.score for row in rows] == [1.0, None, None, None, 1.0, None]
    assert [row.stop for row in rows].count("error") == 1
    score = run.score
    assert (score.mean, score.n, score.missing) == (1.0, 2, 4)


def test_a_script_and_a_model_that_say_the_same_judge_the_same() -> None:
    class Echo:
        name = "echo"
        remote = True

        async def sample(self, request: Request) -> Sample:
            return Sample(message=assistant(YES))

        async def close(self) -> None:
            pass

    question, log = OneQuestion(question="Polite?"), log_of("Hi", "Hello")
    by_model = wait(question.verdicts(log, ask_model(Echo())))
    by_script = wait(question.verdicts(log, ask_model(ScriptedModel(lambda messages: YES, "s"))))
    assert by_model == by_script == wait(question.verdicts(log, Judge(YES)))


def test_the_same_question_is_paid_for_once(tmp_path: Path) -> None:
    asked: list[Request] = []

    class Counting:
        name = "counting"
        remote = True

        async def sample(self, request: Request) -> Sample:
            asked.append(request)
            return Sample(message=assistant(YES))

        async def close(self) -> None:
            pass

    ask = ask_model(cached(Counting(), tmp_path))
    log = log_of("Hi", "Hello")
    first = wait(OneQuestion(question="Is it polite?").verdicts(log, ask))
    assert wait(OneQuestion(question="Is it polite?").verdicts(log, ask)) == first
    assert len(asked) == 1
    # One character more is another question.
    wait(OneQuestion(question="Is it polite??").verdicts(log, ask))
    assert len(asked) == 2
