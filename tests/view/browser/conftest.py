"""A real Chromium, a store made by real runs, and a viewer of it, for the tests of what a person does.

Everything here is skipped, with one line that says why, where there is no Chromium, no Playwright, or where
the page was not built (`npm ci && npm run build` in `src/turnwise/view/web`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import turnwise
from turnwise.engine.config import AgentConfig
from turnwise.model import Sampling
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


class Made(NamedTuple):
    """The store and what is in it."""

    path: Path
    runs: dict[str, str]
    """Ids of the runs, by `environment/agent`."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A store with runs of many kinds."""
    path = tmp_path_factory.mktemp("viewer") / "runs.db"
    store = Store(path)
    runs: dict[str, str] = {}

    def play(name: str, environment: Any, agent: Any, **options: Any) -> None:
        run: Any = turnwise.run(environment, agent, store=store, **options)
        runs[name] = run.id

    for agent in ("random", "solver"):
        play(f"number_guess/{agent}", "number_guess", agent, limit=40)
    play("sokoban/solver", "sokoban", "solver", limit=6)
    play("gui_exploration_lab/solver", "gui_exploration_lab", "solver", limit=3)
    told = AgentConfig(use="tiny/sprout", sampling=Sampling(top_logprobs=3))
    play("number_guess/tiny", "number_guess", told, limit=6, epochs=2)
    play("tau_phone/solver", "tau_phone", "solver", limit=4)
    others = {"customer": worlds.customer, "judge": worlds.judge}
    play("help_desk", worlds.HelpDesk(), worlds.clerk, agents=others)
    play("hostile", worlds.Hostile(), worlds.parrot)
    play("many", worlds.Long(turns=2), worlds.parrot, epochs=1000)
    play("long", worlds.Long(), worlds.parrot, limit=1)
    play("number_guess/forgetful", "number_guess", worlds.forgetful_guesser(), limit=2)
    store.close()
    return Made(path, runs)


@pytest.fixture(scope="session")
def path(made: Made) -> Path:
    """The store."""
    return made.path


@pytest.fixture(scope="session")
def runs(made: Made) -> dict[str, str]:
    """Ids of the runs, by `environment/agent`."""
    return made.runs


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; gone with each file, since Playwright's event loop runs in everybody's way."""
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
    context.set_default_timeout(20_000)
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


@pytest.fixture(scope="session")
def places(runs: dict[str, str]) -> dict[str, str]:
    """The address of every page, by its name."""
    guess, solved = runs["number_guess/random"], runs["number_guess/solver"]
    desk, hostile = runs["help_desk"], runs["hostile"]
    return {
        "runs": "/",
        "run": f"/runs/{guess}",
        "episode": f"/runs/{desk}/episodes/0?turn=8",
        "world": f"/runs/{runs['sokoban/solver']}/episodes/0",
        "hostile": f"/runs/{hostile}/episodes/0?turn=18",
        "seen by a role": f"/runs/{desk}/episodes/0?as=agent",
        "two views": f"/runs/{desk}/episodes/0?as=agent&with=customer",
        "tree": f"/runs/{guess}/episodes/0/tree",
        "compare": f"/compare?runs={guess},{solved}",
        "align": f"/align?a={guess}/0&b={solved}/0",
        "play": "/play",
        "set up a play": "/play?environment=tic_tac_toe",
        "labels": "/label",
        "search": "/search?q=kettle",
        "gone": "/runs/nothing-of-the-kind",
    }
