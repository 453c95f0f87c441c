"""Credit by forking real episodes: what is shared, what is asked anew, and that it comes out exact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import turnwise
from turnwise.agent import Agent, Ask
from turnwise.agents.legal import RandomLegal
from turnwise.engine.resolve import Given
from turnwise.environment import Capabilities, Environment
from turnwise.environments.bifurcation import Bifurcation, BifurcationTask
from turnwise.environments.mars import TicTacToe
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.learn.credit.counterfactual import counterfactual_agent, counterfactual_turns
from turnwise.learn.credit.rollouts import Forks, of_episodes
from turnwise.learn.credit.shapley import shapley_turns
from turnwise.learn.credit.vine import vine_turns
from turnwise.log import Turn
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.models.scripted import ScriptedModel
from turnwise.role import Role

WOOD = Bifurcation(horizon=4)
TASK = BifurcationTask(id="toy", weights=(2, -1, 1, -2), threshold=2)
RIGHT, WRONG = ("right", "left", "right", "right"), ("left", "left", "left", "left")


class Counting(RandomLegal):
    """Goes left or right at random, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def sample(self, request: Request) -> Sample:
        self.asked += 1
        return await super().sample(request)


def forks(tmp_path: Path, lines: Sequence[str], count: Counting | None = None) -> Forks:
    """An episode that went so, to be continued at random."""
    store = turnwise.Store(tmp_path / "runs.db")
    run = turnwise.run(WOOD, list(lines), tasks=[TASK], store=store)
    agent = Agent(count or Counting())
    return Forks(f"{run.id}/0", store, given=Given(environment=WOOD, agents={"agent": agent}))


def worth(made: Forks, family: Any = "credits") -> list[float]:
    return list(WOOD.exact_credits(TASK, made.log.turns, family).values())


@pytest.mark.parametrize("lines", [RIGHT, WRONG])
def test_vine_comes_out_at_the_exact_credits(tmp_path: Path, lines: Sequence[str]) -> None:
    made = forks(tmp_path, lines)
    found = asyncio.run(vine_turns(made, count=100))
    # Four deviations of a difference of two means of 100 coins.
    assert found == pytest.approx(worth(made), abs=4 * np.sqrt(2 * 0.25 / 100))
    assert found[3] == pytest.approx(worth(made)[3], abs=1e-12), "it was decided: no rollout can differ"


def test_nothing_that_is_recorded_is_asked_again(tmp_path: Path) -> None:
    count = Counting()
    made = forks(tmp_path, RIGHT, count)
    asyncio.run(vine_turns(made, count=3))
    assert count.asked == 3 * (4 + 3 + 2 + 1)
    count.asked = 0
    asyncio.run(counterfactual_turns(made, count=5))
    assert count.asked == 5 * 4, "one turn is said anew, the others from memory"


def test_every_rollout_is_stored_with_what_it_shares(tmp_path: Path) -> None:
    made = forks(tmp_path, RIGHT)
    scores = asyncio.run(made.after(made.turns[2].index, count=6))
    run = turnwise.runs(made.store)[0]
    assert run.row.parent == f"{made.episode}@{made.turns[2].index}"
    logs = list(run.logs())
    assert [log.score() for log in logs] == list(scores)
    for log in logs:
        assert log.turns[: made.turns[2].index] == made.log.turns[: made.turns[2].index]
    assert len({tuple(turn.text for turn in log.turns) for log in logs}) > 1


def test_counterfactual_keeps_the_other_turns(tmp_path: Path) -> None:
    made = forks(tmp_path, RIGHT)
    found = asyncio.run(counterfactual_turns(made, count=100))
    assert found == pytest.approx(worth(made, "counterfactual"), abs=4 * np.sqrt(0.25 / 100))
    for log in turnwise.runs(made.store)[2].logs():
        said = [turn.text for turn in log.turns if turn.role == "agent"]
        assert [said[0], *said[2:]] == ["right", "right", "right"]


def test_counterfactual_with_the_rest_anew_is_the_outcome_less_the_value_before(tmp_path: Path) -> None:
    made = forks(tmp_path, RIGHT)
    branches = WOOD.branches(TASK)
    answers = (1, -1, 1, 1)
    found = asyncio.run(counterfactual_turns(made, count=100, rest="anew"))
    expected = [1 - branches.value(answers[:turn]) for turn in range(4)]
    assert found == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 100))


