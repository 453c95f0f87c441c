"""Text and colours as they come from worlds, which may hold what a model wrote, made safe to draw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

INK, PAPER = "#1f2937", "#f8fafc"

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")
_ANSI = ("#334155", "#f87171", "#4ade80", "#facc15", "#60a5fa", "#e879f9", "#22d3ee", "#e2e8f0")
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[] -"), frozenset("mwMW@%#+=<>~*&")


def clean(text: str) -> str:
    """`text` without characters that a terminal obeys or XML forbids."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def colour(value: str, otherwise: str) -> str:
    """`value` where it is `#rrggbb`."""
    return value if _COLOUR.fullmatch(value) else otherwise


def brightness(value: str) -> float:
    """Of `#rrggbb`, from 0 to 1 (weights of ITU-R BT.709)."""
    red, green, blue = (int(value[place : place + 2], 16) for place in (1, 3, 5))
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


class Span(NamedTuple):
    """A piece of a line in one colour; None is the panel's own."""

    text: str
    ink: str | None = None
    paper: str | None = None


def spans(text: str) -> list[list[Span]]:
    """Lines of text whose colours are terminal escapes, as Gymnasium draws; other escapes are dropped."""
    lines: list[list[Span]] = [[]]
    for piece, ink, paper in _coloured(text.replace("\r\n", "\n").expandtabs(4)):
        first, *rest = piece.split("\n")
        lines[-1].append(Span(clean(first), ink, paper))
        lines += [[Span(clean(line), ink, paper)] for line in rest]
    return [[span for span in line if span.text] for line in lines]


def _coloured(text: str) -> Iterator[tuple[str, str | None, str | None]]:
    ink = paper = None
    start = 0
    for found in _ESCAPE.finditer(text):
        yield text[start : found.start()], ink, paper
        start = found.end()
        for code in (found[1] or "0").split(";") if found[0].endswith("m") else ():
            number = int(code[:4] or "0")
            if number == 0:
                ink = paper = None
            elif number % 10 < 8 and number // 10 in (3, 9):
                ink = _ANSI[number % 10]
            elif number % 10 < 8 and number // 10 in (4, 10):
                paper = _ANSI[number % 10]
    yield text[start:], ink, paper


def width_of(text: str, size: float) -> float:
    """At most about how wide a line of `size` is, bold and in a wide font: measures differ among fonts."""
    return size * sum(map(_em, text))


def _em(mark: str) -> float:
    if mark in _NARROW:
        return 0.38
    if mark in _WIDE:
        return 0.95
    return 1.0 if mark >= "\u2e80" else 0.76 if mark.isupper() else 0.7


def wrapped(text: str, size: float, width: float, most: int) -> list[str]:
    """`text` in at most `most` lines no wider than `width`; what is left out is told by an ellipsis."""
    lines: list[str] = []
    for paragraph in clean(text).split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and width_of(longer, size) > width:
                lines.append(line)
                longer = word
            while width_of(longer, size) > width and len(longer) > 1:
                cut = max(1, int(len(longer) * width / width_of(longer, size)))
                lines.append(longer[:cut])
                longer = longer[cut:]
            line = longer
        if line:
            lines.append(line)
        if len(lines) > most:
            return [*lines[: most - 1], f"{lines[most - 1]} …"]
    return lines
