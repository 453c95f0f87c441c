"""Runs, a run's charts and the grid of its episodes, as the server tells them."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from house import House
from served import Client, serving

import turnwise
from turnwise.store.store import Store
from turnwise.view.reading.grid import numbers_of


def test_the_table_says_what_the_runs_say_of_themselves(client: Client, house: House) -> None:
    page = client.get("/runs")
    assert page["total"] == page["all"] == 6
    lines = {line["id"]: line for line in page["rows"]}
    run = turnwise.open_run(house.game, store=house.place)
    line = lines[house.game]
    score = run.score
    assert line["score"] == {"mean": score.mean, "low": score.low, "high": score.high, "n": 12, "missing": 0}
    assert (line["done"], line["failed"], line["planned"]) == (12, 0, 12)
    assert line["turns"] == sum(episode.turns or 0 for episode in run.episodes())
    assert line["output"] == sum(episode.output or 0 for episode in run.episodes()) > 0
    assert lines[house.desk]["failed"] == 1
    assert lines[house.fork]["parent"] == f"{house.solved}/1@3"


def test_it_filters_sorts_and_pages(client: Client, house: House) -> None:
    def ids(**query: object) -> list[str]:
        return [line["id"] for line in client.get("/runs", **query)["rows"]]

    assert set(ids(environment="maze")) == {house.solved, house.lost, house.fork}
    assert ids(environment="maze", kind="run", sort="score") == [house.solved, house.lost]
    assert ids(environment="maze", kind="run", sort="score", order="asc") == [house.lost, house.solved]
    assert ids(agent="tiny/sprout") == [house.game]
    assert ids(text="GUESS sprout") == [house.game]
    assert ids(parent=house.solved) == [house.fork]
    assert ids(status="running") == []
    everything = ids(sort="created", order="asc")
    assert ids(sort="created", order="asc", offset=2, limit=2) == everything[2:4]
    assert {facet["value"]: facet["count"] for facet in client.get("/runs")["environments"]} == {
        "maze": 3,
        "number_guess": 2,
        "desk": 1,
    }


def test_each_point_of_a_chart_leads_to_just_its_episodes(client: Client, house: House) -> None:
    for run in (house.solved, house.lost, house.game, house.desk):
        page = client.get(f"/runs/{run}")

        def count(query: str, run: str = run) -> int:
            return client.get(f"/runs/{run}/episodes", **dict(parse_qsl(query)))["total"]

        bars = [*page["stops"], *page["errors"]]
        for histogram in (page["scores"], page["turns"], page["seconds"]):
            bars += histogram["bins"]
            assert (
                sum(bar["count"] for bar in histogram["bins"]) + histogram["missing"] == page["run"]["done"]
            )
        for bar in bars:
            assert count(bar["query"]) == bar["count"], bar
    assert [(bar["type"], bar["count"]) for bar in client.get(f"/runs/{house.desk}")["errors"]] == [
        ("RuntimeError", 1)
    ]


def test_success_by_turn_is_that_of_the_metrics(client: Client, house: House) -> None:
    from turnwise.metrics.by_turn import success_by_turn

    solved = client.get(f"/runs/{house.game}")["solved"]
    run = turnwise.open_run(house.game, store=house.place)
    curve = success_by_turn(run.logs(), solved=1.0).solved
    assert [point["share"]["mean"] for point in solved["points"]] == [point.mean for point in curve]
    assert [point["share"]["low"] for point in solved["points"]] == [point.low for point in curve]
    assert (solved["told_from"], solved["of"]) == (12, 12)
    listed = [point["query"] for point in solved["points"] if point["query"]]
    found = [
        client.get(f"/runs/{house.game}/episodes", **dict(parse_qsl(query)))["total"] for query in listed
    ]
    assert sum(found) == sum(1 for log in run.logs() if log.score() == 1.0)
    # Where every score is a cost, nothing is solved by a turn.
    assert client.get(f"/runs/{house.solved}")["solved"] is None


def test_the_run_knows_its_tools_roles_forks_and_metrics(client: Client, house: House) -> None:
    page = client.get(f"/runs/{house.desk}")
    assert page["tools"] == [{"name": "price", "calls": 4, "episodes": 4}]
    assert {role["role"]: role["calls"] for role in page["roles"]} == {"clerk": 3.75, "customer": 3.5}
    assert [metric["value"]["mean"] for metric in page["metrics"] if metric["name"] == "minutes"] == [4.0]
    assert page["config"]["environment"].endswith("Desk")
    assert [child["id"] for child in client.get(f"/runs/{house.solved}")["children"]] == [house.fork]
    game = client.get(f"/runs/{house.game}")["roles"][0]
    logs = list(turnwise.open_run(house.game, store=house.place).logs())
    assert game["output"] == sum(call.usage.output for log in logs for call in log.calls if call.usage) / 12


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"stop": "error"}, lambda row: row.stop == "error"),
        ({"scored": "false"}, lambda row: row.score is None),
        ({"scored": "true", "score_min": 0.9}, lambda row: row.score is not None and row.score >= 0.9),
        ({"turns_max": 8}, lambda row: row.turns <= 8),
        ({"task": "k*"}, lambda row: row.task == "kettle"),
        ({"task": "lamp"}, lambda row: row.task == "lamp"),
        ({"numbers": "0,2-3,99"}, lambda row: row.number in (0, 2, 3)),
        ({"epoch": 1}, lambda row: False),
        ({"error": "RuntimeError"}, lambda row: row.error is not None),
        ({"error": "Runtime"}, lambda row: False),
    ],
)
def test_the_grid_filters(client: Client, house: House, query: dict[str, object], fits: object) -> None:
    rows = turnwise.open_run(house.desk, store=house.place).episodes()
    page = client.get(f"/runs/{house.desk}/episodes", **query)
    assert [row["number"] for row in page["rows"]] == [row.number for row in rows if fits(row)]  # type: ignore[operator]
    assert page["total"] == len(page["rows"])


def test_the_grid_sorts_pages_and_knows_neighbours(client: Client, house: House) -> None:
    path = f"/runs/{house.lost}/episodes"
    rows = turnwise.open_run(house.lost, store=house.place).episodes()
    order = [row.number for row in sorted(rows, key=lambda row: (-(row.score or 0), row.number))]
    query = {"sort": "score", "order": "desc"}
    assert [row["number"] for row in client.get(path, **query)["rows"]] == order
    assert [row["number"] for row in client.get(path, **query, offset=1, limit=2)["rows"]] == order[1:3]
    near = client.get(f"{path}/{order[2]}/neighbours", **query)
    assert near == {"previous": order[1], "next": order[3], "place": 2, "total": len(order)}
    alone = client.get(f"{path}/{order[2]}/neighbours", numbers=order[0])
    assert alone == {"previous": None, "next": None, "place": None, "total": 1}


def test_a_training_tells_its_steps_its_evaluations_and_its_numbers(tmp_path: Path) -> None:
    """Four episodes of a real run, as if a training of two tasks in groups of one had played them."""
    place = tmp_path / "t.db"
    run = turnwise.run("number_guess", "random", store=place, limit=4)
    store = Store(place)
    about = {"train": {"folder": str(tmp_path / "made"), "tasks_per_step": 2, "group": 1}}
    config = {"environment": "number_guess", "agents": {"agent": {"use": "policy"}}}
    made = {"environment": "number_guess", "planned": 4, "config": config}
    train = store.create_run(**made, provenance=about, kind="train")
    tested = store.create_run(**made, provenance={}, kind="eval", parent=f"{train.id}@1")
    with sqlite3.connect(place) as connection:
        columns = "task, epoch, seed, stop, detail, score, turns, calls, tool_calls, input, output"
        for row in (train, tested):
            connection.execute(
                f"INSERT INTO episodes (run, number, {columns}) SELECT ?, number, {columns} "
                "FROM episodes WHERE run = ?",
                (row.number, run.row.number),
            )
            connection.execute(
                "INSERT INTO log SELECT ?, episode, part, data, timings FROM log WHERE run = ?",
                (row.number, run.row.number),
            )
    for row in (train, tested):
        store.release(row.number, "done")
    (tmp_path / "made").mkdir()
    lines = [
        {"step": 0, "loss": 0.5, "entropy": 1.5},
        {"step": 1, "loss": 0.25},
        {"step": 1, "eval": {"score": 1.0}},
    ]
    (tmp_path / "made" / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    scores = [episode.score or 0.0 for episode in run.episodes()]
    with serving(place) as client:
        learning = client.get(f"/runs/{train.id}")["learning"]
        assert [(point["step"], point["score"]["mean"], point["query"]) for point in learning["played"]] == [
            (0, sum(scores[:2]) / 2, "numbers=0-1"),
            (1, sum(scores[2:]) / 2, "numbers=2-3"),
        ]
        listed = client.get(f"/runs/{train.id}/episodes", numbers="2-3")["rows"]
        assert [line["number"] for line in listed] == [2, 3]
        assert [(point["step"], point["run"]) for point in learning["evaluated"]] == [(1, tested.id)]
        numbers = {series["name"]: (series["steps"], series["values"]) for series in learning["numbers"]}
        assert numbers["loss"] == ([0, 1], [0.5, 0.25])
        assert numbers["entropy"] == ([0], [1.5])
        assert numbers["eval/score"] == ([1], [1.0])
        assert [child["id"] for child in client.get(f"/runs/{train.id}")["children"]] == [tested.id]


def test_numbers_are_ranges_that_may_lie_over_one_another() -> None:
    assert numbers_of("3,7,5-9,6-12,1-3,99", 11) == [1, 2, 3, 5, 6, 7, 8, 9, 10]
    start = time.perf_counter()
    assert len(numbers_of(",".join(["0-999999999"] * 1_500), 100_000)) == 100_000
    assert time.perf_counter() - start < 1.0
