"""The taxi: Gymnasium's dynamics, step for step, and in words."""

from __future__ import annotations

import random
from itertools import product

import pytest

from turnwise.environments.wmact.taxi import (
    ABOARD,
    DROPOFF,
    EAST,
    NORTH,
    PICKUP,
    SOUTH,
    WEST,
    Cab,
    Taxi,
    TaxiGame,
    drive,
    start,
    starts,
)

TEST = 1 << 31
STATES = [Cab(*place) for place in product(range(5), range(5), range(5), range(4))]


def test_every_action_in_every_state_is_gymnasiums() -> None:
    taxi = pytest.importorskip("gymnasium.envs.toy_text.taxi").TaxiEnv()
    compared = 0
    for cab in STATES:
        assert tuple(taxi.decode(cab.number)) == cab
        for action in range(6):
            [(probability, number, reward, ended)] = taxi.P[cab.number][action]
            ride = drive(cab, action)
            assert (ride.cab.number, ride.reward, ride.arrived) == (number, reward, ended), (cab, action)
            assert probability == 1
            compared += 1
    assert compared == 3000
    places = {number for number, share in enumerate(taxi.initial_state_distrib) if share}
    assert {cab.number for cab in starts()} == places


def test_random_episodes_go_as_gymnasiums_do() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    names = [name for name in ("Taxi-v3", "Taxi-v4") if name in gymnasium.registry]
    environment = gymnasium.make(names[0]).unwrapped
    for seed in range(20):
        number, _ = environment.reset(seed=seed)
        game = TaxiGame(Cab(*map(int, environment.decode(number))))
        rng, total = random.Random(seed), 0
        for _ in range(200):
            action = rng.randrange(6)
            before = game.cab.number
            number, reward, ended, _, info = environment.step(action)
            game.act(action)
            total += reward
            assert (game.cab.number, game.over, game.total) == (number, ended, total)
            if game.over:
                break
            # What a mask calls effective changes the state, and what changes it is so called.
            assert (game.cab.number != before) == bool(environment.action_mask(before)[action]), info
    environment.close()


def test_walls_stops_and_prices_by_hand() -> None:
    cab = Cab(0, 1, 0, 1)  # at R a passenger waits who wants to go to G; a wall is east of the taxi
    assert drive(cab, EAST) == (cab, -1, False)
    assert drive(cab, NORTH) == (cab, -1, False)
    assert drive(cab, PICKUP) == (cab, -10, False)
    assert drive(cab, DROPOFF) == (cab, -10, False)
    at_r = drive(cab, WEST).cab
    assert at_r == Cab(0, 0, 0, 1)
    aboard = drive(at_r, PICKUP).cab
    assert aboard == Cab(0, 0, ABOARD, 1)
    assert drive(aboard, PICKUP).reward == -10
    assert drive(aboard, DROPOFF) == (at_r, -1, False)
    assert drive(Cab(0, 4, ABOARD, 1), DROPOFF) == (Cab(0, 4, 1, 1), 20, True)
    assert drive(Cab(1, 4, ABOARD, 1), DROPOFF).reward == -10
    assert drive(Cab(4, 4, 0, 1), SOUTH).cab.row == 4


def test_the_plan_is_the_shortest_way() -> None:
    # From R's neighbour to R, aboard, down to the open row 2, across and up to G: 1 + 1 + 2 + 4 + 2 + 1.
    environment = Taxi()
    seeds = {start(seed): seed for seed in range(150)} | {start(TEST + s): TEST + s for s in range(150)}
    task = next(iter(environment.tasks())).__class__(id="hand", seed=seeds[Cab(0, 1, 0, 1)])
    plan = environment.plan(task)
    assert len(plan) == 11
    assert (plan[0], plan[1], plan[-1]) == (WEST, PICKUP, DROPOFF)
    game = environment.game(task)
    for action in plan:
        game.act(action)
    assert game.over
    assert game.total == -10 + 20  # ten actions at -1, and 20 for the last


def test_seeds_of_the_two_splits_share_no_start() -> None:
    train, test = ({start(half + seed) for seed in range(150)} for half in (0, TEST))
    assert (len(train), len(test), len(train & test)) == (150, 150, 0)
    assert train | test == set(starts())
    assert start(1150) == start(1000 % 150 + 150)


def test_it_says_where_everything_is() -> None:
    game = TaxiGame(Cab(4, 3, ABOARD, 0))
    assert game.text() == (
        "+---------+\n"
        "|R: | : :G|\n"
        "| : | : : |\n"
        "| : : : : |\n"
        "| | : | : |\n"
        "|Y| : |T: |\n"
        "+---------+\n"
        "Taxi: row 4, column 3 (stop B). Passenger: in the taxi. Goal: R."
    )
    assert TaxiGame(Cab(2, 2, 1, 0)).text().endswith("Taxi: row 2, column 2. Passenger: at G. Goal: R.")
    board = game.picture()
    assert {len(row) for row in board.rows} == {9}
    assert board.rows[4][6].text == "T"
    assert board.rows[0][0].text == "⚑"
