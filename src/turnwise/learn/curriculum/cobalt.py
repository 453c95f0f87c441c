"""Cobalt: contextual-bandit training on the prefixes of trajectories that were played once ("Bridging Online
and Offline RL: Contextual Bandit Learning for Multi-Turn Code Generation").

A reference model's run is cut at its turns into starts. Which episodes, by the pass rate behind each of their
turns: tasks in which every first program is perfect are dropped; an episode must vary and reach 1; of a
task's, the `most` that vary most among each other stay. Which cuts: none behind what passed or was perfect
twice, none that is too long. Training then plays groups of one turn from these starts, as forks.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal, NamedTuple, Self

import msgspec
import numpy as np

from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.learn.batch import Ints
from turnwise.learn.curriculum.buffer import check_least
from turnwise.learn.curriculum.protocol import Curriculum, Draw, Slot, Start
from turnwise.log import EpisodeLog, Stop
from turnwise.store.store import Store
from turnwise.wire import Record


class Prompt(Record, frozen=True, kw_only=True):
    """A start, and how good the episode was before it."""

    task: str
    start: Start
    best: float
    """The best pass rate before; 0 before the first turn."""


class Cobalt(Curriculum, frozen=True, kw_only=True):
    """Prefixes of a stored run, each once in a round, in random order.

    Raises:
        ConfigError: for a number below 1.
    """

    run: str
    """Whose episodes; played in the environment that is trained in, with the same settings."""
    rate: Literal["turn", "total"] = "turn"
    """What the pass rate behind a turn is: the reward of the turn, or all rewards up to it."""
    most: int = 4
    """Episodes of a task."""
    tokens: int | None = 10_000
    """Most tokens in a prefix, where they are on record."""
    turns: int | None = 1
    """Most turns of an episode; None plays on to the end."""
    prompts: tuple[Prompt, ...] = ()

    def __post_init__(self) -> None:
        tokens = 1 if self.tokens is None else self.tokens
        check_least("cobalt", most=self.most, tokens=tokens, turns=self.turns or 1)

    def begun(self, store: Store) -> Self:
        """With the prompts of the run.

        Raises:
            ConfigError: it has none that can be used.
            StoreError: there is no such run.
        """
        run = Run(store, store.run(self.run))
        numbers = sorted(run.store.stops(run.row.number))
        by_task: dict[str, list[Trajectory]] = {}
        for number, log in run.store.read_many(run.row.number, numbers):
            if log.stop not in (None, Stop.ERROR):
                by_task.setdefault(log.task["id"], []).append(self._trajectory(number, log))
        found: list[Prompt] = []
        for task, mine in by_task.items():
            for one in selected(mine, most=self.most):
                for place in prefixes(one.rates, one.tokens, longest=self.tokens):
                    start = Start(run=run.id, episode=one.number, at=one.turns[place])
                    found.append(Prompt(task=task, start=start, best=max((0.0, *one.rates[:place]))))
        if not found:
            raise ConfigError(f"cobalt: no episode of run {run.id} varies in its pass rate and reaches 1")
        return msgspec.structs.replace(self, prompts=tuple(found))

    def draws(self, slot: Slot) -> list[Draw]:
        """The next of the round."""
        drawn: list[Draw] = []
        for place in range(slot.step * slot.groups, (slot.step + 1) * slot.groups):
            round_, index = divmod(place, len(self.prompts))
            order = Random(f"{slot.seed}/cobalt/{round_}").sample(range(len(self.prompts)), len(self.prompts))
            prompt = self.prompts[order[index]]
            drawn.append(Draw(task=prompt.task, count=slot.group, start=prompt.start, turns=self.turns))
        return drawn

    def _trajectory(self, number: int, log: EpisodeLog) -> Trajectory:
        role = log.roles[0]
        turns = [turn for turn in log.turns if turn.role == role and turn.calls]
        gains = {turn.index: 0.0 for turn in turns}
        for reward in log.rewards:
            if reward.turn in gains and (reward.role or role) == role:
                gains[reward.turn] += reward.value or 0.0
        rates = np.array(list(gains.values()))
        if self.rate == "total":
            rates = np.cumsum(rates)
        calls = {call.n: call for call in log.calls if call.role == role}
        tokens = tuple(len(log.prompt_ids(calls[turn.calls[-1]]) or ()) for turn in turns)
        return Trajectory(number, tuple(gains), tuple(float(rate) for rate in rates), tokens)


class Trajectory(NamedTuple):
    """An episode as Cobalt sees it."""

    number: int
    turns: tuple[int, ...]
    """Indices of the policy's turns."""
    rates: tuple[float, ...]
    """Pass rate behind each of them."""
    tokens: tuple[int, ...]
    """Tokens of the prompt of each of them; 0 where not known."""


def selected(trajectories: Sequence[Trajectory], *, most: int = 4) -> list[Trajectory]:
    """Those of one task that are worth cutting, in their order.

    None where every first program is perfect. Else those whose pass rate varies and reaches 1; of these the
    `most` whose mean pass rates vary most.
    """
    if all(one.rates[:1] == (1.0,) for one in trajectories):
        return []
    fit = [one for one in trajectories if one.rates and max(one.rates) >= 1.0 > min(one.rates)]
    means = [sum(one.rates) / len(one.rates) for one in fit]
    return [fit[place] for place in max_variance(means, most)]


def max_variance(values: Sequence[float], most: int) -> Ints:
    """`[min(most, N)]` Places of the subset of that size with the greatest variance, ascending.

    It consists of some of the smallest values and some of the largest, so `most + 1` splits are compared.
    """
    column = np.array(values, dtype=np.float64)
    order = np.argsort(column, kind="stable")
    if len(order) <= most:
        return np.sort(order)
    found = column[order]
    picks = [np.r_[: most - high, len(order) - high : len(order)] for high in range(most + 1)]
    best = max(picks, key=lambda pick: float(found[pick].var()))
    return np.sort(order[best])


def prefixes(
    rates: Sequence[float],
    tokens: Sequence[int] = (),
    *,
    passed: Sequence[bool] | None = None,
    longest: int | None = 10_000,
) -> list[int]:
    """Before which turns an episode is cut, from 0: nothing that is done already, and nothing too long.

    Args:
        rates: Pass rate behind each turn.
        tokens: Tokens of the prompt of each turn, where known.
        passed: Whether each turn passed the public tests; by default, whether it was perfect.
        longest: Most tokens.
    """
    passes = [rate >= 1.0 for rate in rates] if passed is None else passed
    found: list[int] = []
    for place in range(len(rates)):
        done = sum(passes[:place]) >= 2 or sum(rate >= 1.0 for rate in rates[:place]) >= 2
        if done or (longest is not None and place < len(tokens) and tokens[place] > longest):
            break
        found.append(place)
    return found


def improvement(rate: float, best: float) -> float:
    """The reward of a program by its pass rate and the best one before it, without terms for its form.

    1 where it is perfect. Else 0.2, 0 or -0.1 by its own pass rate; where something passed before, a gain
    adds up to 0.1, and what is no gain is worth `-0.1 + 0.1 (rate - best) / best` instead.
    """
    if rate >= 1.0:
        return 1.0
    base = 0.2 if rate >= 0.5 else 0.0 if rate > 0 else -0.1
    if best <= 0:
        return base
    if rate > best:
        return base + 0.1 * (rate - best) / (1 - best)
    return -0.1 + 0.1 * (rate - best) / best
