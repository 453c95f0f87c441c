"""LMRL-Gym's Text-Nav: the house, what is told of it, the two ends, and its players."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import play

import turnwise
from turnwise.environments.lmrl_gym.text_nav import TextNav
from turnwise.environments.lmrl_gym.text_nav.load import house, read
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError
from turnwise.message import assistant
from turnwise.model import Request

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"), "lmrl_gym", "textnav_game.json")
needs_data = pytest.mark.skipif(not DATA.is_file(), reason="needs LMRL-Gym's house: set TURNWISE_DATA")

ROOMS = [room.name for room in house("sample").plan.rooms]
EXITS = {
    "bedroom": {"west": "living room", "south": "bathroom"},
    "living room": {"east": "bedroom", "west": "dining room", "south": "office"},
    "dining room": {"east": "living room", "west": "kitchen"},
    "kitchen": {"east": "dining room", "north": "garden", "west": "backyard"},
    "garden": {"south": "kitchen"},
    "backyard": {"east": "kitchen"},
    "office": {"north": "living room", "east": "bathroom"},
    "bathroom": {"west": "office", "north": "bedroom"},
}
"""The published map."""
SHORTEST = {
    "living room": 6,
    "bedroom": 7,
    "office": 7,
    "dining room": 7,
    "bathroom": 8,
    "kitchen": 8,
    "garden": 9,
    "backyard": 9,
}
"""By hand: take it, two rooms west, open, insert, close, and the way to the living room before that."""
END = ("take stale food from table", "go west", "go west", "open fridge", "insert stale food into fridge")


def starting(room: str, rooms: list[str] = ROOMS) -> WorldTask:
    """The task that starts there."""
    return WorldTask(id=room, seed=rooms.index(room))


def saying(*replies: str) -> Any:
    """An agent that says these, and then the last one on and on."""
    return lambda messages: replies[min(len(messages) // 2, len(replies) - 1)]


def told(episode: Any) -> list[str]:
    return [turn.text for turn in episode.turns if turn.role == "environment"]


def admissible(text: str) -> list[str]:
    return text.rstrip("\n").rpartition("\nAdmissible commands: ")[2].split(", ")


@pytest.mark.parametrize("game", ["sample", pytest.param("official", marks=needs_data)])
def test_the_house_is_the_published_one(game: Any) -> None:
    plan = house(game).plan
    assert {room.name: dict(room.exits) for room in plan.rooms} == EXITS
    assert {(holder.name, holder.room, holder.container) for holder in plan.holders} == {
        ("table", "bedroom", False),
        ("table", "living room", False),
        ("table", "dining room", False),
        ("chest", "office", True),
        ("fridge", "kitchen", True),
    }
    where = {holder.id: holder.room for holder in plan.holders}
    assert {item.name: where[item.place] for item in plan.items} == {
        "stale food": "living room",
        "fresh food": "living room",
        "bowl": "bedroom",
        "coffee cup": "dining room",
        "plate": "dining room",
        "utensils": "office",
        "fruit": "kitchen",
    }
    assert {item.name for item in plan.items if item.food} == {"stale food", "fresh food", "fruit"}


@pytest.mark.parametrize("game", ["sample", pytest.param("official", marks=needs_data)])
def test_the_solver_takes_the_shortest_way_from_every_room(game: Any, tmp_path: Path) -> None:
    environment = TextNav(game=game)
    run = turnwise.run(environment, "solver", store=tmp_path / "runs.db")
    rooms = [room.name for room in house(game).plan.rooms]
    steps = {
        rooms[task.seed % 8]: log.metrics["steps"]
        for task, log in zip(environment.tasks(), run.logs(), strict=True)
    }
    assert steps == SHORTEST
    assert {episode.score for episode in run.episodes()} == {1.0}


def test_a_game_from_the_living_room() -> None:
    episode = play(TextNav(), starting("living room"), agent=saying(*END, "close fridge"))
    assert [reward.value for reward in episode.rewards] == [0, 0, 0, 0, 0, 1]
    assert (episode.score(), episode.detail, episode.metrics["steps"]) == (1, "won", 6)
    first = told(episode)[0]
    assert "bring the stale food from the table in the living room into the fridge in the kitchen" in first
    assert "You are in the living room." in first
    assert "On it: a stale food and a fresh food." in first
    assert "carrying" not in first
    assert admissible(first) == [
        "go east",
        "go south",
        "go west",
        "take fresh food from table",
        "take stale food from table",
    ]
    assert told(episode)[1].startswith(
        "You take the stale food from the table.\nYou are carrying: a stale food.\n\nAdmissible commands: "
    )
    assert {"eat stale food", "drop stale food", "put stale food on table"} <= set(
        admissible(told(episode)[1])
    )
    assert "a closed fridge" in told(episode)[3]
    assert told(episode)[4].startswith("You open the fridge, which holds a fruit.")
    assert "You are carrying: nothing." in told(episode)[5]


def test_partially_observed_leaves_out_place_and_belongings() -> None:
    episode = play(
        TextNav(observed="partially"), starting("bedroom"), agent=saying("go west", *END, "close fridge")
    )
    assert episode.score() == 1
    assert not any("You are in" in text or "carrying" in text for text in told(episode))


def test_an_open_fridge_is_no_end() -> None:
    episode = play(TextNav(), starting("living room"), agent=saying(*END, "look"))
    assert (episode.score(), episode.detail) == (0, "out of turns")
    assert episode.metrics["steps"] == 15


def test_eating_the_stale_food_is_the_end() -> None:
    episode = play(
        TextNav(),
        starting("living room"),
        agent=saying("take fresh food from table", "eat fresh food", END[0], "eat stale food"),
    )
    assert (episode.score(), episode.detail, len(episode.rewards)) == (0, "lost", 4)
    assert "fresh food" not in admissible(told(episode)[2])


def test_things_stay_where_they_are_left() -> None:
    world = TextNav().world(starting("bedroom"))
    for command in ("take bowl from table", "go south", "drop bowl", "go west", "go east"):
        assert world.step(command).valid
    assert "There is a bowl on the floor." in world.observe()
    for command in ("take bowl", "go west", "open chest", "insert bowl into chest", "look"):
        assert world.step(command).valid
    assert "In the chest you see a bowl and an utensils." in world.observe()


@pytest.mark.parametrize("command", ["examine fridge", "inventory", "look", "  GO WEST\n"])
def test_looking_and_capitals_are_understood(command: str) -> None:
    world = TextNav().world(starting("kitchen"))
    assert world.step(command).valid
    assert "cannot" not in world.observe()


@given(
    st.text() | st.sampled_from(["", "go", "go up", "take", "take fruit from fridge", "examine moon", "x"])
)
def test_anything_else_is_told_so_and_changes_nothing(reply: str) -> None:
    world = TextNav().world(starting("kitchen"))
    before = world.key()
    if world.step(reply).valid:
        return
    assert world.observe().startswith("You cannot do that here.\n")
    assert world.key() == before


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 7), st.lists(st.integers(0, 10**6), max_size=40))
def test_commands_keep_everything_in_its_place_and_the_solver_takes_over(seed: int, picks: list[int]) -> None:
    environment = TextNav()
    task = WorldTask(id="0", seed=seed)
    world = environment.world(task)
    known = set(world.house.all_commands())
    view = []
    for pick in picks:
        offered = [action.text for action in world.actions().offer([]).actions]
        assert set(offered) <= known
        assert offered == sorted(offered)
        view.append(assistant(offered[pick % len(offered)]))
        assert world.step(view[-1].text).valid
        if world.over:
            return
        holders = {holder.id for holder in world.house.plan.holders}
        assert all(place in holders | set(ROOMS) | {"", "eaten"} for place in world.state.places)
    solver = environment.agents()["solver"]
    for _ in range(20):
        view.append(asyncio.run(solver.sample(Request(messages=view, task=task))).message)
        world.step(view[-1].text)
        if world.over:
            break
    assert world.outcome == "won"


def test_ids_are_the_same_in_every_room() -> None:
    def ids(room: str) -> dict[str, int]:
        actions = TextNav().world(starting(room)).actions().offer([]).actions
        return {action.text: action.id for action in actions}

    assert ids("office")["go east"] == ids("kitchen")["go east"]
    assert len(set(ids("kitchen").values())) == len(ids("kitchen"))


def test_more_skill_does_it_more_often(tmp_path: Path) -> None:
    def share(agent: str) -> float:
        run = turnwise.run(TextNav(), agent, epochs=25, seed=2, store=tmp_path / "runs.db")
        return mean(episode.score for episode in run.episodes())

    shares = [share(agent) for agent in ("random", "skill50", "skill75", "solver")]
    assert shares == sorted(shares)
    assert shares[0] < 0.05 < 0.6 < shares[2] < shares[3] == 1
    assert 0 < share("mixed") < shares[2]


@needs_data
def test_the_official_texts_are_filled_in() -> None:
    rooms = [room.name for room in house("official").plan.rooms]
    environment = TextNav(game="official", rules=False)
    episode = play(environment, starting("living room", rooms), agent=saying(*END, "close fridge"))
    assert "On the table you can make out a stale food and a fresh food." in told(episode)[0]
    assert "You see a closed fridge.\n" in told(episode)[3]
    assert not any("[" in text for text in told(episode))
    assert episode.score() == 1


def test_a_file_that_is_no_game_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "textnav_game.json"
    for text in ("", "[]", "{'world': [], 'infos': [], 'quests': []}", "__import__('os')"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="expected a TextWorld game"):
            read(path)
    with pytest.raises(ConfigError, match="max_steps >= 1"):
        TextNav(max_steps=0)


@pytest.mark.parametrize("game", ["sample", pytest.param("official", marks=needs_data)])
def test_the_picture_is_a_map(game: Any) -> None:
    rooms = [room.name for room in house(game).plan.rooms]
    board = TextNav(game=game).world(starting("office", rooms)).picture()
    assert [[cell.text for cell in row] for row in board.rows] == [
        [" ", "Ga", " ", " ", " "],
        ["Bc", "Ki", "Di", "Li", "Be"],
        [" ", " ", " ", "Of", "Ba"],
    ]
    papers = {board.rows[row][column].paper for row, column in ((1, 1), (1, 3), (2, 3), (0, 1))}
    assert (board.title, len(papers)) == ("office", 4)
