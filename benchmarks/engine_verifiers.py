"""The same world in verifiers' classic `MultiTurnEnv`: `… EPISODES TURNS CONCURRENCY SLEEP save|nosave`.

For verifiers 0.1.14; a later API has no such class. No HTTP: the client is an object with the SDK's methods.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from common import REPLY, Meter, World, peak_mb, report

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")

import verifiers as vf
from datasets import Dataset
from openai.types.chat import ChatCompletion
from verifiers.clients import OpenAIChatCompletionsClient

EPISODES, TURNS, CONCURRENCY = map(int, sys.argv[1:4])
SLEEP, MODE = float(sys.argv[4]), sys.argv[5]
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "sleeper",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


async def create(**_: Any) -> ChatCompletion:
    """The same answer after a while."""
    await asyncio.sleep(SLEEP)
    return ChatCompletion.model_validate(ANSWER)


async def close() -> None:
    """Nothing to close."""


class Bench(vf.MultiTurnEnv):
    """The common world."""

    async def setup_state(self, state: Any) -> None:
        """A fresh world."""
        state["world"] = World(state["info"]["seed"], TURNS)

    async def env_response(self, messages: Any, state: Any, **_: Any) -> Any:
        """Its answer to a move."""
        last = messages[-1]
        said, _ = state["world"].step(last["content"] if isinstance(last, dict) else last.content)
        return [vf.UserMessage(content=said)]


def complete(state: Any, **_: Any) -> float:
    """Whether all turns were made."""
    return float(len(state["trajectory"]) == TURNS)


rows = [
    {
        "prompt": [{"role": "user", "content": World(number, TURNS).first()}],
        "answer": "",
        "info": {"seed": number},
    }
    for number in range(EPISODES)
]
data = Dataset.from_list(rows)
environment = Bench(eval_dataset=data, dataset=data, rubric=vf.Rubric(funcs=[complete]), max_turns=TURNS)
sdk = SimpleNamespace(
    chat=SimpleNamespace(completions=SimpleNamespace(create=create)), base_url="http://none", close=close
)
options: dict[str, Any] = {"on_start": lambda *_: None, "on_progress": lambda *_: None}
with tempfile.TemporaryDirectory() as folder:
    if MODE == "save":
        options |= {"save_results": True, "results_path": Path(folder) / "results"}
    with Meter() as meter:
        done = asyncio.run(
            environment.evaluate(
                OpenAIChatCompletionsClient(sdk),
                "sleeper",
                num_examples=EPISODES,
                rollouts_per_example=1,
                max_concurrent=CONCURRENCY,
                **options,
            )
        )
outputs = done["outputs"] if isinstance(done, dict) else done.outputs
assert len(outputs) == EPISODES
report(meter.row(EPISODES * TURNS, peak_mb=peak_mb()))
