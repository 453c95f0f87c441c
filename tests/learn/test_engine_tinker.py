"""The engine at Tinker, through its SDK over HTTP: it trains as the local engine does, and samples what it
trains.

The service is a recorded protocol over a real network (`tinker_service`): nothing here has been tried with
Tinker itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for needed in ("torch", "transformers", "peft", "tinker"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,tinker]'")

import lessons  # noqa: E402
import torch  # noqa: E402
from tinker_service import Service  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.errors import CapabilityError, ConfigError, ModelError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import Loss, Scored, TrainingError  # noqa: E402
from turnwise.learn.engine.tinker import TinkerEngine, TinkerOptions  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402
from turnwise.learn.losses.ppo import ppo  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.model import Sampling  # noqa: E402
from turnwise.task import Task  # noqa: E402

RANK = 4


def network() -> Any:
    return tiny.policy(hidden=16, heads=2)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: Any) -> str:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny.tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("TINKER_API_KEY", "tml-none")
    monkeypatch.setenv("TINKER_TELEMETRY", "0")
    with Service(network) as made:
        yield made


@pytest.fixture
def engine(service: Service, tokenizer: str) -> TinkerEngine:
    return made(service, tokenizer)


def made(service: Service, tokenizer: str | None, **options: Any) -> TinkerEngine:
    given = {"lora": RANK, "base_url": service.url, "tokenizer": tokenizer, "max_tokens": 6} | options
    return TinkerEngine("tiny", options=TinkerOptions(**given))


def local() -> LocalEngine:
    options = LocalOptions(device="cpu", lora=RANK, max_tokens=6)
    return LocalEngine(network(), tiny.tokenizer(), options=options)


def play(engine: Any, count: int = 4) -> Batch:
    agent = Agent(engine.policy, sampling=Sampling(temperature=1.0))
    episodes = [Episode(lessons.Letters(), Task(id=str(n)), {"agent": agent}, seed=n) for n in range(count)]

    async def go() -> None:
        await asyncio.gather(*(episode.play() for episode in episodes))
        await engine.close()

    asyncio.run(go())
    return batch_of([episode.log() for episode in episodes]).batch


def clipped(batch: Batch) -> Loss:
    """PPO with an advantage of its own for each token, so that a mix-up of tokens shows."""
    old = torch.from_numpy(batch.logprobs[batch.sampled])
    advantages = torch.sin(1.0 + torch.arange(len(old)))

    def loss(scored: Scored) -> torch.Tensor:
        at = scored.places
        weights = torch.full((len(at),), 1 / len(old))
        return ppo(scored.logprobs, old=old[at], advantages=advantages[at], weights=weights)

    return loss


def test_losses_and_weights_are_those_of_the_local_engine(engine: TinkerEngine) -> None:
    here = local()
    batch = play(here)
    for _ in range(5):
        ours, theirs = (one.forward_backward(batch, clipped(batch)) for one in (here, engine))
        assert theirs.loss == pytest.approx(ours.loss, abs=1e-4)
        np.testing.assert_allclose(theirs.logprobs, ours.logprobs, atol=1e-4)
        moved, there = (one.optim_step(lr=1e-2, clip=0.5, weight_decay=0.01) for one in (here, engine))
        assert there["grad_norm"] == pytest.approx(moved["grad_norm"], rel=1e-3)
        assert not there["skipped"]
    changed = np.abs(here.forward_backward(batch, None).logprobs - batch.logprobs[batch.sampled]).max()
    assert changed > 1e-2, "something was learned"


def test_gradients_add_up_until_the_step(engine: TinkerEngine) -> None:
    here = local()
    batch = play(here)
    for one in (here, engine):
        for _ in range(2):
            one.forward_backward(batch, clipped(batch))
    ours, theirs = (one.optim_step(lr=1e-2, clip=1e9) for one in (here, engine))
    assert theirs["grad_norm"] == pytest.approx(ours["grad_norm"], rel=1e-3)


def test_what_was_sampled_has_a_ratio_of_one_after_each_sync(engine: TinkerEngine) -> None:
    assert not engine.exact
    for version in range(3):
        batch = play(engine)
        scored = engine.forward_backward(batch, None)
        np.testing.assert_allclose(scored.logprobs, batch.logprobs[batch.sampled], rtol=0, atol=1e-4)
        assert set(batch.turn_version) == {version}
        engine.forward_backward(batch, clipped(batch))
        engine.optim_step(lr=5e-2, clip=1.0)
        moved = np.abs(engine.forward_backward(batch, None).logprobs - scored.logprobs).max()
        assert moved > 1e-2
        stale = play(engine)
        assert set(stale.turn_version) == {version}, "nothing is new before the sync"
        apart = engine.forward_backward(stale, None).logprobs - stale.logprobs[stale.sampled]
        assert np.abs(apart).max() > 1e-2
        engine.sync(version + 1)


def test_a_whole_training_goes_through_the_service(engine: TinkerEngine, tmp_path: Path) -> None:
    tiny.save(tmp_path / "base", hidden=16, heads=2)
    wanted = lessons.config(tmp_path, steps=3, lr=1e-2)
    run = lessons.run(wanted, tmp_path / "store.db", engine=engine)
    assert run.status == "done"
    assert {call.version for log in run.logs() for call in log.calls} == {"0", "1", "2"}
    assert max(line["mismatch"] for line in read_log(tmp_path / "out")) < 1e-4


def test_prompts_extend_what_was_sampled(engine: TinkerEngine) -> None:
    batch = play(engine)
    assert batch.rows == 4, "two turns of an episode are one row"


def test_a_policy_samples_after_token_ids_too(engine: TinkerEngine) -> None:
    async def go() -> Any:
        return await engine.sample([3, 50, 0, 4], Sampling(temperature=1.0, max_tokens=3), count=2)

    drawn = asyncio.run(go())
    assert len(drawn) == 2
    assert all(0 < len(one.tokens) == len(one.logprobs) <= 3 for one in drawn)


def test_a_checkpoint_brings_back_everything(service: Service, tokenizer: str, tmp_path: Path) -> None:
    one = made(service, tokenizer)
    batch = play(one)

    def step(engine: TinkerEngine) -> float:
        found = engine.forward_backward(batch, clipped(batch))
        engine.optim_step(lr=1e-2, clip=1.0)
        return found.loss

    step(one)
    one.sync(7)
    one.save(tmp_path / "here")
    expected = [step(one), step(one)]
    other = made(service, tokenizer)
    other.load(tmp_path / "here")
    assert [step(other), step(other)] == pytest.approx(expected, abs=1e-6)
    assert set(play(other).turn_version) == {7}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


def test_a_checkpoint_of_another_model_is_refused(service: Service, tokenizer: str, tmp_path: Path) -> None:
    made(service, tokenizer).save(tmp_path / "here")
    with pytest.raises(ConfigError, match="is of 'tiny' with lora 4, this is 'tiny' with 2"):
        made(service, tokenizer, lora=2).load(tmp_path / "here")
    (tmp_path / "here" / "tinker.json").write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        made(service, tokenizer).load(tmp_path / "here")


def test_a_loss_that_is_no_number_moves_nothing(service: Service, engine: TinkerEngine) -> None:
    batch = play(engine)
    (run,) = service.runs.values()
    with pytest.raises(TrainingError, match="the loss is nan: expected a finite number"):
        engine.forward_backward(batch, lambda scored: scored.logprobs.sum() * float("nan"))
    assert all(not weight.grad.any() for weight in run.weights.values() if weight.grad is not None)
    assert np.isfinite(engine.forward_backward(batch, clipped(batch)).loss), "it goes on"


def test_what_it_cannot_do_is_one_line(service: Service, tokenizer: str, engine: TinkerEngine) -> None:
    with pytest.raises(CapabilityError, match="Tinker tells no entropies"):
        engine.forward_backward(play(engine), None, entropy=True)
    with pytest.raises(ConfigError, match=r"temperature must be 1, got 0\.5"):
        made(service, tokenizer, temperature=0.5)
    with pytest.raises(ConfigError, match=r"cannot reach http://127\.0\.0\.1:9"):
        made(service, tokenizer, base_url="http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"does not train it .*no base model big"):
        TinkerEngine("big", options=TinkerOptions(base_url=service.url, tokenizer=tokenizer))
    with pytest.raises(ConfigError, match="tokenizer '/nowhere' cannot be loaded"):
        made(service, "/nowhere")


def test_a_service_that_breaks_stops_the_training(service: Service, engine: TinkerEngine) -> None:
    batch = play(engine)
    service.fails = {"asample"}

    async def go() -> None:
        with pytest.raises(ModelError, match="it broke"):
            await engine.sample([3, 50, 0, 4], Sampling(temperature=1.0, max_tokens=3))

    asyncio.run(go())
    service.fails = {"forward_backward"}
    with pytest.raises(TrainingError, match=r"did not take the gradient .*it broke"):
        engine.forward_backward(batch, clipped(batch))
