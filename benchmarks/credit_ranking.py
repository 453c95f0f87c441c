"""Every family of credit methods on the bifurcation tasks, against the exact credit, at equal rollouts.

A task is a way with forks of which few decide. Sixteen episodes of it are to be credited, under the policy
that draws its way. Each method may spend the same number of rollouts on each of them: as further episodes of
their group, which it compares with or learns from, or as continuations of forked ones (a continuation counts
as a whole rollout, though it is shorter). All are real episodes, played and forked by the engine. What comes
out is the rank correlation (Spearman) of a method's credits with the exact ones: over all turns of the
sixteen, and within an episode, where only telling turns apart counts.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import turnwise
from common import save
from turnwise.agent import Agent
from turnwise.agents.legal import RandomLegal
from turnwise.engine.resolve import Given
from turnwise.environments.bifurcation import Bifurcation, BifurcationTask
from turnwise.environments.bifurcation.environment import WAYS, answer
from turnwise.errors import ConfigError
from turnwise.learn import credit
from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.counterfactual import counterfactual_turns
from turnwise.learn.credit.decomposition import difference_credits, fit_parts, fit_prefixes, part_credits
from turnwise.learn.credit.hindsight import hindsight_credits, hindsight_logprobs
from turnwise.learn.credit.implicit import itpo_credits
from turnwise.learn.credit.information import information_gain
from turnwise.learn.credit.judge import judge_credits
from turnwise.learn.credit.rollouts import Forks
from turnwise.learn.credit.shapley import shapley_turns
from turnwise.learn.credit.softmin import softmin_rewards
from turnwise.learn.credit.vine import vine_credits, vine_turns
from turnwise.log import EpisodeLog
from turnwise.metrics import mean

EPISODES = 16
"""Credited in each task."""
TASKS = {
    "4 forks, the survey's": (
        Bifurcation(horizon=4),
        BifurcationTask(id="toy", weights=(2, -1, 1, -2), threshold=2),
    ),
    "8 forks, 2 decide": (Bifurcation(horizon=8, decisive=2), BifurcationTask(id="two", seed=11)),
    "8 forks, 4 decide": (Bifurcation(horizon=8, decisive=4), BifurcationTask(id="four", seed=12)),
}
SKIPPED = {"pure"}
"""Of the registered methods that take nothing but turns: here it is given process rewards."""
RIGHT = 0.75
"""How often the simulated judge knows whether a turn helped, harmed or did neither; else it guesses."""


class Played(NamedTuple):
    """Episodes of one task as arrays, the credited ones first."""

    answers: Floats
    """`[E, T]` -1 or 1."""
    state: Floats
    """`[E, T]` A number for the state before each turn."""
    outcome: Floats
    """`[E]`"""

    @property
    def episode(self) -> Any:
        return np.repeat(np.arange(len(self.outcome)), self.answers.shape[1])

    def first(self, count: int) -> Played:
        return Played(*(array[:count] for array in self))

    def turns(self) -> Turns:
        """As credit methods take them: one group, one token a turn, the outcome with the last turn."""
        episodes, horizon = self.answers.shape
        reward = np.zeros((episodes, horizon))
        reward[:, -1] = self.outcome
        return Turns(
            episode=self.episode,
            group=np.zeros(episodes, dtype=np.int64),
            reward=reward.ravel(),
            index=np.tile(np.arange(horizon), episodes),
            role=np.zeros(episodes * horizon, dtype=np.int64),
            tokens=np.ones(episodes * horizon, dtype=np.int64),
            state=self.state.ravel().astype(np.int64),
        )

    def choices(self) -> Floats:
        """`[K, T]` What each turn chose, at its fork's place."""
        episodes, horizon = self.answers.shape
        return (np.eye(horizon)[None] * self.answers[:, None, :]).reshape(episodes * horizon, horizon)

    def prefixes(self) -> Floats:
        """`[K, T]` All that was chosen up to and with each turn; 0 for what is to come."""
        horizon = self.answers.shape[1]
        return (np.tri(horizon)[None] * self.answers[:, None, :]).reshape(-1, horizon)


def read(logs: Iterable[EpisodeLog]) -> Played:
    """Arrays of finished episodes."""
    answers, states, outcome = [], [], []
    for log in logs:
        answers.append([answer(turn.text) for turn in log.turns if turn.role == "agent"])
        keys = [str(note.value).split() for note in log.notes if note.name == "state"]
        states.append([1000 * int(place) + 500 + int(total) for place, total in keys])
        outcome.append(log.score())
    return Played(*(np.array(values, dtype=np.float64) for values in (answers, states, outcome)))


# Learnt readers ---------------------------------------------------------------------------------------


