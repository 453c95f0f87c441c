"""The database of one episode, whose copy can be had again at any time by writing again what was written."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import msgspec

from turnwise.episode import Episode
from turnwise.errors import ConfigError, ReplayDivergence
from turnwise.tools.sql.result import Engine, Result, Session, SqlLimits, plain

T = TypeVar("T")


class _Written(NamedTuple):
    """A call that has changed the database."""

    number: int
    sql: str
    result: Result


class Point(NamedTuple):
    """A state of a database, to go back to."""

    written: tuple[_Written, ...]


class Database:
    """A copy of an engine's database for one episode; made inside `Environment.run`, with `async with`.

    Args:
        engine: What makes copies: `Sqlite`, `DuckDB`, `Postgres`.
        limits: What a call may use.
        name: How its effects are called; where an episode has several databases, their names differ.
    """

    def __init__(self, engine: Engine, *, limits: SqlLimits | None = None, name: str = "sql") -> None:
        self.engine = engine
        self.limits = limits or SqlLimits()
        self.name = name
        self._calls = 0
        self._written: list[_Written] = []
        self._applied: list[_Written] = []
        """What the open copy has of it."""
        self._session: Session | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._lock = asyncio.Lock()
        self._episode: Episode | None = None

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(
        self, sql: str, episode: Episode, *, write: bool = False, limits: SqlLimits | None = None
    ) -> Result:
        """Run SQL as one transaction, or read from the record what came of it.

        Args:
            sql: One statement or several; untrusted.
            episode: Whose.
            write: Whether it may change anything; else it is rolled back.
            limits: Instead of the database's own.

        Raises:
            SandboxError: the database failed, not the SQL; not recorded.
        """
        self._belong(episode)
        number = self._calls
        self._calls += 1
        allowed = limits or self.limits

        async def outcome() -> Any:
            return msgspec.to_builtins(await self._run(number, sql, write, allowed))

        if len(sql) > allowed.statement_chars:
            return Result(error=f"expected at most {allowed.statement_chars:,} characters, got {len(sql):,}")
        result = msgspec.convert(await episode.effect(f"sql:{self.name}", outcome), Result)
        if write and result.error is None:
            self._note(_Written(number, sql, result))
        return result

    async def key(self, episode: Episode) -> str:
        """Hex SHA-256 of all rows of all tables, in any order; an effect, like a call."""
        self._belong(episode)
        return await episode.effect(f"sql:{self.name}:key", lambda: self._live(_digest))

    def point(self) -> Point:
        """The state as it is."""
        return Point(tuple(self._written))

    def restore(self, point: Point) -> None:
        """Go back (or over) to a state of this or another copy of the same database."""
        self._written = list(point.written)
        self._calls = max(self._calls, *(written.number + 1 for written in self._written), 0)

    def copy(self) -> Database:
        """Another copy in the same state, that goes its own way; to be closed like this one."""
        other = Database(self.engine, limits=self.limits, name=self.name)
        other._written = list(self._written)
        other._calls = self._calls
        return other

    async def close(self) -> None:
        """Drop the copy; a later call makes a fresh one."""
        session, self._session = self._session, None
        thread, self._thread = self._thread, None
        if thread is not None:
            if session is not None:
                await asyncio.get_running_loop().run_in_executor(thread, session.close)
            thread.shutdown(wait=False)

    def _belong(self, episode: Episode) -> None:
        if self._episode is None:
            self._episode = episode
        elif self._episode is not episode:
            raise ConfigError(
                f"database {self.name!r}: it is another episode's; make one inside Environment.run: "
                "async with Database(engine) as database"
            )

    async def _run(self, number: int, sql: str, write: bool, limits: SqlLimits) -> Result:
        result = await self._live(lambda session: session.run(sql, write=write, seed=number, limits=limits))
        if write and result.error is None:
            written = _Written(number, sql, result)
            self._applied.append(written)
            self._note(written)
        return result

    def _note(self, written: _Written) -> None:
        """Take up a call in its place; of branches that write at once, the last may be heard of first."""
        if all(known.number != written.number for known in self._written):
            self._written.append(written)
            self._written.sort(key=lambda known: known.number)

    async def _live(self, work: Callable[[Session], T]) -> T:
        """Do something with a copy that is up to date."""
        async with self._lock:
            if self._applied != self._written[: len(self._applied)]:
                await self.close()
            try:
                return await self._in_thread(lambda: work(self._caught_up()))
            except BaseException:
                # It may be in any state; and a thread that still works cannot be stopped.
                await asyncio.shield(self.close())
                raise

    def _caught_up(self) -> Session:
        """A copy in which all is written that was; called in the database's own thread."""
        if self._session is None:
            self._session = self.engine.open(self.limits)
            self._applied = []
        for written in self._written[len(self._applied) :]:
            result = self._session.run(written.sql, write=True, seed=written.number, limits=self.limits)
            if result != written.result:
                raise ReplayDivergence(
                    f"database {self.name!r}: call {written.number} gave {written.result.text[:80]!r}, but "
                    f"{result.text[:80]!r} when it was run again; does it hang on the clock?"
                )
            self._applied.append(written)
        return self._session

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="turnwise-sql")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _digest(session: Session) -> str:
    """The same for the same rows, in whatever order they lie."""
    digest = hashlib.sha256()
    for name, columns, rows in sorted(session.content(), key=lambda table: table[0]):
        lines = sorted(msgspec.json.encode([plain(value, 1 << 30) for value in row]) for row in rows)
        digest.update(msgspec.json.encode([name, list(columns), len(lines)]))
        for line in lines:
            digest.update(line)
    return digest.hexdigest()
