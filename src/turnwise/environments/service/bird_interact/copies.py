"""Copies of a task's database on which submissions are tried, and what is said of one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from turnwise.environments.service.bird_interact.engines import TESTING
from turnwise.errors import SandboxError
from turnwise.tools.sql import Engine, Result, Session


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a submission."""

    passed: bool
    error: str | None = None
    """Why it did not run at all."""
    why: str | None = None
    """What else is wrong with it, for people; it tells of the reference, so it is for nobody who plays."""


def copy(engine: Engine, before: Sequence[str]) -> Session:
    """A copy of the database in which `before` was run.

    Raises:
        SandboxError: it does not run.
    """
    session = engine.open(TESTING)
    for script in before:
        outcome = run(session, script)
        if outcome.error is not None:
            session.close()
            raise SandboxError(f"bird_interact: what ran before does not run again: {outcome.error}")
    return session


def run(session: Session, sql: str) -> Result:
    """Run SQL that may change the copy."""
    if len(sql) > TESTING.statement_chars:
        return Result(error=f"expected at most {TESTING.statement_chars:,} characters, got {len(sql):,}")
    return session.run(sql, write=True, seed=0, limits=TESTING)
