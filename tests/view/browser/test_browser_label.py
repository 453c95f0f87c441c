"""Thumbs, rubrics, choices and notes; what they export; how far people agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def say_name(page: Any, name: str) -> None:
    """Label as somebody."""
    page.goto("/label")
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Tab")


def pressed(page: Any, name: str) -> Any:
    """A button that is pressed."""
    return page.get_by_role("button", name=name, pressed=True)


def test_thumbs_and_notes_with_selected_words(page: Any, runs: dict[str, str]) -> None:
    say_name(page, "Ada")
    page.goto(f"/runs/{runs['help_desk']}/episodes/1?turn=6")
    page.get_by_role("button", name="Good: turn 6").click()
    pressed(page, "Good: turn 6").wait_for()
    page.evaluate(
        """() => {
            const text = document.querySelector("[data-turn='6'] p").firstChild;
            const range = document.createRange();
            range.setStart(text, 2);
            range.setEnd(text, 14);
            document.getSelection().removeAllRanges();
            document.getSelection().addRange(range);
        }"""
    )
    page.get_by_role("button", name="Note on turn 6").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("On these words").input_value().strip() == "can give you"
    dialog.get_by_label("Note", exact=True).fill("A promise")
    dialog.get_by_role("button", name="Save note").click()
    note = page.get_by_role("complementary", name="Note by Ada")
    note.wait_for()
    assert "can give you" in note.inner_text()
    assert "A promise" in note.inner_text()
    page.reload()
    note.wait_for()
    pressed(page, "Good: turn 6").wait_for()
    page.get_by_role("button", name="Good: turn 6").click()
    pressed(page, "Good: turn 6").wait_for(state="detached")


def test_a_rubric_and_the_agreement_of_two(page: Any, runs: dict[str, str]) -> None:
    given = {"Ada": (5, 1, 4, 2), "Ben": (5, 1, 4, 3)}
    for name, scores in given.items():
        say_name(page, name)
        for number, score in enumerate(scores):
            page.goto(f"/runs/{runs['help_desk']}/episodes/{number}")
            page.get_by_role("tab", name="Labels").click()
            criterion = page.get_by_role("group", name="helpful")
            page.get_by_label("New criterion").wait_for()
            if not criterion.count():
                page.get_by_label("New criterion").fill("helpful")
                page.get_by_role("button", name="Add", exact=True).click()
            criterion.get_by_role("radio", name=str(score)).check()
            page.get_by_text(f"helpful: {score}").first.wait_for()
    page.goto("/label?criterion=score:helpful")
    table = page.get_by_role("group", name="Agreement of each two annotators")
    table.wait_for()
    row = table.get_by_role("row").nth(1).inner_text()
    assert "Ada, Ben" in row
    assert "75 %" in row
    assert kappa(*given.values()) == pytest.approx(0.947, abs=0.001)
    assert "0.947" in row


def kappa(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Cohen's kappa weighted by squared distance, by its definition."""
    observed = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / len(a)
    expected = sum((x - y) ** 2 for x in a for y in b) / len(a) ** 2
    return 1 - observed / expected


def test_a_choice_between_two_episodes_is_exported(page: Any, runs: dict[str, str], tmp_path: Path) -> None:
    a, b = f"{runs['number_guess/random']}/0", f"{runs['number_guess/solver']}/0"
    say_name(page, "Ada")
    page.goto(f"/align?a={a}&b={b}")
    page.get_by_role("radio", name="Right is better").check()
    page.get_by_role("radio", name="Right is better", checked=True).wait_for()
    page.reload()
    page.get_by_role("radio", name="Right is better", checked=True).wait_for()
    page.get_by_role("radio", name="The replies at turn 1").check()
    page.get_by_role("radio", name="Left is better").check()
    page.get_by_role("radio", name="Left is better", checked=True).wait_for()
    page.goto("/label")
    with page.expect_download() as download:
        page.get_by_role("link", name="preferences.jsonl").click()
    download.value.save_as(tmp_path / "preferences.jsonl")
    lines = (tmp_path / "preferences.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 2
    reply = min(rows, key=lambda row: len(row["chosen"]))
    assert reply["chosen"][0]["role"] == "assistant"
    assert reply["chosen"][0]["content"] != reply["rejected"][0]["content"]
