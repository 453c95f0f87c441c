"""The pictures of the viewer in the documentation: real runs, a real server, a real Chromium.

    python scripts/screenshots.py [FOLDER]       by default docs/assets/viewer/

Needs the extra `view`, Playwright and a Chromium on the PATH, and the built page.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import turnwise
from turnwise.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parent.parent / "docs" / "assets" / "viewer"
COLOURS = 256


class Shot(NamedTuple):
    """One picture."""

    name: str
    place: str
    """Address, with `{name}` for the id of a run."""
    act: Callable[[Page], None] = lambda page: None
    """What is done before it is taken."""
    theme: str = "light"
    width: int = 1280
    height: int = 800


def tokens(page: Page) -> None:
    """Open the tokens of the first reply."""
    page.get_by_role("button", name="Tokens").first.click()
    page.locator("[role=option][data-sampled=true]").first.hover()


def compared(page: Page) -> None:
    """Wait for the figures."""
    page.get_by_text("paired on").wait_for()


def begin(page: Page) -> None:
    """Begin a game and make two moves."""
    page.get_by_role("button", name="Begin").click()
    for key in ("5", "1"):
        page.get_by_text("your move", exact=True).wait_for()
        page.keyboard.press(key)
        page.wait_for_timeout(600)


SHOTS = (
    Shot("runs", "/"),
    Shot("run", "/runs/{random}"),
    Shot("episode", "/runs/{lost}/episodes/1?turn=6"),
    Shot("tokens", "/runs/{tiny}/episodes/0?turn=1", tokens, "dark"),
    Shot("compare", "/compare?runs={random},{solver}", compared),
    Shot("play", "/play?environment=tic_tac_toe", begin, "dark"),
    Shot("phone", "/runs/{wordle}/episodes/0", theme="dark", width=360, height=720),
)


def runs(path: Path) -> dict[str, str]:
    """Plays what the pictures show; ids by name."""
    store = Store(path)
    ids: dict[str, str] = {}

    def play(name: str, environment: str, agent: str, **options: Any) -> None:
        made: Any = turnwise.run(environment, agent, store=store, **options)
        ids[name] = made.id

    play("sokoban", "sokoban", "solver", limit=12)
    play("lost", "sokoban", "random", limit=12)
    play("wordle", "wordle", "solver", limit=8)
    play("maze", "maze", "random", limit=8)
    play("questions", "twenty_questions", "solver", limit=6)
    play("tiny", "number_guess", "tiny/sprout", limit=20, epochs=2)
    play("random", "number_guess", "random", limit=60)
    play("solver", "number_guess", "solver", limit=60)
    store.close()
    return ids


@contextmanager
def viewer(path: Path) -> Iterator[str]:
    """A viewer of the store; its address."""
    command = [sys.executable, "-m", "turnwise", "view", str(path), "--port", "0", "--no-open"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def smaller(path: Path) -> None:
    """Few colours, so that the repository stays small: those that come most often, exactly as they are."""
    from PIL import Image

    with Image.open(path) as opened:
        image = opened.convert("RGB")
    colours = sorted(image.getcolors(image.width * image.height) or [], reverse=True)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in colours[:COLOURS] for part in colour])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def main(folder: Path) -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        path = Path(place) / "runs.db"
        ids = runs(path)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with viewer(path) as url:
            for shot in SHOTS:
                size: Any = {"width": shot.width, "height": shot.height}
                theme: Any = shot.theme
                page = browser.new_page(base_url=url, viewport=size, color_scheme=theme)
                page.goto(shot.place.format(**ids))
                page.wait_for_timeout(1000)
                shot.act(page)
                page.wait_for_timeout(800)
                page.screenshot(path=folder / f"{shot.name}.png")
                page.close()
                smaller(folder / f"{shot.name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
