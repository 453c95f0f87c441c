"""The same world in Inspect AI: `engine_inspect.py EPISODES TURNS CONCURRENCY SLEEP log|nolog`."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

import anyio

from common import REPLY, Meter, World, peak_mb, report

os.environ["INSPECT_DISPLAY"] = "none"

from inspect_ai import Task, eval  # noqa: A004
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import solver

EPISODES, TURNS, CONCURRENCY = map(int, sys.argv[1:4])
SLEEP, MODE = float(sys.argv[4]), sys.argv[5]


@solver
def talk() -> Any:
    """The common world."""

    async def solve(state: Any, generate: Any) -> Any:
        world, over = World(state.metadata["seed"], TURNS), False
        while not over:
            state = await generate(state)
            said, over = world.step(state.output.completion)
            if not over:
                state.messages.append(ChatMessageUser(content=said))
        return state

    return solve


@scorer(metrics=[mean()])
def complete() -> Any:
    """One for each."""

    async def score(state: Any, target: Any) -> Score:
        return Score(value=1.0)

    return score


async def answer(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:  # noqa: A002
    """The same answer after a while; with usage, else a downloaded tokenizer would count it."""
    await anyio.sleep(SLEEP)
    output = ModelOutput.from_content("mockllm", REPLY)
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output


samples = [
    Sample(id=number + 1, input=World(number, TURNS).first(), target="1", metadata={"seed": number})
    for number in range(EPISODES)
]
task = Task(dataset=MemoryDataset(samples), solver=talk(), scorer=complete())
model = get_model("mockllm/model", custom_outputs=answer, memoize=False)
with tempfile.TemporaryDirectory() as folder:
    options: dict[str, Any] = {"log_dir": folder, "log_realtime": False}
    if MODE == "nolog":
        options = {"log_dir": "memory://logs", "log_realtime": False, "log_samples": False}
    with Meter() as meter:
        (log,) = eval(
            task, model=model, display="none", max_samples=CONCURRENCY, max_connections=CONCURRENCY, **options
        )
assert log.status == "success", log.error
report(meter.row(EPISODES * TURNS, peak_mb=peak_mb()))
