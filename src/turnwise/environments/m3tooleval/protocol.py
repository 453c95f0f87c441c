"""M3ToolEval's protocol: markers, how replies are read, which answers count. The wording is ours.

A reply holds an action or an answer, never both. It is cut before its second marker first, as the published
harness does with every reply, so that a model which plays on by itself is heard only up to there.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

import msgspec

ACTION, ANSWER, END = "Action:", "Answer:", "End Action"
MOST_CHARACTERS = 2_000
SILENT = "[Done. It printed nothing: did you forget to print?]"
WRONG = "This answer is wrong. Try again, and give the answer alone (a number, say), with no other text."
BOTH = f"Not understood: give either '{ACTION}' or '{ANSWER}', not both."
NEITHER = f"Not understood: give either '{ACTION}' or '{ANSWER}'."
_MARKER = re.compile(f"{ANSWER}|{ACTION}")
_LONGEST = 5_000
"""Characters of an answer that are looked at as a Python value."""
_CENT = 0.01

Mode = Literal["code", "json", "text"]
HOW: dict[str, str] = {
    "text": (
        f"Use one tool at a time: its name and its arguments, with commas between, after '{ACTION}' and "
        f"before '{END}', as in '{ACTION} tool_name, first_argument {END}'."
    ),
    "json": (
        "Use one tool at a time: a JSON object with the fields 'tool' (its name) and 'args' (a list of its "
        f"arguments), after '{ACTION}' and before '{END}', as in "
        f'\'{ACTION} {{"tool": "tool_name", "args": ["first argument"]}} {END}\'.'
    ),
    "code": (
        "Use the tools by Python code that calls them; loops, conditions and all else are there, and "
        f"variables last. Put it after '{ACTION}' and before '{END}', as in "
        f"'{ACTION}\nprint(tool_name(first_argument))\n{END}', and print what you want to know."
    ),
}


class Reading(NamedTuple):
    """What a reply amounts to."""

    kind: Literal["action", "answer", "invalid"]
    content: str
    reminder: str = ""


def trimmed(reply: str) -> str:
    """A reply up to its second marker."""
    reply = reply.lstrip()
    marks = list(_MARKER.finditer(reply))
    if len(marks) <= 1:
        return reply
    reply = reply[: marks[1].start()].strip()
    # Where the first marker is an answer's, the official search starts at the same place of the text.
    after = reply.find(ACTION) + len(ACTION)
    for mark, kept in ((END, len(END)), ("Thought:", 0)):
        place = reply.find(mark, after)
        if place != -1:
            reply = reply[: place + kept].strip()
    return reply


def read(reply: str) -> Reading:
    """Read a reply that is trimmed; what holds both markers all the same is invalid."""
    actions, answers = reply.count(ACTION), reply.count(ANSWER)
    if actions and answers:
        return Reading("invalid", BOTH)
    if answers:
        return Reading("answer", reply.split(ANSWER)[1].strip(), _reminder(answers, "answer"))
    if actions:
        content = reply.split(ACTION)[1].lstrip().split(END)[0]
        return Reading("action", content, _reminder(actions, "action"))
    return Reading("invalid", NEITHER)


def _reminder(count: int, what: str) -> str:
    return f"There was more than one {what}; only the first one counts." if count > 1 else ""


def prompt(tools: list[str], instruction: str, mode: Mode) -> str:
    """How a task begins.

    Args:
        tools: A line of signature and description each.
        instruction: The task.
        mode: How to act.
    """
    listed = "\n".join(f"[{number}] {line}" for number, line in enumerate(tools, 1))
    return (
        f"You have these tools:\n{listed}\n\n{HOW[mode]}\n\n"
        f"You may think aloud before you act ('Thought: ... {ACTION} ... {END}'). Each of your replies holds "
        f"either '{ACTION}' or '{ANSWER}', not both. When you are done, reply '{ANSWER} ...' with the answer "
        f"alone (a number, say), and no other text.\n\nTask: {instruction}"
    )


def shown(text: str) -> str:
    """A tool's result, cut where it is too long."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}...\n[Output Truncated]"


