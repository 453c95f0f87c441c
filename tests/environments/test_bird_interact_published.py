"""BIRD-INTERACT: rows, knowledge and test cases in the published form, over databases of our own."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import turnwise
from endpoint import closed_port
from postgres_server import postgres_server
from turnwise.environments.service.bird_interact import BirdInteract, published
from turnwise.environments.service.bird_interact.engines import engine
from turnwise.errors import ConfigError, TaskError
from turnwise.store.store import Store
from turnwise.tools.sandbox import detect

SCHEMA = "CREATE TABLE hives (id INTEGER PRIMARY KEY, colour TEXT, honey NUMERIC(5, 1), checked DATE);"
ROWS = """INSERT INTO hives VALUES (1, 'red', 12.5, '2025-05-01'), (2, 'blue', 3.25, '2025-06-01'),
(3, 'red', 8, NULL), (4, 'white', 0, '2024-09-09');"""
QUERY: dict[str, Any] = {
    "instance_id": "bees_1",
    "selected_database": "bees",
    "query": "Colours of hives that gave at least 5 kilos.",
    "amb_user_query": "What colours do good hives have?",
    "user_query_ambiguity": {
        "critical_ambiguity": [
            {"term": "good", "sql_snippet": "honey >= 5", "is_mask": False, "type": "semantic"}
        ],
        "non_critical_ambiguity": [{"term": "colours", "sql_snippet": "DISTINCT colour"}],
    },
    "knowledge_ambiguity": [{"term": "Strong hive", "deleted_knowledge": 2}],
    "category": "Query",
    "conditions": {"order": False, "distinct": True},
    "sol_sql": [],
    "test_cases": [],
    "preprocess_sql": ["DELETE FROM hives WHERE id = 4"],
    "clean_up_sql": [],
    "follow_up": {"query": "How many hives are those?", "sol_sql": [], "test_cases": [], "category": "Query"},
}
CHANGE: dict[str, Any] = {
    "instance_id": "bees_M_1",
    "selected_database": "bees",
    "query": "Mark unchecked hives as checked on 2025-07-01.",
    "amb_user_query": "Check the forgotten hives.",
    "user_query_ambiguity": {"critical_ambiguity": [{"term": "forgotten", "sql_snippet": "IS NULL"}]},
    "knowledge_ambiguity": [],
    "category": "Management",
    "sol_sql": [],
    "test_cases": [],
    "follow_up": None,
}
CASE = """
def test_case(pred_sqls, sol_sqls, db_name, conn):
    rows, error, late = execute_queries("SELECT id FROM hives WHERE checked = '2025-07-01'", db_name, conn)
    assert not error and not late
    assert rows == [(3,)], rows
    pred = remove_round(remove_distinct(remove_comments(pred_sqls)))
    assert not check_sql_function_usage(pred, ["delete"])
    assert ex_base(["SELECT COUNT(*) FROM hives"], ["SELECT 4"], db_name, conn) == 1
    _, error, _ = execute_queries("SELECT nothing FROM nowhere", db_name, conn)
    assert error
    return 1
