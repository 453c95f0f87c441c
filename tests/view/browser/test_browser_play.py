"""Playing in one's own person, alone and in two windows."""

from __future__ import annotations

import re
from typing import Any


def move(page: Any) -> None:
    """Make the first move that is offered."""
    page.get_by_role("group", name="Moves").get_by_role("button").first.click()


def test_a_game_against_an_agent_is_stored_as_an_episode(page: Any) -> None:
    page.goto("/play")
    page.get_by_label("Find an environment").fill("number_guess")
    page.get_by_role("button", name=re.compile("^number_guess")).click()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("your move", exact=True).wait_for()
    for guess in ("50", "25"):
        page.get_by_label("What you say").fill(guess)
        page.keyboard.press("Enter")
        page.get_by_role("log").get_by_text(guess, exact=True).wait_for()
        page.get_by_text("your move", exact=True).wait_for()
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("link", name="Read the episode").click()
    page.wait_for_url(re.compile("/episodes/"))
    page.locator("article[data-turn='1']").get_by_text("50", exact=True).wait_for()


def test_two_people_in_two_windows(context: Any, page: Any) -> None:
    page.goto("/play?environment=tic_tac_toe")
    page.get_by_role("checkbox", name="opponent is played by a person").check()
    page.get_by_role("button", name="Begin with 2 people").click()
    invitation = page.get_by_role("list", name="Invitations").get_by_role("link")
    address = invitation.get_attribute("href")
    assert address is not None
    assert page.get_by_text("not here yet").count() == 1
    other = context.new_page()
    other.goto(address)
    other.get_by_text("you are opponent").wait_for()
    page.get_by_text("not here yet").wait_for(state="detached")
    first, second = (page, other) if page.get_by_text("your move", exact=True).count() else (other, page)
    move(first)
    second.get_by_text("your move", exact=True).wait_for()
    first.get_by_text("waiting for somebody else").wait_for()
    move(second)
    first.get_by_text("your move", exact=True).wait_for()
    picture = first.get_by_role("img", name="How things stand")
    first.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=picture.element_handle())
    first.get_by_role("button", name="Leave").click()
    second.get_by_role("link", name="Read the episode").wait_for()


def test_a_play_that_is_not_there(context: Any) -> None:
    page = context.new_page()
    page.goto("/play/nothing?seat=nobody")
    page.get_by_role("alert").wait_for()
