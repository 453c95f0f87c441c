"""The arms of WMAct's comparison, in its three worlds: what a win is worth, and what is kept of a reply."""

from __future__ import annotations

from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Scripted, play

from turnwise.agents.legal import RandomLegal
from turnwise.environments.parts.annealing import AnnealedLimit
from turnwise.environments.parts.efficacy import Efficacy
from turnwise.environments.parts.world import WorldTask
from turnwise.environments.wmact import Maze, Sokoban, Taxi
from turnwise.environments.wmact.agents import idle_action, with_bumps
from turnwise.environments.wmact.maze import MazeGame, Plan
from turnwise.episode import Episode
from turnwise.log import Stop

WORLDS = [Sokoban, Maze, Taxi]
TASK = WorldTask(id="t", seed=3)


class Legal(Scripted):
    """The random player, as the stage wants it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.sample = RandomLegal().sample


def said(environment: Any, *replies: str, task: WorldTask = TASK) -> Episode:
    """The episode in which the agent says these, and then nothing any more."""
    lines = iter(replies)
    return play(environment, task, agent=lambda messages: next(lines, ""))


def solved(environment: Any, task: WorldTask = TASK) -> list[str]:
    return [environment.puzzle.NAMES[action] for action in environment.plan(task)]


@pytest.mark.parametrize("world", WORLDS)
def test_random_bumping_and_solving_are_worth_ever_more(world: Any) -> None:
    environment = world(count=15)
    tasks = list(environment.tasks())
    players = environment.agents()
    worth = {
        name: [play(environment, task, agent=player, seed=1).score() for task in tasks]
        for name, player in (
            ("solver", players["solver"]),
            ("bumper", players["bumper"]),
            ("random", Legal()),
        )
    }
    assert worth["solver"] == [1.0] * 15
    assert worth["bumper"] == [0.5] * 15
    assert mean(worth["random"]) < 0.25
    # Without rescaling, waste is free.
    careless = world(rescaling=False)
    assert play(careless, tasks[0], agent=careless.agents()["bumper"]).score() == 1.0


def test_a_win_with_six_of_ten_actions_effective_is_worth_six_tenths() -> None:
    environment = Maze(rooms=3)
    task = next(task for task in environment.tasks() if len(environment.plan(task)) == 6)
    idle = idle_action(environment.game(task))
    assert idle is not None
    bump = environment.puzzle.NAMES[idle]
    episode = said(environment, bump, f"{bump} {bump} {bump}", *solved(environment, task), task=task)
    assert episode.score() == pytest.approx(0.6)
    assert (episode.metrics["actions"], episode.metrics["effective"]) == (10, 6)
    assert (episode.metrics["efficacy"], episode.metrics["success"]) == (pytest.approx(0.6), 1)
    assert episode.detail == "solved"


@pytest.mark.parametrize("world", WORLDS)
def test_each_reply_keeps_a_flag_for_each_of_its_actions(world: Any) -> None:
    environment = world()
    plan = solved(environment)
    game = environment.game(TASK)
    bumps = [game.NAMES[action] for action in with_bumps(game, environment.plan(TASK))]
    episode = said(environment, "nonsense", " ".join(bumps[:3]), " ".join([*bumps[3:], plan[0], plan[0]]))
    flags = {note.turn: note.value for note in episode.notes if note.name == "changed"}
    turns = [turn.index for turn in episode.turns if turn.role == "agent"]
    assert list(flags) == turns
    assert [len(flags[turn]) for turn in turns] == [0, 3, len(bumps) - 3 + 2]
    assert flags[turns[2]][-3:] == [True, False, False]  # what comes after the end is issued in vain
    assert sum(flags[turns[1]] + flags[turns[2]]) == len(plan)
    efficacy = Efficacy.of(episode.notes)
    assert (efficacy.effective, efficacy.issued) == (len(plan), len(bumps) + 2)
    assert episode.score() == pytest.approx(efficacy.share)
    assert episode.metrics["invalid"] == 1


def test_an_entire_plan_is_one_reply() -> None:
    environment = Sokoban(entire_plan=True, level="hard_2")
    assert environment.max_replies == 1
    episode = play(environment, TASK, agent=environment.agents()["solver"])
    assert episode.score() == 1
    assert "You reply once" in episode.turns[0].text
    half = solved(environment)[:-1]
    failed = said(environment, ", ".join(half))
    assert (failed.score(), failed.stop, failed.metrics["success"]) == (0, Stop.MAX_TURNS, 0)
    assert sum(turn.role == "agent" for turn in failed.turns) == 1


def test_a_step_penalty_is_paid_for_every_action_won_or_lost() -> None:
    environment = Maze(rescaling=False, step_penalty=0.1, max_turns=2)
    lost = said(environment, "up, up, up", "left")
    assert lost.score() == pytest.approx(-0.4)
    plan = solved(environment)
    won = said(environment, ", ".join(plan))
    assert won.score() == pytest.approx(1 - 0.1 * len(plan))
    assert {reward.name for reward in won.rewards} == {"steps", "outcome"}
    assert environment.reward_range == (pytest.approx(-0.1 * 2 * 200), 1.0)


def test_there_are_thirty_replies_and_an_annealed_limit_makes_them_fewer() -> None:
    assert sum(turn.role == "agent" for turn in said(Taxi()).turns) == 30
    limit = AnnealedLimit(window=1).after([8] * 20 + [2, 14])  # mean 8, max 14
    shorter = limit.applied(Taxi())
    assert (shorter.max_turns, shorter.rescaling) == (11, True)
    assert sum(turn.role == "agent" for turn in said(shorter).turns) == 11


def test_the_observation_tells_what_was_in_vain() -> None:
    environment = Taxi()
    told = [turn.text for turn in said(environment, "dropoff, dropoff", "jump").turns if turn.role != "agent"]
    assert told[1].startswith("Done: dropoff (nothing changed), dropoff (nothing changed).\n\n+---------+")
    assert told[2].startswith("'jump' is no action. Give one to 200 of south, north,")
    assert told[-1].startswith("No action was given.")


@pytest.mark.parametrize("world", WORLDS)
def test_state_keys_know_of_waste_only_where_it_costs(world: Any) -> None:
    for rescaling in (True, False):
        environment = world(rescaling=rescaling)
        game = environment.game(TASK)
        idle = idle_action(game)
        assert idle is not None
        episode = said(environment, game.NAMES[idle], game.NAMES[idle])
        keys = [note.value for note in episode.notes if note.name == "state"][:3]
        assert len(set(keys)) == (3 if rescaling else 1)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(), max_size=4), st.sampled_from(WORLDS))
def test_any_reply_is_answered_and_rewards_stay_in_range(replies: list[str], world: Any) -> None:
    environment = world(max_turns=4, step_penalty=0.1)
    least, most = environment.reward_range
    assert least <= (said(environment, *replies).score() or 0) <= most


def test_bumps_come_where_first_something_is_in_vain() -> None:
    # In the middle of a cross every step leads on; one step to the right is a wall's neighbour.
    cross = Plan(("#####", "##.##", "#...#", "##.##", "#####"), (2, 2), (2, 3))
    assert with_bumps(MazeGame(cross), [2, 3, 3]) == [2, 0, 0, 0, 3, 3]
    assert with_bumps(MazeGame(cross), [3]) == [3]  # nowhere to bump before the end
