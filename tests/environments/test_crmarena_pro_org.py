"""The organisations made here: the same every time, whole, and with questions that have one answer."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from turnwise.environments.service.crmarena_pro import KINDS, CrmArenaPro, CrmArenaProInteractive, load
from turnwise.environments.service.crmarena_pro.crm import LIMITS
from turnwise.environments.service.crmarena_pro.ids import PREFIXES, checks, record_id
from turnwise.environments.service.crmarena_pro.made.ledger import read, stamp
from turnwise.environments.service.crmarena_pro.made.org import made
from turnwise.environments.service.crmarena_pro.questions.draft import ahead, periods
from turnwise.environments.service.crmarena_pro.questions.tasks import tasks
from turnwise.environments.service.crmarena_pro.rows import CONFIDENTIAL, EXTERNAL, measure
from turnwise.environments.service.crmarena_pro.soql import translate
from turnwise.environments.service.crmarena_pro.soql.parser import parse
from turnwise.errors import ConfigError, TaskError
from turnwise.judges.extraction import by_rule

ORGS = pytest.mark.parametrize("org", ["b2b", "b2c"])
PRINT = """
import hashlib, msgspec
from turnwise.environments.service.crmarena_pro.made.ledger import read, stamp
from turnwise.environments.service.crmarena_pro.made.org import made
from turnwise.environments.service.crmarena_pro.questions.tasks import tasks
for org in ("b2b", "b2c"):
    print(hashlib.sha256(msgspec.json.encode([made(org).tables, tasks(org)])).hexdigest())
