"""SOQL and SOSL: what they mean, worked by hand on a few records; any text gives an answer or one line."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnwise.environments.service.crmarena_pro.made.org import made
from turnwise.environments.service.crmarena_pro.soql import (
    Catalog,
    Field,
    SoqlError,
    Sort,
    Table,
    dates,
    is_search,
    parse,
    search,
    translate,
)
from turnwise.environments.service.crmarena_pro.soql.shape import without_empty
from turnwise.tools.sql import Sqlite, SqlLimits

TODAY = date(2025, 6, 16)
LIMITS = SqlLimits(rows=2_000)


def table(name: str, *fields: tuple[str, Sort] | tuple[str, Sort, str]) -> Table:
    return Table(
        name=name,
        fields=tuple(Field(name=f[0], sort=f[1], to=f[2] if len(f) > 2 else None) for f in fields),
    )


SHOP = Catalog(
    [
        table("User", ("Id", "id"), ("Name", "string")),
        table(
            "Account",
            ("Id", "id"),
            ("Name", "string"),
            ("Employees", "number"),
            ("Active", "boolean"),
            ("OwnerId", "id", "User"),
            ("Founded", "date"),
        ),
        table(
            "Case",
            ("Id", "id"),
            ("Subject", "string"),
            ("Body", "textarea"),
            ("AccountId", "id", "Account"),
            ("CreatedDate", "datetime"),
        ),
    ]
)
SCRIPT = """
CREATE TABLE "User" ("Id" TEXT, "Name" TEXT);
INSERT INTO "User" VALUES ('u1', 'Ada'), ('u2', 'Bela');
CREATE TABLE "Account" (
    "Id" TEXT, "Name" TEXT, "Employees" NUMERIC, "Active" INTEGER, "OwnerId" TEXT, "Founded" TEXT
);
INSERT INTO "Account" VALUES
    ('a1', 'Acorn', 10, 1, 'u1', '2025-06-16'),
    ('a2', 'birch', 20, 0, 'u2', '2025-05-31'),
    ('a3', 'Cedar', NULL, NULL, NULL, NULL),
    ('a4', '100% Oak_s', 40, 1, 'u1', '2024-06-16');
CREATE TABLE "Case" ("Id" TEXT, "Subject" TEXT, "Body" TEXT, "AccountId" TEXT, "CreatedDate" TEXT);
INSERT INTO "Case" VALUES
    ('c1', 'Broken', 'The lamp-post fell over', 'a1', '2025-06-16T09:00:00.000+0000'),
    ('c2', 'Late', 'Nothing came', 'a1', '2025-06-15T23:59:59.000+0000'),
    ('c3', 'Loud', 'It rattles; "the lamp" too', 'a2', '2025-03-01T00:00:00.000+0000');