def test_shapley_of_all_coalitions(tmp_path: Path) -> None:
    made = forks(tmp_path, RIGHT)
    found = asyncio.run(shapley_turns(made, count=30))
    assert found == pytest.approx(worth(made, "shapley"), abs=0.25)
    # The sum is exact but for the worth of nobody, which is one mean of 30.
    assert found.sum() == pytest.approx(1 - 0.375, abs=4 * np.sqrt(0.25 / 30))


def test_shapley_of_sampled_orders_sums_to_the_outcome_less_one_mean(tmp_path: Path) -> None:
    made = forks(tmp_path, RIGHT)
    found = asyncio.run(shapley_turns(made, orders=6, count=4, seed=1))
    assert found.sum() * 4 == pytest.approx(round(found.sum() * 4)), "1 less a mean of four"
    again = asyncio.run(shapley_turns(made, orders=6, count=4, seed=1))
    assert (found == again).all()


def test_agents_made_in_python_stay_open_for_the_next_rollout(tmp_path: Path) -> None:
    class Closing(Counting):
        open = True

        async def sample(self, request: Request) -> Sample:
            assert self.open
            return await super().sample(request)

        async def close(self) -> None:
            self.open = False

    made = forks(tmp_path, RIGHT, agent := Closing())
    asyncio.run(vine_turns(made, count=2))
    asyncio.run(counterfactual_turns(made, count=2))
    assert agent.open
    assert agent.asked > 0


def test_two_episodes_alike_in_seed_do_not_share_their_draws(tmp_path: Path) -> None:
    one, two = forks(tmp_path, RIGHT), forks(tmp_path, WRONG)
    for made in (one, two):
        asyncio.run(made.after(made.turns[0].index, count=8))
    newest = turnwise.runs(one.store)[:2]
    said = [[turn.text for log in run.logs() for turn in log.turns if turn.role == "agent"] for run in newest]
    assert said[0] != said[1]


def test_a_batch_of_episodes_is_credited_in_order(tmp_path: Path) -> None:
    store = turnwise.Store(tmp_path / "runs.db")
    run = turnwise.run(WOOD, "random", tasks=[TASK], epochs=3, store=store)
    names = [f"{run.id}/{number}" for number in range(3)]
    found = asyncio.run(of_episodes(names, store, lambda forks: vine_turns(forks, count=4)))
    alone = [asyncio.run(vine_turns(Forks(name, store), count=4)) for name in names]
    assert (found == np.concatenate(alone)).all()
    assert asyncio.run(of_episodes([], store, lambda forks: vine_turns(forks, count=4))).shape == (0,)


class Lottery(Environment, kw_only=True, frozen=True):
    """After each reply a coin is thrown; what was staked is won or lost. A sensor is read at first."""

    name: ClassVar[str] = "lottery"
    reads: ClassVar[list[int]] = []

    async def run(self, task: Any, episode: Episode) -> None:
        async def read() -> int:
            self.reads.append(1)
            return 7

        await episode.effect("sensor", read)
        for number in range(2):
            turn = await episode.agent.respond(f"Stake {number}?")
            coin = episode.rng.choice((-1, 1))
            episode.tell("agent", f"coin {coin}")
            episode.reward(float(turn.text) * coin, turn=turn)


def test_luck_is_no_merit_where_it_is_left_out(tmp_path: Path) -> None:
    store = turnwise.Store(tmp_path / "runs.db")
    game = Lottery()
    agent = Agent(ScriptedModel(lambda _: "1", "one"))
    run = turnwise.run(game, agent, store=store, seed=2)
    made = Forks(f"{run.id}/0", store, given=Given(environment=game, agents={"agent": agent}))
    Lottery.reads.clear()
    with_luck = asyncio.run(vine_turns(made, count=100))
    without = asyncio.run(vine_turns(made, count=100, luck=False))
    assert Lottery.reads == [], "what was read outside before the fork is read from the record"
    coins = [reward.value for reward in made.log.rewards]
    # A continuation's mean has deviation sqrt(2) / 10; the last outcome is exact.
    assert with_luck == pytest.approx(coins, abs=0.8)
    assert without == pytest.approx([0, 0], abs=0.8)
    assert abs(with_luck - coins).sum() < abs(without - coins).sum()


