"""Pictures of an episode: shown while it is played, and seen again by replay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from turnwise.engine import launch
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.environments.parts.picture import Board
from turnwise.errors import ConfigError, ReplayDivergence
from turnwise.store.store import Store


def played(store: Store, environment: str, **keys: Any) -> tuple[str, list[tuple[int, Any]]]:
    """The name of an episode of the solver, and what was shown while it was played."""
    config = RunConfig(environment=environment, agents={"agent": AgentConfig(use="solver")}, limit=1, **keys)
    seen: list[tuple[int, Any]] = []
    run = asyncio.run(launch.start(config, store, show=lambda turn, picture: seen.append((turn, picture))))
    return f"{run.id}/0", seen


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "runs.db"), create=True)


def test_replay_shows_what_was_shown_live(store: Store) -> None:
    name, seen = played(store, "lock", settings={"horizon": 4})
    frames = asyncio.run(launch.frames(name, store))
    assert frames == seen
    # A picture before each question, with two turns a question, and one at the end.
    run, number = launch.find_episode(name, store)
    turns = len(run.episode(number).turns)
    assert [frame.turn for frame in frames] == [*range(0, turns - 1, 2), turns]
    boards = [frame.picture for frame in frames]
    assert all(isinstance(board, Board) for board in boards)
    assert boards[0].caption == "0 of 4 open"
    assert boards[-1].caption == "4 of 4 open"


def test_an_environment_without_pictures_is_named(store: Store) -> None:
    name, seen = played(store, "twenty_questions")
    assert seen == []
    with pytest.raises(ConfigError, match="'twenty_questions' shows no pictures"):
        asyncio.run(launch.frames(name, store))


def test_what_did_not_end_is_shown_as_far_as_it_went(store: Store) -> None:
    from turnwise.engine import fork, resolve
    from turnwise.engine.replay import frames

    name, seen = played(store, "lock")
    run, number = launch.find_episode(name, store)
    log = run.episode(number)
    environment = resolve.environment(run.config)
    cast = resolve.casting(run.config, environment, mute=True)
    cut = msgspec.structs.replace(fork.prefix(log, 4), branches=())
    assert cut.stop is None
    assert asyncio.run(frames(cut, environment, cast)) == [one for one in seen if one[0] <= 4]


def test_pictures_of_another_course_are_refused(store: Store) -> None:
    from turnwise.engine import resolve
    from turnwise.engine.replay import frames

    name, _ = played(store, "lock", settings={"horizon": 4})
    run, number = launch.find_episode(name, store)
    other = msgspec.structs.replace(run.config, settings={"horizon": 5})
    environment = resolve.environment(other)
    cast = resolve.casting(other, environment, mute=True)
    with pytest.raises(ReplayDivergence):
        asyncio.run(frames(run.episode(number), environment, cast))
