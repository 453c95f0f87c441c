"""The table of runs: it filters, sorts, lives, and leads to comparisons."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import browser_worlds


def names(page: Any) -> list[str]:
    """Ids of the runs in sight, from above."""
    return page.get_by_role("table", name="Runs").locator("a").all_inner_texts()


def test_filters_stand_in_the_address(page: Any, runs: dict[str, str]) -> None:
    page.goto("/")
    page.get_by_role("table", name="Runs").get_by_role("link").first.wait_for()
    page.get_by_label("Environment", exact=True).select_option("sokoban")
    page.get_by_text("1 of ").wait_for()
    assert names(page) == [runs["sokoban/solver"]]
    assert "environment=sokoban" in page.url
    page.reload()
    page.get_by_text("1 of ").wait_for()
    assert names(page) == [runs["sokoban/solver"]]
    page.get_by_label("Find").fill("nothing like it")
    page.get_by_text("No run fits").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("link", name=runs["help_desk"]).wait_for()


def test_sorts_by_score(page: Any, runs: dict[str, str]) -> None:
    page.goto("/?environment=number_guess&kind=run")
    table = page.get_by_role("table", name="Runs")
    table.get_by_role("link").first.wait_for()
    header = table.get_by_role("columnheader", name="Score")
    best, worst = runs["number_guess/solver"], runs["number_guess/random"]
    for direction, first, last in (("descending", best, worst), ("ascending", worst, best)):
        header.get_by_role("button").click()
        page.wait_for_url(re.compile(f"sort=score&order={direction[:-6]}"))
        page.wait_for_function(
            """([first, last]) => {
                const all = [...document.querySelectorAll("[role=table] a")].map((a) => a.innerText);
                return all.indexOf(first) >= 0 && all.indexOf(first) < all.indexOf(last);
            }""",
            arg=[first, last],
        )
        assert header.get_attribute("aria-sort") == direction


def test_two_chosen_runs_are_compared(page: Any, runs: dict[str, str]) -> None:
    page.goto("/")
    for name in ("number_guess/random", "number_guess/solver"):
        page.get_by_role("checkbox", name=runs[name]).check()
    page.get_by_role("link", name="Compare 2 runs").click()
    page.get_by_role("heading", name="Compare").wait_for()
    assert runs["number_guess/random"] in page.url


def test_a_run_of_another_process_is_seen_while_it_plays(page: Any, path: Path) -> None:
    page.goto("/")
    page.get_by_role("table", name="Runs").get_by_role("link").first.wait_for()
    place = f"{Path(browser_worlds.__file__)}:Long"
    command = [sys.executable, "-m", "turnwise", "run", place, "--agent", "parrot", "--quiet"]
    options = ["--set", "pace=slow", "--set", "turns=40", "--limit", "3", "--concurrency", "1"]
    playing = subprocess.Popen([*command, *options, "--store", str(path)], stdout=subprocess.DEVNULL)
    row = page.get_by_role("row").filter(has_text="long-").filter(has_text="of 3")
    row.first.wait_for(timeout=20_000)
    assert row.first.get_by_text("running").count() == 1
    assert playing.wait(timeout=60) == 0
    ended = page.get_by_role("row").filter(has_text="long-").nth(0)
    ended.get_by_text("done", exact=True).wait_for(timeout=15_000)
