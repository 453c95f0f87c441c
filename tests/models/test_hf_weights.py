"""Local models whose weights change: versions, caches, and batches that follow from what is asked alone."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import torch  # noqa: E402

import tiny  # noqa: E402
from turnwise.agent import Agent  # noqa: E402
from turnwise.environment import Environment  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.log import EpisodeLog  # noqa: E402
from turnwise.message import user  # noqa: E402
from turnwise.model import Request, Sample, Sampling  # noqa: E402
from turnwise.models.hf.loading import adopt  # noqa: E402
from turnwise.models.hf.model import HFModel  # noqa: E402
from turnwise.models.hf.options import HFOptions  # noqa: E402
from turnwise.task import Task  # noqa: E402


class Talk(Environment, frozen=True, kw_only=True):
    """Turns of different number and length, some of which wait for other coroutines first."""

    name = "talk"

    async def run(self, task: Task, episode: Episode) -> None:
        for turn in range(2 + int(task.id) % 3):
            for _ in range(int(task.id) % 4):
                await asyncio.sleep(0)
            await episode.agent.respond(f"turn {turn} " * (1 + int(task.id) % 5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("llama"))


def over(folder: str, **options: Any) -> tuple[HFModel, Any]:
    """A model over a module in memory, and that module."""
    import transformers

    module = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    return HFModel("mine", HFOptions(max_tokens=8, **options), adopt("hf/mine", module, tokens)), module


def test_new_weights_answer_and_old_keys_and_values_are_gone(folder: str) -> None:
    model, module = over(folder)

    async def go() -> list[Sample]:
        first = Request(messages=[user("hello")], session="s")
        one = await model.sample(first)
        more = [user("hello"), one.message, user("and now?")]
        with model.changing("1"), torch.no_grad():
            for weight in module.parameters():
                weight.mul_(0.5)
        two = await model.sample(Request(messages=more, session="s", ordinal=1))
        fresh = await model.sample(Request(messages=more, session="other", ordinal=1))
        await model.close()
        return [one, two, fresh]

    one, two, fresh = asyncio.run(go())
    assert (one.version, two.version) == (None, "1")
    assert two.usage is not None
    assert two.usage.cached == 0
    # The same prompt token for token would be sampled alike; here it extends what was sampled before.
    assert list(two.prompt_ids or ())[: len(one.prompt_ids or ())] == list(one.prompt_ids or ())
    assert fresh.version == "1"


def play(model: HFModel, order: list[int], late: bool) -> dict[str, EpisodeLog]:
    agent = Agent(model, sampling=Sampling(temperature=1.0, max_tokens=8))
    episodes = [Episode(Talk(), Task(id=str(n)), {"agent": agent}, seed=n) for n in order]

    async def go() -> None:
        if late:
            # Something else keeps the loop and the processor busy.
            noise = asyncio.create_task(_noise())
        await asyncio.gather(*(episode.play() for episode in episodes))
        if late:
            noise.cancel()
        await model.close()

    asyncio.run(go())
    return {episode.task.id: episode.log() for episode in episodes}


async def _noise() -> None:
    draw = random.Random(0)
    while True:
        sum(range(draw.randrange(20_000)))
        await asyncio.sleep(draw.random() / 1000)


def test_in_lockstep_the_same_episodes_sample_the_same_bits_whatever_the_timing(folder: str) -> None:
    """Logs hold log-probabilities and cached tokens, so equal bytes mean equal batches."""
    one = play(over(folder, lockstep=True, max_batch=5)[0], list(range(12)), late=False)
    other = play(over(folder, lockstep=True, max_batch=5)[0], list(range(12)), late=True)
    assert {key: log.to_json() for key, log in one.items()} == {
        key: log.to_json() for key, log in other.items()
    }


def test_a_lockstep_model_serves_one_event_loop_after_another(folder: str) -> None:
    model, _ = over(folder, lockstep=True)

    async def ask() -> Sample:
        return await model.sample(Request(messages=[user("hello")]))

    # Not closed between the loops: its thread waits for the next one.
    assert asyncio.run(ask()).sampled_ids == asyncio.run(ask()).sampled_ids
    asyncio.run(model.close())
