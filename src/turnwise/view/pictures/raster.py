"""A picture as PNG, or several as an animated GIF, painted by Pillow (the extra `view`)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from turnwise.environments.parts.picture import Picture
from turnwise.errors import ConfigError
from turnwise.view.pictures.scene import (
    CARD,
    EDGE,
    EDGE_WIDTH,
    EDGED,
    ROUND,
    Bitmap,
    Frame,
    Line,
    Mark,
    Rect,
    Rule,
    Scene,
    edged,
    scene,
)
from turnwise.view.pictures.shapes import SHAPES, polygons

if TYPE_CHECKING:
    from PIL.Image import Image as Bits
    from PIL.ImageFont import FreeTypeFont

_FINE = 4
"""Shapes are drawn this much larger, and reduced, which smooths their edges."""
_RULE = (15, 23, 42, 26)
_MISSING = "\uffff"


def png(picture: Picture, *, scale: float = 2.0) -> bytes:
    """The picture as a PNG file.

    Args:
        picture: What to show.
        scale: Pixels a unit; 36 units are the side of a cell.

    Raises:
        ConfigError: Pillow is not installed, or an image is no PNG.
    """
    out = io.BytesIO()
    painted(scene(picture), scale).save(out, "PNG", optimize=True)
    return out.getvalue()


def gif(pictures: Sequence[Picture], *, scale: float = 1.0, seconds: float = 0.7) -> bytes:
    """Pictures one after the other as a GIF file that repeats, the last one shown longer.

    Args:
        pictures: At least one.
        scale: Pixels a unit.
        seconds: How long each is shown.

    Raises:
        ConfigError: Pillow is not installed, or an image is no PNG.
    """
    _pillow()
    from PIL import Image

    width = max(scene(picture).width for picture in pictures)
    scenes = [scene(picture, width=width) for picture in pictures]
    size = (round(width * scale), round(max(one.height for one in scenes) * scale))
    frames: list[Bits] = []
    for one in scenes:
        # A GIF has no half-transparent pixels: the corners of the card are white.
        frame = Image.new("RGB", size, CARD)
        drawn = painted(one, scale)
        frame.paste(drawn, mask=drawn.getchannel("A"))
        frames.append(frame.quantize(255, dither=Image.Dither.NONE))
    shown = [round(seconds * 1000)] * (len(frames) - 1) + [round(seconds * 3000)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=True)
    return out.getvalue()


def painted(laid: Scene, scale: float) -> Bits:
    """A scene as pixels with transparent corners.

    Raises:
        ConfigError: Pillow is not installed, or the picture would be too large.
    """
    _pillow()
    from PIL import Image

    size = (round(laid.width * scale), round(laid.height * scale))
    if not (min(size) >= 1 and max(size) <= 20_000):
        raise ConfigError(f"a picture of {size[0]} by {size[1]} pixels: expected 1 to 20,000, choose a scale")
    image = Image.new("RGBA", size, CARD)
    for item in laid.items:
        if isinstance(item, Rect):
            image.paste(item.fill, _pixels(item, scale))
        elif isinstance(item, Rule):
            _rule(image, item, scale)
        elif isinstance(item, Mark):
            _mark(image, item, scale)
        elif isinstance(item, Line):
            _line(image, item, scale)
        elif isinstance(item, Bitmap):
            _bitmap(image, item, scale)
        else:
            _frame(image, item, scale)
    _frame(image, Frame(0, 0, laid.width, laid.height, ROUND), scale)
    image.putalpha(_rounded(size, round(ROUND * scale)))
    return image


def opened(data: bytes) -> Bits:
    """The pixels of a PNG file.

    Raises:
        ConfigError: Pillow is not installed, or it is none.
    """
    _pillow()
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as found:
            found.load()
            return found
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ConfigError(f"a picture that is no whole PNG: {error}") from None


def _pillow() -> None:
    if find_spec("PIL") is None:
        raise ConfigError("PNG and GIF need Pillow: install turnwise[view], or draw SVG")


def _pixels(item: Rect | Bitmap | Frame, scale: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom; neighbours share their edge."""
    right, bottom = item.x + item.width, item.y + item.height
    return (round(item.x * scale), round(item.y * scale), round(right * scale), round(bottom * scale))


