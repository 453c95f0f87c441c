"""SQL tools: what they give, that it repeats, and that nothing gets out."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postgres_server import postgres_server
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog
from turnwise.message import Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.task import Task
from turnwise.tools.sql import Database, DuckDB, Engine, Postgres, Result, Sqlite, SqlLimits, SqlTool
from turnwise.tools.sql.split import first_word, split

SCRIPT = """
create table orders(id integer primary key, status text, total numeric(8, 2));
insert into orders values (1, 'open', 10.5), (2, 'sent', 20), (3, 'open', 30);
create table notes(line text);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "sqlite":
        return Sqlite(script=SCRIPT)
    if request.param == "duckdb":
        pytest.importorskip(
            "duckdb", reason="DuckDB is not installed; get it by: pip install 'turnwise[sql]'"
        )
        return DuckDB(script=SCRIPT)
    pytest.importorskip("psycopg", reason="psycopg is not installed; get it by: pip install 'turnwise[sql]'")
    return Postgres(request.getfixturevalue("server"), script=SCRIPT)


class Clerk(Environment, kw_only=True, frozen=True, dict=True):
    """Somebody with a database."""

    name = "clerk"

    async def run(self, task: Task, episode: Episode) -> None:
        await self.__dict__["script"](episode)


def play(
    script: Callable[[Episode], Any], lines: list[Any] | None = None, recording: Any = None
) -> EpisodeLog:
    environment = Clerk()
    environment.__dict__["script"] = script
    agents = {"agent": Agent(ScriptedModel(lines or []))}
    episode = Episode(environment, Task(id="0"), agents, recording=recording)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error
    return episode.log()


def results(engine: Engine, *statements: str, write: bool = True, **limits: Any) -> list[Result]:
    found: list[Result] = []

    async def script(episode: Episode) -> None:
        async with Database(engine, limits=SqlLimits(**limits)) as database:
            found.extend([await database.run(sql, episode, write=write) for sql in statements])

    play(script)
    return found


def test_what_a_model_reads(engine: Engine) -> None:
    read, wrote, none, wrong, twice = results(
        engine,
        "select id, status, total from orders order by id;",
        "update orders set status = 'gone' where status = 'open'",
        "select line from notes",
        "select nothing from orders",
        "insert into notes values ('a'), (null); select line from notes order by line nulls first",
    )
    lines = read.text.splitlines()
    assert lines[0] == "id | status | total"
    assert lines[1].startswith("1 | open | 10.5")
    assert lines[-1] == "(3 rows)"
    assert wrote.text == "done, 2 rows changed"
    assert none.text == "line\n(0 rows)"
    assert wrong.error is not None
    assert "nothing" in wrong.error
    assert twice.text == "line\nNULL\na\n(2 rows)"


def test_a_call_is_all_or_nothing(engine: Engine) -> None:
    bad, count, mixed, also = results(
        engine,
        "insert into notes values ('a'); insert into orders values (1, 'double', 0)",
        "select count(*) from notes",
        "insert into notes values ('a'); select * from nowhere",
        "select count(*) from notes",
    )
    assert bad.error
    assert mixed.error
    assert count.rows == also.rows == ((0,),)


@pytest.mark.parametrize(
    "sql",
    [
        "insert into notes values ('x')",
        "update orders set status = 'x'",
        "delete from orders",
        "drop table notes",
        "create table mine(a int)",
        "create table mine as select * from orders",
        "alter table orders add column x int",
        "with gone as (select 1) insert into notes select 'x' from gone",
        "select 1; delete from orders",
        "commit; delete from orders",
        "rollback; delete from orders; commit",
        "explain analyze delete from orders",
    ],
)
def test_who_may_only_read_changes_nothing(engine: Engine, sql: str) -> None:
    first, count, tables = results(
        engine, sql, "select count(*), min(status) from orders", "select count(*) from notes", write=False
    )
    assert first.error or sql.startswith("explain")
    assert count.rows == ((3, "open"),)
    assert tables.rows == ((0,),)


