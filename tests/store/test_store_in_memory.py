"""A store in memory is one store, whoever opens it in whichever thread."""

from __future__ import annotations

import asyncio

import turnwise


def test_a_run_within_a_running_loop_can_be_read_outside_of_it() -> None:
    async def notebook() -> turnwise.Run:
        # Here a loop runs already, so the run waits in a thread of its own.
        return turnwise.run("number_guess", "solver", limit=3, store=":memory:")

    run = asyncio.run(notebook())
    assert run.summary()["episodes"] == 3
    assert len(list(run.logs())) == 3
