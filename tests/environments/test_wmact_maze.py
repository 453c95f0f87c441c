"""WMAct's maze: steps, walls, and the shortest way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.world import WorldTask
from turnwise.environments.wmact.maze import Maze, MazeGame, Plan, generate
from turnwise.errors import ConfigError

UP, DOWN, LEFT, RIGHT = range(4)
TEST = 1 << 31


def test_a_walk_by_hand() -> None:
    game = MazeGame(Plan(("#####", "#...#", "#.#.#", "#.#.#", "#####"), (3, 1), (3, 3)))
    assert game.text() == "#####\n#...#\n#.#.#\n#P#G#\n#####"
    for action in (RIGHT, DOWN, LEFT):
        game.act(action)
        assert game.at == (3, 1)
    for action in (UP, UP, RIGHT, RIGHT, DOWN):
        game.act(action)
    assert game.text() == "#####\n#...#\n#.#P#\n#.#G#\n#####"
    assert not game.over
    game.act(DOWN)
    assert game.over
    assert "G" not in game.text()


@given(st.integers(2, 6), st.floats(0, 0.5), st.integers(0, 200), st.booleans())
def test_the_plan_leads_to_the_goal_and_no_shorter_way_does(
    rooms: int, loops: float, seed: int, testing: bool
) -> None:
    environment = Maze(rooms=rooms, loops=loops)
    task = WorldTask(id="t", seed=seed + TEST * testing)
    game = environment.game(task)
    plan = environment.plan(task)
    # Start and goal are rooms, at least `rooms` rooms apart; another room is two squares away.
    assert len(plan) >= 2 * rooms
    assert len(plan) % 2 == 0
    reached = {game.at}
    for _ in range(len(plan)):
        assert game.plan.goal not in reached
        reached |= {square for at in reached for _, square in game.plan.moves(at)}
    assert game.plan.goal in reached
    for action in plan:
        game.act(action)
    assert game.over


def test_mazes_differ_and_the_splits_share_none() -> None:
    mazes = [{generate(5, 0.0, half + seed) for seed in range(300)} for half in (0, TEST)]
    assert [len(some) for some in mazes] == [300, 300]
    small = [{generate(2, 0.0, half + seed) for seed in range(100)} for half in (0, TEST)]
    assert all(small)
    assert not mazes[0] & mazes[1]
    assert not small[0] & small[1]


def test_impossible_settings_are_refused() -> None:
    for settings in ({"rooms": 1}, {"loops": 0.6}, {"loops": -0.1}, {"max_turns": 0}, {"step_penalty": -1.0}):
        with pytest.raises(ConfigError, match="wmact_maze: expected"):
            Maze(**settings)
