"""Pictures of a world for people: a board of coloured cells, an image, or plain text.

A world only says what there is to see; the viewer, the terminal and the gallery draw it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from turnwise.message import Image


class Cell(NamedTuple):
    """One square of a board."""

    text: str = " "
    """One or two characters."""
    ink: str = "#1f2937"
    """Colour of the text, `#rrggbb`."""
    paper: str = "#f8fafc"
    """Colour of the square, `#rrggbb`."""


class Board(NamedTuple):
    """Rows of equally many cells, with words above and below."""

    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    caption: str = ""

    @classmethod
    def of(
        cls, lines: Iterable[str], cells: Mapping[str, Cell], *, title: str = "", caption: str = ""
    ) -> Board:
        """A board from text, one character a cell; those without a cell of their own are shown plainly."""
        rows = tuple(tuple(cells.get(mark) or Cell(mark) for mark in line) for line in lines)
        return cls(rows, title, caption)


Picture: TypeAlias = Board | Image | str
"""A board, an image (PNG, as a content part), or lines of text."""
