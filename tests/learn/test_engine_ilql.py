"""ILQL: rows that lead to rows, the heads, and a policy that gets better from what others did."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import torch  # noqa: E402

import turnwise  # noqa: E402
from turnwise.agent import Agent  # noqa: E402
from turnwise.agents.window import Window  # noqa: E402
from turnwise.engine.config import AgentConfig  # noqa: E402
from turnwise.environment import Environment  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch  # noqa: E402
from turnwise.learn.engine.ilql import ILQL, ILQLOptions, Valued, distinct, next_rows, token_rewards  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.steered import tilted  # noqa: E402
from turnwise.learn.imitation import demonstrations, imitate  # noqa: E402
from turnwise.model import Request, Sampling  # noqa: E402
from turnwise.task import Task  # noqa: E402

torch.set_num_threads(1)


class Doors(Environment, kw_only=True, frozen=True):
    """Two doors; what lies behind is paid for only when the next word was said, whatever it is."""

    name = "doors"

    def tasks(self) -> Iterable[Task]:
        return [Task(id=str(number)) for number in range(30)]

    def agents(self) -> dict[str, Any]:
        def random_player(task: Task, rng: random.Random) -> Any:
            yield
            while True:
                yield rng.choice("lr")

        return {"random": random_player}

    async def run(self, task: Task, episode: Episode) -> None:
        chosen = await episode.agent.respond("?")
        taken = await episode.agent.respond("gold" if chosen.text == "l" else "dust")
        episode.reward(float(chosen.text == "l"), turn=taken)


class Data:
    """What a random player did, shown one message at a time, and a policy that has learned to do the same."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "runs.db"
        run = turnwise.run(Doors(), AgentConfig(use="random", window=1), store=self.store)
        tokenizer = tiny.tokenizer()
        module = tiny.policy(hidden=32, heads=2, vocabulary=len(tokenizer))
        self.engine = LocalEngine(module, tokenizer, options=LocalOptions(device="cpu"))
        self.batch: Batch = demonstrations(run, tokenizer)
        imitate(self.engine, self.batch, steps=40, lr=1e-2)

    def score(self, learner: ILQL, beta: float) -> float:
        """What the policy earns by its choice of doors."""
        agent = Agent(
            learner.player(beta=beta),
            context=Window(1),
            sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=3),
        )
        run = turnwise.run(Doors(), agent, store=self.store)
        return float(np.mean([log.score() for log in run.logs()]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Data(tmp_path_factory.mktemp("doors"))


def test_each_row_leads_to_its_episode_s_next(data: Data) -> None:
    after = next_rows(data.batch)
    assert data.batch.rows == 60
    assert after.tolist() == [row + 1 if row % 2 == 0 else -1 for row in range(60)]


def test_rewards_stand_with_the_last_token_of_a_turn(data: Data) -> None:
    batch = data.batch
    found = token_rewards(batch)
    # A letter, and the end of the turn.
    assert batch.turns.tokens.tolist() == [2] * 60
    assert found[::2].sum() == 0
    assert found[1::2].tolist() == batch.turns.reward.tolist()


def test_rows_alike_are_drawn_from_once(data: Data) -> None:
    """Two doors, each leading to a room of its own; in each room, two words and one reward."""
    rows = distinct(data.batch)
    assert len(rows) == 6
    assert sorted(data.batch.turns.reward[rows]) == [0, 0, 0, 0, 1, 1]
    assert (next_rows(data.batch)[rows] >= 0).sum() == 2
    losses = ILQL(data.engine).learn(data.batch, steps=2, rows=100, among=rows)
    # All six, in both steps.
    assert losses == ILQL(data.engine).learn(data.batch, steps=2, rows=6, among=rows, seed=1)


def test_it_earns_what_the_data_seldom_do(data: Data) -> None:
    learner = ILQL(data.engine, ILQLOptions(polyak=0.05, lr=3e-3))
    losses = learner.learn(data.batch, steps=300, rows=16)
    assert np.mean(losses[-20:]) < np.mean(losses[:20])
    assert data.score(learner, 16.0) > 0.9
    assert 0.2 < data.score(learner, 0.0) < 0.8
    q, v = learner.values(data.batch)
    gold = data.batch.turns.reward[1::2] == 1
    # Three tokens later, a door is worth γ³ or nothing; V leans to the better one.
    first = q.reshape(30, 4)[:, 0]
    assert first[gold].mean() == pytest.approx(0.99**3, abs=0.1)
    assert first[~gold].mean() == pytest.approx(0, abs=0.1)
    assert v.reshape(30, 4)[:, 0].mean() > 0.5


def test_what_is_steered_stays_the_policy_it_was(data: Data) -> None:
    """However far Q's training moves a network: what is acted by is the clone's logits, plus β times Q."""
    ids = torch.as_tensor(data.batch.ids[: int(data.batch.row_start[1])])[None]
    before = {key: weight.clone() for key, weight in data.engine.module.state_dict().items()}
    learner = ILQL(data.engine, ILQLOptions(lr=3e-2))
    learner.learn(data.batch, steps=20, rows=16)
    after, steered = (learner.player(beta=beta, support=0.0).network for beta in (0.0, 2.0))
    with torch.inference_mode():
        clone = data.engine.module(input_ids=ids).logits
        assert torch.allclose(after(input_ids=ids).logits, clone, atol=1e-5)
        moved = (steered(input_ids=ids).logits - clone) / 2
    # Where the last of its tokens is said: the lower Q, as it says itself.
    q, _ = learner.values(data.batch)
    said = int(data.batch.sampled[: ids.shape[1]].sum())
    assert float(moved[0, -2, ids[0, -1]]) == pytest.approx(float(q[said - 1]), abs=1e-4)
    # And it is not the clone's network that has learned.
    assert all(torch.equal(weight, before[key]) for key, weight in data.engine.module.state_dict().items())


def test_a_steered_policy_goes_on_from_its_past(data: Data) -> None:
    """Token by token, both networks see what they would see at once."""
    player = ILQL(data.engine).player(beta=8.0, support=0.0)
    prompts = [[5, 9, 14, 3], [7, 8]]

    async def drawn() -> list[list[int]]:
        greedy = Sampling(temperature=0.0, max_tokens=6)
        jobs = [player.draw(prompt, Request(messages=[], sampling=greedy)) for prompt in prompts]
        return [job.sampled for job in await asyncio.gather(*jobs)]

    for prompt, sampled in zip(prompts, asyncio.run(drawn()), strict=True):
        assert sampled
        with torch.inference_mode():
            logits = player.network(input_ids=torch.tensor([prompt + sampled])).logits[0]
        assert logits[len(prompt) - 1 : -1].argmax(-1).tolist() == sampled


def test_the_slow_network_follows(data: Data) -> None:
    slow, quick = (Valued.of(data.engine.module, data.engine.tokenizer) for _ in range(2))
    slow = slow.copied()
    assert not slow.weights()
    before = slow.heads.v[0].weight.clone(), slow.network.module.get_input_embeddings().weight.clone()
    with torch.no_grad():
        for weight in quick.weights():
            weight.add_(1.0)
    aim = quick.heads.v[0].weight, quick.network.module.get_input_embeddings().weight
    slow.follow(quick, 0.25)
    after = slow.heads.v[0].weight, slow.network.module.get_input_embeddings().weight
    for was, to, now in zip(before, aim, after, strict=True):
        assert torch.allclose(now, 0.75 * was + 0.25 * to)


def test_what_the_clone_never_says_is_not_said() -> None:
    """Logits 2, 0, -9, and Q 0, 1, 100 and more of each: by Q alone the last would be said."""
    logits, both = torch.tensor([2.0, 0.0, -9.0]), torch.tensor([0.0, 1.0, 100.0, 5.0, 5.0, 105.0])
    found = tilted(logits, both, beta=3.0, support=0.01)
    assert found[:2].tolist() == [2, 3]
    assert float(found[2]) < -1e30
    assert tilted(logits, both, beta=3.0, support=0.0).tolist() == [2, 3, 291]
    # Where nothing is likely enough, the likeliest stays.
    assert int(tilted(logits, both, beta=3.0, support=0.95).argmax()) == 0


def test_nothing_to_learn_from_is_refused(data: Data) -> None:
    from turnwise.learn.tables import select_rows

    with pytest.raises(ConfigError, match="nothing to learn from"):
        ILQL(data.engine).learn(select_rows(data.batch, np.zeros(60, dtype=bool)), steps=1)
