"""`turnwise view` prints where it listens; the page opens there, and everything on it obeys its policy."""

from __future__ import annotations

from typing import Any

import pytest


def test_first_line_is_the_address_and_the_page_opens_there(viewer: Any, page: Any) -> None:
    page.goto("/")
    page.get_by_role("heading", name="Runs").wait_for()
    assert viewer.url.startswith("http://127.0.0.1:")
    assert page.get_by_role("status").filter(has_text="Live").count() == 1


def test_theme_follows_the_system_and_a_switch(chromium: Any, viewer: Any) -> None:
    context = chromium.new_context(base_url=viewer.url, color_scheme="dark")
    page = context.new_page()
    page.goto("/")
    paper = "getComputedStyle(document.body).backgroundColor"
    page.get_by_role("heading", name="Runs").wait_for()
    dark = page.evaluate(paper)
    page.get_by_role("button", name="Theme").click()
    light = page.evaluate(paper)
    assert sum(map(int, light[4:-1].split(","))) > sum(map(int, dark[4:-1].split(","))) + 300
    page.reload()
    page.get_by_role("heading", name="Runs").wait_for()
    assert page.evaluate(paper) == light
    context.close()


def test_a_page_that_is_not_there(page: Any) -> None:
    page.goto("/nowhere/at/all")
    page.get_by_role("heading", name="No such page").wait_for()


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_no_page_is_wider_than_its_window(context: Any, places: dict[str, str], width: int) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    wide: dict[str, int] = {}
    for name, place in places.items():
        page.goto(place)
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(400)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over:
            wide[name] = over
    assert not wide
