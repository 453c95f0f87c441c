"""One measurement of all 115 retail tasks of tau-bench 1 under the oracle: `service_tau.py ours|peer|fork`.

`ours`: whole episodes, stored, graded by state; and the same calls made on desks alone, to tell what the
framework adds. `peer`: the published environment's own `reset` and `step`, with a user who stops at the first
answer (its users are models, and `litellm`, which it imports for them, plays no part). `fork`: what it takes
to fork a stored episode over the database of 2.8 MB at its last turn, and after forty changes to it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

from common import report

EPOCHS = 20
WRITES = 40


def ours() -> None:
    """Tasks a second, and microseconds of CPU a turn."""
    import turnwise
    from turnwise.environments.service.tau_bench import TauRetail

    environment = TauRetail(version=1, split="test", variant="published")

    def run(store: Path, epochs: int) -> tuple[float, turnwise.Run]:
        start = time.process_time()
        done = turnwise.run(environment, "solver", store=store, epochs=epochs)
        return time.process_time() - start, done

    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder) / "warm.db", 1)
        spent, done = run(Path(folder) / "runs.db", EPOCHS)
        logs = list(done.logs())
        assert all(log.score() == 1.0 for log in logs)
        turns = sum(len(log.turns) for log in logs)
    bare = asyncio.run(_bare(environment))
    report(
        {
            "tasks_per_s": len(logs) / spent,
            "turns": turns / EPOCHS,
            "cpu_us_per_turn": spent / turns * 1e6,
            "desk_us_per_turn": bare / turns * EPOCHS * 1e6,
            "framework_us_per_turn": (spent - bare * EPOCHS) / turns * 1e6,
        }
    )


async def _bare(environment: Any) -> float:
    """Seconds that the tools themselves take, and telling the state they leave."""
    from turnwise.environments.service.tau_bench import grading
    from turnwise.environments.service.tau_bench.conversation import TRANSFER

    start = time.process_time()
    for _ in range(EPOCHS):
        for task in environment.tasks():
            desk = environment.desk()
            for action in task.actions:
                if action.name != TRANSFER:
                    await grading.done(desk, action)
            desk.key()
    return (time.process_time() - start) / EPOCHS


def peer() -> None:
    """The published package, from a checkout below `TURNWISE_PEERS`."""
    sys.path.insert(0, str(Path(os.environ.get("TURNWISE_PEERS", "peers")) / "tau"))
    stand_in = types.ModuleType("litellm")
    stand_in.completion = None  # type: ignore[attr-defined]
    sys.modules.setdefault("litellm", stand_in)
    from tau_bench.envs.base import Action  # type: ignore[import-not-found]
    from tau_bench.envs.retail import MockRetailDomainEnv  # type: ignore[import-not-found]

    environment = MockRetailDomainEnv(user_strategy="human", user_model="", task_split="test", task_index=0)
    environment.user = types.SimpleNamespace(
        reset=lambda instruction=None: "Hi", step=lambda content: "###STOP###", get_total_cost=lambda: 0.0
    )
    steps = 0
    start = time.process_time()
    for index, task in enumerate(environment.tasks):
        environment.reset(index)
        for action in task.actions:
            if action.name not in environment.terminate_tools:
                environment.step(action)
                steps += 1
        said = Action(name="respond", kwargs={"content": " ".join(["Done.", *task.outputs])})
        assert environment.step(said).reward == 1.0
        steps += 1
    spent = time.process_time() - start
    report({"tasks_per_s": len(environment.tasks) / spent, "steps": steps})


def writer(task: Any, rng: Any) -> Any:
    """Changes a customer's address, again and again."""
    from turnwise.environments.parts.calls import calling
    from turnwise.environments.service.tau_bench import TauRetail

    user = next(iter(TauRetail(split="base").desk().tables["users"]))
    yield
    for number in range(WRITES):
        where = {"address1": f"{number} Elm Street", "address2": "", "city": "Reno", "state": "NV"}
        country = {"country": "USA", "zip": f"{89000 + number}"}
        yield calling("modify_user_address", {"user_id": user, **where, **country}, number)
    while True:
        yield "It is done."


def fork() -> None:
    """Milliseconds, warm; those that the state costs, a desk with the calls made again; and after writes."""
    import turnwise
    from turnwise.environments.service.tau_bench import TauRetail, grading

    environment = TauRetail(split="base", max_steps=10 * WRITES)
    rebuilt: list[float] = []

    async def forked(run: turnwise.Run, store: turnwise.Store, agent: Any) -> list[float]:
        times: list[float] = []
        for number in range(20):
            at = len(run.episode(number).turns) - 1
            start = time.perf_counter()
            await turnwise.fork_async(
                f"{run.id}/{number}", at, store=store, environment=environment, agents={"agent": agent}
            )
            times.append(time.perf_counter() - start)
        return times

    async def desks(tasks: Any) -> None:
        for task in tasks:
            start = time.perf_counter()
            desk = environment.desk()
            for action in task.actions:
                await grading.done(desk, action)
            rebuilt.append(time.perf_counter() - start)

    with tempfile.TemporaryDirectory() as folder:
        store = turnwise.Store(Path(folder) / "runs.db")
        run = turnwise.run(environment, "solver", store=store, limit=20)
        times = asyncio.run(forked(run, store, "solver"))
        asyncio.run(desks(list(environment.tasks())[:20]))
        busy = turnwise.run(environment, writer, store=store, limit=20)
        written = [sum(turn.role == "tool" for turn in log.turns) for log in busy.logs()]
        assert min(written) >= WRITES, written
        after = asyncio.run(forked(busy, store, writer))
    report(
        {
            "fork_ms": statistics.median(times) * 1000,
            "of_it_state_ms": statistics.median(rebuilt) * 1000,
            "fork_ms_worst": max(times) * 1000,
            "fork_after_writes_ms": statistics.median(after) * 1000,
            "fork_after_writes_ms_worst": max(after) * 1000,
        }
    )


if __name__ == "__main__":
    {"ours": ours, "peer": peer, "fork": fork}[sys.argv[1]]()
