"""A number to come to by small moves: after each, it is told how far it still is, and which way.

A world for studies of improving step by step. A move is paid by how much nearer it comes: every turn has a
reward of its own, and an episode earns the share of the way that it went.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from typing import Any, ClassVar

from turnwise.environment import Capabilities
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError


class Way(World):
    """How far it is."""

    def __init__(self, distance: int, longest: int) -> None:
        self.distance = distance
        self.longest = longest
        self.moves = 0
        self.wasted = 0
        self._begun = abs(distance)
        self._paid = 0.0

    def observe(self) -> str:
        """The distance, with its sign."""
        return f"{self.distance:+d}"

    def key(self) -> str:
        """The distance."""
        return str(self.distance)

    def step(self, reply: str) -> Step:
        """Move; what is no move counts as one that goes a step the wrong way."""
        self.moves += 1
        said = re.fullmatch(r"[+-]\d{1,3}", reply.strip(), re.ASCII)
        valid = said is not None and abs(int(said[0])) <= self.longest
        before = abs(self.distance)
        if said is not None and valid:
            self.distance -= int(said[0])
        else:
            self.distance += 1 if self.distance > 0 else -1
        self.wasted += abs(self.distance) >= before
        self.over = self.distance == 0
        # What is left when it is there, so that the whole way is worth exactly 1.
        gain = 1.0 - self._paid if self.over else (before - abs(self.distance)) / self._begun
        self._paid += gain
        if self.over:
            self.outcome = "there"
        return Step((Gain(gain, "nearer"),), valid=valid)

    def metrics(self) -> dict[str, float]:
        """Moves, and those that came no nearer."""
        return {"moves": self.moves, "wasted": self.wasted}


class Approach(WorldEnvironment, kw_only=True, frozen=True):
    """Come to a number by moves of at most `longest`; the whole way is worth 1."""

    name: ClassVar[str] = "approach"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True)

    nearest: int = 6
    farthest: int = 12
    """How far the number can be at the beginning, in both directions."""
    longest: int = 3
    max_turns: int = 6

    def __post_init__(self) -> None:
        if not (1 <= self.nearest <= self.farthest <= 99 and self.longest >= 1 and self.max_turns >= 1):
            raise ConfigError(
                f"approach: expected 1 <= nearest <= farthest <= 99, longest and max_turns >= 1, got "
                f"{self.settings()}"
            )

    @property
    def reward_range(self) -> tuple[float, float]:
        """As far the wrong way as it can go; there."""
        return (-self.longest * self.max_turns / self.nearest, 1.0)

    @property
    def max_replies(self) -> int:
        """See `max_turns`."""
        return self.max_turns

    def distance(self, task: WorldTask) -> int:
        """How far it is at the beginning."""
        draw = random.Random(f"approach {task.seed}")
        return draw.choice((-1, 1)) * draw.randint(self.nearest, self.farthest)

    def world(self, task: WorldTask, rng: random.Random) -> Way:
        """The way of `task`."""
        return Way(self.distance(task), self.longest)

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` goes as far as it can; `random` anywhere; `careless` now and then the right way."""

        def solver(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            said = yield
            while True:
                left = int(said.text)
                said = yield f"{max(-self.longest, min(self.longest, left)):+d}"

        def anywhere(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            while True:
                yield f"{rng.choice((-1, 1)) * rng.randint(1, self.longest):+d}"

        def careless(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            said = yield
            while True:
                way = 1 if int(said.text) > 0 else -1
                way = way if rng.random() < 0.3 else rng.choice((-1, 1))
                said = yield f"{way * rng.randint(1, self.longest):+d}"

        return {"solver": solver, "random": anywhere, "careless": careless}
