"""The torchrun engine on two processes: it computes, saves and samples what the local engine does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402
import servers  # noqa: E402
import torch  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import objective, tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import Engine, Scored, TrainingError  # noqa: E402
from turnwise.learn.engine.shares import deal, shares  # noqa: E402
from turnwise.learn.engine.torchrun import TorchrunEngine, TorchrunOptions  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.learn.tables import select_rows  # noqa: E402
from turnwise.model import Sampling  # noqa: E402
from turnwise.models.hf.loading import load  # noqa: E402
from turnwise.models.hf.options import HFOptions  # noqa: E402
from turnwise.task import Task  # noqa: E402

Pair: TypeAlias = Callable[..., tuple[LocalEngine, TorchrunEngine]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("base"), hidden=16, heads=2).removeprefix("hf/")


@pytest.fixture(scope="module")
def ranks(base: str) -> Iterator[None]:
    """Two processes for all engines of this file."""
    keeps = TorchrunEngine(base, options=TorchrunOptions(processes=2, timeout=60))
    yield
    asyncio.run(keeps.close())


@pytest.fixture
def pair(base: str, ranks: None) -> Iterator[Pair]:
    """Makes an engine of either kind with the same options and weights."""
    made: list[TorchrunEngine] = []

    def engines(**options: Any) -> tuple[LocalEngine, TorchrunEngine]:
        both = {"max_tokens": 6, "batch": 8} | options
        local = LocalEngine(base, options=LocalOptions(device="cpu", **both))
        made.append(TorchrunEngine(base, options=TorchrunOptions(processes=2, timeout=60, **both)))
        return local, made[-1]

    yield engines
    for engine in made:
        asyncio.run(engine.close())


@pytest.fixture(scope="module")
def batch(base: str) -> Batch:
    return play(LocalEngine(base, options=LocalOptions(max_tokens=6, device="cpu", batch=8)))


def play(made: Engine, count: int = 7, **sampling: Any) -> Batch:
    """Episodes of an engine's policy, all at once."""
    agent = Agent(made.policy, sampling=Sampling(**({"temperature": 1.0} | sampling)))
    episodes = [Episode(lessons.Letters(), Task(id=str(n)), {"agent": agent}, seed=n) for n in range(count)]

    async def go() -> None:
        await asyncio.gather(*(episode.play() for episode in episodes))
        await made.policy.close()

    asyncio.run(go())
    return batch_of([episode.log() for episode in episodes]).batch


def weighted(scored: Scored) -> torch.Tensor:
    """A loss in which each token has a weight of its own, so that a mix-up of tokens shows."""
    return (scored.logprobs * torch.sin(1.0 + scored.places)).sum() / 10


def weights(made: Engine, folder: Path) -> dict[str, Any]:
    """Those that a checkpoint has for whoever samples."""
    made.save(folder)
    return dict(load(str(folder), HFOptions(device="cpu")).model.named_parameters())


def same(made: TorchrunEngine, local: LocalEngine, folder: Path, tolerance: float = 1e-5) -> None:
    """Both have the same weights."""
    expected = dict(local.module.named_parameters())
    found = weights(made, folder)
    assert found.keys() == expected.keys()
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, rtol=0, atol=tolerance)


@pytest.mark.parametrize("tokens", [8192, 60])
def test_ten_steps_give_the_local_engines_losses_norms_and_weights(
    tokens: int, pair: Pair, tmp_path: Path
) -> None:
    local, made = pair(tokens=tokens)
    config = lessons.config(tmp_path)
    for step in range(10):
        batch = play(made)
        old = batch.logprobs[batch.sampled].astype(np.float64)
        columns = {"old": old, "advantages": np.sin(np.arange(len(old)) + step)}
        loss = objective.policy_loss(batch, columns, config)
        there = made.forward_backward(batch, loss, entropy=True)
        here = local.forward_backward(batch, loss, entropy=True)
        assert there.loss == pytest.approx(here.loss, abs=1e-5)
        np.testing.assert_allclose(there.logprobs, here.logprobs, rtol=0, atol=1e-5)
        assert there.entropy is not None
        assert here.entropy is not None
        np.testing.assert_allclose(there.entropy, here.entropy, rtol=0, atol=1e-5)
        # A norm above and one below what is clipped.
        clip, lr = (0.01, 1e-2) if step % 2 else (1e3, 3e-3)
        moved, expected = (one.optim_step(lr=lr, clip=clip, weight_decay=0.1) for one in (made, local))
        assert moved["grad_norm"] == pytest.approx(expected["grad_norm"], abs=1e-5)
        assert expected["grad_norm"] > 0.01
        made.sync(step + 1)
        local.sync(step + 1)
    same(made, local, tmp_path / "after")
    one, other = play(local), play(made)
    assert np.array_equal(one.ids, other.ids)
    assert set(other.turn_version) == {10}