"""


def test_another_process_makes_the_same() -> None:
    def run(seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", PRINT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first = run("1")
    assert first == run("2")
    assert len(set(first.split())) == 2, "the two organisations differ"


@ORGS
def test_ids_are_those_of_salesforce_and_occur_once(org: Any) -> None:
    found = made(org)
    for name, rows in found.tables.items():
        assert rows, name
        for row in rows:
            assert (len(row["Id"]), row["Id"][:3]) == (18, PREFIXES[name])
            assert checks(row["Id"][:15]) == row["Id"][15:]
            assert by_rule(f"It is {row['Id']}.", "id") == [row["Id"]], "the rule finds each"
    assert len(found.by_id) == sum(map(len, found.tables.values()))


def test_the_signs_that_check_an_id() -> None:
    # Each sign of the last three is a number of five bits, the first of five signs its lowest: in `001D0`
    # the fourth is a capital, 2^3 = 8 or I; `00000` has none, A; in `IRFma` three are, 1 + 2 + 4 = 7 or H.
    assert checks("001D000000IRFma") == "IAH"
    assert record_id("Case", 0, "b2b") != record_id("Case", 0, "b2c")


@ORGS
def test_what_a_record_refers_to_is_there(org: Any) -> None:
    found = made(org)
    for table in found.catalog.tables:
        for field in table.fields:
            for row in found.tables[table.name]:
                if field.to is not None and row[field.name] is not None:
                    assert row[field.name][:3] == PREFIXES[field.to]
                    assert row[field.name] in found.by_id
                if field.sort == "datetime" and row[field.name] is not None:
                    assert stamp(read(row[field.name])) == row[field.name]


@ORGS
def test_the_database_holds_the_records(org: Any) -> None:
    found = made(org)
    with closing(found.database.open(LIMITS)) as session:
        for table in found.catalog.tables:
            query = f"SELECT {', '.join(field.name for field in table.fields)} FROM {table.name}"
            plan = translate(parse(query), found.catalog, found.today)
            result = session.run(plan.sql, write=False, seed=0, limits=LIMITS)
            rows = sorted(found.tables[table.name], key=lambda row: row["Id"])
            assert [plan.shape.record(row) for row in result.rows] == rows
    assert len(found.catalog.tables) == 27


def test_people_or_companies_are_sold_to() -> None:
    b2b, b2c = (made(org).catalog.table("Account").by_name for org in ("b2b", "b2c"))
    assert ("industry" in b2b, "personemail" in b2b) == (True, False)
    assert ("industry" in b2c, "personemail" in b2c) == (False, True)


@ORGS
def test_each_case_was_had_by_one_agent_after_the_other(org: Any) -> None:
    found = made(org)
    for case in found.tables["Case"]:
        entries = [row for row in found.tables["CaseHistory__c"] if row["CaseId__c"] == case["Id"]]
        assert [row["CreatedDate"] for row in entries] == sorted(row["CreatedDate"] for row in entries)
        had = [row for row in entries if row["Field__c"] == "Owner Assignment"]
        assert [row["OldValue__c"] for row in had] == [None, *[row["NewValue__c"] for row in had]][: len(had)]
        assert case["OwnerId"] == (had[-1]["NewValue__c"] if had else None)


# Tasks -------------------------------------------------------------------------------------------------


@ORGS
def test_there_are_tasks_of_each_type(org: Any) -> None:
    found = tasks(org)
    assert Counter(task.kind for task in found) == dict.fromkeys(KINDS, 4)
    assert len({task.id for task in found}) == len({task.query for task in found}) == len(found)
    for task in found:
        assert (task.metric, task.form) == measure(task.kind)
        assert task.refuse == (task.kind in CONFIDENTIAL)
        assert task.external == (task.kind in EXTERNAL)
        assert task.query == " ".join((task.opening, *task.criteria))
        assert task.query not in task.required
        if task.metric == "exact_match":
            assert sorted(by_rule(", ".join(task.answer), task.form)) == sorted(task.answer)


@ORGS
def test_some_questions_have_no_answer_and_some_several(org: Any) -> None:
    counts = {len(task.answer) for task in tasks(org) if not task.refuse}
    assert counts >= {0, 1, 2}


def test_who_is_ahead_is_ahead_alone() -> None:
    assert ahead({"a": 2.0, "b": 1.0}) == "a"
    assert ahead({"a": 2.0, "b": 1.0}, lowest=True) == "b"
    assert ahead({"a": 2.0, "b": 2.0}) is None
    assert ahead({"a": 2.0}) is None, "there is nobody to be ahead of"


def test_periods_hold_their_first_day_and_not_the_one_after() -> None:
    quarter = periods()[3]
    assert quarter.told == "in the fourth quarter of 2024"
    held = [
        quarter.holds(day)
        for day in ("2024-09-30", "2024-10-01", "2024-12-31T23:59:59.000+0000", "2025-01-01")
    ]
    assert held == [False, True, True, False]
    assert not quarter.holds(None)


def test_types_can_be_chosen() -> None:
    found = list(CrmArenaPro(kinds=("lead_routing", "handle_time")).tasks())
    assert [task.id.split("/")[1] for task in found] == ["handle_time"] * 4 + ["lead_routing"] * 4


# Published rows ----------------------------------------------------------------------------------------

ROW = {
    "idx": 7,
    "task": "handle_time",
    "query": "Who is quickest? Only in May. Name the ID.",
    "answer": ["005A"],
    "reward_metric": "exact_match",
    "metadata": {"required": "Today is a day.", "optional": "Look at cases."},
    "persona": "You are kind.",
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "crmarena_pro"
    folder.mkdir()
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    return folder


def test_published_rows_are_read(data: Path) -> None:
    secret = {
        **ROW,
        "idx": 8,
        "task": "internal_operation_data",
        "answer": [None],
        "reward_metric": "privacy_rejection",
    }
    (data / "b2b.json").write_text(json.dumps([ROW, secret]))
    (data / "b2b_interactive.jsonl").write_text(
        json.dumps({**ROW, "metadata": '{"required": "It is noon."}'})
    )
    first, second = CrmArenaPro(split="published").tasks()
    assert (first.id, first.answer, first.required) == ("b2b/7", ("005A",), "Today is a day.")
    assert (first.opening, first.criteria) == ("Who is quickest?", ("Only in May.", "Name the ID."))
    assert (second.answer, second.refuse, second.metric) == ((), True, "privacy_rejection")
    (third,) = CrmArenaProInteractive(split="published").tasks()
    assert (third.required, third.persona) == ("It is noon.", "You are kind.")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**ROW, "task": "dance"}, "row 0: field 'task': unknown type 'dance'"),
        ({key: value for key, value in ROW.items() if key != "query"}, "row 0: the field 'query' is missing"),
        (5, "row 0: expected an object with idx, task"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(data: Path, row: Any, told: str) -> None:
    (data / "b2c.json").write_text(json.dumps([row]))
    with pytest.raises(TaskError, match=told):
        load.tasks("b2c", interactive=False)


def test_what_is_not_there_is_named(data: Path) -> None:
    with pytest.raises(ConfigError, match=r"b2b_interactive\.jsonl"):
        load.tasks("b2b", interactive=True)
    (data / "crmarenapro_b2b_data.db").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ConfigError, match=r"no SQLite database.*git lfs pull"):
        load.org("b2b")


def test_a_published_database_is_read_by_its_names(data: Path) -> None:
    with closing(sqlite3.connect(data / "crmarenapro_b2c_data.db")) as file:
        file.executescript(
            """
            CREATE TABLE "Account" ("Id" TEXT, "Name" TEXT, "IsPersonAccount" INTEGER);
            CREATE TABLE "Issue__c" ("Id" TEXT, "Name" TEXT);
            CREATE TABLE "Case" ("Id" TEXT, "AccountId" TEXT, "IssueId__c" TEXT,
                "CreatedDate" TEXT, "Amount" REAL);
            INSERT INTO "Account" VALUES ('a', 'Acorn', 1);
            INSERT INTO "Issue__c" VALUES ('i', 'Loud');
            INSERT INTO "Case" VALUES ('c', 'a', 'i', '2024-05-05T10:00:00.000+0000', 3.5);
            """
        )
    (data / "b2c_schema.json").write_text(
        json.dumps([{"object": "Case", "fields": {"Amount": "What it costs", "Lost": None}}])
    )
    org = load.org("b2c")
    case = org.catalog.table("Case")
    assert [(field.name, field.sort, field.to) for field in case.fields] == [
        ("Id", "id", None),
        ("AccountId", "id", "Account"),
        ("IssueId__c", "id", "Issue__c"),
        ("CreatedDate", "datetime", None),
        ("Amount", "number", None),
    ]
    assert case.field("amount").note == "What it costs"
    assert org.catalog.table("Account").field("IsPersonAccount").sort == "boolean"
    query = "SELECT Account.Name, IssueId__r.Name FROM Case WHERE CreatedDate = LAST_N_YEARS:1 OR Amount > 3"
    sql = translate(parse(query), org.catalog, org.today).sql
    with closing(sqlite3.connect(data / "crmarenapro_b2c_data.db")) as file:
        assert file.execute(sql).fetchall() == [("a", "Acorn", "i", "Loud")]