"""
DATABASE = Sqlite(script=SCRIPT)


def ask(query: str, catalog: Catalog = SHOP, database: Sqlite = DATABASE) -> list[dict[str, Any]]:
    """The records that a query gives."""
    with closing(database.open(LIMITS)) as session:
        plans = search(query, catalog, TODAY).plans if is_search(query) else None
        records: list[dict[str, Any]] = []
        for plan in plans or [translate(parse(query), catalog, TODAY)]:
            result = session.run(plan.sql, write=False, seed=0, limits=LIMITS)
            if result.error is not None:
                raise SoqlError("QUERY_TOO_COMPLICATED", result.error)
            records += [plan.shape.record(row) for row in result.rows]
        return records


def ids(where: str, of: str = "Account") -> str:
    """The ids of the records that a condition holds of, in a row."""
    return " ".join(record["Id"] for record in ask(f"SELECT Id FROM {of} WHERE {where}"))


# Conditions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ACORN'", "a1"),  # in any case
        ("Name != 'acorn'", "a2 a3 a4"),
        ("Employees = 20", "a2"),
        ("Employees != 20", "a1 a3 a4"),  # what is empty is not 20
        ("Employees >= 20 AND Employees < 40", "a2"),
        ("NOT Employees > 15", "a1 a3"),
        ("Employees = null", "a3"),
        ("Employees != null", "a1 a2 a4"),
        ("Active = true", "a1 a4"),
        ("Active = false", "a2 a3"),  # an empty boolean is false
        ("Active != null", "a1 a4"),
        ("Name LIKE 'a%'", "a1"),
        ("Name LIKE '_edar'", "a3"),
        (r"Name LIKE '100\% Oak\_s'", "a4"),
        (r"Name LIKE '%\_%'", "a4"),
        ("Name IN ('cedar', 'Birch')", "a2 a3"),
        ("Name NOT IN ('cedar', 'Birch')", "a1 a4"),
        ("Owner.Name = 'Ada'", "a1 a4"),
        ("Owner.Name = null", "a3"),  # there is no owner
        ("Owner.Name != 'Ada'", "a2 a3"),
        ("Id IN (SELECT AccountId FROM Case)", "a1 a2"),
        ("Id NOT IN (SELECT AccountId FROM Case WHERE Subject = 'Late')", "a2 a3 a4"),
        ("(Name = 'Acorn' OR Name = 'Cedar') AND Employees = null", "a3"),
        ("(NOT (Name = 'Acorn' OR Employees = null))", "a2 a4"),
        ("Founded = TODAY", "a1"),
        ("Founded = LAST_MONTH", "a2"),
        ("Founded < THIS_YEAR", "a4"),
        ("Founded >= LAST_N_DAYS:30", "a1 a2"),
        ("Founded = 2025-05-31", "a2"),
        ("Founded = LAST_YEAR", "a4"),
    ],
)
def test_a_condition_holds_of(where: str, found: str) -> None:
    assert ids(where) == found


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("CreatedDate = TODAY", "c1"),
        ("CreatedDate = YESTERDAY", "c2"),
        ("CreatedDate < YESTERDAY", "c3"),
        ("CreatedDate >= 2025-06-16T01:00:00+02:00", "c1 c2"),  # 23:00 of the day before
        ("CreatedDate > 2025-06-15T23:59:59Z", "c1"),
        ("CALENDAR_MONTH(CreatedDate) = 3", "c3"),
        ("DAY_IN_WEEK(CreatedDate) = 1", "c2"),  # a Sunday
        ("CALENDAR_QUARTER(CreatedDate) = 2 AND HOUR_IN_DAY(CreatedDate) = 9", "c1"),
        ("Account.Owner.Name = 'Bela'", "c3"),
    ],
)
def test_a_condition_on_moments_holds_of(where: str, found: str) -> None:
    assert ids(where, "Case") == found


# Results -----------------------------------------------------------------------------------------------


def test_records_are_nested_by_relationship() -> None:
    assert ask("SELECT Name, Owner.Name FROM Account WHERE Name IN ('Acorn', 'Cedar')") == [
        {"Name": "Acorn", "Owner": {"Name": "Ada"}},
        {"Name": "Cedar", "Owner": None},
    ]
    (case,) = ask("SELECT c.Subject, c.Account.Owner.Name FROM Case c WHERE c.Id = 'c3'")
    assert case == {"Subject": "Loud", "Account": {"Owner": {"Name": "Bela"}}}


def test_a_query_within_gives_what_refers_to_a_record() -> None:
    found = ask(
        "SELECT Name, (SELECT Subject, Account.Name FROM Cases ORDER BY Subject DESC) FROM Account LIMIT 3"
    )
    assert [record["Cases"] for record in found] == [
        [
            {"Subject": "Late", "Account": {"Name": "Acorn"}},
            {"Subject": "Broken", "Account": {"Name": "Acorn"}},
        ],
        [{"Subject": "Loud", "Account": {"Name": "birch"}}],
        None,
    ]
    (limited,) = ask("SELECT (SELECT Id FROM Cases LIMIT 1) FROM Account WHERE Id = 'a1'")
    assert limited == {"Cases": [{"Id": "c1"}]}


def test_groups() -> None:
    found = ask("SELECT Owner.Name, COUNT(Id) many, SUM(Employees) FROM Account GROUP BY Owner.Name")
    assert found == [
        {"Name": None, "many": 1, "expr0": None},
        {"Name": "Ada", "many": 2, "expr0": 50},
        {"Name": "Bela", "many": 1, "expr0": 20},
    ]
    few = "SELECT OwnerId FROM Account GROUP BY OwnerId HAVING COUNT(Id) > 1 AND OwnerId != null"
    assert ask(few) == [{"OwnerId": "u1"}]
    assert ask("SELECT COUNT() FROM Case") == [{"expr0": 3}]
    assert ask("SELECT MIN(CreatedDate) first, COUNT_DISTINCT(AccountId) who FROM Case") == [
        {"first": "2025-03-01T00:00:00.000+0000", "who": 2}
    ]
    by_month = "GROUP BY CALENDAR_MONTH(CreatedDate) ORDER BY COUNT(Id) DESC"
    assert ask(f"SELECT CALENDAR_MONTH(CreatedDate) month FROM Case {by_month}") == [
        {"month": 6},
        {"month": 3},
    ]


def test_order_and_bounds() -> None:
    def order(rest: str) -> str:
        return " ".join(record["Id"] for record in ask(f"SELECT Id FROM Account {rest}"))

    assert order("ORDER BY Employees") == "a3 a1 a2 a4", "what is empty comes first"
    assert order("ORDER BY Employees DESC") == "a3 a4 a2 a1", "in both directions"
    assert order("ORDER BY Employees ASC NULLS LAST") == "a1 a2 a4 a3"
    assert order("ORDER BY Name") == "a4 a1 a2 a3", "in any case"
    assert order("ORDER BY Owner.Name DESC NULLS LAST, Name LIMIT 2") == "a2 a4"
    assert order("LIMIT 2 OFFSET 1") == "a2 a3"
    assert order("LIMIT 0") == ""
    assert order("FOR VIEW") == "a1 a2 a3 a4"


def test_all_fields() -> None:
    (found,) = ask("SELECT FIELDS(ALL) FROM Account WHERE Id = 'a1' LIMIT 1")
    assert found == {
        "Id": "a1",
        "Name": "Acorn",
        "Employees": 10,
        "Active": True,
        "OwnerId": "u1",
        "Founded": "2025-06-16",
    }


def test_what_is_empty_everywhere_is_left_out() -> None:
    assert without_empty([{"a": 1, "b": None}, {"a": None, "b": None}]) == [{"a": 1}, {"a": None}]


def test_an_id_of_fifteen_signs_is_that_of_eighteen() -> None:
    org = made("b2b")
    whole = org.tables["Case"][0]["Id"]
    for key in (whole, whole[:15]):
        assert ask(f"SELECT Id FROM Case WHERE Id = '{key}'", org.catalog, org.database) == [{"Id": whole}]
    assert ask(f"SELECT Id FROM Case WHERE Id = '{whole[:15].swapcase()}'", org.catalog, org.database) == []


# Searches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("lamp", "c1 c3"),
        ("LAMP", "c1 c3"),
        ("amp", ""),  # words are found at their beginnings
        ("lam*", "c1 c3"),
        ("l?mp", "c1 c3"),
        ("lamp rattles", "c3"),
        ("lamp AND fell", "c1"),
        ("fell OR nothing", "c1 c2"),
        ("lamp AND NOT fell", "c3"),
        ('"fell over"', "c1"),
        ('"over fell"', ""),
        ("(fell OR came) AND late", "c2"),
        ("post", "c1"),
    ],
)
def test_words_are_found(words: str, found: str) -> None:
    records = ask(f"FIND {{{words}}} IN ALL FIELDS RETURNING Case(Id)")
    assert " ".join(record["Id"] for record in records) == found


def test_a_search_returns_what_is_asked_for() -> None:
    assert ask("FIND {a*} IN NAME FIELDS RETURNING Account(Id, Name), User(Name WHERE Name LIKE 'A%')") == [
        {"Id": "a1", "Name": "Acorn"},
        {"Name": "Ada"},
    ]
    assert ask("FIND {lamp} RETURNING Case(Subject ORDER BY Subject DESC LIMIT 1)") == [{"Subject": "Loud"}]
    assert ask("find 'birch'") == [{"Id": "a2"}], "all objects, where none is named"
    assert search("FIND {lamp} RETURNING Case(Id) LIMIT 1", SHOP, TODAY).limit == 1


# Dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "number", "first", "after"),
    [
        ("THIS_WEEK", None, "2025-06-15", "2025-06-22"),  # from Sunday; the 16th was a Monday
        ("LAST_WEEK", None, "2025-06-08", "2025-06-15"),
        ("NEXT_MONTH", None, "2025-07-01", "2025-08-01"),
        ("THIS_QUARTER", None, "2025-04-01", "2025-07-01"),
        ("LAST_FISCAL_QUARTER", None, "2025-01-01", "2025-04-01"),
        ("LAST_N_DAYS", 2, "2025-06-14", "2025-06-17"),
        ("NEXT_N_DAYS", 2, "2025-06-17", "2025-06-19"),
        ("LAST_N_MONTHS", 6, "2024-12-01", "2025-06-01"),
        ("LAST_N_YEARS", 2, "2023-01-01", "2025-01-01"),
        ("N_QUARTERS_AGO", 2, "2024-10-01", "2025-01-01"),
        ("LAST_90_DAYS", None, "2025-03-18", "2025-06-17"),
    ],
)
def test_a_date_by_name(name: str, number: int | None, first: str, after: str) -> None:
    assert dates.span(name, number, TODAY) == (date.fromisoformat(first), date.fromisoformat(after))


# Errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "MALFORMED_QUERY: unexpected token: '<EOF>' at column 1, expected SELECT"),
        ("SELECT * FROM Account", "'*' is no field"),
        (
            "SELECT Id FROM Acount",
            r"INVALID_TYPE: sObject type 'Acount' is not supported \(did you mean 'Account'",
        ),
        (
            "SELECT Nam FROM Account",
            r"INVALID_FIELD: No such column 'Nam' on entity 'Account' \(did you mean 'Name'",
        ),
        ("SELECT Boss.Name FROM Account", "Didn't understand relationship 'Boss'"),
        ("SELECT (SELECT Id FROM Boxes) FROM Account", "Didn't understand relationship 'Boxes'"),
        ("SELECT Id FROM Account, Case", "only one object can stand in FROM"),
        ("SELECT Id FROM Account WHERE Id = 'a' AND Id = 'b' OR Id = 'c'", "AND and OR are not mixed"),
        (
            "SELECT Id FROM Account WHERE Employees = '10'",
            "must be of type double and should not be enclosed",
        ),
        ("SELECT Id FROM Account WHERE Name = 10", "must be of type string and should be enclosed in quotes"),
        ("SELECT Id FROM Case WHERE CreatedDate > '2025-01-01'", "of type dateTime and should not be"),
        ("SELECT Id FROM Case WHERE CreatedDate > 2025-01-01", "of type dateTime"),
        ("SELECT Id FROM Account WHERE Founded > 2025-01-01T00:00:00Z", "of type date "),
        ("SELECT Id FROM Account WHERE Founded = 2025-02-30", "there is no date 2025-02-30"),
        ('SELECT Id FROM Account WHERE Name = "Acorn"', "texts stand in single quotes"),
        ("SELECT Id FROM Account WHERE Name = Acorn", "texts stand in single quotes"),
        ("SELECT Id FROM Account WHERE Name = 'Acorn", "a text that does not end"),
        ("SELECT Id FROM Account WHERE Name = :name", "there are no variables"),
        ("SELECT Id FROM Case WHERE Body LIKE '%lamp%'", "can not be filtered, sorted or grouped by"),
        ("SELECT Name, COUNT(Id) FROM Account", "Field must be grouped or aggregated: Name"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "stand in HAVING, not in WHERE"),
        ("SELECT Id FROM Account HAVING COUNT(Id) > 1", "HAVING needs GROUP BY"),
        ("SELECT FIELDS(ALL) FROM Account", "needs a LIMIT of at most 200"),
        ("SELECT Id FROM Account LIMIT ten", "expected a whole number"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 3000", "OFFSET is at most 2000"),
        ("SELECT SUM(Name) FROM Account", "SUM needs a number, not Name"),
        ("SELECT TYPEOF What WHEN Account THEN Name END FROM Case", "TYPEOF is not supported"),
        ("SELECT Id FROM Account USING SCOPE mine", "USING SCOPE is not supported"),
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "WITH is not supported"),
        ("SELECT Name, COUNT(Id) FROM Account GROUP BY ROLLUP(Name)", "ROLLUP and CUBE are not supported"),
        ("SELECT DISTANCE(Name) FROM Account", "the function DISTANCE is not supported"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Case)", "No such column 'Name'"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Subject FROM Case)", "selects an ID field"),
        ("SELECT Id, Id FROM Account", "duplicate field selected: Id"),
        ("UPDATE Account SET Name = 'x'", "expected SELECT"),
        ("SELECT Id FROM Account; DROP TABLE Account", "unexpected token: ';'"),
        ("SELECT Id FROM Account WHERE " + "(" * 50 + "Id = 'a'", "more than 40 parentheses"),
        ("SELECT Id FROM Account WHERE Founded = LAST_N_DAYS", "LAST_N_DAYS is written LAST_N_DAYS:n"),
        ("FIND lamp", "MALFORMED_SEARCH: expected FIND"),
        ("FIND {}", "expected 1 to 20 words"),
        ("FIND {(lamp} RETURNING Case", r"a '\(' has no '\)'"),
        ("FIND {lamp} RETURNING Boxes", "INVALID_TYPE: sObject type 'Boxes'"),
        ("FIND {lamp} IN SOME FIELDS", "IN takes ALL, SIDEBAR, NAME, EMAIL, PHONE FIELDS"),
    ],
)
def test_an_error_is_one_line_that_says_what_is_wrong(query: str, told: str) -> None:
    with pytest.raises(SoqlError, match=told) as caught:
        ask(query)
    assert "\n" not in str(caught.value)


def test_quotes_in_texts_stay_texts() -> None:
    assert ask(r"SELECT Id FROM Account WHERE Name = 'x\' OR Id != \''") == []
    assert ask("FIND {x' OR 1=1 --} RETURNING Account(Id)") == []


WORDS = st.sampled_from(
    (
        *(
            "SELECT",
            "FROM",
            "WHERE",
            "AND",
            "OR",
            "NOT",
            "IN",
            "LIKE",
            "GROUP BY",
            "ORDER BY",
            "LIMIT",
            "HAVING",
        ),
        *(
            "Account",
            "Case",
            "Id",
            "Name",
            "Owner.Name",
            "Cases",
            "COUNT(Id)",
            "COUNT()",
            "FIELDS(ALL)",
            "Founded",
        ),
        *(
            "(",
            ")",
            ",",
            "=",
            "!=",
            "'a'",
            "10",
            "null",
            "true",
            "TODAY",
            "LAST_N_DAYS:3",
            "2025-01-01",
            "DESC",
        ),
        *(
            "FIND",
            "{lamp}",
            "RETURNING",
            "CALENDAR_YEAR(CreatedDate)",
            "SUM(Employees)",
            "(SELECT",
            ":",
            "NULLS",
        ),
    )
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS, max_size=14).map(" ".join)))
@example("SELECT Id FROM Account WHERE Name = '\ud800'")
@example("SELECT Id FROM Account LIMIT " + "9" * 5000)
@example("SELECT Id FROM Account LIMIT ٣")
@example("SELECT Id FROM Account WHERE Employees = " + "9" * 30 + ".5")
@example("SELECT Id FROM Account WHERE Founded = LAST_N_YEARS:9999")
@example("FIND {" + "(" * 5000 + "}")
@example("FIND {****} RETURNING Account")
@example("SELECT " + "NOT " * 5000)
@example("SELECT Id FROM Account WHERE " + "NOT " * 5000 + "Id = 'a'")
@example("SELECT Id FROM Account WHERE " + " OR ".join(["Id = 'a'"] * 1500))
@example("SELECT Id FROM Account WHERE Name LIKE '" + "%_" * 240 + "'")
@example("SELECT Owner.Owner.Owner.Owner.Owner.Owner.Owner.Name FROM Account")
@example("SELECT COUNT(Id) Name, COUNT(Id) Name FROM Account")
@example("SELECT Owner.Id, OwnerId, Owner.Name FROM Account")
def test_any_text_gives_records_or_the_one_error(text: str) -> None:
    told = ""
    try:
        assert all(isinstance(record, dict) for record in ask(text))
    except SoqlError as error:
        told = str(error)
    assert "\n" not in told


NUMBERS = st.one_of(st.none(), st.integers(0, 3))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8),
    st.integers(0, 3),
    st.sampled_from(("=", "!=", "<", ">=")),
)
def test_not_is_the_other_half(rows: list[tuple[int | None, int | None]], value: int, operator: str) -> None:
    """Whatever is empty: a condition or its opposite holds of every record, and never both."""
    catalog = Catalog([table("Row", ("Id", "id"), ("A", "number"), ("B", "number"))])
    told = [
        f"('{n}', {'NULL' if a is None else a}, {'NULL' if b is None else b})"
        for n, (a, b) in enumerate(rows)
    ]
    script = 'CREATE TABLE "Row" ("Id" TEXT, "A" NUMERIC, "B" NUMERIC);'
    database = Sqlite(script=script + (f'INSERT INTO "Row" VALUES {", ".join(told)};' if told else ""))
    condition = f"(A {operator} {value} OR B = null)"
    held, other = (
        {record["Id"] for record in ask(f"SELECT Id FROM Row WHERE {word}{condition}", catalog, database)}
        for word in ("", "NOT ")
    )
    assert not held & other
    assert held | other == {str(number) for number in range(len(rows))}
