"""Tiny models of their own weights, one for each role of a service, made and taught on the spot.

All read and say the same tokens, so that nothing but weights makes their words differ. Each imitates a player
of a world of one question, who answers it as somebody in that role would.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from pathlib import Path

import pytest

import turnwise
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message
from turnwise.models import tiny
from turnwise.task import Task

LINES = {
    "agent": (
        "I have looked it up for you.",
        "Shall I place the order now?",
        "One moment, I am looking for the shop.",
    ),
    "user": (
        "I would like noodles for two, please.",
        "My address is the one at home.",
        "Could it come a little later?",
    ),
    "judge": (
        "The order holds what was asked for.",
        "Nothing shows that it was paid.",
        "No note is on the order.",
    ),
}
"""What is said in a role."""


class Question(Environment, kw_only=True, frozen=True):
    """Somebody is asked, once."""

    lines: tuple[str, ...]
    """Answers, one a task."""

    def tasks(self) -> list[Task]:
        return [Task(id=str(number)) for number in range(len(self.lines))]

    def agents(self) -> dict[str, object]:
        def speaker(task: Task, rng: random.Random) -> Generator[str | None, Message, None]:
            yield
            yield self.lines[int(task.id)]

        return {"speaker": speaker}

    async def run(self, task: Task, episode: Episode) -> None:
        await episode.agent.respond("What do you say?")


def models(folder: Path, *, steps: int = 40) -> dict[str, tiny.TinyModel]:
    """A model for each role of `LINES`, saved in `folder/ROLE` and read from there.

    Args:
        folder: Where.
        steps: Updates by which each is taught its lines.
    """
    torch = pytest.importorskip("torch", reason="needs pip install 'turnwise[learn]'")
    pytest.importorskip("transformers", reason="needs pip install 'turnwise[learn]'")
    from turnwise.learn.engine.local import LocalEngine
    from turnwise.learn.imitation import demonstrations, imitate
    from turnwise.learn.tiny import policy, shrunk, tokenizer

    torch.set_num_threads(1)
    words = tokenizer((line for lines in LINES.values() for line in lines), size=400)
    for role, lines in LINES.items():
        said = turnwise.run(Question(lines=lines), "speaker", store=":memory:")
        engine = LocalEngine(policy(hidden=32, layers=1, heads=2, vocabulary=len(words)), words)
        imitate(engine, demonstrations(said, words), steps=steps, lr=1e-2)
        shrunk(engine.module, words, folder / role)
    return {role: tiny.connect(str(folder / role), {}) for role in LINES}
