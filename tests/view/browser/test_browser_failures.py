"""What a page says when its run is deleted, or its server goes away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import turnwise
from conftest import Viewer
from turnwise.store.store import Store


def test_a_run_that_is_deleted_while_it_is_watched(chromium: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    made: Any = turnwise.run("number_guess", "random", store=store, limit=2)
    viewer = Viewer(tmp_path / "runs.db")
    page = chromium.new_page(base_url=viewer.url)
    try:
        page.goto(f"/runs/{made.id}")
        page.get_by_text("2 episodes", exact=True).wait_for()
        store.delete(store.run(made.id).number)
        page.get_by_role("alert").get_by_text("Not here").wait_for(timeout=15_000)
    finally:
        page.close()
        viewer.stop()
        store.close()


def test_an_empty_store_says_how_to_begin(chromium: Any, tmp_path: Path) -> None:
    Store(tmp_path / "empty.db").close()
    viewer = Viewer(tmp_path / "empty.db")
    page = chromium.new_page(base_url=viewer.url)
    try:
        page.goto("/")
        page.get_by_text("No runs yet").wait_for()
        page.get_by_text("turnwise run number_guess --agent random").wait_for()
    finally:
        page.close()
        viewer.stop()


def test_a_server_that_goes_away(chromium: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    turnwise.run("number_guess", "random", store=store, limit=2)
    store.close()
    viewer = Viewer(tmp_path / "runs.db")
    page = chromium.new_page(base_url=viewer.url)
    try:
        page.goto("/")
        page.get_by_role("link", name="number_guess-").wait_for()
        page.get_by_role("status").filter(has_text="Live").wait_for()
        viewer.stop()
        page.get_by_role("status").filter(has_text="Connection lost").wait_for(timeout=20_000)
        page.get_by_role("link", name="number_guess-").first.click()
        page.get_by_text("Connection lost").first.wait_for()
        page.get_by_text("Is `turnwise view` still running?").wait_for(timeout=20_000)
    finally:
        page.close()
