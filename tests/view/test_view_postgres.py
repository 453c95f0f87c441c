"""The viewer on a real PostgreSQL server: the same answers as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Client, serving

import turnwise
from postgres_server import postgres_server
from turnwise.store.store import Store

pytest.importorskip("psycopg", reason="psycopg is not installed; get it by: pip install 'turnwise[postgres]'")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def played(place: str | Path) -> str:
    return turnwise.run("maze", "random", store=place, limit=4, seed=5).id


def told(client: Client, run: str) -> list[Any]:
    """What pages say, without what differs by chance: ids, times."""
    grid = client.get(f"/runs/{run}/episodes", sort="score", order="desc", text="wall", numbers="0-2")
    client.post("/labels", kind="tag", target=f"{run}/2", annotator="ana", name="odd")
    thumb = client.post("/labels", kind="thumb", target=f"{run}/1@1", annotator="ana", value=1).json
    client.post(f"/labels/{thumb['id']}/retract", annotator="ana")
    tagged = client.get(f"/runs/{run}/episodes", tag="odd", labelled="true")
    page = client.get(f"/runs/{run}")
    found = client.get("/search", q='goal "to your right" -left', run=run, limit=500)
    return [
        [(row["number"], row["score"], row["turns"]) for row in grid["rows"]],
        grid["total"],
        [(row["number"], row["tags"], row["labels"]) for row in tagged["rows"]],
        client.get("/labels")["total"],
        [page[name] for name in ("scores", "turns", "stops", "roles", "metrics")],
        {(hit["episode"], hit["turn"], hit["role"]) for hit in found["hits"]},
        found["total"],
        [turn["message"] for turn in client.get(f"/runs/{run}/episodes/0/turns")["turns"]],
        client.get("/runs", sort="score")["rows"][0]["score"],
    ]


def test_the_pages_are_the_same_as_on_sqlite(server: str, tmp_path: Path) -> None:
    with serving(tmp_path / "t.db") as client:
        here = told(client, played(tmp_path / "t.db"))
    with serving(Store(server)) as client:
        there = told(client, played(server))
    for ours, theirs in zip(here, there, strict=True):
        assert theirs == ours


def test_the_index_follows_the_runs_and_forgets_those_that_are_gone(server: str) -> None:
    run = turnwise.run("number_guess", "solver", store=server, limit=1)
    with serving(Store(server)) as client:
        assert client.get("/search", q="higher lower", run=run.id)["index"]["done"] >= 1
        hit = client.get("/search", q="number", run=run.id)["hits"][0]
        start, end = hit["ranges"][0]
        assert hit["snippet"][start:end].lower() == "number"
        Store(server).delete(run.row.number)
        assert all(one["run"] != run.id for one in client.get("/search", q="number")["hits"])
