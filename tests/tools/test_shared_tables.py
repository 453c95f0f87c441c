"""Tables over a shared base: a change is one record's, and states are equal where changes are."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.errors import TaskError
from turnwise.tools.tables import Base, Tables, difference

ORDERS: dict[str, dict[str, dict[str, Any]]] = {
    "orders": {
        "#1": {"status": "open", "items": [{"id": "a"}], "user": "eva"},
        "#2": {"status": "sent", "items": [], "user": "max"},
        "#3": {"status": "open", "items": [], "user": "max"},
    },
    "users": {"eva": {"name": "Eva"}, "max": {"name": "Max"}},
}


def test_reads_are_the_bases_and_writes_are_copies() -> None:
    base = Base(ORDERS)
    one, other = Tables(base), Tables(base)
    assert one["orders"]["#1"] is other["orders"]["#1"]
    one["orders"].edit("#1")["status"] = "cancelled"
    one["orders"].edit("#1")["items"].append({"id": "b"})
    assert one["orders"]["#1"]["items"] == [{"id": "a"}, {"id": "b"}]
    assert other["orders"]["#1"] == ORDERS["orders"]["#1"]
    assert one.changes() == {
        "orders": {"#1": {"status": "cancelled", "items": [{"id": "a"}, {"id": "b"}], "user": "eva"}}
    }
    assert one.base.tables["orders"]["#2"] is one["orders"]["#2"]


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(status="x"),
        lambda record: record.__setitem__("status", "x"),
        lambda record: record.pop("status"),
        lambda record: record["items"].append(1),
        lambda record: record["items"][0].__setitem__("id", "x"),
        lambda record: record["items"].sort(),
    ],
)
def test_what_is_shared_cannot_be_changed(change: Any) -> None:
    base = Base(ORDERS)
    with pytest.raises(TypeError, match=r"take it by table\.edit\(id\)"):
        change(Tables(base)["orders"]["#1"])
    assert json.loads(json.dumps(base.tables)) == ORDERS
    mine = copy.deepcopy(base.tables["orders"]["#1"])
    mine["items"].append(1)


def test_changed_back_is_no_change() -> None:
    base = Base(ORDERS)
    tables = Tables(base)
    key = tables.key()
    tables["orders"].edit("#1")["status"] = "sent"
    tables["users"]["new"] = {"name": "New"}
    del tables["users"]["eva"]
    assert tables.key() != key
    assert tables != Tables(base)
    tables["orders"].edit("#1")["status"] = "open"
    del tables["users"]["new"]
    tables["users"]["eva"] = {"name": "Eva"}
    assert tables.changes() == {}
    assert tables.key() == key
    assert tables == Tables(base)
    assert tables != Tables(Base({"orders": {}}))


def test_the_order_of_keys_is_no_difference_but_a_type_is() -> None:
    base = Base({"t": {"1": {"a": 1, "b": True}}})
    tables = Tables(base)
    tables["t"]["1"] = {"b": True, "a": 1}
    assert tables.changes() == {}
    tables["t"]["1"] = {"b": 1, "a": 1}
    assert tables.changes() == {"t": {"1": {"b": 1, "a": 1}}}


def test_a_differing_value_is_named_by_its_way() -> None:
    tables = Tables(Base(ORDERS))
    tables["orders"].edit("#1")["status"] = "sent"
    assert tables.since() == [{"at": ["orders", "#1", "status"], "was": "open", "now": "sent"}]
    assert tables.since() == []
    tables["orders"]["#1"]["note"] = {"by": "me"}  # its own record, given out again
    tables["orders"]["#4"] = {"status": "open"}
    del tables["users"]["eva"]
    assert tables.since() == [
        {"at": ["orders", "#1", "note"], "now": {"by": "me"}},
        {"at": ["orders", "#4"], "now": {"status": "open"}},
        {"at": ["users", "eva"], "was": {"name": "Eva"}},
    ]
    assert difference({"a": {"b": [1]}}, {"a": {"b": [2]}}) == [{"at": ["a", "b"], "was": [1], "now": [2]}]


def test_records_are_found_by_their_fields() -> None:
    tables = Tables(Base(ORDERS))
    orders = tables["orders"]
    assert orders.find(user="max") == ["#2", "#3"]
    assert orders.find(user="max", status="open") == ["#3"]
    orders.edit("#1")["user"] = "max"
    orders["#4"] = {"user": "max", "status": "open", "items": []}
    del orders["#3"]
    assert orders.find(user="max") == ["#1", "#2", "#4"]
    assert orders.find(user="eva") == []
    assert orders.find(items=[]) == ["#2", "#4"]
    assert list(orders) == ["#1", "#2", "#4"]
    assert "#3" not in orders
    with pytest.raises(KeyError):
        orders["#3"]
    with pytest.raises(KeyError):
        orders.edit("#9")


def test_a_base_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "db.json"
    path.write_text(json.dumps(ORDERS))
    assert Tables(Base.read(path)) == Tables(Base(ORDERS))
    path.write_text('{"orders": [1]}')
    with pytest.raises(TaskError, match="JSON objects by id"):
        Base.read(path)
    with pytest.raises(TaskError, match=r"gone\.json"):
        Base.read(tmp_path / "gone.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
RECORDS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
IDS = st.sampled_from(["1", "2", "3", "4"])
STEPS = st.lists(
    st.tuples(st.just("put"), IDS, RECORDS)
    | st.tuples(st.just("edit"), IDS, RECORDS)
    | st.tuples(st.just("delete"), IDS, st.just(None))
    | st.tuples(st.sampled_from(["mark", "copy", "undo"]), IDS, st.just(None)),
    max_size=12,
)


@given(st.dictionaries(IDS, RECORDS, max_size=3), STEPS)
def test_tables_do_what_dictionaries_do(start: dict[str, Any], steps: list[Any]) -> None:
    base = Base({"t": start})
    tables, plain = Tables(base), copy.deepcopy(start)
    marked = copy.deepcopy(start)
    for step, name, record in steps:
        table = tables["t"]
        if step == "put":
            table[name] = record
            plain[name] = copy.deepcopy(record)
        elif step == "edit" and name in plain:
            table.edit(name).update(copy.deepcopy(record))
            plain[name].update(copy.deepcopy(record))
        elif step == "delete" and name in plain:
            del table[name]
            del plain[name]
        elif step == "mark":
            tables.since()
            marked = copy.deepcopy(plain)
        elif step == "undo":
            tables.undo()
            plain = copy.deepcopy(marked)
        elif step == "copy":
            left, tables = tables, tables.copy()
            left["t"][name] = {"a": "only here"}
        assert dict(tables["t"]) == plain
        assert len(tables["t"]) == len(plain)
        assert tables.whole() == {"t": plain}
    assert (tables == Tables(base)) == (
        json.dumps(plain, sort_keys=True) == json.dumps(start, sort_keys=True)
    )
    again = Tables(base)
    for name in start:
        if name not in plain:
            del again["t"][name]
    for name, record in plain.items():
        again["t"][name] = record
    assert again.key() == tables.key()
