"""Pictures as people get them: in a terminal, as SVG and as bitmaps."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.picture import Board, Cell, Picture
from turnwise.errors import ConfigError
from turnwise.message import Image
from turnwise.view.pictures.scene import scene
from turnwise.view.pictures.shapes import SHAPES, polygons
from turnwise.view.pictures.svg import svg
from turnwise.view.pictures.terminal import printed

WALL, FLOOR, MAN = Cell(" ", "#000000", "#334155"), Cell(" ", "#000000", "#ffffff"), Cell("@", "#ff0000")
BOARD = Board.of(
    ["####", "#@.#", "####"], {"#": WALL, ".": FLOOR, "@": MAN}, title="A room", caption="one step"
)
SVG = "{http://www.w3.org/2000/svg}"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

cells = st.builds(Cell, st.text(max_size=3), st.sampled_from(["#102030", "red", '"/><script>']), st.text())
boards = st.builds(
    Board,
    st.lists(st.lists(cells, max_size=5).map(tuple), max_size=4).map(tuple),
    st.text(max_size=80),
    st.text(max_size=80),
)


def png_of(width: int, height: int) -> Image:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.new("RGB", (width, height), "#ff0000").save(out, "PNG")
    return Image(media_type="image/png", data=out.getvalue())


def test_a_board_in_the_terminal_has_two_columns_a_cell() -> None:
    lines = [line.rstrip() for line in printed(BOARD, width=40, colours=False).splitlines()]
    assert lines == [" A room", " ████████", " ██@   ██", " ████████", " one step"]
    coloured = printed(BOARD, width=40)
    assert "\x1b[38;2;255;0;0;48;2;248;250;252m@ " in coloured
    assert [ESCAPE.sub("", line).rstrip() for line in coloured.splitlines()][2] == "   @"


@pytest.mark.parametrize(("width", "rows"), [(42, 1), (41, 1), (22, 1), (12, 2), (7, 4)])
def test_a_wide_board_fits_narrow_terminals(width: int, rows: int) -> None:
    # 20 cells and a margin: two columns each in 42, one in 22, and then pieces of 10 and 5.
    text = printed(Board.of(["abcdefghijklmnopqrst"], {}), width=width, colours=False)
    assert all(len(line) <= width for line in text.splitlines())
    assert len([line for line in text.splitlines() if line.strip()]) == rows
    assert ("a b c" in text) == (width == 42)
    assert re.sub(r"\s", "", text) == "abcdefghijklmnopqrst"


@given(boards, st.integers(4, 60), st.booleans())
def test_any_board_is_drawn_within_the_terminal(board: Board, width: int, colours: bool) -> None:
    from rich.cells import cell_len

    for line in printed(board, width=width, colours=colours).splitlines():
        plain = ESCAPE.sub("", line)
        assert "\x1b" not in plain
        assert cell_len(plain) <= width


@given(st.one_of(boards, st.text(max_size=300)))
def test_any_picture_is_an_svg_without_scripts(picture: Picture) -> None:
    root = ET.fromstring(svg(picture))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "style", "defs", "symbol", "use", "rect", "path", "text",
    }  # fmt: skip
    assert not any(
        "href" in key and not value.startswith("#u") for e in root.iter() for key, value in e.items()
    )


def test_an_svg_shows_words_cells_and_shapes() -> None:
    board = Board(((Cell("♚", "#000000"), Cell("Q1")),), "Title & <more>", "caption")
    text = svg(board)
    root = ET.fromstring(text)
    assert [element.text for element in root.iter(f"{SVG}text")] == ["Q1", "Title & <more>", "caption"]
    assert [element.get("href") for element in root.iter(f"{SVG}use")] == ["#u265a"]
    assert [element.get("id") for element in root.iter(f"{SVG}symbol")] == ["u265a"]
    assert svg(board) == text
    large = ET.fromstring(svg(board, scale=2))
    assert float(large.get("width", "")) == 2 * float(root.get("width", ""))
    assert large.get("viewBox") == root.get("viewBox")


def test_text_keeps_the_colours_of_the_terminal_and_nothing_else() -> None:
    text = "a\x1b[31mred\x1b[0m\x1b[42mon\x1b[m\x1b[2J\x1b]0;title\x07!\nnext\x07"
    root = ET.fromstring(svg(text))
    drawn = [(element.text, element.get("fill")) for element in root.iter(f"{SVG}text")]
    assert drawn == [
        ("a", "#e2e8f0"), ("red", "#f87171"), ("on", "#0f172a"), ("!", "#e2e8f0"),
        ("next\N{REPLACEMENT CHARACTER}", "#e2e8f0"),
    ]  # fmt: skip
    assert "#4ade80" in svg(text)
    shown = printed(text, width=40)
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    assert "ared" in ESCAPE.sub("", shown)


def test_a_long_title_stays_on_the_card() -> None:
    laid = scene(Board.of(["ab"], {}, title="word " * 200))
    assert laid.width < 300
    longest = max(len(item.text) for item in laid.items if hasattr(item, "bold"))
    assert longest < 30


def test_every_shape_stays_in_its_square_but_for_lines_that_meet() -> None:
    for mark, shape in SHAPES.items():
        for outline in polygons(shape.solid) + polygons(shape.cut):
            assert len(outline) >= 3, mark
            assert all(-0.01 <= x <= 100.01 and -0.01 <= y <= 100.01 for x, y in outline), mark


def test_pixels_have_the_colours_of_the_cells() -> None:
    image = pytest.importorskip("PIL.Image")
    from turnwise.view.pictures.raster import png

    data = png(BOARD, scale=1)
    assert png(BOARD, scale=1) == data
    drawn = image.open(io.BytesIO(data)).convert("RGBA")
    laid = scene(BOARD)
    assert drawn.size == (round(laid.width), round(laid.height))
    cells = [item for item in laid.items if type(item).__name__ == "Rect"]
    for cell in cells:
        # A point beside the middle, where no mark is.
        pixel = drawn.getpixel((round(cell.x + cell.width / 2) + 15, round(cell.y + cell.height / 2) + 5))
        assert "#{:02x}{:02x}{:02x}".format(*pixel[:3]) == cell.fill
    assert drawn.getpixel((0, 0))[3] == 0
    assert any(drawn.getpixel((x, y))[:3] == (255, 0, 0) for x in range(200) for y in range(150))


def test_a_film_has_a_frame_a_picture_of_one_size() -> None:
    image = pytest.importorskip("PIL.Image")
    from turnwise.view.pictures.raster import gif

    wide = Board.of(["..........", ".........."], {})
    film: Any = image.open(io.BytesIO(gif([BOARD, wide, "some text"], seconds=0.2)))
    assert film.n_frames == 3
    durations = []
    for number in range(3):
        film.seek(number)
        durations.append(film.info["duration"])
        assert film.size == (round(scene(wide).width), film.size[1])
    assert durations == [200, 200, 600]


def test_an_image_is_shown_as_it_is() -> None:
    given = png_of(30, 20)
    root = ET.fromstring(svg(given))
    (shown,) = root.iter(f"{SVG}image")
    assert (shown.get("width"), shown.get("height")) == ("30", "20")
    text = ESCAPE.sub("", printed(given, width=80))
    assert [line.strip() for line in text.splitlines()] == ["▀" * 30] * 10
    low = ESCAPE.sub("", printed(given, width=80, rows=4)).splitlines()
    assert [line.strip() for line in low] == ["▀" * 12] * 4
    assert "image/png" in printed(given, width=80, colours=False)
    with pytest.raises(ConfigError, match="expected the bytes of a PNG"):
        svg(Image(media_type="image/jpeg", data=b"\xff\xd8"))
    assert "image/png" in printed(Image(media_type="image/png", data=b"broken"), width=80)


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from turnwise.view.pictures import raster

    monkeypatch.setattr(raster, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"turnwise\[view\]"):
        raster.png(BOARD)
    with pytest.raises(ConfigError, match=r"turnwise\[view\]"):
        raster.gif([BOARD])
