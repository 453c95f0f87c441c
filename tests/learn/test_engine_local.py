"""The local engine: layouts, budgets and precision do not change what is computed; what was sampled is scored
alike."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402
import torch  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import Scored, TrainingError  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.log import EpisodeLog  # noqa: E402
from turnwise.model import Sampling  # noqa: E402
from turnwise.task import Task  # noqa: E402


def engine(**options: Any) -> LocalEngine:
    made = LocalOptions(**({"max_tokens": 6, "device": "cpu", "batch": 8} | options))
    return LocalEngine(tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=made)


def play(made: LocalEngine, count: int = 6, **sampling: Any) -> list[EpisodeLog]:
    """Episodes of the engine's policy, all at once."""
    agent = Agent(made.policy, sampling=Sampling(**({"temperature": 1.0} | sampling)))
    episodes = [Episode(lessons.Letters(), Task(id=str(n)), {"agent": agent}, seed=n) for n in range(count)]

    async def go() -> None:
        await asyncio.gather(*(episode.play() for episode in episodes))
        await made.close()

    asyncio.run(go())
    return [episode.log() for episode in episodes]


@pytest.fixture(scope="module")
def batch() -> Batch:
    return batch_of(play(engine())).batch


def weighted(scored: Scored) -> torch.Tensor:
    """A loss in which each token has a weight of its own, so that a mix-up of tokens shows."""
    return (scored.logprobs * torch.sin(1.0 + scored.places)).sum()


def gradients(made: LocalEngine, batch: Batch) -> dict[str, Any]:
    made.forward_backward(batch, weighted)
    return {key: p.grad.clone() for key, p in made.module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("layout", ["rectangles", "lines", "trees"])
@pytest.mark.parametrize("tokens", [1, 70, 10_000])
def test_what_was_sampled_has_a_ratio_of_one_in_every_layout(layout: Any, tokens: int, batch: Batch) -> None:
    scored = engine(layout=layout, tokens=tokens).forward_backward(batch, None)
    np.testing.assert_allclose(scored.logprobs, batch.logprobs[batch.sampled], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"layout": "lines"}, {"layout": "trees"}, {"tokens": 60}, {"checkpointing": True}]
)
def test_gradients_do_not_depend_on_how_a_batch_is_cut(options: dict[str, Any], batch: Batch) -> None:
    expected = gradients(engine(layout="rectangles", tokens=10_000), batch)
    found = gradients(engine(**options), batch)
    assert found.keys() == expected.keys()
    for key, gradient in expected.items():
        torch.testing.assert_close(found[key], gradient, rtol=1e-4, atol=1e-5)


def test_another_temperature_is_that_of_sampling_and_training() -> None:
    made = engine(temperature=0.5)
    hot = batch_of(play(made, temperature=0.5)).batch
    scored = made.forward_backward(hot, None, entropy=True)
    np.testing.assert_allclose(scored.logprobs, hot.logprobs[hot.sampled], rtol=0, atol=1e-5)
    assert scored.entropy is not None
    assert (scored.entropy < np.log(262)).all()


def test_adapters_alone_are_trained(batch: Batch) -> None:
    pytest.importorskip("peft")
    made = engine(lora=4)
    before = {key: p.detach().clone() for key, p in made.module.named_parameters()}
    made.forward_backward(batch, weighted)
    made.optim_step(lr=1e-2, clip=1.0)
    moved = {key for key, p in made.module.named_parameters() if not torch.equal(p, before[key])}
    assert moved
    assert all("lora_" in key for key in moved)


def test_steps_that_bfloat16_cannot_hold_add_up_in_the_masters(batch: Batch) -> None:
    module = tiny.policy(hidden=16, heads=2).bfloat16()
    made = LocalEngine(module, tiny.tokenizer(), options=LocalOptions(device="cpu"))
    weight = module.model.layers[0].mlp.up_proj.weight
    before = weight.detach().clone()
    for _ in range(40):
        made.forward_backward(batch, lambda scored: scored.logprobs.mean())
        made.optim_step(lr=2e-5, clip=1.0)
    # A single step of 2e-5 is less than half of what tells two bfloat16 numbers around 0.02 apart.
    assert (weight != before).float().mean() > 0.5


def test_a_checkpoint_brings_back_everything(batch: Batch, tmp_path: Path) -> None:
    made = engine()

    def step(one: LocalEngine) -> None:
        one.forward_backward(batch, weighted)
        one.optim_step(lr=1e-2, clip=1.0)

    step(made)
    made.sync(7)
    made.save(tmp_path / "here")
    step(made)
    other = engine()
    other.load(tmp_path / "here")
    assert other.policy.version == "7"
    step(other)
    for weight, again in zip(made.module.parameters(), other.module.parameters(), strict=True):
        assert torch.equal(weight, again)


def test_a_broken_checkpoint_changes_nothing(tmp_path: Path) -> None:
    made = engine()
    made.save(tmp_path / "here")
    data = (tmp_path / "here" / "training.pt").read_bytes()
    (tmp_path / "here" / "training.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(ConfigError, match="cannot be read"):
        made.load(tmp_path / "here")
    with pytest.raises(ConfigError, match="cannot be read"):
        made.load(tmp_path / "nowhere")


def test_a_loss_that_is_no_number_moves_nothing(batch: Batch) -> None:
    made = engine()
    before = [p.detach().clone() for p in made.module.parameters()]
    with pytest.raises(TrainingError, match="the loss is nan"):
        made.forward_backward(batch, lambda scored: scored.logprobs.sum() * float("nan"))
    made.optim_step(lr=1.0, clip=1.0)
    assert all(torch.equal(p, old) for p, old in zip(made.module.parameters(), before, strict=True))


def test_a_gradient_that_is_no_number_is_skipped(batch: Batch) -> None:
    made = engine()
    before = [p.detach().clone() for p in made.module.parameters()]
    made.forward_backward(batch, lambda scored: (scored.logprobs * 0).abs().sqrt().sum())
    assert made.optim_step(lr=1.0, clip=1.0)["skipped"] == 1
    assert all(torch.equal(p, old) for p, old in zip(made.module.parameters(), before, strict=True))


def test_token_ids_are_sampled_as_episodes_sample_them(batch: Batch) -> None:
    made = engine()
    first = int(np.flatnonzero(batch.sampled)[0])
    prompt = batch.ids[:first].tolist()

    async def ask() -> Any:
        drawn = await made.sample(prompt, Sampling(temperature=1.0, max_tokens=6), count=3, seed="a")
        await made.close()
        return drawn

    one, other = asyncio.run(ask()), asyncio.run(ask())
    assert one == other
    assert len({tuple(drawn.tokens) for drawn in one}) > 1
    assert all(len(drawn.tokens) == len(drawn.logprobs) for drawn in one)
