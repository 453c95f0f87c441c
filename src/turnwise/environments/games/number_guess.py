"""Guess a number from hints: the smallest environment there is, and the example in the documentation."""

import random
import re
from collections.abc import Callable, Generator
from typing import Any, ClassVar

from turnwise.environment import Capabilities, Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.task import Task


class NumberGuess(Environment, kw_only=True, frozen=True):
    """Guess a whole number; each wrong reply is answered with a hint and costs a turn."""

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)
    low: int = 1
    high: int = 100
    max_turns: int = 10

    def __post_init__(self) -> None:
        if self.low > self.high or self.max_turns < 1:
            raise ConfigError(f"number_guess: expected low <= high and max_turns >= 1, got {self.settings()}")

    def tasks(self) -> list[Task]:
        """A hundred numbers to guess, each drawn when its episode begins."""
        return [Task(id=str(number)) for number in range(100)]

    async def run(self, task: Task, episode: Episode) -> None:
        """Answer guesses until one is right, or the turns are used up."""
        secret = episode.rng.randint(self.low, self.high)
        says = f"I think of a whole number from {self.low} to {self.high}. Guess it: answer with one number."
        for turn in range(1, self.max_turns + 1):
            reply = await episode.agent.respond(says)
            episode.metric("guesses", turn)
            if not (numbers := re.findall(r"-?\d{1,18}", reply.text)):
                says = "I see no number. Answer with one whole number."
            elif int(numbers[-1]) == secret:
                episode.reward(1, reply, name="correct")
                return
            else:
                says = "higher" if int(numbers[-1]) < secret else "lower"

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` halves what is left: 7 guesses are enough for 100 numbers. `random` guesses blindly."""

        def solver(task: Task, rng: random.Random) -> Generator[str | None, Any, None]:
            low, high = self.low, self.high
            yield
            while True:
                hint = yield str(guess := (low + high) // 2)
                low, high = (guess + 1, high) if hint.text == "higher" else (low, guess - 1)

        def blind(task: Task, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            while True:
                yield str(rng.randint(self.low, self.high))

        return {"solver": solver, "random": blind}