def test_rows_values_and_time_are_limited(engine: Engine) -> None:
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {}) select {} from n"
    cut, long, endless, after = results(
        engine,
        many.format(500, "i"),
        "select repeat('ä', 9000)" if engine.dialect != "SQLite" else "select printf('%.9000c', 'ä')",
        many.format(10**12, "count(*)"),
        "select count(*) from orders",
        rows=7,
        seconds=1.5,
        cell_chars=100,
    )
    assert (len(cut.rows), cut.cut) == (7, True)
    assert cut.text.endswith("(7 rows, and more that are left out)")
    assert len(long.rows[0][0]) == 101
    assert endless.error == "stopped after 1.5 seconds"
    assert after.rows == ((3,),)
    (huge,) = results(engine, "select 1 -- " + "x" * 200_000)
    assert huge.error == "expected at most 100,000 characters, got 200,012"


TRANSACTIONS = ["begin", "commit", "savepoint a", "/* x */ rollback"]
NONSENSE = [
    "",
    ";;",
    "-- nothing",
    "select 'unfinished",
    "\0",
    "select '\0'",
    "select " + "(" * 3000,
    "'",
    "$$",
]
ATTEMPTS = {
    "SQLite": [
        "attach database '{folder}/out.db' as out",
        "attach database ':memory:' as m",
        "detach main",
        "vacuum",
        "vacuum into '{folder}/out.db'",
        "select load_extension('/lib/x.so')",
        "select readfile('{secret}')",
        "select writefile('{folder}/out', 'x')",
        "pragma journal_mode = wal",
        "pragma writable_schema = on",
        "pragma temp_store_directory = '{folder}'",
        "pragma max_page_count = 1000000000",
        "pragma database_list",
        "pragma query_only = off",
        "create virtual table v using fts5(a)",
        "create virtual table v using csv(filename='{secret}')",
        "select fts3_tokenizer('x')",
        "update sqlite_master set sql = 'x'",
        "select zeroblob(1000000000)",
        "insert into notes values (zeroblob(900000000))",
    ],
    "DuckDB": [
        "select * from read_csv('{secret}')",
        "select * from read_text('{secret}')",
        "select * from '{secret}'",
        "select * from glob('/*')",
        "copy orders to '{folder}/out.csv'",
        "copy orders from '{secret}'",
        "attach '{folder}/out.db'",
        "export database '{folder}/out'",
        "install httpfs",
        "load httpfs",
        "select * from read_csv('http://127.0.0.1:1/x')",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "pragma enable_profiling",
        "pragma database_list",
        "call duckdb_settings()",
        "create secret s (type s3)",
        "create table t as select * from read_blob('{secret}')",
        "create view v as select * from read_csv('{secret}')",
        "create macro m() as table select * from read_csv('{secret}')",
        "select * from statement",
        "select * from limits",
        "checkpoint",
        "select getenv('HOME')",
        "use memory",
    ],
    "PostgreSQL": [
        "select pg_read_file('{secret}')",
        "select pg_read_binary_file('{secret}')",
        "select pg_ls_dir('/')",
        "select lo_import('{secret}')",
        "select lo_export(1, '{folder}/out')",
        "copy notes from '{secret}'",
        "copy notes from program 'id'",
        "copy orders to '{folder}/out'",
        "copy orders to stdout",
        "do $$ begin execute 'copy notes from program ''id'''; end $$",
        "do $$ begin execute 'copy orders to ''{folder}/out'''; end $$",
        "create extension dblink",
        "create extension postgres_fdw",
        "create extension file_fdw",
        "create extension plpython3u",
        "create function f() returns int language c as '/lib/x.so', 'f'",
        "create role me superuser",
        "create database mine",
        "drop database postgres",
        "alter role turnwise password 'x'",
        "alter system set archive_command = 'id'",
        "set role turnwise",
        "reset role",
        "do $$ begin execute 'set role turnwise'; end $$",
        "select set_config('role', 'turnwise', false)",
        "select rolpassword from pg_authid",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'turnwise' "
        "union all select 1 / 0 > 0",
        "select pg_reload_conf()",
        "select pg_rotate_logfile()",
        "create tablespace t location '{folder}'",
        "do $$ begin commit; end $$",
        "create schema mine",
        "create subscription s connection 'host=127.0.0.1' publication p",
        "listen x",
    ],
}


