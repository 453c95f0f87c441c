"""Draws screens as small palette PNGs. Needs Pillow (`turnwise[worlds]`); nothing else here does.

Shapes are polygons, letters come from Pillow's built-in bitmap font, and nothing is smoothed, so that the
pixels follow from the screen alone. The compressed bytes follow from the screen and the installed Pillow.
"""

from __future__ import annotations

import io
import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from turnwise.environments.gui_exploration_lab.screens import (
    BACK_BOX,
    BAR,
    HEIGHT,
    HOME_BOX,
    ICON,
    LABEL,
    SHAPES,
    TITLE,
    WIDTH,
    Box,
    Look,
    Screen,
)
from turnwise.errors import ConfigError
from turnwise.message import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Canvas
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import ImageFont

PAPER, FRAME, INK, WHITE, SOFT, FIRST_COLOUR = 0, 1, 2, 3, 4, 5
PALETTE = (
    *("#f1f5f9", "#1e293b", "#0f172a", "#ffffff", "#cbd5e1"),
    *("#dc2626", "#f97316", "#ca8a04", "#16a34a", "#0d9488", "#2563eb", "#9333ea", "#ec4899"),
)
"""Paper, frame, ink, white, soft; then the icons' colours in the order of `COLOURS`."""

_CORNERS = {"triangle": (3, -90.0), "diamond": (4, -90.0), "hexagon": (6, 0.0)}
"""Polygons: corners, and the first one's direction in degrees."""
_LOW_TEXT = ("triangle",)
"""Shapes whose middle is lower than their box's."""


@lru_cache(maxsize=4096)
def render(screen: Screen) -> Image:
    """The screen as a PNG of 256 x 448 pixels, about two kilobytes.

    Raises:
        ConfigError: where Pillow is not installed.
    """
    try:
        from PIL import Image as Images
        from PIL import ImageDraw
    except ImportError:
        raise ConfigError(
            "gui_exploration_lab: drawn screens need Pillow: install turnwise[worlds] or set observation=text"
        ) from None
    canvas = Images.new("P", (WIDTH, HEIGHT), PAPER)
    canvas.putpalette([int(colour[at : at + 2], 16) for colour in PALETTE for at in (1, 3, 5)])
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((0, 0, WIDTH - 1, TITLE - 1), fill=FRAME)
    _image(canvas, pen, screen.look, (4, 2), TITLE - 4, letter=1)
    _text(canvas, screen.name, (WIDTH // 2, TITLE // 2), WHITE, scale=2)
    for icon in screen.icons:
        left, top, _, _ = icon.box
        _image(canvas, pen, icon.look, (left, top), ICON, letter=2)
        _text(canvas, icon.label, (left + ICON // 2, top + ICON + LABEL // 2), INK)
    pen.rectangle((0, HEIGHT - BAR, WIDTH - 1, HEIGHT - 1), fill=SOFT)
    _button(canvas, pen, BACK_BOX, "back")
    _button(canvas, pen, HOME_BOX, "home")
    out = io.BytesIO()
    canvas.save(out, "PNG", bits=4, compress_level=6)
    return Image(media_type="image/png", data=out.getvalue())


def _image(
    canvas: Canvas, pen: ImageDraw, look: Look, corner: tuple[int, int], size: int, *, letter: int
) -> None:
    """An icon's shape in a square, with its letter in the middle, `letter` times as large as the font."""
    left, top = corner
    shape, colour = SHAPES[look.shape], FIRST_COLOUR + look.colour
    box = (left, top, left + size - 1, top + size - 1)
    radius = (size - 1) / 2
    middle = (left + radius, top + radius)
    ink = WHITE
    if shape == "circle":
        pen.ellipse(box, fill=colour)
    elif shape == "square":
        pen.rectangle((left + 2, top + 2, left + size - 3, top + size - 3), fill=colour)
    elif shape == "ring":
        pen.ellipse(box, fill=colour)
        pen.ellipse((left + 5, top + 5, left + size - 6, top + size - 6), fill=WHITE)
        ink = colour
    elif shape == "cross":
        third = size // 4
        pen.rectangle((left + third, top, left + size - 1 - third, top + size - 1), fill=colour)
        pen.rectangle((left, top + third, left + size - 1, top + size - 1 - third), fill=colour)
    elif shape == "star":
        pen.polygon(_around(middle, 12, -90.0, radius, 0.72 * radius), fill=colour)
    else:
        corners, first = _CORNERS[shape]
        pen.polygon(_around(middle, corners, first, radius, radius), fill=colour)
    low = size // 10 if shape in _LOW_TEXT else 0
    _text(canvas, look.glyph, (left + size // 2, top + size // 2 + low), ink, scale=letter)


def _around(
    middle: tuple[float, float], corners: int, first: float, outer: float, inner: float
) -> list[tuple[int, int]]:
    """Points round a middle, by turns `outer` and `inner` away from it."""
    points: list[tuple[int, int]] = []
    for at in range(corners):
        angle = math.radians(first + 360.0 * at / corners)
        away = inner if at % 2 else outer
        points.append((round(middle[0] + away * math.cos(angle)), round(middle[1] + away * math.sin(angle))))
    return points


def _button(canvas: Canvas, pen: ImageDraw, box: Box, word: str) -> None:
    left, top, right, bottom = box
    pen.rectangle((left, top, right - 1, bottom - 1), fill=WHITE, outline=FRAME)
    _text(canvas, word, ((left + right) // 2, (top + bottom) // 2), FRAME, scale=2)


def _text(canvas: Canvas, text: str, middle: tuple[int, int], ink: int, *, scale: int = 1) -> None:
    """Words in the bitmap font, centred."""
    if not text:
        return
    mask = _mask(text, scale)
    width, height = mask.size
    left, top = middle[0] - width // 2, middle[1] - height // 2
    canvas.paste(ink, (left, top, left + width, top + height), mask)


@lru_cache(maxsize=4096)
def _mask(text: str, scale: int) -> Canvas:
    from PIL import Image as Images
    from PIL import ImageDraw

    font = _font()
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    mask = Images.new("1", (right - left, bottom - top), 0)
    ImageDraw.Draw(mask).text((-left, -top), text, fill=1, font=font)
    inked = mask.getbbox()
    mask = mask if inked is None else mask.crop(inked)
    return mask.resize((mask.width * scale, mask.height * scale), Images.Resampling.NEAREST)


@cache
def _font() -> ImageFont:
    from PIL.ImageFont import load_default_imagefont

    return load_default_imagefont()
