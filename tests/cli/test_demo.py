"""`turnwise demo`, with few games and steps: what it says is what is in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from turnwise import metrics
from turnwise.cli.main import app
from turnwise.engine.results import Run
from turnwise.learn import demo
from turnwise.store.store import Store

pytest.importorskip("torch", reason="needs pip install 'turnwise[learn]'")
pytest.importorskip("transformers", reason="needs pip install 'turnwise[learn]'")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(demo.TRAINING, "eval_settings", {"count": 12, "split": "test"})
    monkeypatch.setitem(demo.TRAINING, "tasks_per_step", 2)


def told(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(
        app, ["demo", "--steps", "2", "--store", "d.db", "--to", "out", "--json", *words]
    )
    assert done.exit_code == 0, done.output
    return msgspec.json.decode(done.stdout.splitlines()[-1])


def test_the_gain_is_between_two_evaluations_of_the_same_games(folder: Path) -> None:
    said = told("--quiet")
    store = Store("d.db")
    training = Run(store, store.run(said["training"]))
    by_step = {row.parent: Run(store, row) for row in store.runs() if row.kind == "eval"}
    before, after = (by_step[f"{training.id}@{step}"] for step in (0, 2))
    scores = [{log.task["id"]: log.score() for log in run.logs()} for run in (before, after)]
    assert scores[0].keys() == scores[1].keys()
    trained = {log.task["id"] for log in training.logs()}
    assert not trained & scores[0].keys()
    tasks = list(scores[0])
    expected = metrics.mean([(scores[1][task] or 0) - (scores[0][task] or 0) for task in tasks])
    assert said["gain"]["mean"] == pytest.approx(expected.mean)
    assert said["gain"]["low"] == pytest.approx(expected.low)
    assert said["gain"]["high"] == pytest.approx(expected.high)
    assert said["after"] - said["before"] == pytest.approx(expected.mean)
    assert said["tasks"] == 12


def test_the_page_holds_the_curve_and_each_game_twice(folder: Path) -> None:
    said = told("--quiet")
    page = Path(said["page"]).read_text()
    assert page.count("I think of a whole number from 1 to 16.") == 8
    assert page.count("<polyline") == 1
    assert f"{said['gain']['mean']:.3f}" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_a_second_demo_leaves_the_first_as_it_was(folder: Path) -> None:
    first, second = told("--quiet"), told("--quiet")
    assert first["training"] != second["training"]
    assert {key: first[key] for key in ("before", "after", "gain")} == {
        key: second[key] for key in ("before", "after", "gain")
    }
    assert sorted(place.name for place in Path("out").iterdir()) == ["index.html", "seed-0", "seed-0-2"]


def test_progress_and_the_result_are_said_in_words(folder: Path) -> None:
    done = CliRunner().invoke(app, ["demo", "--steps", "1", "--store", "d.db", "--to", "out"])
    assert done.exit_code == 0, done.output
    before, step, after = (line.split() for line in done.stderr.splitlines()[:3])
    assert before[:2] == ["before,", "unseen"]
    assert step[:4] == ["step", "1", "of", "1"]
    assert after[:2] == ["after,", "unseen"]
    assert f"found {before[2]} of the numbers before and finds {after[2]} now" in done.stdout
    assert "95\u00a0% interval" in done.stdout
    assert "file://" in done.stdout