def test_nothing_gets_out(engine: Engine, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret line")
    # So that the server may read it, if it would.
    for part in (tmp_path, *list(tmp_path.parents)[:3]):
        if part.is_relative_to(tempfile.gettempdir()) and part != Path(tempfile.gettempdir()):
            part.chmod(0o777)
    attempts = [
        sql.replace("{folder}", str(tmp_path)).replace("{secret}", str(secret))
        for sql in (*TRANSACTIONS, *ATTEMPTS[engine.dialect])
    ]
    for write in (True, False):
        *outcomes, after = results(
            engine, *attempts, "select count(*) from orders", write=write, memory_mb=64
        )
        for sql, outcome in zip(attempts, outcomes, strict=True):
            assert outcome.error, sql
            assert "secret line" not in outcome.text
        assert after.rows == ((3,),)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_nonsense_is_an_observation(engine: Engine) -> None:
    *outcomes, after = results(engine, *NONSENSE, "select count(*) from orders")
    assert after.rows == ((3,),)
    assert [bool(outcome.error) for outcome in outcomes if outcome.text != "done"][-3:] == [True] * 3


def test_a_time_limit_cannot_be_talked_away(server: str) -> None:
    pytest.importorskip("psycopg")
    limits, late, after = results(
        Postgres(server, script=SCRIPT),
        "select set_config('statement_timeout', '0', false)",
        "select set_config('statement_timeout', '0', false); select pg_sleep(30)",
        "select 1",
        seconds=1.5,
    )
    assert limits.error is None
    assert late.error == "stopped after 1.5 seconds"
    assert after.rows == ((1,),)


def test_copies_do_not_see_each_other(server: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    engine = Postgres(server, script=SCRIPT)
    seen: list[Result] = []

    async def script(episode: Episode) -> None:
        async with Database(engine) as one, Database(engine, name="other") as other:
            await one.run("insert into notes values ('mine')", episode, write=True)
            seen.append(await other.run("select count(*) from notes", episode))
            query = "select query from pg_stat_activity where query like '%mine%' and pid <> pg_backend_pid()"
            seen.append(await other.run(query, episode))
            kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user"
            seen.append(await other.run(kill, episode))
            seen.append(await one.run("select count(*) from notes", episode))

    play(script)
    assert [one.rows for one in seen[:2]] == [((0,),), ()]
    assert seen[2].error
    assert seen[3].rows == ((1,),)
    with psycopg.connect(server) as admin:
        left = admin.execute("select datname from pg_database where datname like 'turnwise%'").fetchall()
        roles = admin.execute("select rolname from pg_roles where rolname like 'turnwise\\_%'").fetchall()
    assert left == [(engine.template,)]
    assert roles == [(engine.template,)]


def test_a_database_of_the_server_can_be_copied_whosever_it_is(server: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute('CREATE DATABASE "Shop_template"')
        where = psycopg.conninfo.make_conninfo(server, dbname="Shop_template")
    with psycopg.connect(where, autocommit=True) as inside:
        inside.execute(SCRIPT)
        inside.execute(
            "create type mood as enum ('good'); create view open_ones as select id from orders; "
            "create table counted(n serial, m int generated always as identity, how mood); "
            "create function two() returns int language sql as 'select 2'; create sequence ticket"
        )
    engine = Postgres(server, template="Shop_template")
    *wrote, rows = results(
        engine,
        "drop view open_ones",
        "alter table orders add column note text",
        "alter table counted drop column how",
        "insert into counted default values",
        "drop type mood",
        "drop function two",
        "alter sequence ticket restart with 5",
        "select n, m, nextval('ticket') from counted",
    )
    assert [one.error for one in wrote] == [None] * 7
    assert rows.rows == ((1, 1, 5),)
    assert results(engine, "select two()")[0].rows == ((2,),)
    with psycopg.connect(server) as admin:
        left = admin.execute("select datname from pg_database where datname ~ '^turnwise_[0-9a-f]{16}$'")
        assert left.fetchall() == []
    with pytest.raises(ConfigError, match="no database 'nothing'"):
        Postgres(server, template="nothing").open(SqlLimits())
    with pytest.raises(ConfigError, match="either a script or a template"):
        Postgres(server)


def test_what_a_killed_process_leaves_is_swept(server: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    engine = Postgres(server, script=SCRIPT)
    session, lost = engine.open(SqlLimits()), engine.open(SqlLimits())
    lost._connection.close()
    # The server notices in its own time that a connection is gone.
    assert any(engine.sweep() == 1 for _ in range(50) if not time.sleep(0.05))
    assert engine.sweep() == 0
    assert session.run("select 1", write=False, seed=0, limits=SqlLimits()).rows == ((1,),)
    session.close()
    with psycopg.connect(server) as admin:
        left = admin.execute("select datname from pg_database where datname like 'turnwise%'").fetchall()
    assert left == [(engine.template,)]


def clerk(engine: Engine, keys: list[str] | None = None) -> Callable[[Episode], Any]:
    async def script(episode: Episode) -> None:
        async with Database(engine) as database:
            tools = [SqlTool(database, name="query"), SqlTool(database, name="execute", write=True)]
            await episode.agent.respond("Keep the books.", tools=tools)
            key = await database.key(episode)
            episode.note(key, name="key")
            if keys is not None:
                keys.append(key)

    return script


def calls(*wanted: tuple[str, Any]) -> Message:
    return Message(
        role="assistant",
        tool_calls=tuple(
            ToolCall(id=str(n), name=name, arguments=json.dumps(given))
            for n, (name, given) in enumerate(wanted)
        ),
    )


def test_a_replay_starts_no_database_and_a_resumed_one_writes_again(engine: Engine) -> None:
    lines: list[Any] = [
        calls(("execute", {"sql": "insert into notes select cast(random() as text) from orders"})),
        calls(("execute", {"sql": "insert into orders values (1, 'twice', 0)"})),
        calls(("query", {"sql": "select * from notes order by line"})),
        calls(("execute", {"sql": "delete from orders where id = 2"})),
        "bye",
    ]
    log = play(clerk(engine), lines)
    dead = Sqlite(script="this is no SQL")
    assert play(clerk(dead), [], Recording(log, live=False, stored=False)).turns == log.turns
    # Cut behind the second result: the rest is done live, over what was written before.
    effects = tuple(effect for effect in log.effects if effect.at <= 5)
    head = EpisodeLog(
        **{
            name: getattr(log, name)
            for name in ("environment", "settings", "roles", "task", "seed", "agents")
        },
        turns=log.turns[:5],
        calls=log.calls[:2],
        effects=effects[:2],
        toolsets=log.toolsets,
    )
    again = play(clerk(engine), lines, Recording(head, live=True, stored=False))
    assert [turn.message for turn in again.turns] == [turn.message for turn in log.turns]
    assert again.notes == log.notes


def test_a_database_goes_back_to_a_point(engine: Engine) -> None:
    keys: list[str] = []
    seen: list[Any] = []

    async def script(episode: Episode) -> None:
        async with Database(engine) as database:
            keys.append(await database.key(episode))
            start = database.point()
            await database.run("delete from orders", episode, write=True)
            keys.append(await database.key(episode))
            empty = database.point()
            async with database.copy() as other:
                other.name = "other"
                await other.run("insert into orders values (9, 'new', 1)", episode, write=True)
                seen.append((await other.run("select id from orders", episode)).rows)
            database.restore(start)
            keys.append(await database.key(episode))
            database.restore(empty)
            keys.append(await database.key(episode))

    play(script)
    assert keys[0] == keys[2] != keys[1] == keys[3]
    assert seen == [((9,),)]


def test_a_database_belongs_to_one_episode() -> None:
    database = Database(Sqlite(script=SCRIPT))

    async def script(episode: Episode) -> None:
        await database.run("select 1", episode)

    play(script)
    with pytest.raises(AssertionError, match="another episode's; make one inside"):
        play(script)
    with pytest.raises(ConfigError, match="either a path or a script"):
        Sqlite()
    with pytest.raises(ConfigError, match="cannot make the database"):
        Sqlite(path="/nowhere.db").open(SqlLimits())


def test_a_file_is_read_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.execute("pragma journal_mode = wal")
        made.executescript(SCRIPT)
    made.close()
    before = path.read_bytes()
    wrote, read = results(Sqlite(path), "delete from orders where id = 1", "select count(*) from orders")
    assert wrote.affected == 1
    assert read.rows == ((2,),)
    assert path.read_bytes() == before


def test_what_is_no_text_is_shown(engine: Engine) -> None:
    blob = {"SQLite": "x'00ff'", "DuckDB": "'\\x00\\xff'::blob", "PostgreSQL": "'\\x00ff'::bytea"}
    sql = f"select {blob[engine.dialect]}, null, cast('2024-05-01' as date), 1.5"
    (row,) = results(engine, sql)[0].rows
    assert row == ("x'00ff'", None, row[2], 1.5)
    if engine.dialect != "SQLite":
        assert row[2] == "2024-05-01"


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        (
            "select ';', \";\", $$;$$, $a$;$$;$a$, e'\\';' ; x",
            ["select ';', \";\", $$;$$, $a$;$$;$a$, e'\\';'", "x"],
        ),
        ("/* ; /* ; */ ; */ -- ;\n; select 1 -- ;", ["select 1 -- ;"]),
        ("a$b$; c$b$", ["a$b$", "c$b$"]),
        ("select 'it''s;", ["select 'it''s;"]),
        ("", []),
    ],
)
def test_scripts_are_cut_where_statements_end(script: str, statements: list[str]) -> None:
    assert split(script) == statements


def test_the_first_word_is_behind_comments() -> None:
    assert first_word("/* a /* b */ */ -- c\n commit") == "COMMIT"
    assert first_word("(select 1)") == ""


WORDS = st.sampled_from(
    [
        "select",
        "*",
        "from",
        "orders",
        "delete",
        "'",
        '"',
        ";",
        "--",
        "/*",
        "$$",
        "where",
        "id",
        "=",
        "1",
        "(",
        ")",
    ]
)
SQL = st.lists(WORDS, max_size=8).map(" ".join) | st.text(st.characters(codec="utf-8"), max_size=20)
GIVEN = st.fixed_dictionaries({"sql": SQL}) | st.dictionaries(
    st.sampled_from(["sql", "x"]), st.none() | st.integers() | SQL, max_size=2
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["query", "execute"]), GIVEN), max_size=5))
def test_any_calls_whatever_replay_to_the_same_rows(steps: list[Any]) -> None:
    engine, keys = Sqlite(script=SCRIPT), []
    log = play(clerk(engine, keys), [*(calls(step) for step in steps), "bye"])
    again = play(clerk(engine, keys), [], Recording(log, live=False, stored=False))
    assert again.to_json() == log.to_json()
    # The same calls, played live, end in the same rows.
    play(clerk(engine, keys), [*(calls(step) for step in steps), "bye"])
    assert len(set(keys)) == 1
