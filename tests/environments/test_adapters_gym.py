"""Gymnasium's environments, played in words: the same observations and rewards as in Gymnasium itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise import registry
from turnwise.engine.config import RunConfig
from turnwise.engine.resolve import environment as resolve
from turnwise.environments.adapters import spaces
from turnwise.environments.adapters.gym import action_names, without_colours
from turnwise.errors import ConfigError

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is not installed")

TAXI = max(name for name in gymnasium.registry if re.fullmatch(r"Taxi-v\d", name))
WORDS = {
    "FrozenLake-v1": ["Move left", "Move down", "Move right", "Move up"],
    TAXI: [
        "Move south (down)",
        "Move north (up)",
        "Move east (right)",
        "Move west (left)",
        "Pickup passenger",
        "Drop off passenger",
    ],
    "CliffWalking-v1": ["Move up", "Move right", "Move down", "Move left"],
    "Blackjack-v1": ["Stick", "Hit"],
}
"""Actions in the order of their numbers, from Gymnasium's documentation."""


@pytest.mark.parametrize("name", list(WORDS))
def test_its_own_rewards_and_observations(name: str, tmp_path: Path) -> None:
    run = turnwise.run(
        f"gym:{name}", "random", limit=6, settings={"turns": 60}, store=tmp_path / "s.db", seed=1
    )
    for log in run.logs():
        there = gymnasium.make(name)
        seen, _ = there.reset(seed=log.task["seed"])
        rewards: list[float] = []
        said = log.turns[0].text
        for turn, answer in zip(log.turns[1::2], log.turns[2::2], strict=True):
            assert said.endswith(f"Observation: {spaces.written(seen)}") or turn.index > 1
            seen, reward, over, cut, _ = there.step(WORDS[name].index(turn.text))
            rewards.append(float(reward))
            assert f"Observation: {spaces.written(seen)}\nReward: {float(reward)}" in answer.text
        assert [part.value for part in log.rewards] == rewards
        assert log.score() == sum(rewards)
        assert log.detail == ("terminated" if over else "truncated" if cut else "out of turns")
        assert log.metrics["invalid"] == 0
        there.close()
    replayed = turnwise.replay(run.id, store=tmp_path / "s.db")
    assert (replayed.replayed, replayed.errors) == (6, {})


def test_the_shortest_way_over_the_ice(tmp_path: Path) -> None:
    # The 4x4 map of the documentation: SFFF FHFH FFFH HFFG.
    way = ["down", "down", "right", "I think 1 is best.", "right", "Action: move right"]
    way = [f"Move {word}" if word in ("down", "right") else word for word in way]
    log = turnwise.run(
        "gym:FrozenLake-v1",
        way,
        limit=1,
        settings={"make": {"is_slippery": False}},
        store=tmp_path / "s.db",
    ).episode(0)
    assert [part.value for part in log.rewards] == [0, 0, 0, 0, 0, 1]
    assert (log.stop, log.detail) == ("completed", "terminated")
    assert "<on-red>G</on-red>" in log.turns[-1].text


def test_what_is_no_action_changes_nothing(tmp_path: Path) -> None:
    replies = ["", "7", "up or so", "9" * 5000, "٣", "-1", "1.5", "Pick up", "\ud800[", "0"]
    log = turnwise.run(
        f"gym:{TAXI}", replies, limit=1, settings={"turns": len(replies)}, store=tmp_path / "s.db"
    ).episode(0)
    assert log.metrics["invalid"] == len(replies) - 1
    assert len(log.rewards) == 1
    assert log.turns[2].text.startswith("That is no action; nothing happened. Reply with one: 0 (Move south")


def test_fork_and_resume_rebuild_the_game(tmp_path: Path) -> None:
    run = turnwise.run(
        "gym:CliffWalking-v1", ["0", "1", "1", "2"], limit=1, settings={"turns": 4}, store=tmp_path / "s.db"
    )
    log = turnwise.fork(
        f"{run.id}/0", 5, agents={"agent": ["0", "1", "1", "1"]}, store=tmp_path / "s.db"
    ).episode(0)
    # From the lower left of 4 x 12: up to 24, then right.
    found = [re.findall(r"Observation: (\d+)", turn.text)[-1] for turn in log.turns[::2]]
    assert found == ["36", "24", "25", "26", "27"]


