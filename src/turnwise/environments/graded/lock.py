"""A combination lock: each digit must be found before the next, and a wrong one starts over.

The combination lock is a standard hard case of exploration (Kakade, "On the sample complexity of
reinforcement learning", 2003, section 2.4): a random player opens one of `horizon` digits out of `digits`
with probability `digits ** -horizon`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Any, ClassVar, Literal

from turnwise.action import Menu
from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError

OPEN, NEXT, SHUT = Cell("*", "#14532d", "#86efac"), Cell("?", "#78350f", "#fde68a"), Cell(".", "#475569")


class LockWorld(World):
    """One lock and how far it is open."""

    def __init__(self, combination: tuple[int, ...], digits: int, wrong: Literal["reset", "stay"]) -> None:
        self.combination = combination
        self.digits = digits
        self.wrong = wrong
        self.found = 0
        self._menu = Menu.of([str(digit) for digit in range(digits)])
        self._says = (
            f"A lock has {len(combination)} wheels, each with the digits 0 to {digits - 1}. Reply with one "
            f"digit. The right one for the current wheel opens it; a wrong one "
            f"{'shuts all wheels again' if wrong == 'reset' else 'changes nothing'}. Wheels open: 0."
        )

    def observe(self) -> str:
        """Rules at first, then how many wheels are open."""
        return self._says

    def actions(self) -> Menu:
        """The digits."""
        return self._menu

    def key(self) -> str:
        """Open wheels."""
        return str(self.found)

    def step(self, reply: str) -> Step:
        """Try a digit."""
        text = reply.strip()
        if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < self.digits):
            self._says = f"Reply with one digit from 0 to {self.digits - 1}. Wheels open: {self.found}."
            return Step(valid=False)
        right = int(text) == self.combination[self.found]
        if right:
            self.found += 1
        elif self.wrong == "reset":
            self.found = 0
        self._says = f"{'Right' if right else 'Wrong'}. Wheels open: {self.found}."
        if self.found == len(self.combination):
            self.over, self.outcome = True, "opened"
            return Step((Gain(1.0),))
        return Step()

    def picture(self) -> Board:
        """The wheels."""
        wheels = len(self.combination)
        row = (OPEN,) * self.found + ((NEXT,) if self.found < wheels else ())
        return Board((row + (SHUT,) * (wheels - len(row)),), caption=f"{self.found} of {wheels} open")


class Lock(WorldEnvironment, kw_only=True, frozen=True):
    """Open a lock digit by digit; reward 1 when it is open."""

    name: ClassVar[str] = "lock"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    horizon: int = 5
    """Wheels; the fewest turns a player needs that knows the digits."""
    digits: int = 3
    wrong: Literal["reset", "stay"] = "stay"
    """What a wrong digit does."""
    slack: float = 3.0
    """An episode may take `slack * horizon` turns."""

    def __post_init__(self) -> None:
        if not (1 <= self.horizon <= 1000 and 2 <= self.digits <= 10 and self.slack >= 1):
            raise ConfigError(
                f"lock: expected horizon 1-1000, digits 2-10, slack >= 1, got {self.settings()}"
            )

    @property
    def reward_range(self) -> tuple[float, float]:
        """Nothing, or 1 when it is open."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `slack`."""
        return int(self.slack * self.horizon)

    def world(self, task: WorldTask, rng: random.Random) -> LockWorld:
        """The lock of `task`."""
        return LockWorld(self._combination(task), self.digits, self.wrong)

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` knows the combination; `search` finds it digit by digit; `random` draws digits."""

        def solver(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            for digit in self._combination(task):
                yield str(digit)

        def search(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            known: list[int] = []
            place = guess = 0
            yield
            while True:
                said = yield str(known[place] if place < len(known) else guess)
                if said.text.startswith("Right"):
                    if place == len(known):
                        known.append(guess)
                        guess = 0
                    place += 1
                else:
                    guess += 1
                    place = 0 if self.wrong == "reset" else place

        return {"solver": solver, "search": search, "random": RandomLegal()}

    def _combination(self, task: WorldTask) -> tuple[int, ...]:
        draw = random.Random(task.seed)
        return tuple(draw.randrange(self.digits) for _ in range(self.horizon))
