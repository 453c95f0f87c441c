"""The demo's page and its curve: what is drawn is what was measured, and nobody's words are markup."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Generator
from typing import Any

import pytest

import turnwise
from turnwise.engine.learning import LearningCurve, Point
from turnwise.log import EpisodeLog
from turnwise.metrics import Estimate, proportion
from turnwise.view.pictures.curve import curve
from turnwise.view.pictures.demo_page import Row, page

SVG = "{http://www.w3.org/2000/svg}"


def hostile(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    yield
    while True:
        yield "<script>alert(1)</script> </style> 7"


def game(player: Any) -> EpisodeLog:
    settings = {"high": 16, "max_turns": 4, "count": 1}
    return next(iter(turnwise.run("number_guess", player, settings=settings, store=":memory:").logs()))


def test_words_of_a_model_are_text() -> None:
    text = page(
        title="<b>",
        gain="a & b",
        rows=[Row("<i>", "1 < 2")],
        curve="<svg></svg>",
        pairs=[(game(hostile), game("solver"))],
        again="turnwise demo",
    )
    assert "<script" not in text
    assert text.count("</style>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &lt;/style&gt; 7" in text
    assert "<title>&lt;b&gt;</title>" in text
    assert "<th>&lt;i&gt;</th><td>1 &lt; 2</td>" in text
    assert "script-src" not in text
    assert "default-src 'none'" in text


def test_an_episode_says_how_it_ended() -> None:
    text = page(title="", gain="", rows=[], curve="", pairs=[(game(hostile), game("solver"))], again="")
    before, after = text.split('<section class="talk">')[1:]
    assert '<span class="lost">not found</span>' in before
    assert '<span class="won">found</span>' in after


def score(mean: float, low: float, high: float) -> Estimate:
    return Estimate(mean, low, high, n=10, clusters=10, missing=0, method="t")


def drawn(learning: LearningCurve, **levels: float) -> ET.Element:
    return ET.fromstring(curve(learning, levels))


def test_evaluations_stand_at_their_score_with_their_interval() -> None:
    played = [Point(step, score(0.5, 0.4, 0.6)) for step in range(20)]
    shown = drawn(LearningCurve(played, [Point(0, score(0.0, 0.0, 0.25)), Point(20, score(1.0, 0.5, 1.0))]))
    rings = [one for one in shown.iter(f"{SVG}circle") if one.get("r") == "5"]
    zero, full = (float(one.get("cy", "")) for one in rings)
    bars = [one for one in shown.iter(f"{SVG}line") if one.get("stroke-width") == "2"]
    # The axis goes from 0 at the first ring to 1 at the second, so a half is the middle between them.
    assert float(bars[1].get("y1", "")) == pytest.approx((zero + full) / 2, abs=0.1)
    assert float(bars[0].get("y2", "")) == pytest.approx(zero + (full - zero) / 4, abs=0.1)
    assert len([one for one in shown.iter(f"{SVG}circle") if one.get("r") == "1.8"]) == 20


def test_the_line_is_the_mean_of_ten_steps() -> None:
    played = [Point(step, score(float(step % 2), 0, 1)) for step in range(20)]
    shown = drawn(LearningCurve(played, [Point(20, score(0.5, 0, 1))]))
    line = next(iter(shown.iter(f"{SVG}polyline")))
    heights = {place.split(",")[1] for place in line.get("points", "").split()}
    ring = next(one for one in shown.iter(f"{SVG}circle") if one.get("r") == "5")
    assert heights == {ring.get("cy")}
    assert len(line.get("points", "").split()) == 11


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_short_training_has_a_curve_too(steps: int) -> None:
    played = [Point(step, proportion([1.0, 0.0])) for step in range(steps)]
    shown = drawn(LearningCurve(played, [Point(0, proportion([1.0, 0.0]))]), halving=0.9375)
    assert [one.text for one in shown.iter(f"{SVG}text")][-1] == "halving"


@pytest.mark.parametrize(
    ("steps", "ticks"), [(1, "0 1"), (4, "0 1 2 3 4"), (150, "0 50 100 150"), (999, "0 200 400 600 800")]
)
def test_steps_are_told_in_round_numbers(steps: int, ticks: str) -> None:
    shown = drawn(LearningCurve([], [Point(steps, proportion([1.0, 0.0]))]))
    texts = [one.text or "" for one in shown.iter(f"{SVG}text") if one.get("text-anchor") == "middle"]
    assert texts[:-1] == ticks.split()