def test_other_spaces_are_played_as_json(tmp_path: Path) -> None:
    run = turnwise.run("gym:Pendulum-v1", "random", limit=2, settings={"turns": 20}, store=tmp_path / "s.db")
    for log in run.logs():
        there = gymnasium.make("Pendulum-v1")
        there.reset(seed=log.task["seed"])
        import numpy as np

        for turn, part in zip(log.turns[1::2], log.rewards, strict=True):
            action = np.array([float(turn.text.strip("[]"))], dtype=np.float32)
            assert part.value == float(there.step(action)[1])


class Restless(gymnasium.Env):  # type: ignore[misc]
    """Draws from a place outside of it."""

    outside = iter(range(1_000_000))

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Discrete(1_000_000)
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return next(self.outside), {}

    def step(self, action: Any) -> Any:
        return next(self.outside), float(action), False, False, {}


def test_what_does_not_repeat_itself_is_recorded_and_cannot_be_forked_unseen(tmp_path: Path) -> None:
    gymnasium.register("TurnwiseRestless-v0", Restless, nondeterministic=True, max_episode_steps=3)
    run = turnwise.run("gym:TurnwiseRestless-v0", "random", limit=1, store=tmp_path / "s.db")
    assert not registry.load("environments", "gym:TurnwiseRestless-v0").capabilities.deterministic
    assert turnwise.replay(run.id, store=tmp_path / "s.db").errors == {}
    with pytest.raises(turnwise.RunStopped, match="played again, its answer 0 is"):
        turnwise.fork(f"{run.id}/0", 3, agents={"agent": "random"}, store=tmp_path / "s.db")


def test_names_and_what_cannot_be_played(tmp_path: Path) -> None:
    assert resolve(RunConfig(environment="gym:CartPole-v1")).name == "gym:CartPole-v1"
    with pytest.raises(ConfigError, match=r"gym:FrozenLakr-v1: .*Did you mean"):
        registry.load("environments", "gym:FrozenLakr-v1")
    with pytest.raises(ConfigError, match=r"gym:Taxi.* cannot be made: .*nonsense"):
        turnwise.run(f"gym:{TAXI}", "random", settings={"make": {"nonsense": 1}}, store=tmp_path / "s.db")
    with pytest.raises(ConfigError, match="has no setting 'colour'"):
        turnwise.run(f"gym:{TAXI}", "random", settings={"colour": 1}, store=tmp_path / "s.db")


def test_an_instance_is_found_again_by_its_name(tmp_path: Path) -> None:
    made = registry.load("environments", "gym:Blackjack-v1")(turns=30)
    run = turnwise.run(made, "random", limit=2, store=tmp_path / "s.db")
    assert run.config.environment == "gym:Blackjack-v1"
    assert turnwise.replay(run.id, store=tmp_path / "s.db").errors == {}


def test_names_of_actions() -> None:
    for name, words in WORDS.items():
        assert list(action_names(gymnasium.make(name))) == words
    assert action_names(gymnasium.make("Acrobot-v1")) == ()


def test_colours_in_plain_text() -> None:
    assert without_colours("\x1b[41mS\x1b[0mFF") == "<on-red>S</on-red>FF"
    assert (
        without_colours("|\x1b[34;1mB\x1b[0m: \x1b[35mG\x1b[0m|") == "|<blue>B</blue>: <magenta>G</magenta>|"
    )
    assert without_colours("plain") == "plain"


SPACES = [
    gymnasium.spaces.Box(-1, 1, (2, 3)),
    gymnasium.spaces.Box(0, 255, (), dtype="uint8"),
    gymnasium.spaces.MultiDiscrete([3, 4]),
    gymnasium.spaces.MultiBinary(5),
    gymnasium.spaces.Discrete(7, start=-3),
    gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(3), gymnasium.spaces.Box(-1, 1, (2,))]),
    gymnasium.spaces.Dict({"a": gymnasium.spaces.MultiBinary(2), "b": gymnasium.spaces.Text(9)}),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_written_action_is_read_back(space: Any) -> None:
    space.seed(3)
    for _ in range(20):
        value = space.sample()
        for text in (spaces.written(value), f"I choose {spaces.written(value)}"):
            if space.shape == () and "uint8" in str(space) and text.startswith("I"):
                continue
            found = spaces.read(space, text)
            assert space.contains(found)
            assert spaces.written(found) == spaces.written(value)


@given(st.text(max_size=60) | st.binary().map(lambda data: data.decode("latin-1")), st.sampled_from(SPACES))
def test_any_text_is_read_or_refused(text: str, space: Any) -> None:
    found = spaces.read(space, text)
    assert found is None or space.contains(found)
