"""EARL: entries written for a policy, where, which, and what they are credited with."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402

from turnwise.agent import Agent  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Turns  # noqa: E402
from turnwise.learn.credit.cpo import cpo  # noqa: E402
from turnwise.learn.engine.intervention import Inserted, Tools, intervene, place  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.playing import Play  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.model import Sampling  # noqa: E402
from turnwise.store.store import Store  # noqa: E402


def test_credit_is_the_difference_where_something_was_inserted_and_grpo_elsewhere() -> None:
    one = np.zeros(6, dtype=np.int64)
    turns = Turns(
        episode=np.array([0, 0, 1, 2, 3, 3]),
        group=np.array([0, 1, 2, 2]),
        reward=np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0]),
        index=np.array([0, 1, 0, 0, 0, 1]),
        role=one,
        tokens=one + 1,
    )
    found = cpo(turns, factual=np.array([0.25, 0.5, np.nan, np.nan]))
    # The last two are a group: 1 and 0, mean 0.5, deviation √0.5.
    assert found.tolist() == pytest.approx([0.75, 0.75, -0.5, 0.7071, -0.7071, -0.7071], abs=1e-3)


def test_tools_that_brought_more_are_drawn_more_often() -> None:
    tools = Tools.of([" a", " b"])
    assert tools.worth == {" a": 0.001, " b": 0.001}
    tools = tools.after({" a": [1.0, 0.0]})
    assert tools.worth == pytest.approx({" a": 0.9 * 0.001 + 0.1 * 0.5, " b": 0.001})
    tools = tools.after({" a": [30.0]})
    rng = random.Random(0)
    share = sum(tools.draw(rng) == " a" for _ in range(2000)) / 2000
    assert share == pytest.approx(1 / (1 + np.exp(tools.worth[" b"] - tools.worth[" a"])), abs=0.03)


def test_places_are_drawn_among_the_likeliest() -> None:
    rng = random.Random(0)
    scores = np.array([-30.0, -10.0, -10.0, -60.0])
    drawn = [place(scores, rng) for _ in range(2000)]
    # Weights e^-2, 1, 1, e^-5 over their sum; 0.47 + 0.47 reach the share of 0.9, the others are left out.
    assert set(drawn) == {1, 2}
    assert drawn.count(1) == pytest.approx(1000, abs=80)
    drawn = [place(scores, rng, share=1.0) for _ in range(2000)]
    assert drawn.count(0) / 2000 == pytest.approx(np.exp(-2) / (2 + np.exp(-2) + np.exp(-5)), abs=0.02)
    assert {place(np.arange(20.0), rng, temperature=1e9, share=1.0) for _ in range(500)} == set(range(10, 20))


def test_an_episode_goes_on_from_what_was_written_for_it(tmp_path: Path) -> None:
    options = LocalOptions(device="cpu", max_tokens=3, batch=8)
    made = LocalEngine(tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=options)
    agent = Agent(made.policy, sampling=Sampling(temperature=1.0))
    play = Play(lessons.Letters(), agent, store=Store(tmp_path / "runs.db"), episodes=20)
    entries = ["abc", " x"]

    async def go() -> list[Inserted]:
        logs = await play.fresh(3, group=4)
        return await intervene(made, play, logs, Tools.of(entries), seed=0)

    found = asyncio.run(go())
    assert len(found) == 12
    assert {one.entry for one in found} == set(entries)
    for one in found:
        at = one.log.branches[-1].turns
        assert one.log.turns[at].text.startswith(one.entry)
        assert [t.text for t in one.log.turns[:at]] == [t.text for t in one.factual.turns[:at]]
    assert {one.log.branches[-1].turns for one in found} == {1, 3}
    # Learned from whole, the entry too, as if the policy had sampled it.
    batch = batch_of([one.log for one in found], shared=True, logprobs=False).batch
    assert len(batch.turns.episode) == 24
    scored = made.forward_backward(batch, None).logprobs
    told = batch.logprobs[batch.sampled]
    assert np.isnan(told).any()
    assert not np.isnan(scored).any()
    np.testing.assert_allclose(scored[~np.isnan(told)], told[~np.isnan(told)], atol=1e-5)
