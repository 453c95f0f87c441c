"""Published test cases: Python that defines `test_case(pred_sqls, sol_sqls, db_name, conn)`.

It runs in the sandbox; its helpers (`execute_queries`, `ex_base`, …) ask for SQL to be run outside, on the
copy of the database that the submission has changed. A submission passes where no case raises anything.
Unlike officially, dates come to it as ISO text and decimals as floats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from turnwise.environments.service.bird_interact import compare, copies, sqltext
from turnwise.environments.service.bird_interact.rows import Part
from turnwise.tools.sandbox import PythonSession, SandboxLimits, Stub
from turnwise.tools.sql import Engine, Result, Session

_STUBS = (
    Stub("_run", "run", ["queries"], "Runs SQL outside."),
    Stub("_same", "same", ["mine", "others", "ordered"], "Compares what two scripts give."),
    Stub("_without", "without", ["what", "queries"], "SQL without something."),
)
_HELPERS = """\
import json as _json
from datetime import date, datetime
from decimal import Decimal

def _listed(queries):
    return [queries] if isinstance(queries, str) else list(queries or ())

def _ran(queries):
    found = _run(_listed(queries))
    rows = None if found["rows"] is None else [tuple(row) for row in found["rows"]]
    return rows, found["error"], found["late"]

def execute_queries(queries, db_name=None, conn=None, logger=None, section_title=""):
    return _ran(queries)

def perform_query_on_postgresql_databases(query, db_name=None, conn=None):
    rows, error, late = _ran(query)
    if error or late:
        raise RuntimeError(error or "timeout")
    return rows, conn

def ex_base(pred_sqls, sol_sqls, db_name=None, conn=None, conditions=None):
    ordered = bool((conditions or {}).get("order", False))
    return int(_same(_listed(pred_sqls), _listed(sol_sqls), ordered))

def remove_comments(sql_list):
    return _without("comments", _listed(sql_list))

def remove_distinct(sql_list):
    return _without("distinct", _listed(sql_list))

def remove_round(sql_list):
    return _without("round", _listed(sql_list))

def check_sql_function_usage(sqls, required_keywords):
    said = " ".join(_listed(sqls)).lower()
    return int(bool(sqls) and all(word.lower() in said for word in required_keywords))

def test_case_default(pred_sqls, sol_sqls, db_name=None, conn=None, conditions=None):
    plain = lambda sqls: remove_round(remove_distinct(remove_comments(sqls)))
    assert ex_base(plain(pred_sqls), plain(sol_sqls), db_name, conn, conditions) == 1
"""
_LIMITS = SandboxLimits(wall_seconds=60)
_WITHOUT = {
    "comments": sqltext.without_comments,
    "distinct": sqltext.without_distinct,
    "round": sqltext.without_round,
}


async def verdict(engine: Engine, before: Sequence[str], part: Part, prediction: str) -> copies.Verdict:
    """Run a submission and all test cases; see `grading.verdict`.

    Raises:
        SandboxError: the sandbox or the database failed.
    """
    session = await asyncio.to_thread(copies.copy, engine, before)
    try:
        ran = await asyncio.to_thread(copies.run, session, prediction)
        if ran.error is not None:
            return copies.Verdict(passed=False, error=ran.error)
        async with PythonSession(limits=_LIMITS, seed=0) as python:
            await python.offer(_STUBS)
            why = await _Cases(session, part, prediction, ran).fail_in(python)
            return copies.Verdict(passed=why is None, why=why)
    finally:
        await asyncio.to_thread(session.close)


class _Cases:
    """The test cases of one submission."""

    def __init__(self, session: Session, part: Part, prediction: str, ran: Result) -> None:
        self._session = session
        self._part = part
        self._prediction = prediction
        self._ran = ran

    async def fail_in(self, python: PythonSession) -> str | None:
        """What the first says that fails; None where they all pass."""
        for number, case in enumerate(self._part.test_cases, start=1):
            given = {
                "case": case,
                "pred": [self._prediction],
                "sol": self._part.sql,
                "rows": _rows(self._ran),
            }
            code = (
                f"{_HELPERS}\n_given = _json.loads({msgspec.json.encode(given).decode()!r})\n"
                "pred_query_result = _given['rows'] and [tuple(row) for row in _given['rows']]\n"
                "exec(_given['case'], globals())\n"
                "test_case(_given['pred'], _given['sol'], 'task', None)\n"
            )
            done = await python.run(code, echo=False, serve=self._serve)
            if done.error is not None or done.killed is not None:
                said = done.killed or ((done.error or "").strip() or "it fails").splitlines()[-1]
                return f"test case {number}: {said}"
        return None

    async def _serve(self, tool: str, arguments: dict[str, Any]) -> dict[str, str]:
        """Answer a helper; whatever is wrong with its arguments is an error inside."""
        try:
            answer = await asyncio.to_thread(self._answer, tool, arguments)
        except (TypeError, KeyError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"result": msgspec.json.encode(answer).decode()}

    def _answer(self, tool: str, arguments: dict[str, Any]) -> Any:
        if tool == "without":
            shorten = _WITHOUT[arguments["what"]]
            return [shorten(str(sql)) for sql in arguments["queries"]]
        if tool == "run":
            done = self._all(arguments["queries"])
            late = done.error is not None and done.error.startswith("stopped after")
            return {"rows": _rows(done), "error": None if late else done.error, "late": late}
        mine, others = self._all(arguments["mine"]), self._all(arguments["others"])
        return compare.same(mine, others, ordered=bool(arguments["ordered"]))

    def _all(self, queries: Sequence[Any]) -> Result:
        """Run queries one after the other, up to the first that fails."""
        done = Result()
        for query in queries:
            if str(query).strip():
                done = copies.run(self._session, str(query))
            if done.error is not None:
                break
        return done


def _rows(done: Result) -> list[list[Any]] | None:
    """Rows as a test case gets them: None of what gives none."""
    return [list(row) for row in done.rows] if done.columns else None
