"""Players that know the way: one that wastes nothing, and one that bumps into walls as often as it moves."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from turnwise.environments.parts.several import Game

if TYPE_CHECKING:
    from turnwise.environments.wmact.base import WMAct

Player: TypeAlias = Callable[[Any, random.Random], Generator[str | None, Any, None]]


def solver(environment: WMAct) -> Player:
    """Says a plan in as few replies as it fits in: efficacy 1."""

    def play(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
        yield
        yield from _replies(environment, environment.plan(task))

    return play


def bumper(environment: WMAct) -> Player:
    """Says a plan and as many actions that change nothing: efficacy 0.5."""

    def play(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
        yield
        yield from _replies(environment, with_bumps(environment.game(task), environment.plan(task)))

    return play


def with_bumps(game: Game, plan: Sequence[int]) -> list[int]:
    """The plan, with as many actions again that change nothing, all where first there is one."""
    for place, action in enumerate(plan):
        if (idle := idle_action(game)) is not None:
            return [*plan[:place], *[idle] * len(plan), *plan[place:]]
        game.act(action)
    return list(plan)


def idle_action(game: Game) -> int | None:
    """The first action that changes nothing here; None where all do."""
    before = game.state()
    for action in range(len(game.NAMES)):
        trial = copy.copy(game)
        trial.act(action)
        if trial.state() == before:
            return action
    return None


def _replies(environment: WMAct, actions: Sequence[int]) -> Generator[str | None, Any, None]:
    """The actions, as many in each reply as there may be."""
    names, most = environment.puzzle.NAMES, environment.max_actions
    for start in range(0, len(actions), most):
        yield ", ".join(names[action] for action in actions[start : start + most])
