"""An episode read turn by turn: through any eyes, with all that belongs to a turn."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import browser_worlds

import turnwise


def turn(page: Any, number: int) -> Any:
    """A turn of the conversation."""
    return page.get_by_role("article", name=re.compile(f"^Turn {number},"))


def test_a_turn_shows_what_was_said_called_and_answered(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0?turn=2")
    call = turn(page, 2)
    call.get_by_text("look_up").wait_for()
    assert '"order": "A-17"' in call.locator("pre").inner_text()
    assert call.get_by_text("I should look before").count() == 0
    call.get_by_text("Thoughts").click()
    call.get_by_text("I should look before").wait_for()
    assert "delivered" in turn(page, 3).locator("pre").inner_text()
    program = turn(page, 4).locator("pre")
    program.locator(".hljs-comment").get_by_text("# half of it goes back").wait_for()
    assert turn(page, 5).locator("[data-ink=green]").inner_text() == "ran 3 lines"
    link = turn(page, 6).get_by_role("link", name="https://example.com/refunds")
    assert "noopener" in (link.get_attribute("rel") or "")
    assert link.get_attribute("target") == "_blank"
    turn(page, 6).get_by_text("looked_first +0.25").wait_for()


def test_pictures_clicks_sound_and_film(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0?turn=8")
    picture = turn(page, 8)
    picture.get_by_text("click (160, 96)").wait_for()
    image = picture.get_by_role("img", name="the form").bounding_box()
    mark = picture.locator("[class*=pointer]").bounding_box()
    assert image is not None
    assert mark is not None
    middle = (mark["x"] + mark["width"] / 2 - image["x"], mark["y"] + mark["height"] / 2 - image["y"])
    assert abs(middle[0] / image["width"] - 160 / 320) < 0.01
    assert abs(middle[1] / image["height"] - 96 / 200) < 0.02
    assert turn(page, 10).locator("audio").get_attribute("aria-label") == "a tone"
    assert turn(page, 10).locator("video").count() == 1


def test_keys_go_by_turns_and_by_episodes(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0")
    turn(page, 0).wait_for()
    for key, expected in (("j", 1), ("j", 2), ("k", 1), ("G", 14), ("g", 0)):
        page.keyboard.press(key)
        page.wait_for_url(re.compile(rf"turn={expected}\b"))
        page.locator(f"article[data-turn='{expected}'][aria-current=true]").wait_for()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("episodes/1"))
    page.get_by_role("heading", name="Episode 1").wait_for()
    turn(page, 0).wait_for()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("episodes/0"))


def test_slash_searches_and_enter_goes_from_hit_to_hit(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0")
    turn(page, 0).wait_for()
    page.keyboard.press("/")
    page.keyboard.type("kettle")
    page.get_by_text(re.compile(r"\d turns · Enter goes on")).wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("turn=1$"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("turn=3$"))
    assert page.get_by_label("Search this episode").input_value() == "kettle"


def test_what_a_role_was_shown(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/forgetful']}/episodes/0")
    page.get_by_label("Seen by").select_option("agent")
    page.get_by_text("You guess numbers.", exact=True).wait_for()
    assert page.get_by_text("for its model alone").count() == 2
    page.get_by_text("hidden from it", exact=True).first.wait_for()
    page.get_by_label("At its call").select_option("0")
    page.get_by_text("hidden from it", exact=True).first.wait_for(state="detached")


def test_two_roles_side_by_side(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0")
    page.get_by_label("Seen by").select_option("agent")
    page.get_by_label("Beside").select_option("customer")
    page.get_by_text("customer is told; agent knows nothing of this").wait_for()
    page.get_by_text("agent is told, customer says").first.wait_for()


def test_the_board_follows_the_turn_and_the_slider_the_board(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['sokoban/solver']}/episodes/0")
    slider = page.get_by_role("slider", name="Moment of the episode")
    slider.wait_for()
    board = page.get_by_role("complementary", name="About this episode").get_by_role("img")
    page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=board.element_handle())
    first = board.get_attribute("src")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("turn="))
    assert board.get_attribute("src") != first
    page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=board.element_handle())
    page.goto(f"/runs/{runs['sokoban/solver']}/episodes/0?turn=0")
    slider.wait_for()
    assert slider.input_value() == "0"


def test_rewards_verdicts_and_the_turns_they_cite(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['help_desk']}/episodes/0")
    page.get_by_role("tab", name="Rewards").click()
    table = page.get_by_role("group", name="Rewards by component")
    assert "looked_first" in table.inner_text()
    page.get_by_text("it looked the order up before it promised").first.wait_for()
    page.get_by_role("tabpanel").get_by_role("link", name="Turn 6").last.click()
    page.wait_for_url(re.compile("turn=6"))
    page.get_by_role("tab", name="Time").click()
    page.get_by_text("Waits").wait_for()
    page.get_by_role("tab", name="Set-up").click()
    page.get_by_role("link", name="Download the log").wait_for()


def test_tokens_are_shaded(page: Any, runs: dict[str, str]) -> None:
    page.goto(f"/runs/{runs['number_guess/tiny']}/episodes/0?turn=1")
    page.get_by_role("button", name="Tokens").first.click()
    tokens = page.get_by_role("listbox", name="Tokens").get_by_role("option")
    tokens.first.wait_for()
    sampled = page.locator("[role=option][data-sampled=true]")
    assert sampled.first.get_attribute("data-tone") == "likely"
    sampled.first.hover()
    page.get_by_text(re.compile(r"log-probability −?\d")).wait_for()
    page.get_by_text("Instead:").wait_for()
    page.get_by_role("radio", name="Loss mask").check()
    assert sampled.first.get_attribute("data-step") == "2"
    page.get_by_role("radio", name="Credit").check()
    page.get_by_label("Credit method").first.wait_for()


def test_an_episode_grows_while_it_is_watched(page: Any, path: Path) -> None:
    place = f"{Path(browser_worlds.__file__)}:Long"
    command = [sys.executable, "-m", "turnwise", "run", place, "--agent", "parrot", "--quiet", "--store"]
    options = ["--set", "pace=slow", "--set", "turns=1000", "--limit", "1", "--seed", "7"]
    page.goto("/?status=running")
    playing = subprocess.Popen(
        [*command, str(path), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        page.get_by_role("link", name=re.compile("^long-")).first.click()
        page.get_by_role("link", name="Episode 0").click()
        page.get_by_text("live", exact=True).wait_for()
        count = page.get_by_text(re.compile(r"^\d+ turns?$")).first
        before = int(count.inner_text().split()[0])
        page.wait_for_function(
            "n => [...document.querySelectorAll('header span')].some("
            "e => /^\\d+ turns?$/.test(e.innerText) && parseInt(e.innerText) > n + 4)",
            arg=before,
        )
        page.keyboard.press("G")
        page.locator("article[aria-current=true]").get_by_text("word").first.wait_for()
    finally:
        playing.send_signal(signal.SIGINT)
        playing.wait(timeout=30)
    page.get_by_text("unfinished").wait_for()


def test_what_tools_changed_is_shown_turn_by_turn(page: Any, path: Path, runs: dict[str, str]) -> None:
    run = turnwise.open_run(runs["tau_phone/solver"], store=path)
    notes = [
        (number, note)
        for number in range(4)
        for note in run.episode(number).notes
        if note.name == "changes" and note.turn is not None
    ]
    number, note = notes[0]
    change = note.value["changes"][0]
    page.goto(f"/runs/{run.id}/episodes/{number}?turn={note.turn}")
    card = page.locator(f"article[data-turn='{note.turn}']")
    card.get_by_text(" / ".join(change["at"]), exact=True).wait_for()
    page.get_by_role("tab", name="State").click()
    place = page.locator("[data-fresh=true]").first
    place.get_by_text(" / ".join([note.value["desk"], *change["at"]]), exact=True).wait_for()
    page.goto(f"/runs/{run.id}/episodes/{number}?turn={note.turn - 1}")
    page.get_by_role("tab", name="State").click()
    page.get_by_text(f"0 places changed up to turn {note.turn - 1}").wait_for()