def logistic(features: Floats, target: Floats, weight: float = 1e-2, steps: int = 30) -> tuple[Floats, float]:
    """Weights and constant of a logistic regression, by Newton's method with a ridge."""
    design = np.column_stack([features, np.ones(len(features))])
    found = np.zeros(design.shape[1])
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (chance - target) / len(target) + weight * found
        bend = (design.T * (chance * (1 - chance))) @ design / len(target) + weight * np.eye(len(found))
        found -= np.linalg.solve(bend, slope)
    return found[:-1], float(found[-1])


def belief(played: Played) -> tuple[Floats, float]:
    """Probability of arriving, as a logistic reader of the choices sees it: after each turn, and at first."""
    weights, constant = logistic(played.prefixes(), played.outcome[played.episode])
    return 1 / (1 + np.exp(-played.prefixes() @ weights - constant)), 1 / (1 + np.exp(-constant))


def log_ratios(played: Played, steps: int = 300, rate: float = 1.0) -> Floats:
    """`[K]` Log-ratio of each choice, of a policy fitted so that their sum tells the outcome (as iStar's)."""
    side, target = played.answers, played.outcome
    lean, constant = np.zeros(side.shape[1]), 0.0
    for _ in range(steps):
        ratio = np.log(2.0) - np.logaddexp(0, -side * lean)
        error = 1 / (1 + np.exp(-ratio.sum(axis=1) - constant)) - target
        slope = (error[:, None] * side / (1 + np.exp(side * lean))).mean(axis=0) + 1e-3 * lean
        lean, constant = lean - rate * slope, constant - rate * float(error.mean())
    return (np.log(2.0) - np.logaddexp(0, -side * lean)).ravel()


def table(played: Played) -> Floats:
    """`[K]` A critic: the mean outcome of all visits of a turn's state."""
    _, at = np.unique(played.state.ravel(), return_inverse=True)
    return (np.bincount(at, weights=played.outcome[played.episode]) / np.bincount(at))[at]


# Families ---------------------------------------------------------------------------------------------


def served(method: credit.Method) -> bool:
    """Whether the environment declares what a method needs."""
    try:
        method.require(Bifurcation())
    except ConfigError:
        return False
    return True


def learnt(played: Played, rng: np.random.Generator, truth: Floats) -> dict[str, Floats]:
    """Credits of all turns by every method that compares or learns, from whole episodes."""
    turns, episode, outcome = played.turns(), played.episode, played.outcome
    index, group = turns.index, turns.group
    found: dict[str, Floats] = {"uniform": np.asarray(outcome[episode] / played.answers.shape[1])}
    for name in credit.names():
        method = credit.get(name)
        if not method.takes and name not in SKIPPED and served(method):
            found[name] = method(turns)
    values = table(played)
    for lam in (0.0, 0.95, 1.0):
        found[f"gae, λ = {lam:g}"] = credit.get("gae")(turns, values=values, lam=lam)
    predicted, start = fit_prefixes(played.prefixes(), outcome, episode)
    found["return decomposition, differences"] = difference_credits(predicted, start, outcome, episode)
    parts, constant = fit_parts(played.choices(), outcome, episode)
    found["return decomposition, parts"] = part_credits(parts, outcome - constant, episode)
    chance, first = belief(played)
    found["information gain"] = information_gain(chance, np.full(len(outcome), first), episode)
    # Process rewards are signed, below 0 for a step that harms: the same reader's gains.
    found["softmin (PURE)"] = softmin_rewards(found["information gain"], episode)
    ratio = log_ratios(played)
    found["implicit reward"] = ratio
    found["implicit reward, ITPO's shares"] = itpo_credits(ratio, outcome - outcome.mean(), episode)
    half = np.full(len(episode), np.log(0.5))
    state, action = turns.state, played.answers.ravel().astype(np.int64)
    assert state is not None
    told = hindsight_logprobs(state, action, outcome, episode, half)
    found["hindsight"] = hindsight_credits(half, told, outcome, episode)
    says = np.where(rng.random(len(truth)) < RIGHT, np.sign(truth), rng.integers(-1, 2, len(truth)))
    found["judge (simulated)"] = judge_credits(
        says, episode[: len(says)], index[: len(says)], group[:EPISODES]
    )
    return {name: np.asarray(values)[: len(truth)] for name, values in found.items()}


async def forked(all_forks: list[Forks], budget: int, seed: int) -> dict[str, Floats]:
    """Credits by the methods that fork each episode, `budget` rollouts for each."""
    horizon = len(all_forks[0].turns)
    count, orders = budget // horizon, max(1, (budget - 1) // (horizon - 1))
    ways: dict[str, Callable[[Forks], Any]] = {
        "vine Monte Carlo": lambda one: vine_turns(one, count=count, seed=seed),
        "counterfactual": lambda one: counterfactual_turns(one, count=count, seed=seed),
        "counterfactual, rest anew": lambda one: counterfactual_turns(
            one, count=count, rest="anew", seed=seed
        ),
        "Shapley": lambda one: shapley_turns(one, orders=orders, seed=seed),
    }
    found = {name: np.concatenate([await way(one) for one in all_forks]) for name, way in ways.items()}
    found["vine Monte Carlo, by state"] = pooled(found["vine Monte Carlo"], all_forks)
    return found


