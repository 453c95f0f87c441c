"""Whether a submission is right: run on a copy of its own, and tested there.

A submission must run at all. A question is tested by what it gives, compared with what the reference gives
(`compare.same`), both without comments, DISTINCT and ROUND. A change is tested by probes, queries that must
give the same after it as after the reference; or, in published rows, by their test cases (`cases.py`).
The episode's own database is never touched: what came before is run again on the copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing

from turnwise.environments.service.bird_interact import cases, compare, sqltext
from turnwise.environments.service.bird_interact.copies import Verdict, copy, run
from turnwise.environments.service.bird_interact.rows import Part
from turnwise.tools.sql import Engine


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
            return Verdict(passed=compare.same(mine, reference, ordered=part.ordered))
        mine = [run(session, probe) for probe in part.probes]
    with closing(copy(engine, before)) as session:
        run(session, part.reference)
        wanted = [run(session, probe) for probe in part.probes]
    return Verdict(
        passed=all(
            one.error is None and other.error is None and compare.alike(one, other)
            for one, other in zip(mine, wanted, strict=True)
        )
    )
