"""Tasks of graded horizon: the lock and the key-door corridor."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

from turnwise.environments.graded import Keydoor, Lock
from turnwise.environments.graded.keydoor import WORDS, Corridor, KeydoorWorld
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError
from turnwise.log import Stop

HORIZONS = [5, 6, 17, 50, 200]


def saying(*replies: str) -> Any:
    return lambda messages: replies[len(messages) // 2]


def small() -> KeydoorWorld:
    """A key at the left end, an apple, the start, the door at the right end."""
    return KeydoorWorld(Corridor(length=5, start=2, key=0, door=4, apples=frozenset({1})), 0.1)


def fewest(corridor: Corridor) -> int:
    """The fewest turns to open the door, by breadth-first search over place and key."""
    seen, queue = {(corridor.start, False)}, deque([(corridor.start, False, 0)])
    while queue:
        place, key, turns = queue.popleft()
        if place == corridor.door and key:
            return turns + 1
        for near in (place - 1, place + 1):
            if 0 <= near < corridor.length and (near, key) not in seen:
                seen.add((near, key))
                queue.append((near, key, turns + 1))
        if place == corridor.key and (place, True) not in seen:
            seen.add((place, True))
            queue.append((place, True, turns + 1))
    raise AssertionError("the door cannot be opened")


def test_a_corridor_told_step_by_step() -> None:
    world = small()
    said: list[str] = []
    gains: list[float] = []
    walk = "left take left left take take right right right open right open"
    for reply in walk.split():
        gains += [gain.value for gain in world.step(reply).gains]
        said.append(world.observe())
    assert said[:7] == [
        "Place 2: here is an apple. You carry nothing.",
        "You eat the apple. Place 2: here is nothing. You carry nothing.",
        "Place 1: here is a key. You carry nothing.",
        "That does nothing. Place 1: here is a key. You carry nothing.",
        "You take the key. Place 1: here is nothing. You carry the key.",
        "That does nothing. Place 1: here is nothing. You carry the key.",
        "Place 2: here is nothing. You carry the key.",
    ]
    assert said[9] == "That does nothing. Place 4: here is nothing. You carry the key."
    assert gains == [0.1, 1.0]
    assert (world.over, world.outcome, world.closing()) == (True, "opened", "The door opens.")
    assert world.metrics() == {"opened": 1, "apples": 1, "key": 1}


def test_without_the_key_the_door_stays_shut() -> None:
    world = small()
    for reply in ("right", "right", "open", "take"):
        step = world.step(reply)
        assert (step.gains, step.valid) == ((), True)
    assert (world.over, world.key()) == (False, "4 - 1")
    assert "the door" in world.observe()


@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_horizon_is_the_fewest_turns_to_the_door(horizon: int) -> None:
    environment = Keydoor(horizon=horizon)
    sides: set[bool] = set()
    for task in list(environment.tasks())[:30]:
        corridor = environment.corridor(task)
        assert fewest(corridor) == horizon
        assert not corridor.apples & {corridor.start, corridor.key, corridor.door}
        sides.add(corridor.key == 0)
    assert sides == {True, False}


@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_solver_gets_the_door_and_the_apples(horizon: int) -> None:
    environment = Keydoor(horizon=horizon)
    for task in list(environment.tasks())[:10]:
        apples = len(environment.corridor(task).apples)
        episode = play(environment, task, agent=environment.agents()["solver"])
        assert episode.score() == pytest.approx(1 + 0.1 * apples)
        assert episode.turns_said == horizon + apples


def test_the_solver_leaves_apples_for_which_there_is_no_time_or_no_pay() -> None:
    for environment in (Keydoor(horizon=20, slack=1), Keydoor(horizon=20, apple=0)):
        for task in list(environment.tasks())[:5]:
            episode = play(environment, task, agent=environment.agents()["solver"])
            assert (episode.score(), episode.turns_said) == (1, 20)


def test_searching_finds_everything_unless_it_begins_on_the_wrong_side() -> None:
    environment = Keydoor(horizon=12, slack=4)
    for task in list(environment.tasks())[:20]:
        episode = play(environment, task, agent=environment.agents()["search"])
        assert episode.score() == pytest.approx(1 + 0.1 * len(environment.corridor(task).apples))


def test_an_episode_ends_with_its_turns() -> None:
    episode = play(Keydoor(horizon=5, slack=1), WorldTask(id="t", seed=1), agent=lambda messages: "open")
    assert (episode.stop, episode.turns_said, episode.score()) == (Stop.MAX_TURNS, 5, 0)


@given(st.text() | st.sampled_from(["LEFT", " right.", "Take!", "`open`", "left right"]))
def test_any_text_is_one_of_the_four_or_an_observation(text: str) -> None:
    world = small()
    valid = world.step(text).valid
    assert world.observe()
    assert valid == (text.strip(" \t\r\n.!`'\"").lower() in WORDS)


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.lists(st.sampled_from(WORDS), max_size=12))
def test_equal_keys_have_equal_futures(one: list[str], other: list[str]) -> None:
    first, second = small(), small()
    for reply in one:
        if not first.over:
            first.step(reply)
    for reply in other:
        if not second.over:
            second.step(reply)
    if first.over or second.over or first.key() != second.key():
        return
    for reply in ("left", "take", "right", "right", "open"):
        if not first.over:
            assert first.step(reply) == second.step(reply)
            assert (first.key(), first.observe()) == (second.key(), second.observe())


def test_the_picture_is_the_corridor() -> None:
    world = small()
    board = world.picture()
    assert "".join(cell.text for cell in board.rows[0]) == "ka@ D"
    world.step("left")
    world.step("left")
    world.step("take")
    assert "".join(cell.text for cell in world.picture().rows[0]) == "&a  D"


def test_a_lock_opens_digit_by_digit() -> None:
    lock = Lock(horizon=6, digits=4)
    for task in list(lock.tasks())[:10]:
        episode = play(lock, task, agent=lock.agents()["solver"])
        assert (episode.score(), episode.turns_said) == (1, 6)
        strict = Lock(horizon=6, digits=4, wrong="reset", slack=40)
        found = play(strict, task, agent=strict.agents()["search"])
        assert found.score() == 1
        # At most three wrong digits a wheel, each after opening the wheels before it anew.
        assert found.turns_said <= 6 + 3 * sum(range(1, 7))


def test_a_wrong_digit_shuts_all_wheels_only_where_it_is_said_to() -> None:
    task = WorldTask(id="t", seed=0)
    for wrong, wheels in (("stay", "1"), ("reset", "0")):
        world = Lock(wrong=wrong).world(task, random.Random(0))
        world.step(str(world.combination[0]))
        world.step(str((world.combination[1] + 1) % 3))
        assert world.key() == wheels


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Keydoor, {"horizon": 4}),
        (Keydoor, {"apple": 2}),
        (Keydoor, {"slack": 0.5}),
        (Lock, {"digits": 1}),
        (Lock, {"horizon": 0}),
    ],
)
def test_impossible_settings(kind: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected horizon"):
        kind(**settings)
