"""Two runs compared: the difference, the tasks that flipped, the transcripts side by side."""

from __future__ import annotations

from typing import Any


def test_difference_and_flipped_tasks(page: Any, runs: dict[str, str]) -> None:
    a, b = runs["number_guess/random"], runs["number_guess/solver"]
    page.goto(f"/compare?runs={a},{b}")
    page.get_by_text("+0.9", exact=True).wait_for()
    page.get_by_text("better, between").wait_for()
    page.get_by_text("36 tasks", exact=True).wait_for()
    page.get_by_role("radio", name="Same").check()
    page.get_by_text("4 tasks", exact=True).wait_for()
    page.get_by_role("radio", name="Lost").check()
    page.get_by_text("No such task").wait_for()
    page.get_by_role("radio", name="Flipped").check()
    page.get_by_role("link", name="side by side").first.click()
    page.get_by_role("heading", name="Side by side").wait_for()
    left = page.get_by_role("article", name="Turn 1 of the first, agent")
    right = page.get_by_role("article", name="Turn 1 of the second, agent")
    assert right.inner_text().split()[-1] == "50"
    assert left.bounding_box()["x"] < right.bounding_box()["x"]
    assert left.bounding_box()["y"] == right.bounding_box()["y"]


def test_one_run_is_not_enough(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/compare?runs={runs['number_guess/random']}")
    page.get_by_text("Choose two runs").wait_for()
