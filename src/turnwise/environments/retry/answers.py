"""Answers: where one stands in a reply, and whether it is right.

`corrected` compares numbers by value. `published` keeps what the official codes do, each with slips of its
own: UFO's reader for GSM8K takes the first digits on either side, so that 2,125 is 2 and signs are lost; RISE
cuts the right answer at its comma, too, and reads whole numbers only.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, TypeAlias

Marker: TypeAlias = Literal["answer", "boxed"]
"""How a reply marks its answer: `<answer>…</answer>`, or `\\boxed{…}`."""
Variant: TypeAlias = Literal["published", "corrected"]

LONGEST = 200
"""Characters an answer may have; a longer one is none."""

_MARKED: dict[Marker, re.Pattern[str]] = {
    "answer": re.compile(r"<answer>([^<]*)</answer>", re.IGNORECASE),
    "boxed": re.compile(r"\\boxed\{([^{}]*)\}"),
}
_NUMBER = re.compile(r"[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?", re.ASCII)
_FIRST = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_BEFORE_COMMA = re.compile(r"[-+]?\d+(?:\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"\s*[-+]?\d{1,200}\s*", re.ASCII)


def read(reply: str, marker: Marker) -> str | None:
    """The last marked answer of a reply, trimmed; None where there is none, or an empty one."""
    found = _MARKED[marker].findall(reply)
    answer = found[-1].strip() if found else ""
    return answer if 0 < len(answer) <= LONGEST else None


def write(answer: str, marker: Marker) -> str:
    """An answer as a reply marks it."""
    return f"<answer>{answer}</answer>" if marker == "answer" else f"\\boxed{{{answer}}}"


def squeezed(text: str) -> str:
    """Lower case, without any blanks: by this UFO tells answers apart."""
    return "".join(text.lower().split())


def number(text: str) -> Fraction | None:
    """The number that a text is, perhaps with $, %, thousands' commas or a full stop; None for all else."""
    plain = _plain(text)
    return None if plain is None else Fraction(plain)


def _plain(text: str) -> str | None:
    plain = text.strip().strip("\\$€£% ").rstrip(".").strip()
    if not _NUMBER.fullmatch(plain) or not any(sign.isdigit() for sign in plain):
        return None
    return plain.replace(",", "").replace("−", "-")


def normal(text: str, variant: Variant) -> str:
    """One form for answers that are the same: 18, 18.0 and $18 alike; as published, by the letters alone."""
    plain = _plain(text) if variant == "corrected" else None
    if plain is None:
        return squeezed(text)
    whole, _, decimals = plain.lstrip("+-").partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    positive = f"{whole}.{decimals}" if decimals else whole
    return f"-{positive}" if plain.startswith("-") and positive != "0" else positive


def same(right: str, given: str) -> bool:
    """Whether an answer is right: the same text but for case and blanks, or the same number.

    Where the right number has decimals, it is so many that count.
    """
    expected, value = number(right), number(given)
    if expected is None or value is None:
        return squeezed(right) == squeezed(given)
    decimals = (_plain(right) or "").partition(".")[2]
    slack = Fraction(1, 2 * 10 ** len(decimals)) if decimals.strip("0") else 0
    return abs(expected - value) <= slack


def published_same(right: str, given: str, marker: Marker) -> bool:
    """The official checks: UFO's for answers marked by `answer`, RISE's for boxed ones."""
    if marker == "boxed":
        expected, whole = _BEFORE_COMMA.match(right.strip()), _WHOLE.fullmatch(given.replace(",", ""))
        if expected is None or whole is None:
            return squeezed(right) == squeezed(given)
        return Fraction(expected[0]) == int(whole[0])
    expected, value = _FIRST.search(right), _FIRST.search(given)
    if expected is not None and value is not None and Fraction(expected[0]) == Fraction(value[0]):
        return True
    return squeezed(right) == squeezed(given)


def numeric(answer: str, variant: Variant) -> bool:
    """Whether a boxed answer can be read as a number; RISE's own code wants a whole one."""
    if variant == "published":
        return _WHOLE.fullmatch(answer.replace(",", "")) is not None
    return number(answer) is not None