def test_a_row_is_enough_for_two(pair: Pair, batch: Batch, tmp_path: Path) -> None:
    local, made = pair()
    for rows in ([0], [0, 1, 2], []):
        part = select_rows(batch, np.array(rows, dtype=np.int64))
        there, here = (one.forward_backward(part, weighted) for one in (made, local))
        assert there.loss == pytest.approx(here.loss, abs=1e-5)
        assert len(there.logprobs) == int(part.sampled.sum())
        norms = [one.optim_step(lr=1e-2, clip=1.0)["grad_norm"] for one in (made, local)]
        assert norms[0] == pytest.approx(norms[1], abs=1e-5)
    same(made, local, tmp_path / "after")


@pytest.mark.parametrize(
    "options",
    [{"layout": "lines"}, {"layout": "trees"}, {"checkpointing": True}, {"lora": 4}, {"temperature": 0.5}],
)
def test_options_mean_what_they_mean_to_the_local_engine(
    options: dict[str, Any], pair: Pair, tmp_path: Path
) -> None:
    if "lora" in options:
        pytest.importorskip("peft")
    local, made = pair(**options)
    batch = play(made, temperature=options.get("temperature", 1.0))
    for step in range(3):
        there, here = (one.forward_backward(batch, weighted) for one in (made, local))
        np.testing.assert_allclose(there.logprobs, here.logprobs, rtol=0, atol=1e-5)
        if step == 0:
            np.testing.assert_allclose(there.logprobs, batch.logprobs[batch.sampled], rtol=0, atol=1e-5)
        norms = [one.optim_step(lr=1e-3, clip=1.0)["grad_norm"] for one in (made, local)]
        assert norms[0] == pytest.approx(norms[1], rel=1e-4)
    for one in (made, local):
        one.sync(1)
    # Where adapters are trained, they alone are in the folder, and are loaded with their base.
    found, expected = weights(made, tmp_path / "made"), weights(local, tmp_path / "local")
    assert found.keys() == expected.keys()
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, rtol=0, atol=1e-5)
    ours, theirs = play(local, temperature=0.5), play(made, temperature=0.5)
    assert np.array_equal(ours.ids, theirs.ids)


def test_half_precision_is_computed_in_and_not_kept(pair: Pair, tmp_path: Path) -> None:
    _, made = pair(dtype="bfloat16")
    batch = play(made)
    scored = made.forward_backward(batch, None)
    np.testing.assert_allclose(scored.logprobs, batch.logprobs[batch.sampled], rtol=0, atol=2e-2)
    before = weights(made, tmp_path / "before")
    for _ in range(40):
        made.forward_backward(batch, lambda scored: scored.logprobs.mean())
        made.optim_step(lr=2e-5, clip=1.0)
    found = weights(made, tmp_path / "after")
    key = "model.layers.0.mlp.up_proj.weight"
    assert found[key].dtype is torch.bfloat16, "what is saved is what is computed in"
    # A single step of 2e-5 is less than half of what tells two bfloat16 numbers around 0.02 apart.
    assert (found[key] != before[key]).float().mean() > 0.5


