"""A run's page: charts lead to their episodes, and the grid finds any of them."""

from __future__ import annotations

import re
from typing import Any


def test_a_bar_of_the_stop_reasons_narrows_the_grid(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/random']}")
    page.get_by_role("link", name="max turns").click()
    page.wait_for_url(re.compile("stop=max_turns"))
    page.get_by_text("36 episodes fit").wait_for()
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_text("40 episodes").wait_for()


def test_points_of_the_curve_lead_to_episodes(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/solver']}")
    chart = page.get_by_role("group", name="Share solved")
    point = chart.get_by_role("link", name=re.compile("by turn 7: 100"))
    point.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?numbers="))
    page.get_by_text("episodes fit").wait_for()


def test_bars_of_the_histogram_lead_to_episodes(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/random']}")
    page.get_by_role("group", name="Scores").get_by_role("link", name="score 1: 4 episodes").click()
    page.get_by_text("4 episodes fit").wait_for()


def test_the_grid_filters_sorts_and_searches_all_turns(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}")
    page.get_by_label("Words in turns").fill("kettle")
    page.get_by_text("6 episodes fit").wait_for()
    page.get_by_label("Words in turns").fill("teapot")
    page.get_by_text("No episode fits").wait_for()
    page.get_by_label("Words in turns").fill("")
    page.get_by_label("Score from").fill("1")
    page.wait_for_url(re.compile("score_min=1"))
    table = page.get_by_role("table", name="Episodes")
    table.get_by_role("button", name="Turns").click()
    page.wait_for_url(re.compile("sort=turns"))
    assert table.get_by_role("columnheader", name="Turns").get_attribute("aria-sort") == "descending"


def test_tags_are_added_and_taken_away(page: Any, runs: dict[str, str]) -> None:
    run = runs["gui_exploration_lab/solver"]
    page.goto(f"/runs/{run}")
    page.get_by_role("button", name="Add tag").click()
    page.get_by_label("New tag").fill("to read")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove the tag to read").wait_for()
    page.goto("/?tag=to+read")
    page.get_by_role("link", name=run).wait_for()
    page.get_by_role("link", name=run).click()
    page.get_by_role("button", name="Remove the tag to read").click()
    page.get_by_role("button", name="Remove the tag to read").wait_for(state="detached")


def test_the_way_to_an_episode_keeps_the_filter(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/random']}?score_min=1")
    page.get_by_text("4 episodes fit").wait_for()
    page.get_by_role("table", name="Episodes").get_by_role("link").first.click()
    page.get_by_text("1 of 4 that fit").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 of 4 that fit").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("1 of 4 that fit").wait_for()


def test_of_thousands_of_episodes_only_those_in_sight_are_asked_for(page: Any, runs: dict[str, str]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/episodes?" in request.url else None)
    page.goto(f"/runs/{runs['many']}")
    page.get_by_text("3,000 episodes", exact=True).wait_for()
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    page.get_by_role("link", name="Episode 2999").wait_for()
    assert page.get_by_role("table", name="Episodes").get_by_role("row").count() < 80
    assert len(asked) < 8