def pooled(vine: Floats, all_forks: list[Forks]) -> Floats:
    """Vine credits from the same rollouts, where all from equal states are one estimate (state keys)."""
    played = read(one.log for one in all_forks)
    # Credits telescope: the value before a turn is the outcome less all credit from it on.
    to_go = np.cumsum(vine.reshape(EPISODES, -1)[:, ::-1], axis=1)[:, ::-1]
    before = (played.outcome[:, None] - to_go).ravel()
    _, at = np.unique(played.state.ravel(), return_inverse=True)
    shared = (np.bincount(at, weights=before) / np.bincount(at))[at]
    return vine_credits(shared, played.outcome, played.episode)


def correlation(found: Floats, truth: Floats) -> float:
    """Spearman's; 0 where a method tells nothing apart. Noise of the last digits makes no ranks."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.round(values, 9)) for values in (found, truth)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def within(found: Floats, truth: Floats) -> float:
    """The mean correlation within an episode, over those whose turns differ in worth."""
    pairs = zip(found.reshape(EPISODES, -1), truth.reshape(EPISODES, -1), strict=True)
    return float(np.mean([correlation(ours, exact) for ours, exact in pairs if np.ptp(exact) > 1e-9]))


# Playing ----------------------------------------------------------------------------------------------


def credited(game: Bifurcation, task: BifurcationTask, store: turnwise.Store, seed: int) -> list[str]:
    """Play the episodes to credit: all ways where there are sixteen, else as many drawn ones."""
    if game.horizon == 4:
        ways = list(product((0, 1), repeat=4))
    else:
        rng = random.Random(f"ways {seed}")
        ways = [tuple(rng.randrange(2) for _ in range(game.horizon)) for _ in range(EPISODES)]
    names: list[str] = []
    for way in ways:
        run = turnwise.run(game, [WAYS[side] for side in way], tasks=[task], seed=seed, store=store)
        names.append(f"{run.id}/0")
    return names


def measure(where: str, seed: int, budgets: tuple[int, ...]) -> list[dict[str, Any]]:
    """All methods on one task with one seed."""
    game, task = TASKS[where]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        store = turnwise.Store(Path(folder) / "runs.db")
        names = credited(game, task, store, seed)
        given = Given(environment=game, agents={"agent": Agent(RandomLegal())})
        all_forks = [Forks(name, store, given=given) for name in names]
        truth = np.concatenate([list(game.exact_credits(task, one.log.turns).values()) for one in all_forks])
        pool = turnwise.run(
            game, "random", tasks=[task], epochs=EPISODES * max(budgets), seed=seed, store=store
        )
        mine, others = read(one.log for one in all_forks), read(pool.logs())
        whole = Played(*(np.concatenate(both) for both in zip(mine, others, strict=True)))
        for budget in budgets:
            played = whole.first(EPISODES * (1 + budget))
            found = learnt(played, np.random.default_rng(seed), truth)
            found |= asyncio.run(forked(all_forks, budget, seed))
            for method, values in found.items():
                scores = {"all": correlation(values, truth), "within": within(values, truth)}
                rows.append({"task": where, "seed": seed, "budget": budget, "method": method, **scores})
    return rows


def summary(rows: list[dict[str, Any]], budgets: tuple[int, ...]) -> dict[str, Any]:
    """For each method and budget the mean over tasks with its 95 % interval over seeds, and by task."""
    result: dict[str, Any] = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        result[method] = {}
        for budget in budgets:
            mine = [row for row in rows if (row["method"], row["budget"]) == (method, budget)]
            cell: dict[str, Any] = {}
            for kind in ("all", "within"):
                seeds = sorted({row["seed"] for row in mine})
                means = [float(np.mean([row[kind] for row in mine if row["seed"] == seed])) for seed in seeds]
                found = mean(means)
                cell[kind] = [round(value, 4) for value in (found.mean, found.low, found.high)]
            cell["tasks"] = {
                where: round(float(np.mean([row["all"] for row in mine if row["task"] == where])), 4)
                for where in TASKS
            }
            result[method][str(budget)] = cell
    return result


def main() -> None:
    """Measure and save."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--budgets", type=int, nargs="+", default=[8, 32, 128])
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    budgets = tuple(chosen.budgets)
    with ProcessPoolExecutor(chosen.workers) as workers:
        waiting = [
            workers.submit(measure, where, seed, budgets) for seed in range(chosen.seeds) for where in TASKS
        ]
        rows = [row for done in waiting for row in done.result()]
    save(
        "credit_ranking",
        {
            "episodes": EPISODES,
            "seeds": chosen.seeds,
            "budgets": list(budgets),
            "tasks": list(TASKS),
            "methods": summary(rows, budgets),
        },
    )


if __name__ == "__main__":
    main()