def _rule(image: Bits, item: Rule, scale: float) -> None:
    thick = max(1, round(scale))
    x, y, length = round(item.x * scale), round(item.y * scale), round(item.length * scale)
    # Half before, half after the edge.
    if item.down:
        box = (x - thick // 2, y, x - thick // 2 + thick, y + length)
    else:
        box = (x, y - thick // 2, x + length, y - thick // 2 + thick)
    image.alpha_composite(_veil(box[2] - box[0], box[3] - box[1]), box[:2])


@lru_cache(64)
def _veil(width: int, height: int) -> Bits:
    from PIL import Image

    return Image.new("RGBA", (width, height), _RULE)


def _mark(image: Bits, item: Mark, scale: float) -> None:
    from PIL import ImageDraw

    x, y, cell = item.x * scale, item.y * scale, item.cell * scale
    if item.text in SHAPES:
        side = round(cell * 0.86)
        place = (round(x - side / 2), round(y - side / 2))
        if edged(item):
            image.paste(EDGED, place, _stamp(item.text, side, edge=True))
        image.paste(item.ink, place, _stamp(item.text, side))
        return
    font = _font(item.text, cell * (0.56 if len(item.text) == 1 else 0.44))
    left, top, right, bottom = font.getbbox(item.text)
    capital = font.getbbox("X")
    # Letters stand on one line; what hangs or floats is centred by the height of capitals.
    middle = (capital[1] + capital[3]) / 2 if item.text.isalnum() else (top + bottom) / 2
    place = (round(x - (left + right) / 2), round(y - middle))
    draw = ImageDraw.Draw(image)
    draw.text(place, item.text, fill=item.ink, font=font, stroke_width=0.015 * cell)


def _line(image: Bits, item: Line, scale: float) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    size, x, y = item.size * scale, item.x * scale, item.y * scale
    if not item.mono:
        font = _font(item.text, size)
        heavy = 0.022 * size if item.bold else 0
        draw.text((x, y), item.text, fill=item.ink, font=font, anchor="ls", stroke_width=heavy)
        return
    for place, mark in enumerate(item.text):
        if mark != " ":
            middle = x + (place + 0.5) * 0.6 * size
            draw.text((middle, y), mark, fill=item.ink, font=_font(mark, size, mono=True), anchor="ms")


def _bitmap(image: Bits, item: Bitmap, scale: float) -> None:
    from PIL import Image

    left, top, right, bottom = _pixels(item, scale)
    pixels = opened(item.data).convert("RGBA").resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    image.alpha_composite(pixels, (left, top))


def _frame(image: Bits, item: Frame, scale: float) -> None:
    from PIL import Image, ImageChops

    left, top, right, bottom = _pixels(item, scale)
    size, radius, thick = (right - left, bottom - top), round(item.radius * scale), max(1, round(scale))
    whole = _rounded(size, radius)
    image.paste(CARD, (left, top), ImageChops.invert(whole))
    inner = Image.new("L", size)
    inner.paste(_rounded((size[0] - 2 * thick, size[1] - 2 * thick), radius - thick), (thick, thick))
    image.paste(EDGE, (left, top), ImageChops.subtract(whole, inner))


@lru_cache(64)
def _rounded(size: tuple[int, int], radius: int) -> Bits:
    """How much of each pixel lies within a rectangle with round corners."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", (max(size[0], 1), max(size[1], 1)), 255)
    radius = max(0, min(radius, *(side // 2 for side in mask.size)))
    if radius:
        large = 2 * radius * _FINE
        disc = Image.new("L", (large, large))
        ImageDraw.Draw(disc).ellipse((0, 0, large - 1, large - 1), fill=255)
        disc = disc.resize((2 * radius, 2 * radius), Image.Resampling.BOX)
        right, bottom = mask.width - radius, mask.height - radius
        for x, from_x in ((0, 0), (right, radius)):
            for y, from_y in ((0, 0), (bottom, radius)):
                mask.paste(disc.crop((from_x, from_y, from_x + radius, from_y + radius)), (x, y))
    return mask


@lru_cache(256)
def _stamp(mark: str, side: int, *, edge: bool = False) -> Bits:
    """How much of each pixel a shape covers, or a shape that is whole and a little larger."""
    from PIL import Image, ImageDraw

    large = side * _FINE
    mask = Image.new("L", (large, large))
    draw = ImageDraw.Draw(mask)
    for path, fill in ((SHAPES[mark].solid, 255), (SHAPES[mark].cut, 0)):
        for outline in polygons(path):
            corners = [(x * large / 100, y * large / 100) for x, y in outline]
            if not edge:
                draw.polygon(corners, fill=fill)
            elif fill:
                draw.polygon(corners, fill=fill)
                draw.line([*corners, corners[0]], fill=fill, width=large * EDGE_WIDTH // 100, joint="curve")
    return mask.resize((side, side), Image.Resampling.BOX)


@lru_cache(256)
def _font(text: str, size: float, *, mono: bool = False) -> FreeTypeFont:
    """A font that has all of `text`: Pillow's own, or else the first of some that is installed."""
    from PIL import ImageFont

    own = ImageFont.load_default(size)
    names = ["DejaVuSansMono.ttf", "Menlo.ttc", "consola.ttf"] if mono else []
    for name in [*names, "", "DejaVuSans.ttf", "Arial Unicode.ttf", "seguisym.ttf"]:
        try:
            font = ImageFont.truetype(name, size) if name else own
        except OSError:
            continue
        assert isinstance(font, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
        if _has(font, text):
            return font
    assert isinstance(own, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
    return own


def _has(font: FreeTypeFont, text: Iterable[str]) -> bool:
    """Whether none of the characters is drawn as the box that stands for missing ones."""

    def drawn(mark: str) -> bytes:
        return bytes(cast("Any", font.getmask(mark)))

    missing = drawn(_MISSING)
    return all(mark.isspace() or drawn(mark) != missing for mark in set(text))
