"""A picture laid out: rectangles, marks, lines of text and images at places, for any painter to draw.

The unit is a CSS pixel; y goes downwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple, TypeAlias

from turnwise.environments.parts.picture import Board, Cell, Picture
from turnwise.errors import ConfigError
from turnwise.message import Image
from turnwise.view.pictures.text import INK, PAPER, Span, brightness, clean, colour, spans, wrapped

CARD, EDGE, TITLE, CAPTION = "#ffffff", "#cbd5e1", "#0f172a", "#64748b"
PANEL, PANEL_INK = "#0f172a", "#e2e8f0"
ROUND = 12.0
"""Radius of the card's corners."""
EDGED, EDGE_WIDTH = "#334155", 7
"""Colour and width (where the shape is 100 wide) of the edge of a shape that would be hard to see."""

_MARGIN, _GAP = 18.0, 9.0
_TITLE_SIZE, _TITLE_LINE = 16.0, 22.0
_CAPTION_SIZE, _CAPTION_LINE = 13.0, 18.0
_CELL, _LEAST_CELL, _MOST_CELL = 36.0, 18.0, 60.0
_LEAST_WIDTH, _WIDEST = 180.0, 648.0
_MONO_SIZE, _MONO_ADVANCE, _MONO_LINE = 13.0, 7.8, 19.0
_MOST_COLUMNS, _MOST_LINES = 88, 48
_MOST_TITLE_LINES = 6


class Rect(NamedTuple):
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: str


class Rule(NamedTuple):
    """A hairline between cells, across or down, drawn as a veil over what is beneath."""

    x: float
    y: float
    length: float
    down: bool


class Mark(NamedTuple):
    """One or two characters, or a shape, in the middle of a cell."""

    text: str
    x: float
    y: float
    cell: float
    """Side of the cell."""
    ink: str
    paper: str


class Line(NamedTuple):
    """A line of text."""

    text: str
    x: float
    y: float
    """Of the base line."""
    size: float
    ink: str
    bold: bool = False
    mono: bool = False
    """Each character as wide as the next: `0.6 * size`."""


class Bitmap(NamedTuple):
    """An image file."""

    data: bytes
    x: float
    y: float
    width: float
    height: float


class Frame(NamedTuple):
    """Rounds the corners of what is beneath it, and draws its edge."""

    x: float
    y: float
    width: float
    height: float
    radius: float


Item: TypeAlias = Rect | Rule | Mark | Line | Bitmap | Frame


class Scene(NamedTuple):
    """What to paint, in order, on a card of this size."""

    width: float
    height: float
    items: tuple[Item, ...]
    label: str
    """In words."""


def scene(picture: Picture, *, width: float = 0.0) -> Scene:
    """Lay a picture out.

    Args:
        picture: What to show.
        width: Least width of the card, for frames of one film.

    Raises:
        ConfigError: an image that is no PNG.
    """
    if isinstance(picture, Board):
        return _board(picture, width)
    return _bitmap(picture, width) if isinstance(picture, Image) else _panel(picture, width)


def _card(
    inner: float, height: float, items: list[Item], width: float, title: str = "", caption: str = ""
) -> Scene:
    """Title, what was laid out at (0, 0), and caption, one under another on a card."""
    content = max(inner, _LEAST_WIDTH, width - 2 * _MARGIN)
    y = _MARGIN
    lines: list[Item] = []
    for text in wrapped(title, _TITLE_SIZE, content, _MOST_TITLE_LINES):
        lines.append(Line(text, _MARGIN, y + _TITLE_SIZE, _TITLE_SIZE, TITLE, bold=True))
        y += _TITLE_LINE
    y += _GAP if lines else 0
    moved = [item._replace(x=item.x + _MARGIN, y=item.y + y) for item in items]
    y += height
    below = wrapped(caption, _CAPTION_SIZE, content, 3)
    y += _GAP if below else 0
    for text in below:
        lines.append(Line(text, _MARGIN, y + _CAPTION_SIZE, _CAPTION_SIZE, CAPTION))
        y += _CAPTION_LINE
    label = clean(" – ".join(part for part in (title, caption) if part)) or "picture"
    return Scene(content + 2 * _MARGIN, y + _MARGIN, (*moved, *lines), label)


