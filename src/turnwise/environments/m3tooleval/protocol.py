"""M3ToolEval's protocol: markers, how replies are read, which answers count. The wording is ours.

A reply holds an action or an answer, never both. It is cut before its second marker first, as the published
harness does with every reply, so that a model which plays on by itself is heard only up to there.
"""

from __future__ import annotations

import ast
import re
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


def is_right(answer: str, expected: Any, *, published: bool) -> bool:
    """Whether an answer counts.

    Args:
        answer: The agent's words.
        expected: A number, text or list.
        published: As the official code has it, in which lists count only where they are written as Python
            writes them: the line that compares them item by item cannot be reached.
    """
    if answer == expected or _same(answer, expected):
        return True
    value = _value(answer)
    if value is _NO_VALUE:
        return answer == str(expected)
    if str(value) == str(expected):
        return True
    if published:
        return False
    if isinstance(value, (list, tuple)) and isinstance(expected, list):
        pairs = zip(value, expected, strict=False)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return len(value) == len(expected) and all(a == b or _same(a, b) for a, b in pairs)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return value == expected or _same(value, expected)


_NO_VALUE = object()


def _value(text: str) -> Any:
    """A Python literal's value."""
    if len(text) > _LONGEST:
        return _NO_VALUE
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _NO_VALUE


def _same(one: Any, other: Any) -> bool:
    """Equal once both are turned into numbers, where they can be."""
    if not isinstance(one, (str, int, float)) or not isinstance(other, (str, int, float)):
        return False
    return converted(one) == converted(other)


def converted(value: Any) -> Any:
    """A whole number, else a number, else as it is."""
    for kind in (int, float):
        try:
            return kind(value)
        except (ValueError, OverflowError):
            continue
    return value
