"""Whatever a model writes is text: nothing of it runs, loads, or hides."""

from __future__ import annotations

from typing import Any

import pytest
from browser_worlds import ATTACKS

from conftest import watch


def test_nothing_runs_on_any_view_of_a_hostile_episode(context: Any, runs: dict[str, str]) -> None:
    page = context.new_page()
    complaints = watch(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    run = runs["hostile"]
    for place in (
        f"/runs/{run}/episodes/0",
        f"/runs/{run}/episodes/0?as=agent",
        f"/runs/{run}",
        "/search?q=script",
    ):
        page.goto(place)
        page.locator("h1").first.wait_for()
        for _ in range(12):
            page.mouse.wheel(0, 2500)
            page.wait_for_timeout(60)
    for tab in ("Rewards", "Time", "Labels", "Set-up"):
        page.goto(f"/runs/{run}/episodes/0")
        page.get_by_role("tab", name=tab).click()
    assert page.evaluate("window.__pwned") is None
    origin = page.url.split("/runs")[0]
    assert not [url for url in asked if not url.startswith(origin)]
    assert not [one for one in complaints if "404" not in one]


def test_links_are_honest(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['hostile']}/episodes/0?turn=12")
    page.locator("article[data-turn='12']").wait_for()
    links = page.locator("article a[target]")
    links.first.wait_for()
    for link in links.all():
        href = link.get_attribute("href") or ""
        assert href.startswith(("http://", "https://"))
        assert "@" not in href
        assert "noopener" in (link.get_attribute("rel") or "")
    assert page.locator("a[href^='javascript'], iframe, object, embed").count() == 0


@pytest.mark.parametrize(("attack", "mark"), [("direction", "RLO"), ("ansi", "ESC"), ("broken", "^@")])
def test_what_cannot_be_seen_is_marked(page: Any, runs: dict[str, str], attack: str, mark: str) -> None:
    turn = 3 * list(ATTACKS).index(attack) + 1
    page.goto(f"/runs/{runs['hostile']}/episodes/0?turn={turn}")
    card = page.locator(f"article[data-turn='{turn}']")
    card.get_by_text(mark, exact=True).first.wait_for()
    assert "\u202e" not in card.inner_text()
    assert "\x1b" not in card.inner_text()


def test_a_message_of_five_million_characters(page: Any, runs: dict[str, str]) -> None:
    turn = 3 * len(ATTACKS)
    page.goto(f"/runs/{runs['hostile']}/episodes/0?turn={turn}")
    card = page.locator(f"article[data-turn='{turn}']")
    card.get_by_text("of 5.0 MB are here").wait_for()
    assert len(card.inner_text()) < 100_000
    card.get_by_role("button", name="Read the end").click()
    card.get_by_text("4,940,000 to 5,000,000").wait_for()
    assert page.evaluate("document.querySelectorAll('*').length") < 5000


def test_an_svg_is_never_drawn_in_the_page(page: Any, runs: dict[str, str]) -> None:
    turn = 3 * len(ATTACKS) + 1
    page.goto(f"/runs/{runs['hostile']}/episodes/0?turn={turn}")
    page.get_by_text("A picture that cannot be shown").wait_for()
    assert page.evaluate("window.__pwned") is None


def test_names_of_tasks_and_rewards_are_text(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['hostile']}/episodes/0")
    page.get_by_role("heading", name="<img src=x onerror=alert(1)>").wait_for()
    page.get_by_role("tab", name="Rewards").click()
    page.get_by_text("<i>reward</i>").first.wait_for()