def _board(board: Board, width: float) -> Scene:
    rows = [[_safe(cell) for cell in row] for row in board.rows]
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        return _card(0, 0, [], width, board.title, board.caption)
    side = min(max(_CELL, _LEAST_WIDTH / columns), _MOST_CELL, max(_LEAST_CELL, _WIDEST // columns))
    inner, height = columns * side, len(rows) * side
    items: list[Item] = []
    for number, row in enumerate(rows):
        place = 0
        for paper, run in groupby(row, key=lambda cell: cell.paper):
            count = len(list(run))
            items.append(Rect(place * side, number * side, count * side, side, paper))
            place += count
    items += _rules(rows, side)
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if cell.text:
                x, y = (place + 0.5) * side, (number + 0.5) * side
                items.append(Mark(cell.text, x, y, side, cell.ink, cell.paper))
    items.append(Frame(0, 0, inner, height, min(8.0, side / 4)))
    return _card(inner, height, items, width, board.title, board.caption)


def _safe(cell: Cell) -> Cell:
    text = clean(cell.text).strip()[:2]
    return Cell(text, colour(cell.ink, INK), colour(cell.paper, PAPER))


def _rules(rows: list[list[Cell]], side: float) -> Iterator[Rule]:
    """Hairlines between cells, but not inside of a mass of dark ones, such as a wall."""
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if place + 1 < len(row) and not _one_mass(cell, row[place + 1]):
                yield Rule((place + 1) * side, number * side, side, down=True)
            below = rows[number + 1] if number + 1 < len(rows) else []
            if place < len(below) and not _one_mass(cell, below[place]):
                yield Rule(place * side, (number + 1) * side, side, down=False)


def edged(mark: Mark) -> bool:
    """Whether a shape is nearly as bright as what it stands on."""
    return brightness(mark.ink) > 0.8 and brightness(mark.ink) - brightness(mark.paper) < 0.55


def _one_mass(a: Cell, b: Cell) -> bool:
    return not a.text and not b.text and a.paper == b.paper and brightness(a.paper) < 0.5


def _bitmap(image: Image, width: float) -> Scene:
    data = image.data or b""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        raise ConfigError(f"a picture of type {image.media_type!r}: expected the bytes of a PNG")
    wide, high = (int.from_bytes(data[place : place + 4], "big") for place in (16, 20))
    scale = min(1.0, _WIDEST / max(wide, 1))
    inner, height = wide * scale, high * scale
    items: list[Item] = [Bitmap(data, 0, 0, inner, height), Frame(0, 0, inner, height, 8.0)]
    return _card(inner, height, items, width)


def _panel(text: str, width: float) -> Scene:
    """Text in a dark panel, as in a terminal."""
    lines = [piece for line in spans(text.strip("\n")) for piece in _folded(line)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], [Span("…")]]
    longest = max((sum(len(span.text) for span in line) for line in lines), default=0)
    inner = max(longest * _MONO_ADVANCE + 2 * _GAP + 6, _LEAST_WIDTH, width - 2 * _MARGIN)
    height = len(lines) * _MONO_LINE + 2 * _GAP + 6
    items: list[Item] = [Rect(0, 0, inner, height, PANEL)]
    for number, line in enumerate(lines):
        x, y = _GAP + 3, _GAP + 3 + number * _MONO_LINE
        for span in line:
            long = len(span.text) * _MONO_ADVANCE
            if span.paper:
                items.append(Rect(x, y, long, _MONO_LINE, span.paper))
            ink = span.ink or (PANEL if span.paper and brightness(span.paper) > 0.5 else PANEL_INK)
            items.append(Line(span.text, x, y + 14, _MONO_SIZE, ink, mono=True))
            x += long
    items.append(Frame(0, 0, inner, height, 8.0))
    return _card(inner, height, items, width)


def _folded(line: list[Span]) -> Iterator[list[Span]]:
    """A line of coloured text in lines of at most `_MOST_COLUMNS`."""
    now: list[Span] = []
    room = _MOST_COLUMNS
    for span in line:
        text = span.text
        while len(text) > room:
            yield [*now, span._replace(text=text[:room])]
            text, now, room = text[room:], [], _MOST_COLUMNS
        now.append(span._replace(text=text))
        room -= len(text)
    yield now
