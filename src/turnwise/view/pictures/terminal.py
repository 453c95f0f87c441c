"""A picture in the terminal: coloured cells two columns wide, as square as characters allow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from turnwise.environments.parts.picture import Board, Cell, Picture
from turnwise.errors import ConfigError
from turnwise.message import Image
from turnwise.view.pictures.text import INK, PAPER, brightness, clean, colour, spans

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_MARGIN = 1
_SHADES = ("██", "▓▓", "▒▒", "  ")
"""Of blank cells where there are no colours, from dark to bright."""
_HALF = "▀"
_WIDEST_IMAGE = 64


def drawn(
    picture: Picture, *, width: int = 80, colours: bool = True, rows: int | None = None
) -> RenderableType:
    """The picture as something that rich prints.

    Args:
        picture: What to show.
        width: Columns there are. A board too wide for two columns a cell gets one; one too wide even so is
            shown in pieces, one below the other.
        colours: Whether the terminal has any; where not, blank cells are told apart by shades.
        rows: Most lines of an image, which is made smaller until it fits.
    """
    from rich.console import Group
    from rich.padding import Padding

    room = max(1, width - 2 * _MARGIN)
    if isinstance(picture, Board):
        parts = _board(picture, room, colours=colours)
    elif isinstance(picture, Image):
        parts = [_image(picture, room, rows) if colours else _named(picture)]
    else:
        parts = [_text(picture)]
    return Padding(Group(*parts), (0, _MARGIN), expand=False)


def _board(board: Board, room: int, *, colours: bool) -> list[Text]:
    from rich.text import Text

    parts = [Text(clean(board.title), style="bold")] if board.title else []
    rows = [[_safe(cell) for cell in row] for row in board.rows]
    columns = max((len(row) for row in rows), default=0)
    single = all(len(cell.text) < 2 for row in rows for cell in row)
    wide = 1 if 2 * columns > room and single else 2
    most = max(1, room // wide)
    for first in range(0, columns, most):
        if first:
            parts.append(Text())
        for row in rows:
            line = Text(no_wrap=True, end="")
            for cell in row[first : first + most]:
                line.append(_filled(cell, wide, colours=colours), style=f"{cell.ink} on {cell.paper}")
            line.append("\n")
            parts.append(line)
    if board.caption:
        parts.append(Text(clean(board.caption), style="dim"))
    return parts


def _safe(cell: Cell) -> Cell:
    from rich.cells import cell_len

    text = clean(cell.text).strip()[:2]
    while cell_len(text) > 2:
        text = text[:-1]
    return Cell(text, colour(cell.ink, INK), colour(cell.paper, PAPER))


def _filled(cell: Cell, wide: int, *, colours: bool) -> str:
    """The cell's text, filled up to its columns."""
    from rich.cells import cell_len

    if not cell.text and not colours:
        return _SHADES[min(int(brightness(cell.paper) * len(_SHADES)), len(_SHADES) - 1)][:wide]
    return cell.text + " " * (wide - cell_len(cell.text))


def _text(text: str) -> RenderableType:
    from rich import box
    from rich.panel import Panel
    from rich.text import Text

    inside = Text("\n").join(
        Text.assemble(*((span.text, _style(span.ink, span.paper)) for span in line))
        for line in spans(text.strip("\n"))
    )
    return Panel(inside, box=box.ROUNDED, border_style="dim", expand=False)


def _style(ink: str | None, paper: str | None) -> str:
    return " ".join(part for part in (ink, paper and f"on {paper}") if part)


def _image(image: Image, room: int, rows: int | None) -> Text:
    """An image in half blocks, two pixels a character; in words where it cannot be drawn."""
    from rich.style import Style
    from rich.text import Text

    from turnwise.view.pictures.raster import opened

    try:
        pixels = opened(image.data or b"")
    except ConfigError:
        return _named(image)
    wide = min(room, pixels.width, _WIDEST_IMAGE)
    if rows is not None:
        wide = max(1, min(wide, 2 * rows * pixels.width // pixels.height))
    high = max(2, round(pixels.height * wide / pixels.width / 2) * 2)
    flat = pixels.convert("RGB").resize((wide, high))
    bits = flat.tobytes()

    def tone(x: int, y: int) -> str:
        start = 3 * (y * wide + x)
        return f"#{bits[start : start + 3].hex()}"

    text = Text(no_wrap=True)
    for y in range(0, high, 2):
        for x in range(wide):
            text.append(_HALF, Style.parse(f"{tone(x, y)} on {tone(x, y + 1)}"))
        if y + 2 < high:
            text.append("\n")
    return text


def _named(image: Image) -> Text:
    from rich.text import Text

    return Text(clean(f"[{image.media_type}, {len(image.data or b''):,} bytes]"), style="dim")


def printed(picture: Picture, *, width: int = 80, colours: bool = True, rows: int | None = None) -> str:
    """The picture as the characters, with escapes for colours, that a terminal shows; see `drawn`."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colours,
        color_system="truecolor" if colours else None,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(drawn(picture, width=width, colours=colours, rows=rows))
    return out.getvalue()
