"""M3ToolEval: its protocol word by word, and the same tasks by text, JSON, code, and tool calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise.environments.m3tooleval import M3ToolEval, protocol
from turnwise.environments.m3tooleval.families import tasks
from turnwise.environments.m3tooleval.protocol import is_right, read, trimmed
from turnwise.tools.sandbox import detect

needs_bwrap = pytest.mark.skipif(
    not detect()[0].works, reason="bubblewrap does not work here; get it by: apt-get install bubblewrap"
)
TASKS = {task.id: task for task in tasks()}


def outcomes(agent: Any, path: Any, **settings: Any) -> dict[str, tuple[float | None, float, str | None]]:
    run = turnwise.run(M3ToolEval(**settings), agent, store=path / "t.db")
    return {log.task["id"]: (log.score(), log.metrics["turns"], log.detail) for log in run.logs()}


def test_an_oracle_needs_a_turn_and_silence_ten(tmp_path: Any) -> None:
    assert outcomes("oracle", tmp_path) == dict.fromkeys(TASKS, (1.0, 1, "correct"))
    assert outcomes("empty", tmp_path) == dict.fromkeys(TASKS, (0.0, 10, "limit"))
    assert outcomes("empty", tmp_path, max_turns=3, family="dna") == {"dna-1": (0.0, 3, "limit")}


@pytest.mark.parametrize("actions", ["text", "json", "tools"])
def test_a_call_at_a_time(actions: str, tmp_path: Any) -> None:
    found = outcomes("solver", tmp_path, actions=actions)
    for name, task in TASKS.items():
        steps = len(task.steps)
        assert found[name] == ((1.0, steps + 1, "correct") if steps < 10 else (0.0, 10, "limit"))
    assert found["parcels-1"] == (0.0, 10, "limit")
    patient = outcomes("solver", tmp_path, actions=actions, family="parcels", max_turns=41)
    assert patient == {"parcels-1": (1.0, 41, "correct")}


@needs_bwrap
def test_code_does_it_at_once(tmp_path: Any) -> None:
    assert outcomes("solver", tmp_path, actions="code") == dict.fromkeys(TASKS, (1.0, 2, "correct"))
    assert outcomes("coder", tmp_path, actions="tools") == dict.fromkeys(TASKS, (1.0, 2, "correct"))
    # The same scaffold, by its name on the command line, over another agent.
    run = turnwise.run("m3tooleval", "codeact:oracle", settings={"actions": "tools"}, store=tmp_path / "t.db")
    assert [log.score() for log in run.logs()] == [1.0] * len(TASKS)
    assert turnwise.replay(run.id, store=tmp_path / "t.db").replayed == len(TASKS)


@needs_bwrap
def test_variables_last_and_what_is_printed_is_cut(tmp_path: Any) -> None:
    lines = [
        "Action:\nx = get_price('tea')\nEnd Action",
        "Action:\nprint(x)\nEnd Action",
        "Action:\nprint('y' * 2001)\nEnd Action",
        "Action:\nget_price('gold')",
        "Action:\n'a' 'b'\nEnd Action",
        "Action: 1 End Action Action: 2 End Action",
        "Answer: 3 Answer: 4",
        "no marker",
        "Action: 1 Answer: 2",
        "Action: while True print()",
    ]
    run = turnwise.run(M3ToolEval(family="trade"), lines, limit=1, store=tmp_path / "t.db")
    (log,) = run.logs()
    said = [turn.text for turn in log.turns if turn.role == "environment"][1:]
    assert said[:3] == [protocol.SILENT, "12.5", "y" * 2000 + "...\n[Output Truncated]"]
    assert said[3].endswith("ToolError: there is no price for 'gold'; known: tea, copper, silk, pepper")
    assert said[4:8] == ["ab", "1", protocol.WRONG, protocol.NEITHER]
    # What stood behind the second marker was cut away.
    assert said[8] == "1"


@pytest.mark.parametrize(
    ("reply", "kind", "content"),
    [
        ("Answer: 42", "answer", "42"),
        ("Thought: x\nAction: a, 1 End Action", "action", "a, 1 "),
        ("Action:\nf(1)\nEnd Action\nThought: then\nAction:\ng(2)", "action", "f(1)\n"),
        ("Action: f(1)", "action", "f(1)"),
        ("Action: f(1) Thought: hm Answer: 2", "action", "f(1)"),
        ("Answer: 1\nAnswer: 2", "answer", "1"),
        ("Answer: 1 Thought: x", "answer", "1 Thought: x"),
        ("hello", "invalid", protocol.NEITHER),
        ("", "invalid", protocol.NEITHER),
    ],
)
def test_replies_are_read(reply: str, kind: str, content: str) -> None:
    reading = read(trimmed(reply))
    assert (reading.kind, reading.content) == (kind, content)


def test_untrimmed_replies_with_both_or_several_are_told_so() -> None:
    assert read("Action: 1 Answer: 2") == ("invalid", protocol.BOTH, "")
    assert read("Answer: 1 Answer: 2").reminder.startswith("There was more than one answer")
    assert read("Action: 1 End Action Action: 2").content == "1 "


@pytest.mark.parametrize(
    ("answer", "expected", "published", "corrected"),
    [
        ("42", 42, True, True),
        ("42.0", 42, True, True),
        ("'42'", 42, True, True),
        ("0042", 42, True, True),
        ("[1, 2]", [1, 2], True, True),
        # The official conversion fails for lists before the answer is read as one.
        ("[1,2]", [1, 2], False, True),
        ("[1.0, 2]", [1, 2], False, True),
        ("(1, 2)", [1, 2], False, True),
        ("['1', 2]", [1, 2], False, True),
        ("[1, 2, 3]", [1, 2], False, False),
        # Its whole numbers: what is expected is cut, what is answered is not.
        ("161.25", 161.25, True, True),
        ("161", 161.25, True, False),
        ("161.9", 161.25, False, False),
        ("237.94", 237.942, False, True),
        ("237.95", 237.942, False, False),
        ("('A', 3)", ("A", 3), True, True),
        ("['A', 3]", ("A", 3), False, True),
        ("{'A': 2, 'T': 1}", {"T": 1, "A": 2}, False, True),
        ("False", False, True, True),
        ("0", False, True, False),
        ("abc", "abc", True, True),
        ("'abc'", "abc", True, True),
        ("", "abc", False, False),
        ("The answer is 42", 42, False, False),
        ("[" * 4000, [1], False, False),
        ("9" * 6000, 9, False, False),
    ],
)
def test_answers(answer: str, expected: Any, published: bool, corrected: bool) -> None:
    assert is_right(answer, expected, published=True) == published
    assert is_right(answer, expected, published=False) == corrected


@given(st.text(st.characters(codec="utf-8")), st.sampled_from([1, "a", [1, "a"], 2.5]))
def test_any_reply_is_read_and_checked(text: str, expected: Any) -> None:
    assert read(trimmed(text)).kind in ("action", "answer", "invalid")
    assert is_right(text, expected, published=False) in (True, False)
    protocol.from_text(text)
    protocol.printed(text)
