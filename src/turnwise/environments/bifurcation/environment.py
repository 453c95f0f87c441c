"""Bifurcation-k: a long way with forks, of which only k decide whether one arrives; exact credit is known.

Trees stand at the forks. Some kinds always say which way is right and how much it counts, the same in every
task, so that it can be learnt; the others say nothing. Only the end of the way is rewarded.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator, Iterable
from itertools import accumulate
from typing import Any, ClassVar, Literal, TypeAlias

from turnwise.action import Menu
from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.bifurcation.branches import Branches, totals
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError, TaskError
from turnwise.log import Turn

Family: TypeAlias = Literal["credits", "counterfactual", "shapley"]

WAYS = ("left", "right")
"""Answers -1 and +1."""
SIGNS = {-3: "an alder", -2: "a fir", -1: "an ash", 1: "an elm", 2: "an oak", 3: "a cedar"}
"""Trees at decisive forks, by weight: right of an oak one comes two steps nearer, left of it two away."""
PLAIN = ("a birch", "a yew", "a willow", "a maple")
"""Trees at forks that decide nothing."""

_MENU = Menu.of(WAYS)
_WIDTH = 25
_AHEAD = Cell("?", "#475569", "#e2e8f0")
_NEAR, _AWAY, _EQUAL = ("#14532d", "#86efac"), ("#7f1d1d", "#fca5a5"), ("#475569", "#f8fafc")


class BifurcationTask(WorldTask, frozen=True, kw_only=True):
    """A way; what is not given is drawn from the seed.

    Raises:
        TaskError: a weight is not from -3 to 3.
    """

    seed: int = 0
    weights: tuple[int, ...] = ()
    """Of the forks; 0 decides nothing."""
    threshold: int | None = None
    """The sum needed to arrive."""

    def __post_init__(self) -> None:
        if any(abs(weight) > 3 for weight in self.weights):
            raise TaskError(f"task {self.id!r}: expected weights from -3 to 3, got {list(self.weights)}")


def answer(reply: str) -> int | None:
    """The way a reply takes: -1 for left, 1 for right (the last that is named), None for neither."""
    named = re.findall(r"\b(left|right)\b", reply, re.IGNORECASE | re.ASCII)
    return None if not named else 1 if named[-1].lower() == "right" else -1


class BifurcationWorld(World):
    """One way, and how far it was gone."""

    def __init__(self, branches: Branches, trees: tuple[str, ...]) -> None:
        self.branches = branches
        self.trees = trees
        self.answers: list[int] = []
        self.total = 0
        self._says = (
            f"You walk through a wood. There are {len(trees)} forks; what you choose at some of them decides "
            f"whether you arrive. Reply left or right at each. {self._fork()}"
        )

    def _fork(self) -> str:
        place = len(self.answers)
        return f"Fork {place + 1} of {len(self.trees)}: at it stands {self.trees[place]}."

    def observe(self) -> str:
        """The rules at first, then the next fork."""
        return self._says

    def actions(self) -> Menu:
        """Left and right."""
        return _MENU

    def key(self) -> str:
        """The fork, and the sum so far."""
        return f"{len(self.answers)} {self.total}"

    def step(self, reply: str) -> Step:
        """Take a way."""
        way = answer(reply)
        if way is None:
            self._says = f"Reply left or right. {self._fork()}"
            return Step(valid=False)
        self.total += way * self.branches.weights[len(self.answers)]
        self.answers.append(way)
        if len(self.answers) < len(self.trees):
            self._says = self._fork()
            return Step()
        arrived = self.total >= self.branches.threshold
        self.over, self.outcome = True, "arrived" if arrived else "lost"
        return Step((Gain(float(arrived)),))

    def closing(self) -> str | None:
        """How it ended."""
        return {"arrived": "You have arrived.", "lost": "You are lost."}.get(self.outcome or "")

    def picture(self) -> Board:
        """The forks: green led nearer, red away, white nowhere."""
        gone = [
            Cell("<>"[way > 0], *(_NEAR if way * weight > 0 else _AWAY if weight else _EQUAL))
            for way, weight in zip(self.answers, self.branches.weights, strict=False)
        ]
        cells = (*gone, *[_AHEAD] * (len(self.trees) - len(gone)))
        width = min(_WIDTH, len(cells))
        cells += (Cell(),) * (-len(cells) % width)
        rows = tuple(cells[first : first + width] for first in range(0, len(cells), width))
        return Board(rows, caption=self.outcome or f"{self.total} of {self.branches.threshold}")


class Bifurcation(WorldEnvironment, kw_only=True, frozen=True):
    """Choose ways; few of the turns decide, and what each was worth is known exactly (`exact_credits`)."""

    name: ClassVar[str] = "bifurcation"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)
    task_type: ClassVar[type[WorldTask]] = BifurcationTask

    horizon: int = 8
    """Forks on a way."""
    decisive: int = 3
    """How many of them decide (k)."""
    chance: float = 0.375
    """About how often a player arrives that draws ways; the threshold follows."""

    def __post_init__(self) -> None:
        if not (1 <= self.decisive <= self.horizon <= 1000 and 0 < self.chance < 1):
            raise ConfigError(
                f"bifurcation: expected 1 <= decisive <= horizon <= 1000 and 0 < chance < 1, "
                f"got {self.settings()}"
            )

    @property
    def spoilers(self) -> bool:
        """Pictures show what each way was worth."""
        return True

    @property
    def reward_range(self) -> tuple[float, float]:
        """1 for arriving."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """Twice the forks: a reply that is no way costs one."""
        return 2 * self.horizon

    def tasks(self) -> list[BifurcationTask]:
        """`count` seeds of the split."""
        seeds = [task for task in super().tasks() if isinstance(task, WorldTask)]
        return [BifurcationTask(id=task.id, seed=task.seed) for task in seeds]

    def branches(self, task: BifurcationTask, right: float = 0.5) -> Branches:
        """The exact values of `task` under a policy that goes right with probability `right`."""
        if len(task.weights) > self.horizon:
            raise TaskError(
                f"task {task.id!r}: {len(task.weights)} weights; expected at most horizon = {self.horizon}"
            )
        weights = task.weights or self._weights(random.Random(task.seed))
        threshold = self._threshold(weights) if task.threshold is None else task.threshold
        return Branches(weights, threshold, right)

    def _threshold(self, weights: tuple[int, ...]) -> int:
        """The one whose chance is nearest; not the least sum, which everybody reaches."""
        sums = sorted(totals(weights).items(), reverse=True)
        chances = accumulate(chance for _, chance in sums)
        near = [(abs(chance - self.chance), total) for (total, _), chance in zip(sums, chances, strict=True)]
        return min(near[:-1] or near)[1]

    def _weights(self, rng: random.Random) -> tuple[int, ...]:
        places = set(rng.sample(range(self.horizon), self.decisive))
        return tuple(rng.choice((-2, -1, 1, 2)) if place in places else 0 for place in range(self.horizon))

    def world(self, task: BifurcationTask, rng: random.Random) -> BifurcationWorld:
        """The way of `task`."""
        branches, draw = self.branches(task), random.Random(f"trees {task.seed}")
        trees = tuple(SIGNS.get(weight) or draw.choice(PLAIN) for weight in branches.weights)
        return BifurcationWorld(branches, trees)

    def exact_credits(
        self, task: BifurcationTask, turns: Iterable[Turn], family: Family = "credits", right: float = 0.5
    ) -> dict[int, float]:
        """What each of the agent's turns was worth, by the turn's index.

        Args:
            task: The task that was played.
            turns: Of its episode or its log.
            family: The method of `Branches` that says so; all but `credits` need a whole way.
            right: Probability of going right, of the policy that the others' answers are left to.

        Returns:
            A credit for each turn of the agent; 0 where it named no way and so changed nothing.
        """
        said = [(turn.index, answer(turn.text)) for turn in turns if turn.role == self.roles[0]]
        ways = [way for _, way in said if way is not None]
        branches = self.branches(task, right)
        of = {
            "credits": branches.credits,
            "counterfactual": branches.counterfactual,
            "shapley": branches.shapley,
        }
        worth = iter(of[family](ways))
        return {index: 0.0 if way is None else next(worth) for index, way in said}

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` knows the trees; `random` is the even policy that exact credits are about by default."""

        def solver(task: BifurcationTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            for weight in self.branches(task).weights:
                yield WAYS[weight > 0]

        return {"solver": solver, "random": RandomLegal()}
