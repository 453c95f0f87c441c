"""EARL's tasks with hidden values: compare two items, put items in a known order, and sort them."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from itertools import pairwise
from typing import Any, ClassVar, Literal

from msgspec import structs

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.earl.items import LETTERS, Answer, Check, Compare, Done, Swap
from turnwise.environments.earl.items_world import Hidden, ItemsTask, ItemsWorld
from turnwise.environments.earl.merge_insertion import merge_insertion
from turnwise.environments.earl.rewards import (
    fewest_comparisons,
    fewest_swaps,
    sort_efficiency,
    swap_efficiency,
)
from turnwise.environments.parts.world import WorldEnvironment, WorldTask
from turnwise.errors import ConfigError


class _Items(WorldEnvironment, kw_only=True, frozen=True):
    """What the three share."""

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)
    task_type: ClassVar[type[WorldTask]] = ItemsTask

    variant: Literal["published", "corrected"] = "corrected"
    """`published` offers all letters A to E, also those that stand for nothing; for what else see `Sort`."""
    turns: int = 30
    """Replies an episode may have."""

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ConfigError(f"{self.name}: expected turns >= 1, got {self.turns}")

    @property
    def spoilers(self) -> bool:
        """Pictures show the hidden values."""
        return True

    @property
    def reward_range(self) -> tuple[float, float]:
        """Half for the result, half for efficiency."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `turns`."""
        return self.turns

    def tasks(self) -> list[ItemsTask]:
        """`count` seeds of the split."""
        return [
            ItemsTask(id=task.id, seed=task.seed) for task in super().tasks() if isinstance(task, WorldTask)
        ]

    def letters(self, hidden: Hidden) -> str:
        """The letters that can be chosen."""
        return LETTERS if self.variant == "published" else "".join(hidden.values)