def test_what_samples_has_the_weights_of_the_last_sync(pair: Pair, batch: Batch) -> None:
    local, made = pair()
    made.forward_backward(batch, weighted)
    made.optim_step(lr=1e-1, clip=1.0)
    assert np.array_equal(play(made).ids, play(local).ids)
    made.sync(3)
    again = play(made)
    assert set(again.turn_version) == {3}
    assert not np.array_equal(again.ids, batch.ids)
    scored = made.forward_backward(again, None)
    np.testing.assert_allclose(scored.logprobs, again.logprobs[again.sampled], rtol=0, atol=1e-5)
    first = int(np.flatnonzero(batch.sampled)[0])
    drawn = asyncio.run(
        made.sample(batch.ids[:first].tolist(), Sampling(temperature=1.0, max_tokens=6), count=3)
    )
    assert len(drawn) == 3
    assert all(len(one.tokens) == len(one.logprobs) for one in drawn)


@pytest.mark.parametrize("lora", [None, 4])
def test_a_server_has_the_weights_of_the_last_sync(
    lora: int | None, base: str, ranks: None, tmp_path: Path
) -> None:
    tiny.save(tmp_path / "served", hidden=16, heads=2, seed=0 if lora else 1)
    with servers.VLLM(tmp_path / "served") as server:
        options = TorchrunOptions(
            processes=2, timeout=60, max_tokens=6, lora=lora, sampler="vllm", server=server.url
        )
        made = TorchrunEngine(base, options=options)
        for version in range(2):
            batch = play(made, count=2)
            assert set(batch.turn_version) == {version}
            scored = made.forward_backward(batch, weighted)
            np.testing.assert_allclose(scored.logprobs, batch.logprobs[batch.sampled], rtol=0, atol=1e-4)
            made.optim_step(lr=1e-1, clip=1.0)
            made.sync(version + 1)
        asyncio.run(made.close())


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (lambda scored: scored.logprobs.sum() * float("nan"), "the loss is nan"),
        (lambda scored: scored.nonsense, "nonsense"),
    ],
)
@pytest.mark.parametrize("good", [0, 1])
def test_a_loss_that_fails_moves_nothing_on_any_rank(
    loss: Callable[[Scored], torch.Tensor],
    says: str,
    good: int,
    pair: Pair,
    batch: Batch,
    tmp_path: Path,
) -> None:
    local, made = pair(tokens=60)
    passes = iter(range(100))

    def late(scored: Scored) -> torch.Tensor:
        return weighted(scored) if next(passes) < good else loss(scored)

    with pytest.raises((TrainingError, AttributeError), match=says):
        made.forward_backward(batch, late)
    assert next(passes) == good + 1
    assert made.optim_step(lr=1.0, clip=1.0, weight_decay=1.0)["grad_norm"] == 0
    same(made, local, tmp_path / "untouched", tolerance=0)
    for one in (made, local):
        one.forward_backward(batch, weighted)
        one.optim_step(lr=1e-2, clip=1.0)
    same(made, local, tmp_path / "after")


def test_a_gradient_that_is_no_number_is_skipped_on_all_ranks(
    pair: Pair, batch: Batch, tmp_path: Path
) -> None:
    local, made = pair()
    # Of the tokens, only one has such a gradient, so that it is in one rank's share.
    made.forward_backward(batch, lambda scored: (scored.logprobs[3:4] * 0).abs().sqrt().sum())
    assert made.optim_step(lr=1.0, clip=1.0)["skipped"] == 1
    same(made, local, tmp_path / "untouched", tolerance=0)


def test_a_checkpoint_brings_back_everything(pair: Pair, batch: Batch, tmp_path: Path) -> None:
    _, made = pair()

    def step(one: TorchrunEngine) -> None:
        one.forward_backward(batch, weighted)
        one.optim_step(lr=1e-2, clip=1.0, weight_decay=0.1)

    step(made)
    made.sync(7)
    made.save(tmp_path / "here")
    step(made)
    _, other = pair()
    other.load(tmp_path / "here")
    assert set(play(other).turn_version) == {7}
    saved = LocalEngine(str(tmp_path / "here"), options=LocalOptions(max_tokens=6, device="cpu", batch=8))
    assert np.array_equal(play(other).ids, play(saved).ids)
    step(other)
    expected = weights(made, tmp_path / "one")
    for key, weight in weights(other, tmp_path / "other").items():
        assert torch.equal(weight, expected[key])


