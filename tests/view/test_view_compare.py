"""Runs paired by task, and episodes turn by turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House
from served import Client, serving

import turnwise
from turnwise.metrics import compare


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare") / "t.db"


@pytest.fixture(scope="module")
def runs(place: Path) -> tuple[turnwise.Run, turnwise.Run, turnwise.Run]:
    """Twelve tasks twice by chance, ten of them by a solver, and two by a policy three times."""
    lost = turnwise.run("number_guess", "random", store=place, limit=12, epochs=2, limits={"turns": 6})
    solved = turnwise.run("number_guess", "solver", store=place, limit=10, limits={"turns": 6})
    policy = turnwise.run("number_guess", "tiny/sprout", store=place, limit=2, epochs=3)
    return lost, solved, policy


@pytest.fixture(scope="module")
def browser(place: Path, runs: object) -> Iterator[Client]:
    with serving(place) as client:
        yield client


def scores(run: turnwise.Run) -> tuple[list[float | None], list[str]]:
    rows = run.episodes()
    return [row.score for row in rows], [row.task for row in rows]


def test_the_figures_are_those_of_the_metrics(
    browser: Client, runs: tuple[turnwise.Run, turnwise.Run, turnwise.Run]
) -> None:
    lost, solved, policy = runs
    page = browser.get("/compare", runs=",".join(run.id for run in runs), show="all")
    assert [line["id"] for line in page["runs"]] == [run.id for run in runs]
    for pair, other in zip(page["pairs"], (solved, policy), strict=True):
        values, tasks = scores(lost)
        wanted = compare(values, tasks, *scores(other))
        assert (pair["a"], pair["b"], pair["tasks"]) == (lost.id, other.id, wanted.a.n)
        found = pair["difference"]
        assert (found["mean"], found["low"]) == (wanted.difference.mean, wanted.difference.low)
        assert pair["bootstrap"]["high"] == wanted.bootstrap.high
        assert (pair["p"], pair["exact"]) == (wanted.p, wanted.exact)
        assert (pair["gained"], pair["lost"]) == (len(wanted.gained), len(wanted.lost))
        assert (pair["only_a"], pair["only_b"]) == (len(wanted.only_a), len(wanted.only_b))
    assert page["curves"][1]["points"][-1]["share"]["mean"] == solved.score.mean


def test_each_task_says_what_became_of_it_and_where(
    browser: Client, runs: tuple[turnwise.Run, turnwise.Run, turnwise.Run]
) -> None:
    lost, solved, _ = runs
    both = f"{lost.id},{solved.id}"
    pages = {
        show: browser.get("/compare", runs=both, show=show)
        for show in ("all", "flipped", "gained", "lost", "improved", "worse", "same", "alone")
    }
    rows = {row["task"]: row for row in pages["all"]["rows"]}
    assert len(rows) == pages["all"]["total"] == 12
    by_task: dict[str, list[float]] = {}
    for row in lost.episodes():
        by_task.setdefault(row.task, []).append(row.score or 0.0)
    for task, row in rows.items():
        assert row["means"][0] == sum(by_task[task]) / 2
        assert [len(numbers) for numbers in row["episodes"]] == [2, 0 if row["verdict"] == "alone" else 1]
        for run, numbers in zip((lost, solved), row["episodes"], strict=True):
            assert {run.episodes()[number].task for number in numbers} <= {task}
    pair = pages["all"]["pairs"][0]
    assert pages["alone"]["total"] == pair["only_a"] == 2
    assert pages["gained"]["total"] == pair["gained"] > 0
    assert pages["flipped"]["total"] == pair["gained"] + pair["lost"]
    assert pages["improved"]["total"] == pair["improved"]
    assert pages["same"]["total"] == pair["same"]
    part = browser.get("/compare", runs=both, show="all", offset=3, limit=2)["rows"]
    assert part == pages["all"]["rows"][3:5]


def test_what_cannot_be_compared_is_a_line(browser: Client, house: House, runs: object) -> None:
    lost = runs[0].id  # type: ignore[index]
    assert "expected 2 to 8" in browser.problem(f"/compare?runs={lost}", 400)
    assert "expected 2 to 8" in browser.problem(f"/compare?runs={lost},{lost}", 400)
    assert "no run 'x'" in browser.problem(f"/compare?runs={lost},x", 404)
    assert "expected RUN/NUMBER" in browser.problem(f"/align?a={lost}&b={lost}/0", 400)


def test_episodes_are_aligned_by_who_speaks(client: Client, house: House) -> None:
    one, two = f"{house.desk}/0", f"{house.desk}/2"
    page = client.get("/align", a=one, b=two)
    turns = [client.get(f"/runs/{name.replace('/', '/episodes/')}")["turns"] for name in (one, two)]
    assert [row["a"] for row in page["rows"] if row["a"] is not None] == list(range(len(turns[0])))
    assert [row["b"] for row in page["rows"] if row["b"] is not None] == list(range(len(turns[1])))
    for row in page["rows"]:
        if row["a"] is not None and row["b"] is not None:
            assert turns[0][row["a"]]["role"] == turns[1][row["b"]]["role"]
    fork = client.get("/align", a=f"{house.solved}/1", b=f"{house.fork}/0")
    assert fork["shared"] >= 3