class _Row(_Items, kw_only=True, frozen=True):
    """Items in a row that are to be brought into an order."""

    weights: ClassVar[dict[str, dict[int, float]]] = {}
    """How often there are how many items, by split."""

    items: int | None = None
    """How many; None draws it as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.items not in (None, 2, 3, 4, 5):
            raise ConfigError(f"{self.name}: expected items 2-5, got {self.items}")

    def hidden(self, task: ItemsTask) -> Hidden:
        """The items of `task`."""
        rng = random.Random(task.seed)
        chances = self.weights[self.split]
        size = self.items or rng.choices(list(chances), list(chances.values()))[0]
        values = list(task.values) or rng.sample(range(size), size)
        down = rng.random() < 0.5
        return Hidden(
            dict(zip(LETTERS, values, strict=False)), down if task.descending is None else task.descending
        )


class Sort(_Row, kw_only=True, frozen=True):
    """Sort items by comparing and swapping, with few of both.

    The published rule takes whoever needed fewer comparisons than `C_min` for a guesser and pays no
    efficiency, though merge insertion is rightly done with 4 for a third of all orders of four items; and it
    pays for five comparisons of the same two. Corrected, efficiency is paid where the comparisons prove the
    order.
    """

    name: ClassVar[str] = "earl_sort"
    weights: ClassVar[dict[str, dict[int, float]]] = {
        "train": {2: 0.1, 3: 0.2, 4: 0.3, 5: 0.4},
        "test": {4: 0.5, 5: 0.5},
    }

    check: bool = False
    """Offer the tool that tells whether a hidden value is negative, positive, even or odd."""

    def world(self, task: ItemsTask, rng: random.Random) -> ItemsWorld:
        """The items of `task`."""
        hidden = self.hidden(task)
        letters = self.letters(hidden)
        tools = [Compare(letters), Swap(letters), Done(), *([Check(letters)] if self.check else [])]
        return ItemsWorld(hidden, tools, self._rules(hidden), self._pay)

    def _rules(self, hidden: Hidden) -> str:
        order = "descending" if hidden.descending else "ascending"
        check = "; `check if A is even` (odd, negative, positive) tells whether it is" if self.check else ""
        return (
            f"Bring these items into {order} order: {', '.join(hidden.values)}. Their values are hidden. One "
            "call a reply: `compare A and B` tells which is larger (A > B); `swap A and B` exchanges their "
            f"places and tells the new sequence (B, A){check}; `done` hands the sequence in. Use as few "
            "comparisons and swaps as you can."
        )

    def _pay(self, world: ItemsWorld, answer: str) -> tuple[bool, float]:
        size, compares = len(world.row), world.calls.get("compare", 0)
        published = self.variant == "published"
        enough = compares >= fewest_comparisons(size) if published else world.proved()
        fewest = fewest_swaps(world.first, world.hidden.goal)
        swaps = world.calls.get("swap", 0)
        return world.row == world.hidden.goal, sort_efficiency(size, fewest, compares, swaps, enough)

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`merge_insertion` makes no comparison it need not; `solver` makes those for which it is paid, too
        (of use with the published rule only); `random` calls anything.
        """

        def player(task: ItemsTask, pad: bool) -> Generator[str | None, Any, None]:
            hidden = self.hidden(task)
            row, sorting = list(hidden.values), merge_insertion(list(hidden.values))
            yield
            asked, less = 0, None
            while True:
                try:
                    a, b = next(sorting) if less is None else sorting.send(less)
                except StopIteration as sorted_now:
                    found: list[str] = sorted_now.value
                    break
                said = yield f" compare {a} and {b}"
                asked, less = asked + 1, said.text == f"{a} < {b}"
            for _ in range(fewest_comparisons(len(row)) - asked if pad else 0):
                yield f" compare {row[0]} and {row[1]}"
            for a, b in swaps(row, found[::-1] if hidden.descending else found):
                yield f" swap {a} and {b}"
            yield "done"

        def merging(task: ItemsTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield from player(task, pad=False)

        def solver(task: ItemsTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield from player(task, pad=self.variant == "published")

        return {"solver": solver, "merge_insertion": merging, "random": RandomLegal()}


class Order(_Row, kw_only=True, frozen=True):
    """Bring items into an order that follows from what is told of pairs, with few swaps."""

    name: ClassVar[str] = "earl_order"
    weights: ClassVar[dict[str, dict[int, float]]] = {
        "train": {2: 0.3, 3: 0.3, 4: 0.2, 5: 0.2},
        "test": {2: 0.3, 3: 0.3, 4: 0.2, 5: 0.2},
    }

    def hidden(self, task: ItemsTask) -> Hidden:
        """Items that do not stand right yet; all neighbours are told of, and up to n - 2 pairs more."""
        rng = random.Random(f"order {task.seed}")
        seed = task.seed
        while True:
            hidden = super().hidden(structs.replace(task, seed=seed))
            if hidden.goal != list(hidden.values) or task.values:
                return hidden._replace(conditions=_conditions(hidden, rng))
            seed = rng.getrandbits(40)

    def world(self, task: ItemsTask, rng: random.Random) -> ItemsWorld:
        """The items of `task`."""
        hidden = self.hidden(task)
        order = "descending" if hidden.descending else "ascending"
        rules = (
            f"Bring these items into {order} order: {', '.join(hidden.values)}. You know of them: "
            f"{', '.join(hidden.conditions)}. One call a reply: `swap A and B` exchanges their places and "
            "tells the new sequence (B, A); `done` hands the sequence in. Use as few swaps as you can."
        )
        return ItemsWorld(hidden, (Swap(self.letters(hidden)), Done()), rules, self._pay)

    def _pay(self, world: ItemsWorld, answer: str) -> tuple[bool, float]:
        fewest = fewest_swaps(world.first, world.hidden.goal)
        efficiency = swap_efficiency(len(world.row), fewest, world.calls.get("swap", 0))
        return world.row == world.hidden.goal, efficiency

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` makes the fewest swaps; `random` swaps anything."""

        def solver(task: ItemsTask, rng: random.Random) -> Generator[str | None, Any, None]:
            hidden = self.hidden(task)
            yield
            for a, b in swaps(list(hidden.values), hidden.goal):
                yield f" swap {a} and {b}"
            yield "done"

        return {"solver": solver, "random": RandomLegal()}


class CompareTwo(_Items, kw_only=True, frozen=True):
    """Say which of two items is larger, after exactly one comparison."""

    name: ClassVar[str] = "earl_compare"

    answer_actions: bool = True
    """Offer the answer as actions, too. The paper's policies can only write it."""

    def hidden(self, task: ItemsTask) -> Hidden:
        """Two of the letters A to E."""
        rng = random.Random(task.seed)
        values = task.values[:2] or rng.sample(range(2), 2)
        return Hidden(dict(zip(rng.sample(LETTERS, 2), values, strict=True)), descending=False)

    def world(self, task: ItemsTask, rng: random.Random) -> ItemsWorld:
        """The items of `task`."""
        hidden = self.hidden(task)
        letters = self.letters(hidden)
        rules = (
            f"Which is larger: {' or '.join(hidden.values)}? Their values are hidden. One call a reply: "
            "`compare A and B` tells (A > B). Then answer like this: <answer> A > B </answer>."
        )
        tools = (Compare(letters), Answer(letters))
        return ItemsWorld(hidden, tools, rules, _pay_compare, tools if self.answer_actions else tools[:1])

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` compares once; `random` compares and answers anything."""

        def solver(task: ItemsTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            said = yield f" compare {' and '.join(self.hidden(task).values)}"
            yield f"<answer> {said.text} </answer>"

        return {"solver": solver, "random": RandomLegal()}


def _pay_compare(world: ItemsWorld, answer: str) -> tuple[bool, float]:
    a, b = world.row
    right = {world.hidden.relation(a, b).replace(" ", ""), world.hidden.relation(b, a).replace(" ", "")}
    return answer.replace(" ", "") in right, float(sum(world.calls.values()) == 1)


def _conditions(hidden: Hidden, rng: random.Random) -> tuple[str, ...]:
    """Each two neighbours in the order, and up to n - 2 other pairs, shuffled and turned round at random."""
    goal = hidden.goal
    told = list(pairwise(goal))
    others = [(a, b) for i, a in enumerate(goal) for b in goal[i + 2 :]]
    told += rng.sample(others, min(len(others), rng.randint(0, len(goal) - 2)))
    rng.shuffle(told)
    return tuple(hidden.relation(a, b) if rng.random() < 0.5 else hidden.relation(b, a) for a, b in told)


def swaps(row: list[str], goal: list[str]) -> list[tuple[str, str]]:
    """The fewest swaps that turn `row` into `goal`."""
    row, made = list(row), list[tuple[str, str]]()
    for place, wanted in enumerate(goal):
        if (here := row[place]) != wanted:
            row[row.index(wanted)], row[place] = here, wanted
            made.append((here, wanted))
    return made
