"""InterruptBench: who listens solves all, who is deaf what forgives it; stages, replay and measures."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agents.users.interruption import Update, halves, point
from turnwise.environments.graded import Keydoor
from turnwise.environments.parts.interrupted import InterruptedWorld
from turnwise.environments.service.interruptbench import InterruptBench, chained, published, staged
from turnwise.environments.service.interruptbench.errands import errand, street
from turnwise.environments.service.interruptbench.rows import KINDS, Errand
from turnwise.environments.service.interruptbench.street import EARLY
from turnwise.errors import ConfigError, TaskError
from turnwise.metrics.interrupt import (
    actions_counted,
    adaptation,
    interrupt_report,
    measured,
    success_by_steps,
)
from turnwise.metrics.values import MetricError
from turnwise.models.scripted import ScriptedModel
from turnwise.synth.interruptbench import stage, write
from turnwise.task import load_tasks

SCENARIOS = list(KINDS)


def play(folder: Path, agent: Any = "solver", **options: Any) -> Any:
    tasks = options.pop("tasks", None)
    made = InterruptBench(**{"count": 20, **options})
    run = turnwise.run(made, agent, store=folder / "t.db", tasks=tasks)
    assert run.summary()["failed"] == 0
    assert turnwise.replay(run.id, store=folder / "t.db", environment=made).diverged == 0
    return run


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_who_listens_solves_all_and_who_is_deaf_what_forgives_it(scenario: Any, tmp_path: Path) -> None:
    baseline = play(tmp_path, scenario=scenario, interrupt=False)
    rows = stage(baseline)
    listens = play(tmp_path, scenario=scenario, tasks=rows)
    assert listens.score.mean == 1.0
    assert all(log.metrics["interrupted"] for log in listens.logs())
    deaf = play(
        tmp_path,
        "deaf",
        scenario=scenario,
        tasks=stage(play(tmp_path, "deaf", interrupt=False, scenario=scenario)),
    )
    retracts = set(KINDS[scenario]) == {"retraction"}
    for row, log in zip(rows, deaf.logs(), strict=True):
        # More than was wanted is in the basket: right where nobody minds.
        assert log.score() == float(retracts and not row.only)


def test_the_whole_errand_at_once_is_what_it_is_compared_with(tmp_path: Path) -> None:
    whole = play(tmp_path, start="intent")
    assert whole.score.mean == 1.0
    assert "User interrupt" not in "".join(turn.text for log in whole.logs() for turn in log.turns)


def test_a_stage_replays_says_the_update_and_goes_on(tmp_path: Path) -> None:
    baseline = play(tmp_path, scenario="1retraction", interrupt=False, count=3)
    first = baseline.episode(0)
    said = [turn.text for turn in first.turns if turn.role == "agent"]
    row = stage(baseline)[0]
    k = int(0.6 * len(said))
    assert (row.at, row.prefix) == (k, tuple(said))
    log = play(tmp_path, scenario="1retraction", tasks=[row]).episode(0)
    opening = log.turns[0].text
    assert f"[User interrupt @action={k}] You can leave out the {row.updates[0].item}." in opening
    # All that was replayed is told, with what came of it.
    seen = [turn.text for turn in first.turns if turn.role == "environment"]
    assert re.findall(r"^> (.*)$", opening, re.MULTILINE) == said[:k]
    assert all(text in opening for text in seen[: k + 1])
    found = measured(log)
    assert found is not None
    assert found.actions == log.metrics["actions"]
    assert found.after == found.actions - k
    replaced = play(tmp_path, scenario="1retraction", tasks=[row], mode="replace").episode(0)
    assert f"Your task now: {row.updates[0].text}" in replaced.turns[0].text


def test_chained_stages_bring_one_update_each(tmp_path: Path) -> None:
    run = play(tmp_path, scenario="3mixed", interrupt=False)
    points: list[int] = []
    for number in range(3):
        before = [int(log.metrics["actions"]) for log in run.logs()]
        rows = stage(run, share=None)
        for row, count in zip(rows, before, strict=True):
            assert row.at == halves(count, row.told[-1] if row.told else 0)
            assert len(row.told) == number
        run = play(tmp_path, scenario="3mixed", tasks=rows)
        points.append(rows[0].at or 0)
    assert run.score.mean == 1.0
    told = run.episode(0).turns[0].text
    texts = [step.text for step in rows[0].updates]
    for k, text in zip(points, texts, strict=True):
        assert f"[User interrupt @action={k}] {text}" in told
    with pytest.raises(TaskError, match="all 3 updates were brought"):
        stage(run, share=None)


def test_any_world_can_be_interrupted(tmp_path: Path) -> None:
    class Changed(Keydoor, frozen=True, kw_only=True):
        def world(self, task: Any, rng: Any) -> Any:
            updates = [
                Update(kind="addition", text="Take an apple too.", at=2),
                Update(kind="retraction", text="Leave the apple.", at=4),
            ]
            return InterruptedWorld(super().world(task, rng), updates)

    run = turnwise.run(Changed(), "search", limit=10, store=tmp_path / "t.db")
    assert run.score.mean is not None
    assert run.score.mean >= 1.0
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=Changed()).diverged == 0
    log = run.episode(0)
    told = [turn.text for turn in log.turns if turn.role == "environment"]
    assert [("User interrupt" in text) for text in told[:6]] == [False, False, True, False, True, False]
    assert told[2].endswith("\n\n[User interrupt @action=2] Take an apple too.")
    found = measured(log)
    assert found is not None
    assert found.after == found.actions - 4
    assert log.metrics["interrupted"] == 2
    with pytest.raises(ConfigError, match="order of its points"):
        InterruptedWorld(
            Keydoor().world(next(iter(Keydoor().tasks())), random.Random(0)),  # type: ignore[arg-type]
            [Update(kind="addition", text="b", at=2), Update(kind="addition", text="a", at=1)],
        )


def test_the_arithmetic_of_the_published_stages() -> None:
    assert halves(10) == 5
    assert halves(11, 5) == 8
    assert halves(12, 8) == 10
    assert [point(10, share) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)] == [0, 2, 4, 6, 8, 10]
    assert [point(11, 0.6), point(7, 0.8), point(0, 0.6), point(10, 0.7)] == [6, 5, 0, 7]
    with pytest.raises(ConfigError, match="from 0 to 1"):
        point(10, 60)


def test_a_run_that_ended_before_is_not_interrupted(tmp_path: Path) -> None:
    row = errand("x", 3, "1update")
    ended = staged(row, ["go east", "stop"], share=1.0)
    log = play(tmp_path, tasks=[ended]).episode(0)
    assert (log.detail, log.score(), log.metrics["interrupted"]) == ("wrong", 0.0, 0.0)
    assert not [turn for turn in log.turns if turn.role == "agent"]


@pytest.mark.parametrize(
    ("says", "why", "actions"),
    [
        (["hm"] * 9, "no action in 3 replies", 3),
        (["go west"] * 9, "the same action 5 times", 5),
        ([*["go west"] * 4, "go east", *["go west"] * 9], "the same action 5 times", 10),
    ],
)
def test_going_round_in_circles_is_stopped_early(
    says: list[str], why: str, actions: int, tmp_path: Path
) -> None:
    log = play(tmp_path, ScriptedModel(says, "circler"), count=1, interrupt=False).episode(0)
    assert log.detail == f"{EARLY}: {why}"
    found = measured(log)
    assert found is not None
    assert (found.actions, found.early) == (actions, True)
    assert actions_counted(found.after, early=found.early) == 30


def test_the_measures_of_a_pair_of_runs(tmp_path: Path) -> None:
    """Who listens pays with actions; who is deaf does what it would have done, and fails."""
    found: dict[str, Any] = {}
    for agent in ("solver", "deaf"):
        baseline = play(tmp_path, agent, scenario="2modification", interrupt=False)
        stopped = play(tmp_path, agent, scenario="2modification", tasks=stage(baseline))
        plain = [measured(log) for log in baseline.logs()]
        after = [measured(log) for log in stopped.logs()]
        assert all(plain)
        assert all(after)
        found[agent] = (plain, after)
        curve = success_by_steps([one.success for one in after if one], [one.after for one in after if one])
        assert curve[-1].mean == stopped.score.mean
    plain, after = found["deaf"]
    assert sum(b.actions - a.actions for a, b in zip(plain, after, strict=True)) == 0
    plain, after = found["solver"]
    assert sum(b.actions - a.actions for a, b in zip(plain, after, strict=True)) > 0
    table = adaptation(
        [one.actions for one in plain],
        [one.after for one in after],
        plain_success=[one.success for one in plain],
        interrupted_success=[one.success for one in after],
    )
    # The initial errand is wrong, so that only interrupted runs succeed.
    assert list(table.by_outcome) == ["interrupted_only"]


def test_one_report_has_all_the_measures_of_a_pair(tmp_path: Path) -> None:
    baseline = play(tmp_path, scenario="1retraction", interrupt=False)
    stopped = play(tmp_path, scenario="1retraction", tasks=stage(baseline))
    found = interrupt_report(baseline.logs(), stopped.logs())
    # More is fetched than is wanted: half of the errands forgive it.
    assert (found.plain.mean, found.interrupted.mean) == (0.5, 1.0)
    assert set(found.actions.by_outcome) == {"both", "interrupted_only"}
    pairs = list(zip(baseline.logs(), stopped.logs(), strict=True))
    saved = [int(b.metrics["actions"] - b.metrics["replayed"] - a.metrics["actions"]) for a, b in pairs]
    assert found.actions.difference.mean == pytest.approx(sum(saved) / len(saved))
    assert found.by_steps[-1].mean == 1.0
    assert found.tokens.difference.n == 0
    fewer = interrupt_report(list(baseline.logs())[1:], stopped.logs(), missing="penalise")
    assert fewer.plain.n == 20
    assert fewer.actions.plain > found.actions.plain
    with pytest.raises(MetricError, match="played twice"):
        interrupt_report([*baseline.logs(), *baseline.logs()], stopped.logs())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(SCENARIOS))
def test_an_errand_and_all_its_updates_are_what_is_wanted(seed: int, scenario: Any) -> None:
    made = errand("x", seed, scenario)
    items = list(made.initial)
    for step in made.updates:
        if step.kind == "addition":
            items.append(step.item)
        elif step.kind == "revision":
            items[items.index(step.instead_of or "")] = step.item
        else:
            items.remove(step.item)
    assert set(items) == set(made.wanted)
    assert set(made.initial) != set(made.wanted)
    goods = [item for stall in street(seed).stalls for item in stall]
    assert len(goods) == len(set(goods)) == 20
    assert {*made.wanted, *made.initial} <= set(goods)


def test_the_command_writes_a_stage_that_runs(tmp_path: Path) -> None:
    place = tmp_path / "kept.db"

    def command(*words: str) -> Any:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TURNWISE_STORE": str(place)}
        return subprocess.run(
            [sys.executable, "-m", "turnwise.synth.interruptbench", *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        )

    run = turnwise.run(InterruptBench(count=3, interrupt=False), "solver", store=place)
    done = command(run.id, "--to", "stage.jsonl", "--share", "0.4")
    assert done.stdout == "3 errands in stage.jsonl\n"
    played = turnwise.run(InterruptBench(), "solver", tasks=tmp_path / "stage.jsonl", store=place)
    assert played.score.mean == 1.0
    other = turnwise.run("number_guess", "solver", limit=1, store=place)
    refused = command(other.id, "--to", "x.jsonl")
    assert refused.returncode == 2
    assert "is of 'number_guess'" in refused.stderr
    refused = command("last", "--to", "x.jsonl", "--store", "none.db")
    assert refused.stderr.startswith("turnwise: there is no store at none.db")
    assert not (tmp_path / "none.db").exists()


def test_rows_round_trip_and_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    row = chained(errand("x", 1, "3mixed"), ["go west"] * 4)
    write([row], tmp_path / "rows.jsonl")
    assert list(load_tasks(tmp_path / "rows.jsonl", Errand)) == [row]
    with pytest.raises(TaskError, match="at >= 0"):
        msgspec.structs.replace(row, at=-1)


def test_published_rows_are_read_and_checked(tmp_path: Path) -> None:
    row = {
        "task_id": 7,
        "intent": "List the three cheapest lamps",
        "transformed_initial_intent": "List the cheapest lamps",
        "updates": ["Only three of them"],
        "updates_type": ["addition"],
    }
    path = tmp_path / "1update.json"
    path.write_text(json.dumps([row]))
    assert published(path)[0].updates == ("Only three of them",)
    path.write_text(json.dumps([{**row, "updates_type": ["addition"] * 2}]))
    with pytest.raises(TaskError, match="task 7 has 1 updates and 2 types"):
        published(path)
    path.write_text(json.dumps([{"task_id": 1}]))
    with pytest.raises(TaskError, match="missing required field"):
        published(path)
    with pytest.raises(ConfigError, match="cannot read"):
        published(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("name", "updates"),
    [
        ("1update", 1),
        ("2update", 2),
        ("2modification", 2),
        ("1retraction", 1),
        ("2retraction", 2),
        ("3mixed", 3),
    ],
)
def test_the_published_files_have_165_rows_each(name: str, updates: int) -> None:
    folder = Path(os.environ.get("TURNWISE_DATA", ""), "interruptbench", "raw")
    if not folder.is_dir():
        pytest.skip("set TURNWISE_DATA to a folder that holds interruptbench/raw/*.json")
    rows = published(folder / f"{name}.json")
    assert len(rows) == 165
    assert {len(row.updates) for row in rows} == {updates}
    assert {len(row.updates_type) for row in rows} == {3 if name == "3mixed" else 0}
