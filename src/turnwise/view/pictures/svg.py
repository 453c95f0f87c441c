"""A picture as SVG: one file that needs nothing else, the same bytes every time."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from turnwise.environments.parts.picture import Picture
from turnwise.view.pictures.scene import (
    CARD,
    EDGE,
    EDGE_WIDTH,
    EDGED,
    ROUND,
    Bitmap,
    Frame,
    Item,
    Line,
    Mark,
    Rect,
    Rule,
    Scene,
    edged,
    scene,
)
from turnwise.view.pictures.shapes import SHAPES

SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',Arial,sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"


def svg(picture: Picture, *, scale: float = 1.0) -> str:
    """The picture as an SVG document.

    Args:
        picture: What to show.
        scale: How much larger than its natural size (36 px a cell) it says it is.

    Raises:
        ConfigError: an image that is no PNG.
    """
    laid = scene(picture)
    width, height = _number(laid.width), _number(laid.height)
    shapes = sorted({item.text for item in laid.items if isinstance(item, Mark) and item.text in SHAPES})
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{_number(laid.width * scale)}" height="{_number(laid.height * scale)}"'
        f' role="img" aria-label={quoteattr(laid.label)}>',
        f"<style>text{{font-family:{SANS}}}.m{{font-weight:600;text-anchor:middle}}"
        f".p{{font-family:{MONO};white-space:pre}}</style>",
        *(["<defs>", *map(_symbol, shapes), "</defs>"] if shapes else ()),
        f'<rect x=".5" y=".5" width="{_number(laid.width - 1)}" height="{_number(laid.height - 1)}"'
        f' rx="{_number(ROUND)}" fill="{CARD}" stroke="{EDGE}"/>',
        *_painted(laid),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _painted(laid: Scene) -> Iterable[str]:
    rules: list[Rule] = []
    for item in laid.items:
        if isinstance(item, Rule):
            rules.append(item)
            continue
        if rules:
            yield _rules(rules)
            rules = []
        yield _element(item)


def _element(item: Item) -> str:
    if isinstance(item, Rect):
        return f'<rect {_box(item)} fill="{item.fill}"/>'
    if isinstance(item, Mark):
        return _mark(item)
    if isinstance(item, Line):
        return _line(item)
    if isinstance(item, Bitmap):
        data = base64.b64encode(item.data).decode()
        return f'<image {_box(item)} href="data:image/png;base64,{data}"/>'
    assert isinstance(item, Frame)
    return _frame(item)


def _mark(item: Mark) -> str:
    if item.text in SHAPES:
        size = item.cell * 0.86
        edge = f' stroke="{EDGED}" stroke-width="{EDGE_WIDTH}" paint-order="stroke"' if edged(item) else ""
        x, y, side = _number(item.x - size / 2), _number(item.y - size / 2), _number(size)
        cut = EDGED if edged(item) else item.paper
        return (
            f'<use href="#{_id(item.text)}" x="{x}" y="{y}" width="{side}" height="{side}"'
            f' fill="{item.ink}" color="{cut}"{edge}/>'
        )
    size = item.cell * (0.56 if len(item.text) == 1 else 0.44)
    return (
        f'<text class="m" x="{_number(item.x)}" y="{_number(item.y + size * 0.355)}"'
        f' font-size="{_number(size)}" fill="{item.ink}">{escape(item.text)}</text>'
    )


def _line(item: Line) -> str:
    look = ' class="p"' if item.mono else ' font-weight="600"' if item.bold else ""
    # Whatever the font, characters of a panel stand under one another.
    exact = f' textLength="{_number(0.6 * item.size * len(item.text))}"' if item.mono else ""
    return (
        f'<text{look} x="{_number(item.x)}" y="{_number(item.y)}" font-size="{_number(item.size)}"{exact}'
        f' fill="{item.ink}">{escape(item.text)}</text>'
    )


def _frame(item: Frame) -> str:
    x, y, width, height, r = item
    inside = (
        f"M{_number(x + r)} {_number(y)}h{_number(width - 2 * r)}a{r:g} {r:g} 0 0 1 {r:g} {r:g}"
        f"v{_number(height - 2 * r)}a{r:g} {r:g} 0 0 1 {-r:g} {r:g}h{_number(2 * r - width)}"
        f"a{r:g} {r:g} 0 0 1 {-r:g} {-r:g}v{_number(2 * r - height)}a{r:g} {r:g} 0 0 1 {r:g} {-r:g}z"
    )
    across, down = width + 2, height + 2
    outside = f"M{_number(x - 1)} {_number(y - 1)}h{_number(across)}v{_number(down)}h{_number(-across)}z"
    return (
        f'<path d="{outside}{inside}" fill="{CARD}" fill-rule="evenodd"/>'
        f'<path d="{inside}" fill="none" stroke="{EDGE}"/>'
    )


def _rules(rules: Iterable[Rule]) -> str:
    path = "".join(
        f"M{_number(rule.x)} {_number(rule.y)}{'v' if rule.down else 'h'}{_number(rule.length)}"
        for rule in rules
    )
    return f'<path d="{path}" stroke="#0f172a" stroke-opacity=".1"/>'


def _symbol(mark: str) -> str:
    shape = SHAPES[mark]
    cut = f'<path d="{shape.cut}" fill="currentColor" stroke="none"/>' if shape.cut else ""
    return f'<symbol id="{_id(mark)}" viewBox="0 0 100 100"><path d="{shape.solid}"/>{cut}</symbol>'


def _id(mark: str) -> str:
    return f"u{ord(mark):x}"


def _box(item: Rect | Bitmap) -> str:
    return (
        f'x="{_number(item.x)}" y="{_number(item.y)}"'
        f' width="{_number(item.width)}" height="{_number(item.height)}"'
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
