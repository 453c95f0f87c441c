"""Guess a number from hints: the smallest world there is; by `horizon` it grows to any number of turns."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from typing import Any, ClassVar

from turnwise.environment import Capabilities
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment
from turnwise.errors import ConfigError
from turnwise.task import Task

_WIDTH = 50
_OUT, _OPEN, _TRIED = Cell(" ", paper="#e2e8f0"), Cell(" ", paper="#86efac"), Cell("|", paper="#fde68a")


class NumberGuessWorld(World):
    """A secret number, and what is known of it."""

    def __init__(self, secret: int, low: int, high: int) -> None:
        self.secret = secret
        self.range = (low, high)
        self.left = (low, high)
        self.guesses = 0
        self.last: int | None = None
        self._says = f"I think of a whole number from {low} to {high}. Guess it: answer with one number."

    def observe(self) -> str:
        """The rules at first, then a hint."""
        return self._says

    def key(self) -> str:
        """What is left."""
        return f"{self.left[0]}-{self.left[1]}"

    def step(self, reply: str) -> Step:
        """Take the last number of a reply for the guess."""
        self.guesses += 1
        if not (numbers := re.findall(r"-?\d{1,400}", reply)):
            self._says = "I see no number. Answer with one whole number."
            return Step(valid=False)
        self.last = guess = int(numbers[-1])
        low, high = self.left
        if guess == self.secret:
            self.left = (guess, guess)
            self.over, self.outcome = True, "correct"
            return Step((Gain(1.0, "correct"),))
        if guess < self.secret:
            self._says, self.left = "higher", (max(low, guess + 1), high)
        else:
            self._says, self.left = "lower", (low, min(high, guess - 1))
        return Step()

    def metrics(self) -> dict[str, float]:
        """Guesses, those that were no number included."""
        return {"guesses": self.guesses}

    def picture(self) -> Board:
        """The range as a line: what is left, and the last guess."""
        low, high = self.range
        width = min(_WIDTH, high - low + 1)
        first, last = (self._place(number, width) for number in self.left)
        row = [_OPEN if first <= place <= last else _OUT for place in range(width)]
        if self.last is not None and low <= self.last <= high:
            row[self._place(self.last, width)] = _TRIED
        return Board((tuple(row),), f"{low} to {high}", f"left: {self.left[0]} to {self.left[1]}")

    def _place(self, number: int, width: int) -> int:
        return (number - self.range[0]) * width // (self.range[1] - self.range[0] + 1)


class NumberGuess(WorldEnvironment, kw_only=True, frozen=True):
    """Guess a whole number; each wrong reply is answered with a hint and costs a turn."""

    name: ClassVar[str] = "number_guess"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True)
    task_type: ClassVar[type[Task]] = Task

    low: int = 1
    high: int = 100
    max_turns: int = 10
    horizon: int | None = None
    """Guesses that are enough when each halves what is left; instead of `high` and `max_turns`, which follow:
    `2 ** horizon - 1` numbers, and twice the horizon."""

    def __post_init__(self) -> None:
        if self.low > self.high or self.max_turns < 1:
            raise ConfigError(f"number_guess: expected low <= high and max_turns >= 1, got {self.settings()}")
        if self.horizon is not None and not 1 <= self.horizon <= 1000:
            raise ConfigError(f"number_guess: expected horizon 1-1000, got {self.horizon}")

    @property
    def reward_range(self) -> tuple[float, float]:
        """1 for the number."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `max_turns` and `horizon`."""
        return self.max_turns if self.horizon is None else 2 * self.horizon

    @property
    def highest(self) -> int:
        """The highest number that can be the secret."""
        return self.high if self.horizon is None else self.low + 2**self.horizon - 2

    def tasks(self) -> list[Task]:
        """Numbers to guess; which, follows from the id of a task."""
        prefix = "train-" if self.split == "train" else ""
        return [Task(id=f"{prefix}{number}") for number in range(self.count)]

    def secret(self, task: Task) -> int:
        """The number of `task`, any task at all."""
        return random.Random(f"number {task.id}").randint(self.low, self.highest)

    def world(self, task: Task, rng: random.Random) -> NumberGuessWorld:
        """The number of `task`, to be guessed."""
        return NumberGuessWorld(self.secret(task), self.low, self.highest)

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` halves what is left: 7 guesses are enough for 100 numbers. `random` guesses blindly."""

        def solver(task: Task, rng: random.Random) -> Generator[str | None, Any, None]:
            low, high = self.low, self.highest
            yield
            while True:
                hint = yield str(guess := (low + high) // 2)
                low, high = (guess + 1, high) if hint.text == "higher" else (low, guess - 1)

        def blind(task: Task, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            while True:
                yield str(rng.randint(self.low, self.highest))

        return {"solver": solver, "random": blind}
