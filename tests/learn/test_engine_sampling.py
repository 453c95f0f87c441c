"""Who samples for the local engine, within this process: the trained weights, or a copy of them."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402
import torch  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.model import Sampling  # noqa: E402
from turnwise.task import Task  # noqa: E402


def engine(**options: Any) -> LocalEngine:
    made = LocalOptions(**({"max_tokens": 6, "device": "cpu", "batch": 8} | options))
    return LocalEngine(tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=made)


async def play(made: LocalEngine, count: int = 6) -> Batch:
    agent = Agent(made.policy, sampling=Sampling(temperature=1.0))
    episodes = [Episode(lessons.Letters(), Task(id=str(n)), {"agent": agent}, seed=n) for n in range(count)]
    await asyncio.gather(*(episode.play() for episode in episodes))
    return batch_of([episode.log() for episode in episodes]).batch


def played(made: LocalEngine) -> Batch:
    async def go() -> Batch:
        batch = await play(made)
        await made.close()
        return batch

    return asyncio.run(go())


def learn(made: LocalEngine, batch: Batch, lr: float = 1e-1) -> None:
    made.forward_backward(batch, lambda scored: (scored.logprobs * torch.sin(1.0 + scored.places)).sum())
    made.optim_step(lr=lr, clip=1.0)


def mismatch(made: LocalEngine, batch: Batch) -> float:
    """By how much the trained weights disagree with what was recorded."""
    return float(np.abs(made.forward_backward(batch, None).logprobs - batch.logprobs[batch.sampled]).max())


@pytest.mark.parametrize("more", [{}, {"lora": 4}])
def test_a_copy_samples_what_the_trained_weights_would(more: dict[str, Any]) -> None:
    if more:
        pytest.importorskip("peft")
    one, other = engine(**more), engine(sampler="copy", **more)
    first = played(one)
    for version in range(3):
        ours, theirs = played(one), played(other)
        assert np.array_equal(ours.ids, theirs.ids)
        assert np.array_equal(ours.logprobs, theirs.logprobs)
        assert set(theirs.turn_version) == {version}
        for made in (one, other):
            learn(made, first)
            made.sync(version + 1)
    assert one.exact
    assert other.exact


@pytest.mark.parametrize("more", [{}, {"lora": 4}])
def test_a_copy_keeps_the_weights_of_the_last_sync(more: dict[str, Any]) -> None:
    if more:
        pytest.importorskip("peft")
    made = engine(sampler="copy", **more)
    before = played(made)
    for _ in range(3):
        learn(made, before)
    after = played(made)
    assert np.array_equal(before.ids, after.ids)
    assert np.array_equal(before.logprobs, after.logprobs)
    assert mismatch(made, after) > 1e-2, "the trained weights have moved on"
    made.sync(1)
    synced = played(made)
    assert mismatch(made, synced) < 1e-5
    assert set(synced.turn_version) == {1}


def test_episodes_and_updates_overlap_without_a_trace() -> None:
    quiet = played(engine(sampler="copy"))
    made = engine(sampler="copy")

    def update() -> None:
        for _ in range(20):
            learn(made, quiet)

    async def both() -> Batch:
        batch, _ = await asyncio.gather(play(made), asyncio.to_thread(update))
        await made.close()
        return batch

    loud = asyncio.run(both())
    assert np.array_equal(quiet.ids, loud.ids)
    assert np.array_equal(quiet.logprobs, loud.logprobs)


def test_only_what_is_trained_is_copied() -> None:
    pytest.importorskip("peft")
    made = engine(sampler="copy", lora=4)
    copied = dict(made.policy.network.named_parameters())  # type: ignore[attr-defined]
    for key, weight in made.module.named_parameters():
        assert (copied[key] is weight) == ("lora_" not in key), key


def test_a_checkpoint_reaches_the_copy(tmp_path: Any) -> None:
    made = engine(sampler="copy")
    batch = played(made)
    learn(made, batch)
    made.sync(5)
    made.save(tmp_path / "here")
    other = engine(sampler="copy")
    other.load(tmp_path / "here")
    again = played(other)
    assert mismatch(other, again) < 1e-5
    assert set(again.turn_version) == {5}
