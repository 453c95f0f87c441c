"""Local models in episodes: many at once, and resumed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

import turnwise
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.log import Call, EpisodeLog
from turnwise.model import Sampling
from turnwise.models.hf import connect
from turnwise.recording import Recording
from turnwise.task import Task

for needed in ("torch", "transformers", "renderers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]'")

import tiny  # noqa: E402


class Chatter(Environment, frozen=True, kw_only=True):
    """Two roles who tell each other what they heard, and a third line from outside."""

    name = "chatter"
    roles = ("agent", "user")

    async def run(self, task: Task, episode: Episode) -> None:
        heard = await episode.agent.respond(f"I think of a number, {task.id}.")
        for turn in range(3):
            answer = await episode.user.respond(heard)
            episode.tell("agent", f"higher {turn}")
            heard = await episode.agent.respond(answer)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("llama"))


def play(model: Any, ids: list[str], recording: Recording | None = None) -> list[EpisodeLog]:
    agent = Agent(model, sampling=Sampling(temperature=1.0, max_tokens=12))
    episodes = [
        Episode(Chatter(), Task(id=one), {"agent": agent, "user": agent}, seed=int(one), recording=recording)
        for one in ids
    ]

    async def go() -> None:
        await asyncio.gather(*(episode.play() for episode in episodes))
        await model.close()

    asyncio.run(go())
    assert not any(episode.error for episode in episodes)
    return [episode.log() for episode in episodes]


def spans(log: EpisodeLog, role: str) -> list[Call]:
    return sorted((call for call in log.calls if call.role == role), key=lambda call: call.n)


def test_many_episodes_at_once_are_those_played_alone(folder: str) -> None:
    model = connect(folder, {"max_wait_ms": 20})
    ids = [str(number) for number in range(24)]
    together = play(model, ids)
    assert model.counters.widest >= 12
    alone = [play(connect(folder, {"max_batch": 1}), [one])[0] for one in ids[:6]]
    for mine, its in zip(together, alone, strict=False):
        assert [turn.message for turn in mine.turns] == [turn.message for turn in its.turns]
        assert [call.sampled_ids for call in mine.calls] == [call.sampled_ids for call in its.calls]


def test_each_view_is_one_path_and_feeds_every_token_once(folder: str) -> None:
    model = connect(folder, {})
    log = play(model, ["7"])[0]
    fed = 0
    for role in ("agent", "user"):
        calls = spans(log, role)
        assert [call.parent for call in calls] == [None, *(call.n for call in calls[:-1])]
        fed += sum(len(call.added_ids or ()) for call in calls) + len(calls) - 1
    # All that was added, and the last token of each sample but the last: nothing twice.
    assert model.counters.fed == fed


def test_a_resumed_episode_feeds_and_samples_the_same_tokens(folder: str) -> None:
    whole = play(connect(folder, {}), ["3"])[0]
    said = {(turn.role, turn.calls): turn.index for turn in whole.turns}
    for end in said.values():
        calls = tuple(call for call in whole.calls if said[call.role, (call.n,)] < end)
        cut = msgspec.structs.replace(whole, calls=calls, turns=whole.turns[:end], stop=None)
        resumed = play(connect(folder, {}), ["3"], Recording(cut, live=True, stored=False))[0]
        assert resumed.turns == whole.turns
        assert [told(call) for call in resumed.calls] == [told(call) for call in whole.calls]


def told(call: Call) -> Call:
    """A call without what rounding and the state of the cache have a part in."""
    return msgspec.structs.replace(call, logprobs=None, usage=None)


def test_a_run_from_its_name(folder: str, tmp_path: Path) -> None:
    name = f"hf/{folder}"
    options = {name: {"max_tokens": 8}}
    run = turnwise.run("number_guess", name, models=options, limit=4, store=str(tmp_path / "runs.db"))
    calls = [call for log in run.logs() for call in log.calls]
    assert len(calls) >= 4
    assert all(call.sampled_ids and len(call.sampled_ids) == len(call.logprobs or ()) for call in calls)
    assert max(len(call.sampled_ids or ()) for call in calls) == 8
