"""Whatever a judge says, every kind answers with a verdict, in range or missing; never with an exception."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from talk import Judge, log_of, wait

from turnwise.judges import kinds
from turnwise.judges.amulet import MAXIMS
from turnwise.verdict import Verdict, json_objects
from turnwise.wire import decode, encode

TASK = {
    "rubric": ["says hello", "says bye"],
    "checklist": ["is polite"],
    "objective": "be greeted",
    "answer": "42",
    "refuse": True,
    "outputs": ["Hello"],
    "state_rubrics": ["x"],
}
ONE, OTHER = log_of("Hi", "Hello", **TASK), log_of("Hi", "Go away", **TASK)

KEYS = (
    *("id", "met", "reason", "turns", "findings", "quality", "score", "Score", "Rationale", "rubric_idx"),
    *("meetExpectation", "justification", "objective", "confidence", "similarity", "extracted_answers"),
    *("acts", "history", "A", "B", "maxims", "winner", "verdict"),
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.just(10**400),
    st.floats(),
    st.sampled_from(
        ["A", "B", "tie", "both", "rubric_0", "rubric_1", "yes", "no", "true", "NaN", "", "\ud800"]
    ),
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = st.one_of(VALUES, st.sampled_from(["rubric_0", "rubric_1"]))
CHOICES = st.one_of(VALUES, st.sampled_from(["A", "B", "tie"]))
FORMS = st.one_of(
    st.lists(
        st.fixed_dictionaries({"id": NAMES, "met": VALUES, "turns": VALUES, "reason": VALUES}), max_size=3
    ),
    st.fixed_dictionaries(
        {"findings": st.lists(st.fixed_dictionaries({"id": NAMES, "met": VALUES})), "quality": VALUES}
    ),
    st.lists(st.fixed_dictionaries({"rubric_idx": NAMES, "meetExpectation": VALUES, "turns": VALUES})),
    st.fixed_dictionaries(
        {
            "acts": st.fixed_dictionaries({"A": VALUES, "B": VALUES, "history": VALUES}),
            "maxims": st.fixed_dictionaries(dict.fromkeys(MAXIMS, CHOICES)),
            "verdict": CHOICES,
            "confidence": VALUES,
            "reason": VALUES,
        }
    ),
    st.fixed_dictionaries({"objective": VALUES, "confidence": VALUES, "similarity": VALUES}),
    st.fixed_dictionaries({"extracted_answers": st.lists(VALUES, max_size=3)}),
    st.fixed_dictionaries({"score": VALUES, "Score": VALUES, "Rationale": VALUES}),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6),
)
ANSWERS = st.one_of(
    FORMS.map(json.dumps),
    st.text(max_size=60),
    st.sampled_from(["[[A]]", "[[99]]", "1.b 9\n2.b 9\n3.b 9"]),
)
KINDS = [name for name in kinds.names() if name not in ("mt_eval", "state")]


def made(name: str):
    return kinds.made(name, {"question": "?"} if name == "question" else {})


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=st.lists(ANSWERS, min_size=1, max_size=3))
def test_every_kind_takes_any_answer(name: str, said: list[str]) -> None:
    count = iter(range(10**6))
    judge = Judge(by=lambda prompt: said[next(count) % len(said)])
    kind = made(name)
    work = kind.compared(ONE, OTHER, judge) if kinds.of_pairs(kind) else kind.verdicts(ONE, judge)
    verdicts = wait(work)
    whole: Verdict = kind.reduce(verdicts)
    top = 10 if name == "rating" else 1
    for verdict in (*verdicts, whole):
        assert verdict.missing is not None or verdict.score is None or 0 <= verdict.score <= top
        assert verdict.confidence is None or 0 <= verdict.confidence <= 1
        # What is stored is read back as it was.
        assert encode(decode(encode(verdict), Verdict)) == encode(verdict)


@pytest.mark.parametrize("scale", ["likert", "ten_points", "labels", "strongreject"])
@settings(max_examples=15, deadline=None)
@given(said=ANSWERS)
def test_every_scale_takes_any_answer(scale: str, said: str) -> None:
    kind = kinds.made("question", {"question": "?", "scale": scale, "labels": ["bad", "good"]})
    verdict = kind.reduce(wait(kind.verdicts(ONE, Judge(by=lambda prompt: said))))
    assert verdict.missing is not None or 0 <= verdict.score <= 1


@pytest.mark.parametrize("bomb", ["[" * 50_000, "{" * 50_000, '{"met":' * 9_000, "[1] " * 50_000])
def test_a_bomb_costs_little(bomb: str) -> None:
    start = process_time()
    assert json_objects(bomb) == []
    assert process_time() - start < 2
