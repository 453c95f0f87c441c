"""Sokoban: the rules, levels that are solvable and differ, and a solver with the fewest pushes."""

from __future__ import annotations

import random
from collections import deque
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.environments.wmact.sokoban import (
    KINDS,
    Level,
    Sokoban,
    SokobanGame,
    generate,
    read_level,
    solve,
    solve_pushes,
)
from turnwise.errors import ConfigError

UP, DOWN, LEFT, RIGHT = range(4)
TEST = 1 << 31

ROOM = read_level(["#######", "#__O__#", "#_XX__#", "#__P_O#", "#######"])


def played(level: Level, actions: list[int]) -> SokobanGame:
    game = SokobanGame(level)
    for action in actions:
        game.act(action)
    return game


def fewest_pushes(level: Level) -> int | None:
    """By search over single moves of the game itself, where walking is free: knows nothing of the solver."""
    first = SokobanGame(level)
    queue = deque([(0, first)])
    seen: set[tuple[int, int]] = set()
    while queue:
        pushes, game = queue.popleft()
        if game.state() in seen:
            continue
        seen.add(game.state())
        if game.over:
            return pushes
        for action in range(4):
            following = SokobanGame(level)
            following.player, following.boxes = game.player, game.boxes
            following.act(action)
            if following.boxes != game.boxes:
                queue.append((pushes + 1, following))
            elif following.player != game.player:
                queue.appendleft((pushes, following))
    return None


def mirrored(level: Level) -> frozenset[tuple[str, ...]]:
    """The eight pictures of a level, turned and mirrored."""
    views: list[tuple[str, ...]] = []
    lines = level.lines()
    for _ in range(4):
        lines = ["".join(column) for column in zip(*lines[::-1], strict=True)]
        views += [tuple(lines), tuple(line[::-1] for line in lines)]
    return frozenset(views)


def test_walking_pushing_and_what_stands_in_the_way() -> None:
    game = SokobanGame(ROOM)
    game.act(UP)  # the box goes onto the target
    assert game.lines() == ["#######", "#__*__#", "#_XP__#", "#____O#", "#######"]
    game.act(UP)  # a wall is behind the box
    assert game.lines()[2] == "#_XP__#"
    game.act(LEFT)
    assert game.lines()[2] == "#XP___#"
    game.act(LEFT)
    assert game.lines()[2] == "#XP___#"
    assert not game.over


def test_two_boxes_in_a_row_cannot_be_pushed() -> None:
    game = played(ROOM, [LEFT, LEFT, UP])
    assert game.lines()[2] == "#PXX__#"
    game.act(RIGHT)
    assert game.lines()[2] == "#PXX__#"


def test_a_player_and_a_box_on_targets_are_marked_so() -> None:
    level = read_level(["####", "#S*#", "#X_#", "####"])
    assert (level.targets.bit_count(), level.boxes.bit_count(), level.player) == (2, 2, 5)
    assert level.lines() == ["####", "#S*#", "#X_#", "####"]


@pytest.mark.parametrize(
    "lines",
    [[], ["###", "#P#", "#_#"], ["####", "#P_#", "###"], ["###", "#_#", "###"], ["####", "#PX#", "####"],
     ["#####", "#P?_#", "#####"]],
)  # fmt: skip
def test_what_is_no_level_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="a Sokoban level needs"):
        read_level(lines)


def test_a_level_solved_by_hand() -> None:
    # One step up is behind the box; two squares on is its target. Squares are numbered row by row, 7 a row.
    level = read_level(["#######", "#_____#", "#_X_O_#", "#P____#", "#######"])
    assert solve(level) == [UP, RIGHT, RIGHT]
    assert solve_pushes(level) == [(16, RIGHT), (17, RIGHT)]


@pytest.mark.parametrize(
    "lines",
    [
        ["#####", "#X_O#", "#__P#", "#####"],  # in a corner
        ["######", "#_XX_#", "#_XXP#", "#OOOO#", "######"],  # a block of four
        ["#######", "#_#X_P#", "#O#___#", "#######"],  # the target is in another room
    ],
)
def test_what_has_no_solution_is_said_to_have_none(lines: list[str]) -> None:
    assert solve(read_level(lines)) is None


@pytest.mark.parametrize("name", KINDS)
def test_the_solver_solves_every_generated_level(name: str) -> None:
    kind = KINDS[name]
    for seed in range(40):
        level = generate(kind, TEST + seed)
        assert (level.width, level.height) == (kind.size, kind.size)
        assert level.boxes.bit_count() == level.targets.bit_count() == kind.boxes
        assert not level.boxes & level.targets
        assert read_level(level.lines()) == level
        plan = solve(level)
        assert plan is not None
        game = SokobanGame(level)
        for action in plan:
            before = game.state()
            game.act(action)
            assert game.state() != before  # nothing in vain
        assert game.over
        pushes = solve_pushes(level)
        assert pushes is not None
        assert len(pushes) >= kind.pushes


def test_solutions_have_the_fewest_pushes() -> None:
    for name, seeds in (("tiny", 20), ("standard", 12), ("hard_2", 3)):
        for seed in range(seeds):
            level = generate(KINDS[name], seed)
            pushes = solve_pushes(level)
            assert pushes is not None
            assert len(pushes) == fewest_pushes(level)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_random_rooms_are_solved_or_not_as_plain_search_says(seed: int) -> None:
    rng = random.Random(seed)
    inside = [place for place in range(36) if 0 < place % 6 < 5 and 0 < place // 6 < 5]
    floor = rng.sample(inside, 13)
    marks = dict.fromkeys(floor, "_") | dict(zip(floor, "PXXOO", strict=False))
    text = "".join(marks.get(place, "#") for place in range(36))
    level = read_level([text[start : start + 6] for start in range(0, 36, 6)])
    pushes = solve_pushes(level)
    assert (None if pushes is None else len(pushes)) == fewest_pushes(level)


def test_levels_are_unique_even_when_turned_or_mirrored_and_the_splits_share_none() -> None:
    train = [generate.__wrapped__(KINDS["standard"], seed) for seed in range(300)]
    test = [generate.__wrapped__(KINDS["standard"], TEST + seed) for seed in range(300)]
    assert len({mirrored(level) for level in train + test}) == 600
    assert train[7] == generate(KINDS["standard"], 7)
    # Few tiny levels exist; seeds share them, splits do not.
    small = [{generate(KINDS["tiny"], half + seed) for seed in range(200)} for half in (0, TEST)]
    assert len(small[0]) < 200
    assert not small[0] & small[1]


def test_a_thousand_levels_take_less_than_ten_seconds() -> None:
    for name, levels in (("standard", 200), ("hard_1", 100), ("hard_2", 100)):
        start = process_time()
        for seed in range(levels):
            generate.__wrapped__(KINDS[name], seed)
        assert (process_time() - start) / levels * 1000 < 10


def test_settings_name_the_three_kinds_of_the_paper() -> None:
    sizes = [KINDS[name][:2] for name in ("standard", "hard_1", "hard_2")]
    assert sizes == [(7, 2), (10, 2), (7, 3)]
    for level in ("tiny", "standard", "hard_1", "hard_2"):
        environment = Sokoban(level=level, count=2)
        tasks = list(environment.tasks())
        assert environment.game(tasks[0]).level.width == KINDS[level].size
        assert played(environment.game(tasks[1]).level, environment.plan(tasks[1])).over
    with pytest.raises(ConfigError, match="no level 'hard'; levels: tiny, standard"):
        Sokoban(level="hard")  # type: ignore[arg-type]
