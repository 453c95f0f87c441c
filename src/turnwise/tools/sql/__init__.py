"""SQL that a model wrote: SQLite, DuckDB or PostgreSQL, a database for each episode.

    shop = Sqlite(script="create table t(a); insert into t values (1)")     # once a process
    async with Database(shop) as database:                                  # once an episode
        tools = [SqlTool(database, name="query"), SqlTool(database, name="execute", write=True)]
        await episode.agent.respond("How many rows are there?", tools=tools)

A call is one transaction: all of it happens, or none, and one that only reads is rolled back in any case.
What came of it is recorded, so a replay starts no database. Where an episode goes on live (resume, fork),
what was written is written again, over a fresh copy.

SQL is untrusted: it reaches no file, no network, no other database, no setting of the server's, and no more
rows, memory and time than it is given. Each engine's file says by what; each attempt is a test.
"""

from turnwise.tools.sql.database import Database, Point
from turnwise.tools.sql.duckdb import DuckDB
from turnwise.tools.sql.postgres import Postgres, databases
from turnwise.tools.sql.result import Engine, Result, Session, SqlLimits
from turnwise.tools.sql.sqlite import Sqlite
from turnwise.tools.sql.tool import SqlTool

__all__ = [
    "Database",
    "DuckDB",
    "Engine",
    "Point",
    "Postgres",
    "Result",
    "Session",
    "SqlLimits",
    "SqlTool",
    "Sqlite",
    "databases",
]
