"""Marks drawn as shapes: chessmen, boxes, flags, stars. A shape is the same on every machine, a font is not.

Coordinates are in a square of 100 by 100, y downwards. A shape is filled where `solid` is and `cut` is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

Point: TypeAlias = tuple[float, float]

_CURVE_STEPS = 12


class Shape(NamedTuple):
    """Outlines as SVG path data of absolute M, L, C and Z alone."""

    solid: str
    cut: str = ""


def _circle(x: float, y: float, radius: float) -> str:
    bend = radius * 0.5523
    left, right, top, bottom = x - radius, x + radius, y - radius, y + radius
    return (
        f"M{left:g} {y:g}C{left:g} {y - bend:g} {x - bend:g} {top:g} {x:g} {top:g}"
        f"C{x + bend:g} {top:g} {right:g} {y - bend:g} {right:g} {y:g}"
        f"C{right:g} {y + bend:g} {x + bend:g} {bottom:g} {x:g} {bottom:g}"
        f"C{x - bend:g} {bottom:g} {left:g} {y + bend:g} {left:g} {y:g}Z"
    )


def _block(left: float, top: float, right: float, bottom: float, radius: float = 0) -> str:
    """A rectangle, its corners cut by `radius`."""
    r = radius
    if not r:
        return f"M{left:g} {top:g}L{right:g} {top:g}L{right:g} {bottom:g}L{left:g} {bottom:g}Z"
    return (
        f"M{left + r:g} {top:g}L{right - r:g} {top:g}"
        f"C{right:g} {top:g} {right:g} {top:g} {right:g} {top + r:g}"
        f"L{right:g} {bottom - r:g}C{right:g} {bottom:g} {right:g} {bottom:g} {right - r:g} {bottom:g}"
        f"L{left + r:g} {bottom:g}C{left:g} {bottom:g} {left:g} {bottom:g} {left:g} {bottom - r:g}"
        f"L{left:g} {top + r:g}C{left:g} {top:g} {left:g} {top:g} {left + r:g} {top:g}Z"
    )


def _polygon(*points: Point) -> str:
    return "M" + "L".join(f"{x:.4g} {y:.4g}" for x, y in points) + "Z"


def _star(points: int = 5, outer: float = 42, inner: float = 17.5) -> str:
    corners = [
        (50 + radius * math.sin(angle), 53 - radius * math.cos(angle))
        for place in range(2 * points)
        for radius, angle in [((outer, inner)[place % 2], math.pi * place / points)]
    ]
    return _polygon(*corners)


def _turned(path: str, quarters: int) -> str:
    """`path`, a polygon, turned clockwise round the middle."""
    corners = [tuple(map(float, pair.split())) for pair in path[1:-1].split("L")]
    for _ in range(quarters):
        corners = [(100 - y, x) for x, y in corners]
    return _polygon(*corners)


_FOOT = "M22 88C22 80 26 77 33 77L67 77C74 77 78 80 78 88Z"
_ARROW = _polygon((50, 14), (80, 46), (60, 46), (60, 86), (40, 86), (40, 46), (20, 46))
_WEDGE = _polygon((50, 22), (80, 76), (20, 76))
_TICK = _polygon((16, 54), (28, 42), (42, 56), (72, 22), (84, 33), (43, 80))
_PLUS = _polygon(
    (42, 16), (58, 16), (58, 42), (84, 42), (84, 58), (58, 58), (58, 84), (42, 84), (42, 58), (16, 58),
    (16, 42), (42, 42),
)  # fmt: skip
_CROSS = _polygon(
    (22, 33), (33, 22), (50, 39), (67, 22), (78, 33), (61, 50), (78, 67), (67, 78), (50, 61), (33, 78),
    (22, 67), (39, 50),
)  # fmt: skip

KING = Shape(
    "M46 8L54 8L54 15L61 15L61 23L54 23L54 32L46 32L46 23L39 23L39 15L46 15Z"
    "M50 29C58 29 61 36 58 43C66 33 86 34 86 51C86 61 76 66 72 74L28 74C24 66 14 61 14 51C14 34 34 33 42 43"
    "C39 36 42 29 50 29Z" + _FOOT,
    "M31 68C43 65 57 65 69 68L68 70.5C57 67.5 43 67.5 32 70.5Z",
)
QUEEN = Shape(
    "M28 74L17 36L34 55L34 26L46 52L50 22L54 52L66 26L66 55L83 36L72 74Z"
    + "".join(_circle(x, y, 5.5) for x, y in ((16, 34), (34, 23), (50, 18), (66, 23), (84, 34)))
    + _FOOT,
    "M31 68C43 65 57 65 69 68L68 70.5C57 67.5 43 67.5 32 70.5Z",
)
ROOK = Shape(
    "M25 16L38 16L38 25L44 25L44 16L56 16L56 25L62 25L62 16L75 16L75 35L66 43L69 74L31 74L34 43L25 35Z"
    + _FOOT,
    _block(34, 42.5, 66, 45) + _block(33, 69, 67, 71.5),
)
BISHOP = Shape(
    _circle(50, 16, 6) + "M50 20C67 32 72 46 63 59L37 59C28 46 33 32 50 20Z"
    "M36 59L64 59L64 66L60 66L68 77L32 77L40 66L36 66Z" + _FOOT,
    "M54 30L59 34.5L50.5 44L47.5 41Z" + _block(36, 58.5, 64, 61),
)
KNIGHT = Shape(
    "M30 77C30 62 47 57 48 44C43 50 37 50 32 55C28 59 20 55 22 48C24 42 31 36 33 29C34 24 35 19 34 12"
    "C39 14 43 17 46 20C68 20 80 42 75 77Z" + _FOOT,
    _circle(42, 32, 3) + "M52 27C63 33 68 48 67 70C65 52 60 38 52 27Z",
)
PAWN = Shape(
    _circle(50, 30, 14) + "M34 44L66 44L66 50L58 50C59 62 63 70 70 77L30 77C37 70 41 62 42 50L34 50Z" + _FOOT,
)

SHAPES: dict[str, Shape] = {
    **dict.fromkeys("♔♚", KING),
    **dict.fromkeys("♕♛", QUEEN),
    **dict.fromkeys("♖♜", ROOK),
    **dict.fromkeys("♗♝", BISHOP),
    **dict.fromkeys("♘♞", KNIGHT),
    **dict.fromkeys("♙♟", PAWN),
    "●": Shape(_circle(50, 50, 38)),
    "○": Shape(_circle(50, 50, 26), _circle(50, 50, 17)),
    "◎": Shape(_circle(50, 50, 34), _circle(50, 50, 26)),
    "■": Shape(_block(16, 16, 84, 84, 10), _block(26, 47, 74, 53)),
    "□": Shape(_block(18, 18, 82, 82, 8), _block(27, 27, 73, 73, 4)),
    "◆": Shape(_polygon((50, 14), (86, 50), (50, 86), (14, 50))),
    "★": Shape(_star()),
    "┃": Shape(_block(40, 0, 60, 100)),
    "⚑": Shape(_block(24, 14, 32, 88, 3) + "M32 17C46 9 58 27 82 18L74 36L82 54C58 62 46 44 32 52Z"),
    "☺": Shape(
        _circle(50, 50, 36),
        _circle(38, 42, 5) + _circle(62, 42, 5) + "M30 57C38 78 62 78 70 57L64 57C58 69 42 69 36 57Z",
    ),
    "·": Shape(_circle(50, 50, 7)),
    "•": Shape(_circle(50, 50, 13)),
    "✓": Shape(_TICK),
    "✗": Shape(_CROSS),
    "✚": Shape(_PLUS),
    **{mark: Shape(_turned(_ARROW, turns)) for turns, mark in enumerate("↑→↓←")},
    **{mark: Shape(_turned(_WEDGE, turns)) for turns, mark in enumerate("▲▶▼◀")},
}
"""By the character that stands for it in text."""


@cache
def polygons(path: str) -> tuple[tuple[Point, ...], ...]:
    """The outlines of a path as polygons, curves in short straight steps."""
    return tuple(tuple(_points(outline)) for outline in path.split("Z") if outline)


def _points(outline: str) -> Iterator[Point]:
    here: Point = (0.0, 0.0)
    for command in outline.replace("L", "|L").replace("C", "|C").split("|"):
        numbers = [float(number) for number in command[1:].split()]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command[0] == "C":
            for step in range(1, _CURVE_STEPS + 1):
                yield _bezier((here, *pairs), step / _CURVE_STEPS)
        else:
            yield from pairs
        here = pairs[-1]


def _bezier(ends: tuple[Point, ...], t: float) -> Point:
    """The point of a cubic curve at `t`."""
    u = 1 - t
    weights = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
    return (
        sum(weight * x for weight, (x, _) in zip(weights, ends, strict=True)),
        sum(weight * y for weight, (_, y) in zip(weights, ends, strict=True)),
    )
