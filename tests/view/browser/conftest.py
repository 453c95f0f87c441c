"""A real Chromium, a store made by real runs, and a viewer of it, for the tests of what a person does.

Everything here is skipped, with one line that says why, where there is no Chromium, no Playwright, or where the
page was not built (`npm ci && npm run build` in `src/turnwise/view/web`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import turnwise
from turnwise.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

sys.path.insert(0, str(Path(__file__).parent))
import browser_worlds as worlds

WEB = Path(turnwise.__file__).parent / "view" / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str | None:
    """Why no browser test can run here, in a line."""
    if CHROMIUM is None:
        return "no Chromium on the PATH (Debian: apt-get install chromium)"
    if find_spec("playwright") is None:
        return "no Playwright (pip install playwright)"
    if find_spec("starlette") is None:
        return "no Starlette (install turnwise[view])"
    if not (WEB / "dist" / "index.html").exists():
        return "the page is not built (npm ci && npm run build in src/turnwise/view/web)"
    return None


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    why = missing()
    if why is not None:
        pytest.skip(why)


@pytest.fixture(scope="session")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with runs of many kinds."""
    path = tmp_path_factory.mktemp("viewer") / "runs.db"
    store = Store(path)
    run: Any = turnwise.run
    for agent in ("random", "solver"):
        run("number_guess", agent, store=store, limit=40)
    run("sokoban", "solver", store=store, limit=6)
    run("gui_exploration_lab", "solver", store=store, limit=3)
    run("number_guess", "tiny/sprout", store=store, limit=6, epochs=2)
    run(
        worlds.HelpDesk(),
        worlds._agent,
        agents={"customer": worlds._customer, "judge": worlds._judge},
        store=store,
    )
    run(worlds.Hostile(), worlds.parrot, store=store)
    run(worlds.Long(), worlds.parrot, store=store, limit=1)
    run("number_guess", worlds.forgetful_guesser(), store=store, limit=2)
    store.close()
    return path


@pytest.fixture(scope="session")
def runs(path: Path) -> dict[str, str]:
    """Ids of the runs, by `environment/agent`."""
    store = Store(path)
    found = {f"{row.environment}/{next(iter(row.agents.values()))}": row.id for row in store.runs()}
    store.close()
    return found


class Viewer:
    """`turnwise view` in a process of its own."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "turnwise", "view", str(path), "--port", "0", "--no-open"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rstrip("/")
        assert self.url.startswith("http://"), self.stop()

    def stop(self) -> str:
        """End it; what it said about errors."""
        self.process.terminate()
        return self.process.communicate(timeout=20)[1]


@pytest.fixture(scope="session")
def viewer(path: Path) -> Iterator[Viewer]:
    """A viewer of the store."""
    viewer = Viewer(path)
    yield viewer
    viewer.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Complaints(list[str]):
    """What the browser complained of: errors of the page, refusals of the content policy."""


@pytest.fixture
def context(chromium: Browser, viewer: Viewer) -> Iterator[BrowserContext]:
    """A fresh window, 1280 pixels wide, light, at the viewer."""
    context = chromium.new_context(
        base_url=viewer.url, viewport={"width": 1280, "height": 900}, color_scheme="light"
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; the test fails where the page threw, logged an error, or broke the content policy."""
    page = context.new_page()
    complaints = watch(page)
    yield page
    assert not complaints


def watch(page: Page) -> Complaints:
    """Collects what goes wrong on a page."""
    complaints = Complaints()
    page.on("pageerror", lambda error: complaints.append(f"threw: {error}"))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return complaints
