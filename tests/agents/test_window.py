"""A window: what its model is shown of a conversation, in runs, replays and trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.agent import Agent
from turnwise.agents.window import Window
from turnwise.engine.config import AgentConfig
from turnwise.errors import ConfigError
from turnwise.message import Message
from turnwise.model import Request, Sample


class Counter:
    """Says how many messages it was shown, and keeps them."""

    name = "counter"
    remote = False

    def __init__(self) -> None:
        self.shown: list[list[str]] = []

    async def sample(self, request: Request) -> Sample:
        self.shown.append([message.role for message in request.messages])
        return Sample(message=Message(role="assistant", content="move up"))

    async def close(self) -> None:
        pass


def played(agent: Any, store: Path) -> turnwise.engine.results.Run:
    settings = {"count": 1, "max_steps": 3, "rules": False}
    return turnwise.run("maze", agent, settings=settings, store=store)


@pytest.mark.parametrize(
    ("messages", "shown"),
    [
        (1, ["user"]),
        (2, ["assistant", "user"]),
        (3, ["user", "assistant", "user"]),
    ],
)
def test_the_last_messages_are_shown_and_no_others(
    messages: int, shown: Sequence[str], tmp_path: Path
) -> None:
    model = Counter()
    played(Agent(model, context=Window(messages)), tmp_path / "runs.db")
    assert model.shown[-1] == shown
    assert model.shown[0] == ["user"]


def test_the_system_prompt_is_always_shown(tmp_path: Path) -> None:
    model = Counter()
    played(Agent(model, context=Window(1), system="You walk."), tmp_path / "runs.db")
    assert model.shown == [["system", "user"]] * 4


def test_a_config_names_it_and_its_run_replays(tmp_path: Path) -> None:
    run = played(AgentConfig(use="random", window=1), tmp_path / "runs.db")
    (log,) = run.logs()
    # Each prompt is its last message alone, so that none goes on from another.
    assert [call.parent for call in log.calls] == [None] * 4
    assert all(len(call.added) == 1 for call in log.calls)
    assert run.config.agents["agent"].window == 1
    again = turnwise.replay(run.id, store=tmp_path / "runs.db")
    assert (again.replayed, again.diverged) == (1, 0)


def test_a_window_without_a_message_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agents.agent.window: expected at least 1"):
        played(AgentConfig(use="random", window=0), tmp_path / "runs.db")
    with pytest.raises(ConfigError, match="window: expected at least 1 message, got 0"):
        Window(0)


def test_a_policy_is_trained_on_what_it_was_shown(tmp_path: Path) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")
    from turnwise.learn import tiny
    from turnwise.learn.rows import batch_of

    tiny.save(tmp_path / "base", hidden=16, heads=2)
    run = turnwise.train(
        environment="maze",
        model=f"hf/{tmp_path / 'base'}",
        settings={"max_steps": 2, "rules": False},
        window=1,
        steps=1,
        tasks_per_step=2,
        group=2,
        max_tokens=4,
        folder=str(tmp_path / "out"),
        store=tmp_path / "runs.db",
    )
    batch = batch_of(run).batch
    assert batch.rows == len(batch.turns.episode) == 4 * 3
    assert batch.turns.index.tolist() == [0, 1, 2] * 4