"""
SENT: list[dict[str, Any]] = [
    {
        "instance_id": "bees_1",
        "sol_sql": "SELECT DISTINCT colour FROM hives WHERE honey >= 5",
        "test_cases": [],
        "external_knowledge": [2],
        "follow_up": {"sol_sql": ["SELECT COUNT(*) FROM hives WHERE honey >= 5"], "test_cases": []},
    },
    {
        "instance_id": "bees_M_1",
        "sol_sql": ["UPDATE hives SET checked = '2025-07-01' WHERE checked IS NULL"],
        "test_cases": [CASE],
    },
]
KNOWLEDGE = [
    {"id": 1, "knowledge": "Season", "description": "When bees fly.", "definition": "April on.",
     "type": "domain_knowledge", "children_knowledge": -1},
    {"id": 2, "knowledge": "Strong hive", "description": "It gives.", "definition": "Five kilos or more.",
     "type": "domain_knowledge", "children_knowledge": [1]},
]  # fmt: skip
RIGHT = "SELECT colour FROM hives WHERE honey > 4.9"


def put(root: Path, split: str, file: str, *, sent: bool = True) -> Path:
    folder = root / "bird_interact" / split
    (folder / "bees").mkdir(parents=True)

    def lines(name: str, rows: list[dict[str, Any]]) -> None:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    lines(file, [QUERY, CHANGE])
    if sent:
        lines("ground_truth.jsonl", SENT)
    lines("bees/bees_kb.jsonl", KNOWLEDGE)
    (folder / "bees" / "bees_schema.txt").write_text(SCHEMA)
    meanings = {"bees|Hives|colour": "What it is painted.", "bees|hives|honey": {"unit": "kilos"}}
    (folder / "bees" / "bees_column_meaning_base.json").write_text(json.dumps(meanings))
    with closing(sqlite3.connect(folder / "bees" / "bees.sqlite")) as made:
        made.executescript(SCHEMA + ROWS)
    return folder


@pytest.fixture
def mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    return put(tmp_path, "mini", "mini_interact.jsonl")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg", reason="psycopg is missing; pip install 'turnwise[sql]'")
    with postgres_server() as url:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("CREATE DATABASE bees_template")
        where = psycopg.conninfo.make_conninfo(url, dbname="bees_template")
        with psycopg.connect(where, autocommit=True) as inside:
            inside.execute(SCHEMA + ROWS)
        yield url


def test_rows_are_read_and_merged_with_what_was_sent(mini: Path) -> None:
    query, change = BirdInteract(split="mini").tasks()
    assert (query.id, query.database, query.ambiguities) == ("bees_1", "bees", 2)
    assert query.first.asks == QUERY["amb_user_query"]
    assert query.first.clear == QUERY["query"]
    assert query.critical[0].snippet == "honey >= 5"
    assert query.other[0].term == "colours"
    assert query.masked[0].knowledge == 2
    assert query.preprocess == ("DELETE FROM hives WHERE id = 4",)
    assert query.follow_up is not None
    assert query.follow_up.sql == ("SELECT COUNT(*) FROM hives WHERE honey >= 5",)
    assert (change.first.category, change.follow_up, change.first.test_cases) == ("Management", None, (CASE,))
    world = BirdInteract(split="mini").world(query)
    assert list(world.shown(query)) == ["Season"]
    assert world.by_id[2].children == (1,)
    assert world.columns == {"hives.colour": "What it is painted.", "hives.honey": '{"unit":"kilos"}'}


def test_rows_without_reference_say_where_it_is_to_be_had(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    put(tmp_path, "mini", "mini_interact.jsonl", sent=False)
    with pytest.raises(TaskError, match=r"'bees_1': there is no reference SQL.*ground_truth\.jsonl"):
        published.tasks("mini")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instance_id": "x", "sol_sql": "SELECT 1"}, "'x': the field 'selected_database' is missing"),
        ({"instance_id": "x", "selected_database": "bees", "sol_sql": "SELECT 1"}, "'x': the field 'query'"),
        (
            {**QUERY, "sol_sql": "SELECT 1", "knowledge_ambiguity": [{"deleted_knowledge": "two"}]},
            "'bees_1'",
        ),
    ],
)
def test_rows_of_another_form_are_named(row: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=said):
        published.task(row)


def test_lines_of_another_form_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n[1]\n')
    with pytest.raises(TaskError, match=r"rows\.jsonl:3: expected a JSON object"):
        published.lines(path)
    with pytest.raises(TaskError, match="lacks the field 'knowledge'"):
        published.entry({"id": 1})


def test_without_data_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TURNWISE_DATA", raising=False)
    with pytest.raises(ConfigError, match=r"bird_interact/lite/bird_interact_data\.jsonl"):
        published.tasks("lite")


def test_each_split_has_its_database(mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_POSTGRES", "postgresql://nobody@localhost/none")
    with pytest.raises(ConfigError, match="is SQLite's: set backend=sqlite"):
        engine(published.world("mini", "bees"), "postgres")
    put(tmp_path, "lite", "bird_interact_data.jsonl")
    with pytest.raises(ConfigError, match="is PostgreSQL's: set backend=postgres"):
        engine(published.world("lite", "bees"), "sqlite")


def refused(environment: BirdInteract, said: str, folder: Path) -> None:
    """No run is begun, and one line tells why."""
    store = folder / "refused.db"
    with pytest.raises(ConfigError, match=said) as told:
        turnwise.run(environment, "solver", store=store)
    assert "\n" not in str(told.value)
    assert not store.exists() or not Store(store).runs()


def test_a_run_is_refused_at_once_where_its_databases_are_not_there(
    mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "lite", "bird_interact_data.jsonl")
    monkeypatch.delenv("TURNWISE_POSTGRES", raising=False)
    lite = "split=lite are PostgreSQL's: set backend=postgres, and TURNWISE_POSTGRES to .* NAME_template"
    refused(BirdInteract(split="lite"), lite, tmp_path)
    refused(BirdInteract(split="lite", backend="postgres"), "set TURNWISE_POSTGRES to the URL", tmp_path)
    refused(BirdInteract(split="mini", backend="postgres"), "SQLite's: set backend=sqlite", tmp_path)
    monkeypatch.setenv("TURNWISE_POSTGRES", f"postgresql://nobody@127.0.0.1:{closed_port()}/none")
    for split in ("sample", "lite"):
        environment = BirdInteract(split=split, backend="postgres")  # type: ignore[arg-type]
        refused(environment, "TURNWISE_POSTGRES: PostgreSQL does not answer", tmp_path)
    (mini / "bees" / "bees.sqlite").unlink()
    refused(BirdInteract(split="mini"), r"no file 'bird_interact/mini/bees/bees\.sqlite'", tmp_path)


def test_a_server_without_a_tasks_database_is_told_of_it(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    monkeypatch.setenv("TURNWISE_POSTGRES", server)
    folder = put(tmp_path, "lite", "bird_interact_data.jsonl")
    names = ["ants", "cats", "dogs", "elks"]
    for name in names:
        shutil.copytree(folder / "bees", folder / name)
        for file in list((folder / name).iterdir()):
            file.rename(file.with_name(file.name.replace("bees", name)))
    rows = [QUERY, *({**CHANGE, "instance_id": name, "selected_database": name} for name in names)]
    (folder / "bird_interact_data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    sent = [*SENT, *({**SENT[1], "instance_id": name} for name in names)]
    (folder / "ground_truth.jsonl").write_text("\n".join(map(json.dumps, sent)))
    lacks = "has not ants_template, cats_template, dogs_template and 1 more, of the 5 databases of split=lite"
    refused(BirdInteract(split="lite", backend="postgres"), lacks, tmp_path)


def test_mini_interact_plays_over_its_files(mini: Path, tmp_path: Path) -> None:
    environment = BirdInteract(split="mini")
    run = turnwise.run(environment, "solver", ids=["bees_1"], store=tmp_path / "t.db")
    assert run.episode(0).score() == 1.0
    # The first definition is said in words; of the other there is only SQL, which is not said.
    said = [turn.text for turn in run.episode(0).turns if turn.role == "user"]
    assert said[1] == "Five kilos or more."


@pytest.mark.skipif(not detect()[0].works, reason="bubblewrap does not work here; apt-get install bubblewrap")
@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_published_test_cases_decide(
    backend: Any, mini: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: Any
) -> None:
    if backend == "postgres":
        monkeypatch.setenv("TURNWISE_POSTGRES", request.getfixturevalue("server"))
        put(tmp_path, "lite", "bird_interact_data.jsonl")
    environment = BirdInteract(split="mini" if backend == "sqlite" else "lite", backend=backend)
    run = turnwise.run(environment, "stumbling", ids=["bees_M_1"], store=tmp_path / "t.db")
    log = run.episode(0)
    assert log.error is None
    notes = [note.value for note in log.notes if note.name == "submission"]
    assert [note["passed"] for note in notes] == [False, True]
    assert log.rewards[0].value == 0.7
    solved = turnwise.run(environment, "solver", ids=["bees_1"], store=tmp_path / "t.db")
    assert solved.episode(0).score() == 1.0
