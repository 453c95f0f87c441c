"""Whether a submission is right: run on a copy of its own, and tested there.

A submission must run at all. A question is tested by what it gives, compared with what the reference gives
(`compare.same`), both without comments, DISTINCT and ROUND. A change must leave the tables that were there
as the reference leaves them, and probes, queries about what it makes, must give the same after both; in
published rows it is tested by their test cases (`cases.py`).
The episode's own database is never touched: what came before is run again on the copy.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

from turnwise.environments.service.bird_interact import cases, compare, sqltext
from turnwise.environments.service.bird_interact.copies import Verdict, copy, run
from turnwise.environments.service.bird_interact.engines import TESTING
from turnwise.environments.service.bird_interact.rows import Part
from turnwise.tools.sql import Engine, Result, Session
from turnwise.tools.sql.result import plain


async def verdict(engine: Engine, before: Sequence[str], part: Part, prediction: str) -> Verdict:
    """Test a submission.

    Args:
        engine: Makes copies of the task's database.
        before: Scripts to run first: preparation, and in the second phase what passed in the first.
        part: What was asked for.
        prediction: What was submitted; untrusted.

    Raises:
        SandboxError: the database failed, or what was run before does not run any more.
    """
    if part.category == "Management" and part.test_cases:
        return await cases.verdict(engine, before, part, prediction)
    return await asyncio.to_thread(_verdict, engine, before, part, prediction)


def _verdict(engine: Engine, before: Sequence[str], part: Part, prediction: str) -> Verdict:
    with closing(copy(engine, before)) as session:
        ran = run(session, prediction)
        if ran.error is not None:
            return Verdict(passed=False, error=ran.error)
        if part.category == "Query" or not part.probes:
            mine = run(session, sqltext.plain(prediction))
            reference = run(session, sqltext.plain(part.reference))
            if compare.same(mine, reference, ordered=part.ordered):
                return Verdict(passed=True)
            return Verdict(passed=False, why=compare.apart(mine, reference))
        mine = _state(session, part.probes)
    with closing(copy(engine, before)) as session:
        tables = [name for name, _, _ in session.content()]
        run(session, part.reference)
        wanted = _state(session, part.probes)
    why = _wrong(mine, wanted, tables)
    return Verdict(passed=why is None, why=why)


class _State(NamedTuple):
    """What a change has left behind."""

    probes: list[Result]
    tables: dict[str, Counter[Any]]
    """Rows of each table, and how often each is there."""


def _state(session: Session, probes: Sequence[str]) -> _State:
    tables = {
        name: Counter(compare.normal([[plain(value, TESTING.cell_chars) for value in row] for row in rows]))
        for name, _, rows in session.content()
    }
    return _State([run(session, probe) for probe in probes], tables)


def _wrong(mine: _State, wanted: _State, tables: Sequence[str]) -> str | None:
    """Which table that was there before, or which probe, is not as it should be; None where all are."""
    for name in tables:
        if mine.tables.get(name) != wanted.tables.get(name):
            return f"the table {name} is not as the reference leaves it"
    for number, (one, other) in enumerate(zip(mine.probes, wanted.probes, strict=True), start=1):
        if one.error is not None or other.error is not None or not compare.alike(one, other):
            return f"probe {number}: {compare.apart(one, other)}"
    return None