def test_a_broken_checkpoint_or_another_models_changes_nothing(
    pair: Pair, batch: Batch, tmp_path: Path
) -> None:
    local, made = pair()
    made.forward_backward(batch, weighted)
    made.optim_step(lr=1e-2, clip=1.0)
    made.save(tmp_path / "here")
    for one in (tmp_path / "here" / "training").glob("__*"):
        one.write_bytes(one.read_bytes()[: one.stat().st_size // 2])
    tiny.save(tmp_path / "large", hidden=32, heads=2)
    _, fresh = pair()
    with pytest.raises(ConfigError, match="cannot be read"):
        fresh.load(tmp_path / "here")
    with pytest.raises(ConfigError, match="cannot be read"):
        fresh.load(tmp_path / "nowhere")
    large = TorchrunEngine(str(tmp_path / "large"), options=TorchrunOptions(processes=2, timeout=60))
    large.save(tmp_path / "other")
    asyncio.run(large.close())
    with pytest.raises(ConfigError, match=r"is of another model: its '[\w.]+' is \(\d+"):
        fresh.load(tmp_path / "other")
    same(fresh, local, tmp_path / "untouched", tolerance=0)


def test_weights_that_are_no_numbers_are_not_saved(pair: Pair, batch: Batch, tmp_path: Path) -> None:
    _, made = pair()
    made.forward_backward(batch, weighted)
    made.optim_step(lr=float("inf"), clip=1.0)
    with pytest.raises(TrainingError, match="no checkpoint was written"):
        made.save(tmp_path / "here")
    with pytest.raises(TrainingError, match=r"the loss is nan|its weights are broken"):
        made.forward_backward(batch, weighted)
    assert not list(tmp_path.iterdir())


def test_engines_of_one_training_share_their_ranks(pair: Pair, base: str) -> None:
    with pytest.raises(ConfigError, match="share their ranks"):
        TorchrunEngine(base, options=TorchrunOptions(processes=1))
    _, made = pair()
    asyncio.run(made.close())
    with pytest.raises(TrainingError, match="closed"):
        made.optim_step(lr=1.0, clip=1.0)


@pytest.mark.parametrize("layout", ["rectangles", "lines", "trees"])
@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_shares_hold_each_sampled_token_once(layout: Any, count: int, batch: Batch) -> None:
    dealt = shares(batch, count, 60, layout)
    assert len({len(passes) for passes in dealt}) == 1
    places = np.concatenate([micro.places for passes in dealt for micro in passes])
    assert sorted(places) == list(range(int(batch.sampled.sum())))
    targets = np.concatenate([micro.target for passes in dealt for micro in passes])
    assert np.array_equal(targets, batch.ids[batch.sampled][places])


def test_the_longest_are_dealt_first() -> None:
    # 50; 30 and 20 against it; then 20 and 10 against 20 and 10.
    lengths = np.array([10.0, 50, 20, 30, 20, 10])
    assert np.bincount(deal(lengths, 2), weights=lengths).tolist() == [70, 70]


@given(st.lists(st.integers(1, 1000), max_size=40), st.integers(1, 8))
def test_nobody_has_more_than_an_equal_share_and_the_largest_piece(lengths: list[int], ranks: int) -> None:
    work = np.array(lengths, dtype=np.float64)
    loads = np.bincount(deal(work, ranks), weights=work, minlength=ranks)
    assert len(loads) == ranks
    assert loads.max() <= work.sum() / ranks + work.max(initial=0)


def test_a_whole_training_has_the_local_engines_curve(pair: Pair, base: str, tmp_path: Path) -> None:
    curves: list[list[dict[str, Any]]] = []
    for one in pair(max_tokens=3, batch=5):
        folder = tmp_path / type(one).__name__
        wanted = lessons.config(tmp_path, model=f"hf/{base}", folder=str(folder), eval_every=4)
        lessons.run(wanted, tmp_path / f"{folder.name}.db", engine=one)
        curves.append(read_log(folder))
    assert len(curves[0]) == len(curves[1]) == 4 + 2
    for here, there in zip(*curves, strict=True):
        assert here.keys() == there.keys()
        for key in here.keys() - {"eval"}:
            if not key.startswith("seconds"):
                assert there[key] == pytest.approx(here[key], abs=1e-5), key
        if "eval" in here:
            assert there["eval"]["mean"] == here["eval"]["mean"]
