"""The search index on PostgreSQL: two tables beside the runs, and its own full-text search (`tsvector`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from turnwise.store.schema import episodes
from turnwise.store.search import END, START, Found, Place, Progress, Row, Term, rows
from turnwise.store.store import Store

_BATCH = 1_000
_LOCK = 0x74757370
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS search_done (run integer, episode integer, id text NOT NULL, "
    "parts integer NOT NULL, PRIMARY KEY (run, episode))",
    "CREATE TABLE IF NOT EXISTS search_turns (run integer, episode integer, turn integer, "
    "role text NOT NULL, text text NOT NULL, words tsvector NOT NULL, PRIMARY KEY (run, episode, turn))",
    "CREATE INDEX IF NOT EXISTS search_words ON search_turns USING gin (words)",
)
_NEW = """
SELECT l.run, l.episode, l.part, l.data, r.id FROM log l JOIN runs r ON r.number = l.run
LEFT JOIN search_done d ON d.run = l.run AND d.episode = l.episode AND d.id = r.id
WHERE l.part >= coalesce(d.parts, 0) ORDER BY l.run, l.episode, l.part LIMIT :most
"""
_TURN = """
INSERT INTO search_turns VALUES (:run, :episode, :turn, :role, :text, to_tsvector('simple', :text))
ON CONFLICT (run, episode, turn)
DO UPDATE SET role = excluded.role, text = excluded.text, words = excluded.words
"""
_DONE = """
INSERT INTO search_done VALUES (:run, :episode, :id, :parts)
ON CONFLICT (run, episode) DO UPDATE SET id = excluded.id, parts = excluded.parts
"""
_HEADLINE = f"StartSel={START}, StopSel={END}, MaxWords=32, MinWords=16, MaxFragments=1"
_WORDS_ONLY = re.compile(r"[^\w]+")


class ServerIndex:
    """See `turnwise.store.search.Index`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._there = False

    def catch_up(self, seconds: float) -> Progress:
        """Take in what is new, for about so long.

        Raises:
            StoreError: the server does not let it.
        """
        over = perf_counter() + seconds
        while self._take_in() == _BATCH and perf_counter() < over:
            pass
        return self.progress()

    def progress(self) -> Progress:
        """How far it is."""
        with self.store.trouble("read the search index"), self._begun() as connection:
            of = connection.scalar(sa.select(sa.func.count()).select_from(episodes)) or 0
            query = "SELECT count(*) FROM search_done d JOIN runs r ON r.number = d.run AND r.id = d.id"
            return Progress(min(connection.scalar(sa.text(query)) or 0, of), of)

    def find(
        self, terms: Sequence[Term], place: Place, *, limit: int, offset: int = 0, ranked: bool = True
    ) -> list[Found]:
        """Turns that fit: the best first, or the newest, which needs not look at all of them."""
        where, values = _where(terms, place)
        newest = "run DESC, episode DESC, turn DESC"
        order = "ts_rank(words, q) DESC, run DESC, episode, turn" if ranked else newest
        query = (
            "SELECT run, episode, turn, role, ts_headline('simple', text, q, :told) FROM "
            f"(SELECT t.*, q FROM search_turns t, to_tsquery('simple', :q) q WHERE {where} "
            f"ORDER BY {order} LIMIT :limit OFFSET :offset) found"
        )
        values |= {"limit": limit, "offset": offset, "told": _HEADLINE}
        with self.store.trouble("search"), self._begun() as connection:
            return [Found(*row) for row in connection.execute(sa.text(query), values)]

    def count(self, terms: Sequence[Term], place: Place, most: int) -> int:
        """How many turns fit, counted up to `most`."""
        where, values = _where(terms, place)
        query = (
            "SELECT count(*) FROM (SELECT 1 FROM search_turns, to_tsquery('simple', :q) q "
            f"WHERE {where} LIMIT :n) s"
        )
        with self.store.trouble("search"), self._begun() as connection:
            return connection.scalar(sa.text(query), {**values, "n": most}) or 0

    def episodes(self, terms: Sequence[Term], run: int) -> list[int]:
        """Numbers of a run's episodes in which some turn fits."""
        where, values = _where(terms, Place(run))
        query = (
            f"SELECT DISTINCT episode FROM search_turns, to_tsquery('simple', :q) q WHERE {where} ORDER BY 1"
        )
        with self.store.trouble("search"), self._begun() as connection:
            return [number for (number,) in connection.execute(sa.text(query), values)]

    # Inside -------------------------------------------------------------------------------------------

    def _begun(self) -> Any:
        """A transaction, with the tables there."""
        if not self._there:
            with self.store.engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                for statement in _SCHEMA:
                    connection.exec_driver_sql(statement)
            self._there = True
        return self.store.engine.begin()

    def _take_in(self) -> int:
        with self.store.trouble("write the search index"), self._begun() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            new = connection.execute(sa.text(_NEW), {"most": _BATCH}).fetchall()
            if not new:
                return 0
            self._forget(connection, {(row.run, row.id) for row in new})
            made = [row for part in new for row in rows(part.run, part.episode, bytes(part.data))]
            if made:
                connection.execute(sa.text(_TURN), [_values(row) for row in made])
            parts = {(row.run, row.episode): (row.id, row.part + 1) for row in new}
            values = [
                {"run": run, "episode": episode, "id": name, "parts": count}
                for (run, episode), (name, count) in parts.items()
            ]
            connection.execute(sa.text(_DONE), values)
        return len(new)

    def _forget(self, connection: sa.Connection, here: set[tuple[int, str]]) -> None:
        """Drop what was indexed of runs whose numbers are other runs' by now."""
        for run, name in here:
            known = connection.scalar(
                sa.text("SELECT 1 FROM search_done WHERE run = :run AND id <> :id LIMIT 1"),
                {"run": run, "id": name},
            )
            if known:
                for table in ("search_turns", "search_done"):
                    connection.execute(sa.text(f"DELETE FROM {table} WHERE run = :run"), {"run": run})


def _values(row: Row) -> dict[str, Any]:
    return row._asdict()


def _where(terms: Sequence[Term], place: Place) -> tuple[str, dict[str, Any]]:
    where = ["words @@ q"]
    values: dict[str, Any] = {"q": " & ".join(_term(term) for term in terms)}
    for name, value in (("run", place.run), ("episode", place.episode), ("role", place.role)):
        if value is not None:
            where.append(f"{name} = :{name}")
            values[name] = value
    where.append("run IN (SELECT number FROM runs)")
    return " AND ".join(where), values


def _term(term: Term) -> str:
    """A term as a query of words that follow one another."""
    words = [word for word in _WORDS_ONLY.split(term.text) if word]
    quoted = ["'" + word.replace("'", "''") + "'" for word in words]
    if term.prefix:
        quoted[-1] += ":*"
    joined = "(" + " <-> ".join(quoted) + ")"
    return f"!{joined}" if term.without else joined
