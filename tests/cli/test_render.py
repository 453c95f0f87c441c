"""`turnwise render`: pictures and films of stored episodes."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from terminal import last_json, ok, refused


@pytest.fixture
def episode(folder: Path) -> str:
    return last_json("run", "lock", "-a", "solver", "-n", "1", "-q", "--set", "horizon=4")["run"] + "/0"


def words(svg: Path) -> list[str]:
    return [text.text or "" for text in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_last_picture_unless_a_turn_is_named(episode: str, folder: Path) -> None:
    # Four questions and four answers: turns 0 to 7, and a picture after them.
    assert last_json("render", episode, "-o", "end.svg")["turns"] == [8]
    assert "4 of 4 open" in words(folder / "end.svg")
    assert last_json("render", episode, "-o", "a.svg", "--turn", "5")["turns"] == [4]
    assert "2 of 4 open" in words(folder / "a.svg")
    name = ok("render", "last/0").strip()
    assert name == episode.replace("/", "-") + ".svg"
    assert (folder / name).read_bytes() == (folder / "end.svg").read_bytes()


def test_png_and_gif(episode: str, folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    ok("render", episode, "--to", "a.png", "--scale", "1")
    ok("render", episode, "--png", "--to", "large", "--scale", "3")
    ok("render", episode, "--gif", "--to", "a.gif")
    small, large = (image.open(folder / name) for name in ("a.png", "large"))
    assert large.size == pytest.approx([3 * side for side in small.size], abs=3)
    film = image.open(io.BytesIO((folder / "a.gif").read_bytes()))
    # Before each of the four questions, and at the end.
    assert film.n_frames == 5


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-o", "a.bmp"], "ends in .svg, .png or .gif"),
        (["--gif", "--svg"], "--svg and --gif: expected one of them"),
        (["--gif", "--turn", "1"], "--turn picks one picture"),
        (["--turn", "9"], "end before turn 8"),
        (["--scale", "0"], "--scale 0: expected more than 0"),
        (["--scale", "nan"], "--scale nan: expected more than 0"),
        (["-o", "no/such/folder/a.svg"], "No such file or directory"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(episode: str, flags: list[str], told: str) -> None:
    assert told in refused("render", episode, *flags)


def test_unknown_episodes_and_worlds_without_pictures(episode: str) -> None:
    assert "has no episode 7" in refused("render", episode.replace("/0", "/7"))
    assert "expected RUN/NUMBER" in refused("render", "last")
    ok("run", "twenty_questions", "-a", "solver", "-n", "1", "-q")
    assert "shows no pictures" in refused("render", "last/0")
