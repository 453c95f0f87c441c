"""What is told of the shipped policy is what was measured, and measured of the weights that ship."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from turnwise.learn.demo import POLICY, STEPS
from turnwise.models.tiny.folder import SHIPPED, read

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return lambda name: importlib.import_module(f"learning.{name}")


def result(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())


def test_the_page_and_the_card_are_written_from_the_results(scripts: Any) -> None:
    assert (ROOT / "docs" / "tiny.md").read_text() == scripts("tiny_page").text()
    made = result("tiny_policy")[0]
    assert (SHIPPED / POLICY / "MODEL.md").read_text() == scripts("tiny_card").card(made)


def test_what_was_measured_are_the_weights_that_ship() -> None:
    version = read(SHIPPED / POLICY).version
    demo, tiny = result("demo"), result("tiny")
    assert demo["policy"] == {"name": POLICY, "version": version}
    assert demo["steps"] == STEPS
    assert tiny["version"] == version


def test_it_all_holds_what_was_promised() -> None:
    demo, tiny, made = result("demo"), result("tiny"), result("tiny_policy")[0]
    assert len(demo["runs"]) == 10
    assert sum(run["gain"]["low"] > 0 for run in demo["runs"]) == demo["intervals_above_zero"] >= 9
    assert all(run["seconds"] < 600 for run in demo["runs"])
    assert (tiny["greedy"]["prompts"], tiny["greedy"]["same"]) == (1000, 1000)
    assert min(world["said_per_cpu_s"] for world in tiny["speed"].values()) > 20
    for name, found in made["policy"].items():
        assert found["score"][1] > made["chance"][name]["score"][2], f"{name}: no better than chance"
    assert sum(file.stat().st_size for file in (SHIPPED / POLICY).iterdir()) < 5e6
