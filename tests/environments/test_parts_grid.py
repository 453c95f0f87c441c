"""Mazes hang together; shortest ways are shortest."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.grid import DIRECTIONS, distances, maze, shortest

Square = tuple[int, int]


def moves(lines: list[str]):
    def of(at: Square) -> list[tuple[str, Square]]:
        row, column = at
        return [
            (name, (row + down, column + right))
            for name, down, right in DIRECTIONS
            if lines[row + down][column + right] != "#"
        ]

    return of


def test_the_shortest_way_round_a_wall() -> None:
    lines = ["#####", "#...#", "#.#.#", "#.#.#", "#####"]
    assert shortest((3, 1), moves(lines), (3, 3).__eq__) == ["up", "up", "right", "right", "down", "down"]
    assert shortest((3, 1), moves(lines), (3, 1).__eq__) == []
    assert shortest((3, 1), moves(["#####", "#.#.#", "#.#.#", "#.#.#", "#####"]), (3, 3).__eq__) is None
    assert distances((3, 1), moves(lines))[(3, 3)] == 6


@given(st.integers(1, 7), st.integers(0, 1000))
def test_a_maze_without_loops_is_a_tree_over_all_rooms(rooms: int, seed: int) -> None:
    lines = maze(rooms, random.Random(seed))
    side = 2 * rooms + 1
    assert [len(line) for line in lines] == [side] * side
    assert set(lines[0] + lines[-1] + "".join(line[0] + line[-1] for line in lines)) == {"#"}
    # A tree over n rooms has n - 1 doors, and each room and door is one open square.
    assert "".join(lines).count(".") == 2 * rooms * rooms - 1
    assert len(distances((1, 1), moves(lines))) == 2 * rooms * rooms - 1


@given(st.integers(2, 6), st.integers(0, 100))
def test_loops_open_walls_between_rooms_and_nothing_else(rooms: int, seed: int) -> None:
    tree, braid = maze(rooms, random.Random(seed)), maze(rooms, random.Random(seed), loops=1.0)
    assert "".join(braid).count(".") == rooms * rooms + 2 * rooms * (rooms - 1)
    for row, (before, after) in enumerate(zip(tree, braid, strict=True)):
        for column, (wall, now) in enumerate(zip(before, after, strict=True)):
            if wall != now:
                assert (row + column) % 2 == 1


def test_a_share_of_the_walls_is_opened() -> None:
    doors = [
        sum("".join(maze(6, random.Random(seed), loops=loops)).count(".") for seed in range(200)) / 200
        for loops in (0.0, 0.2)
    ]
    # 60 places for a door, 35 of them open: a fifth of the other 25 is 5.
    assert doors[1] - doors[0] == pytest.approx(5, abs=0.5)
