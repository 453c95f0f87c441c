"""Episodes played anew from inside others, and REFUEL's regression on the pairs they make."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import handmade  # noqa: E402
import lessons  # noqa: E402
import torch  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.engine.launch import replay  # noqa: E402
from turnwise.engine.resolve import Given  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.totals import total_loss, totals  # noqa: E402
from turnwise.learn.playing import Play  # noqa: E402
from turnwise.learn.resets import Futures, futures, paired, refuel_loss  # noqa: E402
from turnwise.model import Sampling  # noqa: E402
from turnwise.store.store import Store  # noqa: E402


def engine(tokens: int = 8192) -> LocalEngine:
    options = LocalOptions(device="cpu", max_tokens=3, tokens=tokens)
    return LocalEngine(tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=options)


def table(made: LocalEngine, store: Path, seed: int = 0) -> Play:
    agent = Agent(made.policy, sampling=Sampling(temperature=1.0))
    return Play(lessons.Letters(), agent, store=Store(store), episodes=20, seed=seed)


def test_episodes_are_played_from_the_beginning_and_anew(tmp_path: Path) -> None:
    made = engine()
    play = table(made, tmp_path / "runs.db")

    async def go() -> list[Futures]:
        logs = await play.fresh(3, group=2)
        assert [log.task["id"] for log in logs[::2]] == [log.task["id"] for log in logs[1::2]]
        assert len({log.task["id"] for log in logs}) == 3
        more = await play.fresh(3)
        # Six tasks: the second three are the others.
        assert {log.task["id"] for log in logs}.isdisjoint({log.task["id"] for log in more})
        return await futures(play, logs, seed=1)

    found = asyncio.run(go())
    assert {pair.at for pair in found} == {1, 3}
    for first, second, at in found:
        assert [turn.text for turn in first.turns[:at]] == [turn.text for turn in second.turns[:at]]
        assert first.task == second.task
    assert any(first.turns[at].text != second.turns[at].text for first, second, at in found)
    # All in one run, in which nothing that was recorded was sampled again.
    assert len(list(play.run.logs())) == 15
    given = Given(play.environment)
    assert not asyncio.run(replay(play.run.id, play.run.store, given=given)).errors


def test_the_drawn_turns_stand_in_pairs(tmp_path: Path) -> None:
    made = engine()
    play = table(made, tmp_path / "runs.db")

    async def go() -> list[Futures]:
        return await futures(play, await play.fresh(4), seed=0)

    found = asyncio.run(go())
    batch, first, second = paired(found, role="agent")
    assert batch.turn_at is not None
    assert batch.turn_at[first].tolist() == batch.turn_at[second].tolist() == [pair.at for pair in found]
    assert batch.turns.episode[first].tolist() == [0, 1, 2, 3]
    assert batch.turns.episode[second].tolist() == [4, 5, 6, 7]
    # Of a second episode nothing is learned that it shares with the first.
    where = np.array([pair.at for pair in found])
    own = batch.turns.episode >= 4
    assert (batch.turn_at[own] >= where[batch.turns.episode[own] - 4]).all()


def test_the_loss_is_the_squared_difference_of_rewards_at_first_and_falls(tmp_path: Path) -> None:
    made = engine()
    play = table(made, tmp_path / "runs.db")

    async def go() -> list[Futures]:
        return await futures(play, await play.fresh(6), seed=0)

    pairs = paired(asyncio.run(go()), role="agent")
    score = pairs.batch.outcome
    wanted = float(np.mean((2.0 * (score[:6] - score[6:])) ** 2))
    assert wanted > 0
    losses: list[float] = []
    for _ in range(8):
        losses.append(made.forward_backward(pairs.batch, refuel_loss(made, pairs, eta=2.0)).loss)
        made.optim_step(lr=3e-3, clip=1.0)
    assert losses[0] == pytest.approx(wanted, rel=1e-4)
    assert losses[-1] < 0.8 * losses[0]


def test_a_loss_of_totals_has_its_gradient_whatever_the_micro_batches() -> None:
    batch = handmade.batch_with(
        handmade.row([10, 11], [12, 13, 14]), handmade.row([15], [16, 17]), handmade.row([18, 19], [20])
    )
    assert totals(batch, np.array([1.0, 2, 3, 4, 5, 6])).tolist() == [6, 9, 6]

    def products(turns: torch.Tensor) -> torch.Tensor:
        return (turns[0] * turns[1] * turns[2]).square()

    found: list[dict[str, torch.Tensor]] = []
    for tokens in (1, 8192):
        made = engine(tokens)
        passed = made.forward_backward(batch, total_loss(made, batch, products))
        assert passed.loss == pytest.approx(float(np.prod(totals(batch, passed.logprobs)) ** 2), rel=1e-4)
        found.append({key: weight.grad.clone() for key, weight in made.module.named_parameters()})
    made = engine()
    turn = torch.from_numpy(batch.turn[batch.sampled])
    # The same through a graph of the whole.
    made.forward_backward(
        batch, lambda scored: products(torch.zeros(3).index_add(0, turn[scored.places], scored.logprobs))
    )
    for key, weight in made.module.named_parameters():
        torch.testing.assert_close(found[0][key], weight.grad, rtol=1e-3, atol=1e-2)
        torch.testing.assert_close(found[1][key], weight.grad, rtol=1e-3, atol=1e-2)
