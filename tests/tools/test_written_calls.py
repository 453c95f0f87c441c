"""Calls written as Python are read, never run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.errors import ToolError
from turnwise.tools.written import LONGEST, Written, written_calls

LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("ls()", [Written("ls", (), {})]),
        ("[ls(), cd('a')]", [Written("ls", (), {}), Written("cd", ("a",), {})]),
        (
            "```python\n[mv(source='a', destination='b')]\n```",
            [Written("mv", (), {"source": "a", "destination": "b"})],
        ),
        ("files.ls(a=True)", [Written("ls", (), {"a": True})]),
        (
            "[f(x=-1.5, y=(1, [2]), z={'k': None})]",
            [Written("f", (), {"x": -1.5, "y": [1, [2]], "z": {"k": None}})],
        ),
        ("f({1: 'a'})", [Written("f", ({"1": "a"},), {})]),
        ("[]", []),
    ],
)
def test_calls_are_read(text: str, calls: list[Written]) -> None:
    assert written_calls(text) == calls


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am done.",
        "ls",
        "[ls]",
        "f(g())",
        "f(x)",
        "f(1 + 1)",
        "f(**{'a': 1})",
        "f(*[1])",
        "f(b'a')",
        "f({1, 2})",
        "f(1e999)",
        "f(2j)",
        "f(lambda: 0)",
        "f(x := 1)",
        "f()()",
        "__import__('os').system('id')",
        "a.b.c()",
        "f(" + "[" * 3000 + "]" * 3000 + ")",
        "f(" + "-" * 20000 + "1)",
        "f('\0')",
        "f(" + "9" * 5000 + ")",
        "[f() for _ in [1]]",
        "x" * (LONGEST + 1),
    ],
    ids=lambda text: text[:30],
)
def test_all_else_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        written_calls(text)


@given(st.lists(LITERALS, max_size=2), st.dictionaries(st.sampled_from("abc"), LITERALS))
def test_literals_come_as_they_were_written(positional: list[object], named: dict[str, object]) -> None:
    parts = [repr(one) for one in positional] + [f"{name}={one!r}" for name, one in named.items()]
    (call,) = written_calls(f"f({', '.join(parts)})")
    assert call == Written("f", tuple(positional), named)


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    try:
        written_calls(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_arguments_by_name() -> None:
    (call,) = written_calls("sort('a.txt', reverse=True)")
    assert call.arguments(["file_name", "reverse"]) == {"file_name": "a.txt", "reverse": True}
    with pytest.raises(ToolError, match="sort takes 0 arguments, got 1"):
        call.arguments([])
    with pytest.raises(ToolError, match="the argument 'reverse' is given twice"):
        call.arguments(["reverse"])