class Fragile(Lottery, kw_only=True, frozen=True):
    """Fails whenever the coin shows tails."""

    name: ClassVar[str] = "fragile"

    async def run(self, task: Any, episode: Episode) -> None:
        await episode.agent.respond("Go?")
        if episode.seed % 2:
            raise OSError("broken")
        episode.reward(1.0)


def test_failed_rollouts_are_missing_and_not_zero(tmp_path: Path) -> None:
    store = turnwise.Store(tmp_path / "runs.db")
    game, agent = Fragile(), Agent(ScriptedModel(lambda _: "go", "go"))
    run = turnwise.run(game, agent, store=store, epochs=8)
    number = next(row.number for row in run.episodes() if row.score == 1)
    broken = next(row.number for row in run.episodes() if row.score is None)
    given = Given(environment=game, agents={"agent": agent})
    made = Forks(f"{run.id}/{number}", store, given=given)
    scores = asyncio.run(made.after(made.turns[0].index, count=16))
    assert set(scores[~np.isnan(scores)]) == {1.0}
    assert np.isnan(scores).any()
    assert asyncio.run(vine_turns(made, count=16)) == pytest.approx([0])
    with pytest.raises(ConfigError, match="no score"):
        Forks(f"{run.id}/{broken}", store, given=given)


class Musing(Agent):
    """Thinks unseen before it speaks."""

    async def act(self, role: Role, ask: Ask) -> Turn:
        await role.sample()
        return role.post(await role.sample())


def test_a_kept_turn_keeps_the_thoughts_that_led_to_it(tmp_path: Path) -> None:
    asked: list[int] = []

    def even(messages: Sequence[Message]) -> str:
        asked.append(len(messages))
        return "right"

    store = turnwise.Store(tmp_path / "runs.db")
    agent = Musing(ScriptedModel(even, "even"))
    run = turnwise.run(WOOD, agent, tasks=[TASK], store=store)
    made = Forks(f"{run.id}/0", store, given=Given(environment=WOOD, agents={"agent": agent}))
    asked.clear()
    asyncio.run(made.keeping([1, 2, 3], count=1))
    assert len(asked) == 2, "a thought and a turn: the first; all else is remembered"


def test_what_an_agent_was_worth(tmp_path: Path) -> None:
    """A perfect player against a random one, and a second random one in its place."""
    game = TicTacToe()
    store = turnwise.Store(tmp_path / "runs.db")
    first, second = game.roles[:2]
    run = turnwise.run(game, agents={first: "solver", second: "random"}, store=store, limit=1)
    made = Forks(f"{run.id}/0", store, role=first)
    found = asyncio.run(counterfactual_agent(made, Agent(RandomLegal()), count=40))
    scores = [log.score(first) for log in turnwise.runs(store)[0].logs()]
    assert found == pytest.approx(made.score - np.mean(scores))
    assert found > 0.1, "chance seldom plays as well"


class Sealed(Fragile, kw_only=True, frozen=True):
    """Cannot be forked."""

    name: ClassVar[str] = "sealed"
    capabilities: ClassVar[Capabilities] = Capabilities(forkable=False)

    async def run(self, task: Any, episode: Episode) -> None:
        await episode.agent.respond("Go?")
        episode.reward(1.0)


def test_what_an_environment_cannot_serve_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    store = turnwise.Store(tmp_path / "runs.db")
    game, agent = Sealed(), Agent(ScriptedModel(lambda _: "go", "go"))
    run = turnwise.run(game, agent, store=store)
    made = Forks(f"{run.id}/0", store, given=Given(environment=game, agents={"agent": agent}))
    for attempt in (
        vine_turns(made, count=1),
        counterfactual_turns(made, count=1),
        shapley_turns(made),
        counterfactual_agent(made, agent, count=1),
    ):
        with pytest.raises(ConfigError, match="'forkable'"):
            asyncio.run(attempt)
    open_wood = forks(tmp_path, RIGHT)
    with pytest.raises(ConfigError, match="'several_roles'"):
        asyncio.run(counterfactual_agent(open_wood, agent, count=1))
    assert len(turnwise.runs(store)) == 2
