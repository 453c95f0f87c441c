"""Small trainings of a tiny policy that knows nothing: what the trainer's tests share."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from turnwise.engine.results import Run
from turnwise.environment import Capabilities, Environment
from turnwise.episode import Episode
from turnwise.learn.config import TrainConfig, parse_training
from turnwise.learn.start import resume, train
from turnwise.store.store import Store
from turnwise.task import Task

torch.set_num_threads(1)
_played: list[int] = []


class Letters(Environment, kw_only=True, frozen=True):
    """Any bytes do something: a reply earns the share of its letters that lie in the first half of the
    alphabet.

    What is said next depends on the reply, so that an episode whose tokens differ goes another way.
    """

    name = "letters"
    capabilities = Capabilities(state_key=True)
    fails: str = ""
    """`always`, or the id of a task that fails."""

    def tasks(self) -> Iterable[Task]:
        return [Task(id=str(number)) for number in range(6)]

    async def run(self, task: Task, episode: Episode) -> None:
        says = f"task {task.id}"
        for _ in range(2):
            reply = await episode.agent.respond(says)
            _die()
            if self.fails in ("always", task.id):
                episode.reward(float("nan"), turn=reply)
            share = sum(ord(letter) % 32 < 13 for letter in reply.text) / max(1, len(reply.text))
            episode.note(says, turn=reply, name="state")
            episode.reward(share, turn=reply)
            says = f"{len(reply.text)} {share > 0.5}"


class Pair(Environment, kw_only=True, frozen=True):
    """Two who speak in turn: `low` earns the share of its letters that lie in the first half of the alphabet,
    `high` the share of its that do not."""

    name = "pair"
    roles = ("low", "high")

    def tasks(self) -> Iterable[Task]:
        return [Task(id=str(number)) for number in range(6)]

    async def run(self, task: Task, episode: Episode) -> None:
        says: Any = f"task {task.id}"
        for _ in range(2):
            for role in self.roles:
                says = await getattr(episode, role).respond(says)
                _die()
                mine = [(ord(letter) % 32 < 13) == (role == "low") for letter in says.text]
                episode.reward(sum(mine) / max(1, len(mine)), turn=says, role=role)


def _die() -> None:
    """Where a test wants it: killed so many replies after a checkpoint was written."""
    after, _, replies = os.environ.get("DIE_AFTER", "").partition("+")
    if after and Path(after).exists():
        _played.append(1)
    if len(_played) == int(replies or -1):
        os.kill(os.getpid(), signal.SIGKILL)


def config(here: Path, /, **changes: Any) -> TrainConfig:
    """A training of a few small steps, with the model in `here`."""
    given: dict[str, Any] = {
        "environment": f"{__file__}:Letters",
        "model": f"hf/{here / 'base'}",
        "max_tokens": 3,
        "steps": 4,
        "tasks_per_step": 2,
        "group": 4,
        "concurrency": 5,
        "lr": 1e-3,
        "save_every": 1,
        "folder": str(here / "out"),
    }
    return parse_training(given | changes)


def run(wanted: TrainConfig, store: Path, **options: Any) -> Run:
    """The whole training."""
    return asyncio.run(train(wanted, Store(store), **options))


def engine_of(model: str) -> dict[str, Any]:
    """The weights of a saved model, by name."""
    from turnwise.learn.engine.local import LocalEngine

    return dict(LocalEngine(model).module.named_parameters())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if len(sys.argv) > 3:
        asyncio.run(resume(sys.argv[3], Store(folder / "store.db")))
    else:
        run(config(folder, **json.loads(sys.argv[2])), folder / "store.db")