def told(content: str) -> str:
    """A tool's result as the harness shows it: what is JSON, as Python writes it."""
    with contextlib.suppress(msgspec.DecodeError, RecursionError, ValueError):
        if not content.startswith('"'):
            return shown(str(msgspec.json.decode(content)))
    return shown(content)


def printed(text: str) -> str:
    """What code printed, as the harness shows it: a Python value as `str` has it."""
    text = shown(text) if text else SILENT
    value = _value(text.strip())
    return text if value is _NO_VALUE else str(value)


def from_text(action: str) -> tuple[str, list[Any]]:
    """A tool's name and arguments, of an action with commas."""
    name, *arguments = action.split(",")
    return name.strip(), [converted(argument.strip()) for argument in arguments]


def from_json(action: str) -> tuple[str, list[Any]]:
    """A tool's name and arguments, of an action in JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        given = msgspec.json.decode(action)
        name, arguments = str(given["tool"]), cast("list[Any]", given["args"])
    except (msgspec.DecodeError, RecursionError, TypeError, KeyError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return name, arguments if isinstance(arguments, list) else [arguments]


def by_name(arguments: Sequence[Any], schema: dict[str, Any]) -> dict[str, Any] | None:
    """Arguments by name, of those in order; None where there are too many.

    Where the last one is a list, its items may be given one by one.

    Args:
        arguments: Some values.
        schema: The tool's JSON Schema.
    """
    properties: dict[str, Any] = schema["properties"]
    names, values = list(properties), list(arguments)
    if names and properties[names[-1]].get("type") == "array":
        loose = values[len(names) - 1 :]
        if loose and not (len(loose) == 1 and isinstance(loose[0], list)):
            values[len(names) - 1 :] = [loose]
    return dict(zip(names, values, strict=False)) if len(values) <= len(names) else None


def is_right(answer: str, expected: Any, *, published: bool) -> bool:
    """Whether an answer counts.

    Args:
        answer: The agent's words.
        expected: A number, text, list, or whatever else Python has a literal for.
        published: As the official code has it: a number counts where both are the same whole number once the
            expected one is cut to it, or where it is written as Python writes it; a list, only the latter.
            Otherwise numbers count to the cent, and whatever holds them item by item.
    """
    if published:
        return _counts_officially(answer, expected)
    value = _value(answer)
    return _alike(answer, expected) or (value is not _NO_VALUE and _alike(value, expected))


def _counts_officially(answer: str, expected: Any) -> bool:
    value: Any = answer
    # Its conversion fails for lists, and then the answer's own value is not looked at any more. The line
    # that would compare lists item by item calls what is no function, and so is never reached.
    with contextlib.suppress(TypeError):
        if answer == expected or converted(answer) == converted(expected):
            return True
        value = _value(answer)
    try:
        return str(answer if value is _NO_VALUE else value) == str(expected)
    except ValueError:  # too many digits
        return False


def _alike(one: Any, other: Any) -> bool:
    """Equal, numbers to the cent, however they are written."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        items = list(zip(cast("Sequence[Any]", one), cast("Sequence[Any]", other), strict=False))
        same_length = len(cast("Sequence[Any]", one)) == len(cast("Sequence[Any]", other))
        return same_length and all(_alike(a, b) for a, b in items)
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[Any, Any]", one), cast("dict[Any, Any]", other)
        return left.keys() == right.keys() and all(_alike(left[key], right[key]) for key in left)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    numbers = _number(one), _number(other)
    if numbers[0] is not None and numbers[1] is not None:
        return abs(numbers[0] - numbers[1]) < _CENT / 2 or numbers[0] == numbers[1]
    return one == other


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, (str, int, float)) else None
    except (ValueError, OverflowError):
        return None


_NO_VALUE = object()


def _value(text: str) -> Any:
    """A Python literal's value."""
    if len(text) > _LONGEST:
        return _NO_VALUE
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _NO_VALUE


def converted(value: Any) -> Any:
    """A whole number, else a number, else as it is."""
    for kind in (int, float):
        try:
            return kind(value)
        except (ValueError, OverflowError):
            continue
    return value
