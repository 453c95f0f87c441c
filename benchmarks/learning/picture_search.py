"""A picture to search in: one of its parts shows a digit, and a look at a part costs a turn.

A world for studies of how long a policy searches. Nothing says how many turns there are, and whoever does not
want to search on may guess.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from typing import Any, ClassVar

from turnwise.environment import Capabilities
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError


class Picture(World):
    """One picture, and what was seen of it."""

    def __init__(self, parts: int, digits: int, place: int, digit: int) -> None:
        self.parts = parts
        self.place = place
        self.digit = digit
        self.looks = 0
        self.seen = False
        self._says = (
            f"One of {parts} parts of a picture shows a digit from 1 to {digits}. "
            f"Say zoom and a part, or answer and the digit."
        )

    def observe(self) -> str:
        """The rules at first, then what a part shows."""
        return self._says

    def key(self) -> str:
        """Whether the digit was seen: what else was is not kept."""
        return str(self.seen)

    def step(self, reply: str) -> Step:
        """Look at a part, or take an answer."""
        said = re.fullmatch(r"(zoom|answer) (\d{1,3})", reply.strip(), re.ASCII)
        if said is None:
            self._says = "Say zoom and a part, or answer and the digit."
            return Step(valid=False)
        number = int(said[2])
        if said[1] == "answer":
            self.over, self.outcome = True, "right" if number == self.digit else "wrong"
            return Step((Gain(float(number == self.digit), "right"),))
        self.looks += 1
        found = number == self.place
        self.seen = self.seen or found
        self._says = f"digit {self.digit}" if found else "nothing"
        return Step()

    def metrics(self) -> dict[str, float]:
        """Looks, and whether the digit was among what they showed."""
        return {"looks": self.looks, "seen": self.seen}


class PictureSearch(WorldEnvironment, kw_only=True, frozen=True):
    """Find a digit in a picture, and say which it is; reward 1 for the right one."""

    name: ClassVar[str] = "picture_search"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    parts: int = 16
    digits: int = 6
    max_turns: int = 6
    """Replies, the answer among them."""

    def __post_init__(self) -> None:
        if not (1 <= self.parts <= 999 and 1 <= self.digits <= 9 and self.max_turns >= 1):
            raise ConfigError(
                f"picture_search: expected parts 1-999, digits 1-9, max_turns >= 1, got {self.settings()}"
            )

    @property
    def reward_range(self) -> tuple[float, float]:
        """1 for the right digit."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `max_turns`."""
        return self.max_turns

    def hidden(self, task: WorldTask) -> tuple[int, int]:
        """The part and the digit of a task."""
        draw = random.Random(f"picture {task.seed}")
        return draw.randint(1, self.parts), draw.randint(1, self.digits)

    def world(self, task: WorldTask, rng: random.Random) -> Picture:
        """The picture of `task`, of which nothing is known."""
        return Picture(self.parts, self.digits, *self.hidden(task))

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` knows where to look; `random` guesses at once."""

        def solver(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            place, digit = self.hidden(task)
            yield
            yield f"zoom {place}"
            yield f"answer {digit}"

        def guess(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            yield f"answer {rng.randint(1, self.digits)}"

        return {"solver": solver, "random": guess}
