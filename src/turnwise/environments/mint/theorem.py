"""TheoremQA's answer check as MINT has it: normalise the text, work it out, compare by the kind of answer.

The steps and their order are the official ones (xingyaoww/mint-bench `mint/tasks/reasoning.py`, after
TheoremQA's `predict_accuracy.py`). With `published` its slips are kept: a power of ten written `10^3` cannot
be read (the official module uses `math` without importing it), an option's letter is lost where a number ends
the answer (`c) 0.5` is read as a number with a unit), and truth values and the numbers 1 and 0 are the same.
An empty set or an infinity, over which the official code stumbles, is simply wrong.
"""

from __future__ import annotations

import math
import re
from typing import Any, cast

from turnwise.environments.mint import letters
from turnwise.environments.mint.expression import UnreadableError, evaluate

TOLERANCE = 0.04
"""Relative, for numbers that are not whole."""

_NUMBER = r"[\d,]*\.*\d+"
_UNITS = (
    re.compile(rf"([-+]?(?:{_NUMBER})) [^0-9 ]+$"),
    re.compile(rf"[^0-9 ]+ ([-+]?(?:{_NUMBER}))$"),
    re.compile(rf"([-+]?(?:{_NUMBER}))[^\d]{{1,2}}$"),
    re.compile(rf"[^-+\d]{{1,2}}((?:{_NUMBER}))$"),
)
"""A number with a unit behind or before it."""
_LONGEST_WITH_UNIT = 200
_WITH_COMMAS = re.compile(r"[-+]?(\d{1,3}(,\d{3})*|(\d+))(\.\d+)?$")


def is_right(answer: str, reference: Any, answer_type: str | None, *, published: bool) -> bool:
    """Whether an answer is the reference.

    Args:
        answer: The agent's words.
        reference: A truth value, number, list of numbers, or the letter of an option.
        answer_type: TheoremQA's name for the kind of answer.
        published: Keep the official code's slips.
    """
    if not published and answer_type == "option":
        return letters.named(answer) == {reference}
    value = read(answer, published=published)
    if not isinstance(value, (str, int, float, list)):
        return False
    if not published and isinstance(value, bool) != (answer_type == "bool"):
        return False
    if answer_type in ("bool", "option"):
        return value == f"({reference})" or value == reference
    if answer_type in ("integer", "float"):
        return _same_number(value, reference)
    if answer_type in ("list of integer", "list of float"):
        return _same_list(value, reference)
    return False


def read(answer: str, *, published: bool) -> Any:
    """The value an answer stands for; None where it cannot be read."""
    text = _normalised(answer, published=published)
    try:
        value = evaluate(text, modules=("np",) if published else ("np", "math"))
    except UnreadableError:
        return None
    if isinstance(value, (set, tuple)):
        items: list[Any] = list(cast("tuple[Any, ...]", value))
        return [_real(item) for item in items] or None
    return _real(value)


def _normalised(answer: str, *, published: bool) -> str:
    text = answer
    for sign in "=≈":
        if sign in text:
            text = text.split(sign)[-1].strip()
    for sign in "`$°":
        text = text.replace(sign, "")
    if text in ("true", "yes", "false", "no"):
        text = "True" if text in ("true", "yes") else "False"
    if "True" in text or "False" in text:
        text = "True" if "True" in text else "False"
    if "approximately" in text:
        text = text.replace("approximately", "").strip()
    text = text.split(" or ")[0]
    if len(text) <= _LONGEST_WITH_UNIT:
        for pattern in _UNITS:
            found = pattern.match(text)
            text = text if found is None else found[1]
    if "10^" in text:
        text = re.sub(r"10\^(-?\d+)", r"math.pow(10, \1)", text)
    text = text.replace(" x ", "*").replace(" × ", "*")
    if _WITH_COMMAS.match(text):
        text = text.replace(",", "")
    return _option(text) or "0"


def _option(text: str) -> str:
    """`"(b)"`, quoted, where the text names the option b; else the text. The last letter named wins."""
    for letter in "abcd":
        if f"{letter})" in text or f"{letter} )" in text or text.lower().strip() == letter:
            text = f"({letter})"
    found = re.search(r"\([a-d]\)", text)
    return text if found is None else f'"{found[0]}"'


def _real(value: Any) -> Any:
    return value.real if isinstance(value, complex) else value


def _same_number(value: Any, reference: float) -> bool:
    if not isinstance(value, (int, float)):
        return False
    if isinstance(reference, float):
        return abs(value - reference) <= abs(reference) * TOLERANCE
    return math.isfinite(value) and round(value) == reference


def _same_list(value: Any, reference: list[float]) -> bool:
    if not isinstance(value, list):
        return False
    items = cast("list[Any]", value)
    if len(items) != len(reference) or not all(isinstance(item, (int, float)) for item in items):
        return False
    return all(_same_number(a, b) for a, b in zip(sorted(items), sorted(reference), strict=True))
