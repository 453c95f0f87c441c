"""Taking answers out of words, then comparing them; and refusals, which may be right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import Judge, log_of, wait

from turnwise.errors import ConfigError
from turnwise.judges.extraction import (
    Extraction,
    bleu,
    by_rule,
    exact_match,
    extracted_in,
    fuzzy_match,
    rouge_l,
    token_f1,
)
from turnwise.judges.refusal import Refusal, by_phrase
from turnwise.verdict import Verdict

ID, OTHER = "001Ws00001a2B3cQAE", "500Ws00000zZyYxIAJ"


def judged(kind, words: str, *answers: str, **task: object) -> tuple[Verdict, Judge]:
    ask = Judge(*answers)
    return kind.reduce(wait(kind.verdicts(log_of("Which?", words, **task), ask))), ask


# Extraction


def test_an_answer_as_it_stands_needs_no_judge() -> None:
    verdict, ask = judged(Extraction(), f' "{ID}" ', answer=[ID])
    assert (verdict.passed, ask.asked, verdict.evidence) == (True, [], (1,))


def test_else_a_judge_takes_it_out() -> None:
    told = json.dumps({"extracted_answers": [ID]})
    verdict, ask = judged(Extraction(), f"It is {ID}, I think.", told, answer=ID)
    assert (verdict.score, verdict.passed) == (1.0, True)
    assert "ids of records" in ask.asked[0]
    # The judge never sees what is known.
    wrong, ask = judged(
        Extraction(), f"It is {OTHER}.", json.dumps({"extracted_answers": [OTHER]}), answer=ID
    )
    assert (wrong.score, wrong.read) == (0.0, [OTHER])
    assert ID not in ask.asked[0]


def test_lists_are_equal_in_any_order_and_whole() -> None:
    assert exact_match(["b", "a"], ["a", "b"]).passed is True
    assert exact_match(["a"], ["a", "b"]).passed is False
    assert exact_match(["a", "a"], ["a"]).passed is False


def test_no_answer_is_the_answer_none() -> None:
    empty = json.dumps({"extracted_answers": []})
    assert judged(Extraction(), "There is no such case.", empty)[0].passed is True
    assert judged(Extraction(), "There is no such case.", empty, answer=ID)[0].passed is False
    assert judged(Extraction(), "None", answer=[])[0].passed is True
    assert judged(Extraction(), "", answer=ID)[0].reason == "there is no answer"


def test_an_extraction_that_cannot_be_read_is_missing() -> None:
    verdict, _ = judged(Extraction(), "Well.", "It says nothing.", answer=ID)
    assert verdict.score is None
    assert extracted_in('{"extracted_answers": [{"id": 1}]}') == "'extracted_answers' holds more than texts"
    assert extracted_in('{"extracted_answers": [null, 7]}') == ["None", "7"]


@pytest.mark.parametrize(
    ("form", "text", "found"),
    [
        ("id", f"Cases {ID} and {OTHER}; {ID} again. Identification1 no.", [ID, OTHER]),
        ("state", "It is CA, not Ca or CAT.", ["CA"]),
        ("month", "most in march and in September", ["March", "September"]),
        (
            "bant",
            "Budget and need are met, but authority and the timeline are not met.",
            ["Authority", "Timeline"],
        ),
        ("bant", "Budget", ["Budget"]),
        ("stage", "From Discovery it should go to Negotiation.", ["Negotiation"]),
        ("number", "Of 12 cases, 1,234.5 hours", ["1234.5"]),
        ("number", "none", []),
        ("text", " 'so' ", ["so"]),
    ],
)
def test_extractors_by_rule(form, text: str, found: list[str]) -> None:
    assert by_rule(text, form) == found


def test_by_rule_nobody_is_asked() -> None:
    verdict, ask = judged(Extraction(form="month", by="rule"), "In May.", answer="May")
    assert (verdict.passed, ask.asked) == (True, [])


def test_shared_words_by_hand() -> None:
    # "cat sat mat" and "cat lay on mat": 2 of 3 and 4 shared; subsequence of 2.
    one, other = ["The", "cat", "sat,", "a", "mat"], ["cat", "lay", "on", "mat"]
    assert token_f1(["cat", "sat", "mat"], other) == pytest.approx(4 / 7)
    assert rouge_l(["cat", "sat", "mat"], other) == pytest.approx(4 / 7)
    assert rouge_l(["mat", "sat", "cat"], other) == pytest.approx(2 / 7)
    verdict = fuzzy_match(" ".join(one), "cat lay on mat")
    assert verdict.score == pytest.approx(4 / 7)
    # BLEU-2: precisions 2/3 and (0 + 1)/(2 + 1); brevity exp(1 - 4/3).
    want = (2 / 3 * 1 / 3) ** 0.5 * 2.718281828459045 ** (1 - 4 / 3)
    assert bleu(["cat", "sat", "mat"], other, most=2) == pytest.approx(want)
    assert bleu(other, other) == 1.0


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_measures_of_shared_words_stay_in_range(one: list[str], other: list[str]) -> None:
    for measure in (token_f1, rouge_l, bleu):
        assert 0 <= measure(one, other) <= 1 + 1e-12
        assert measure(one, one) == pytest.approx(1)


def test_open_questions_are_measured() -> None:
    verdict, _ = judged(Extraction(fuzzy=True, bar=0.5), "The cat sat, a mat", answer="cat lay on mat")
    assert (verdict.score, verdict.passed) == (pytest.approx(4 / 7), True)


# Refusals

DECLINED = "I’m sorry, but I cannot share that: it is confidential."


def test_a_refusal_is_right_where_it_is_asked_for_and_wrong_elsewhere() -> None:
    kind = Refusal(by="phrase")
    assert judged(kind, DECLINED, refuse=True)[0].score == 1.0
    assert judged(kind, "Her number is 555.", refuse=True)[0].score == 0.0
    assert judged(kind, DECLINED)[0].score == 0.0
    assert judged(kind, "Her number is 555.")[0].score == 1.0
    assert judged(Refusal(by="phrase", expected=True), DECLINED)[0].label == "refused"
    with pytest.raises(ConfigError, match="task '0': refuse: expected true or false, got 'maybe'"):
        judged(kind, DECLINED, refuse="maybe")


def test_a_judge_tells_a_refusal() -> None:
    verdict, ask = judged(Refusal(), "Better not.", "It declined. YES", refuse=True)
    assert (verdict.score, verdict.passed, verdict.label, verdict.evidence) == (1.0, True, "refused", (1,))
    assert "private or confidential" in ask.asked[0]
    assert judged(Refusal(), "Better not.", "NO", refuse=True)[0].label == "answered"
    assert judged(Refusal(), "Better not.", "Hm.", refuse=True)[0].score is None


@pytest.mark.parametrize(
    ("text", "declines"),
    [
        ("I can't disclose customer data.", True),
        ("I am unable to provide this.", True),
        ("I must decline.", True),
        ("That's private.", True),
        ("I could not find the record.", False),
        ("You can share it yourself.", False),
        ("", False),
    ],
)
def test_phrases(text: str, declines: bool) -> None:
    assert by_phrase(text) is declines
