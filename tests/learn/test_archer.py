"""ArCHer's parts: the buffer of turns, the critic of utterances, and an iteration of both."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import handmade  # noqa: E402
import torch  # noqa: E402

from turnwise.errors import CapabilityError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch, Turns, check  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.engine.protocol import Drawn  # noqa: E402
from turnwise.learn.engine.utterances import UtteranceCritic, archer_step, said_now  # noqa: E402
from turnwise.learn.replay import Replay, Transition, spoken, transitions  # noqa: E402
from turnwise.model import Sampling  # noqa: E402

ONE = Sampling(temperature=1.0, max_tokens=1)


def engine() -> LocalEngine:
    torch.manual_seed(0)
    options = LocalOptions(device="cpu", max_tokens=1)
    return LocalEngine(tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=options)


def two_turns() -> Batch:
    """One episode in one row, 5 6 [7 8] 9 [10], the last turn worth 1; and one of a single turn, 11 [12]."""
    turn = np.array([-1, -1, 0, 0, -1, 1, -1, 2])
    return check(
        Batch(
            ids=np.arange(5, 13, dtype=np.int32),
            row_start=np.array([0, 6, 8]),
            sampled=turn >= 0,
            logprobs=np.zeros(8, dtype=np.float32),
            turn=turn,
            turns=Turns(
                episode=np.array([0, 0, 1]),
                group=np.array([0, 0]),
                reward=np.array([0.0, 1.0, -0.5]),
                index=np.array([0, 1, 0]),
                role=np.zeros(3, dtype=np.int64),
                tokens=np.array([2, 1, 1]),
            ),
            turn_row=np.array([0, 0, 1]),
            turn_version=np.zeros(3, dtype=np.int64),
            outcome=np.array([1.0, -0.5]),
            truncated=np.zeros(2, dtype=np.bool_),
        )
    )


def test_turns_are_kept_with_what_was_before_them_and_what_followed() -> None:
    first, second, third = transitions(two_turns())
    assert (first.state.tolist(), first.said.tolist(), first.reward) == ([5, 6], [7, 8], 0)
    assert first.after is not None
    assert first.after.tolist() == second.state.tolist() == [5, 6, 7, 8, 9]
    assert (second.said.tolist(), second.reward, second.after) == ([10], 1, None)
    assert (third.state.tolist(), third.reward, third.after) == ([11], -0.5, None)


def test_the_buffer_forgets_the_oldest() -> None:
    replay = Replay(4)
    replay.add(two_turns())
    assert len(replay) == 3
    replay.add(two_turns())
    assert len(replay) == 4
    # Left: the third of the first three, and the second three, of which the last two took old places.
    drawn = replay.draw(400, random.Random(0))
    assert {one.reward for one in drawn} == {0.0, 1.0, -0.5}
    assert sum(one.reward == -0.5 for one in drawn) == pytest.approx(200, abs=40)
    assert sum(one.reward == 0.0 for one in drawn) == pytest.approx(100, abs=40)


def test_what_was_said_anew_is_a_batch_that_can_be_scored() -> None:
    made = engine()
    states = [np.array([65, 66], dtype=np.int32), np.array([67], dtype=np.int32)]

    async def go() -> list[Drawn]:
        found = await said_now(made, states, Sampling(temperature=1.0, max_tokens=3), seed="a")
        await made.close()
        return found

    drawn = asyncio.run(go())
    batch = check(spoken(states, drawn))
    assert batch.ids.tolist() == [65, 66, *drawn[0].tokens, 67, *drawn[1].tokens]
    scored = made.forward_backward(batch, None).logprobs
    np.testing.assert_allclose(scored, batch.logprobs[batch.sampled], atol=1e-5)


def chain(good: int, bad: int) -> list[Transition]:
    """Two turns, either word in each; what is paid is `good` in the second, after whatever came first."""
    begin, found = np.array([65], dtype=np.int32), list[Transition]()
    for first in (good, bad):
        then = np.array([65, first, 66], dtype=np.int32)
        found.append(Transition(begin, np.array([first], dtype=np.int32), 0.0, then))
        for second in (good, bad):
            found.append(Transition(then, np.array([second], dtype=np.int32), float(second == good), None))
    return found


def test_the_critic_comes_to_the_values_of_the_policy_that_is_asked() -> None:
    good, bad = 97, 98
    turns = chain(good, bad)
    critic = UtteranceCritic(engine(), lr=3e-3, discount=0.5, rate=0.2)
    for _ in range(250):
        # The policy says `good` three times of four: V is 0.75 at the second turn, half of that at the first.
        critic.learn(turns * 4, [[word] for word in (good, good, good, bad) for _ in turns])
    values = critic.values([turn.state for turn in turns], [turn.said for turn in turns])
    where = torch.tensor([turn.after is not None for turn in turns])
    last = ~where
    paid = torch.tensor([turn.reward for turn in turns])
    for head in range(2):
        q, v = values.action[head], values.state[head]
        assert q[where].tolist() == pytest.approx([0.375, 0.375], abs=0.1)
        assert q[last].tolist() == pytest.approx(paid[last].tolist(), abs=0.1)
        assert v[where].tolist() == pytest.approx([0.375] * 2, abs=0.1)
        assert v[last].tolist() == pytest.approx([0.75] * 4, abs=0.1)


def test_states_are_cut_on_the_left_and_padding_is_not_seen() -> None:
    critic = UtteranceCritic(engine(), context=4)
    long = np.arange(60, 80, dtype=np.int32)
    alone = critic.values([long], [[90]])
    beside = critic.values([long[-3:], long[:2]], [[90], [91]])
    torch.testing.assert_close(alone.action[:, 0], beside.action[:, 0])
    torch.testing.assert_close(alone.state[:, 0], beside.state[:, 0])


def test_iterations_teach_the_policy_what_pays_without_playing() -> None:
    made = engine()
    good, bad = 97, 98
    replay = Replay()
    batches = [handmade.batch_with(handmade.row([65], [word])) for word in (good, bad, 99, 100)]
    for batch in batches:
        batch.turns.reward[:] = float(batch.ids[-1] == good)
        replay.add(batch)
    critic = UtteranceCritic(made, lr=1e-2, discount=0.95)

    def chance() -> float:
        return float(np.exp(made.forward_backward(batches[0], None).logprobs[0]))

    async def go() -> None:
        for step in range(60):
            told = await archer_step(
                made,
                critic,
                replay,
                ONE,
                states=32,
                updates=4,
                batch=32,
                lr=1e-2,
                seed=str(step),
                actor=step > 9,
            )
            assert ("grad_norm" in told) == (step > 9)
            made.sync(step + 1)
        await made.close()

    before = chance()
    asyncio.run(go())
    assert chance() > 10 * before


def test_a_policy_elsewhere_has_no_critic_here() -> None:
    with pytest.raises(CapabilityError, match="local engine"):
        UtteranceCritic(object())  # pyright: ignore[reportArgumentType]
