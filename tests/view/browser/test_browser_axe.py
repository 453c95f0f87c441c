"""axe finds nothing serious on any page, light or dark, wide or narrow."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import AXE

if not AXE.exists():
    pytest.skip("no axe-core (npm ci in src/turnwise/view/web)", allow_module_level=True)

GRAVE = {"serious", "critical"}


def complaints(page: Any) -> list[str]:
    """What axe finds that matters, a line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in GRAVE]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_every_page(chromium: Any, viewer: Any, places: dict[str, str], theme: Any, width: int) -> None:
    context = chromium.new_context(
        base_url=viewer.url, color_scheme=theme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for name, place in places.items():
        page.goto(place)
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(500)
        if wrong := complaints(page):
            found[name] = wrong
    context.close()
    assert not found


def test_what_opens_on_an_episode(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0?turn=2")
    for tab in ("Rewards", "Time", "Labels", "Set-up"):
        page.get_by_role("tab", name=tab).click()
        assert not complaints(page), tab
    page.get_by_role("article", name="Turn 2,").get_by_text("Thoughts").click()
    page.get_by_role("button", name="Note on turn 2").click()
    page.get_by_role("dialog").wait_for()
    assert not complaints(page)


def test_tokens(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/tiny']}/episodes/0?turn=1")
    page.get_by_role("button", name="Tokens").first.click()
    page.get_by_role("listbox", name="Tokens").get_by_role("option").first.wait_for()
    assert not complaints(page)


def test_the_state_of_tools(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['tau_phone/solver']}/episodes/0?turn=40")
    page.get_by_role("tab", name="State").click()
    page.get_by_text("changed up to turn").wait_for()
    assert not complaints(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_seat(page: Any, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto("/play?environment=tic_tac_toe")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("your move", exact=True).wait_for()
    assert not complaints(page)
    page.get_by_role("group", name="Moves").get_by_role("button").first.click()
    page.get_by_text("your move", exact=True).wait_for()
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("link", name="Read the episode").wait_for()
    assert not complaints(page)
