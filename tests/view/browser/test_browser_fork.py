"""Going on another way from a turn, and the tree of what came of it."""

from __future__ import annotations

import re
from typing import Any


def test_edit_a_reply_watch_it_and_read_both_side_by_side(page: Any, runs: dict[str, str]) -> None:
    run = runs["number_guess/random"]
    page.goto(f"/runs/{run}/episodes/3?turn=1")
    page.locator("article[data-turn='1']").wait_for()
    page.keyboard.press("f")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What agent says at turn 1").fill("42")
    dialog.get_by_label("Who plays agent from here on").fill("solver")
    dialog.get_by_role("button", name="Fork and watch").click()
    page.wait_for_url(re.compile(r"/runs/(?!" + re.escape(run) + r"/).+/episodes/\d+\?turn=1"))
    page.locator("article[data-turn='1']").get_by_text("42", exact=True).wait_for()
    page.get_by_text("forked from").wait_for()
    page.get_by_text("completed").wait_for()
    page.get_by_role("link", name=re.compile("Forks?$")).click()
    page.get_by_role("heading", name="Branches").wait_for()
    page.get_by_text("edited: 42").wait_for()
    for box in page.get_by_role("checkbox").all()[:2]:
        box.check()
    page.get_by_role("link", name="Read side by side").click()
    page.get_by_text("The first turn is the same.").wait_for()
    page.get_by_text("42", exact=True).wait_for()


def test_what_cannot_be_forked_is_said_in_a_line(context: Any, runs: dict[str, str]) -> None:
    page = context.new_page()
    page.goto(f"/runs/{runs['number_guess/random']}/episodes/1?turn=3")
    page.get_by_role("button", name="Fork from turn 3").click()
    page.get_by_label("Who plays agent from here on").fill("nobody_of_this_name")
    page.get_by_role("button", name="Fork and watch").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    alert.wait_for()
    assert "nobody_of_this_name" in alert.inner_text()
