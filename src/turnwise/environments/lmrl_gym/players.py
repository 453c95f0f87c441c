"""Players that know their game, in grades of skill: what makes offline data, and what baselines are.

A `Player` keeps nothing between its turns: it recalls the game from the task and all it has seen, so it can
take over a game that somebody else has begun (a fork, a value estimate).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from turnwise.errors import ModelError
from turnwise.message import Message
from turnwise.model import Model, Request, Sample

Known = TypeVar("Known")
Choose: TypeAlias = Callable[[Known, random.Random], str]
"""What to say, from what is known of the game; it may draw."""


class Player(Generic[Known]):
    """Says what `choose` picks, from what `recall` makes of the task and the messages seen so far."""

    remote = False

    def __init__(
        self, name: str, recall: Callable[[Any, Sequence[Message]], Known], choose: Choose[Known]
    ) -> None:
        self.name = name
        self._recall = recall
        self._choose = choose

    async def sample(self, request: Request) -> Sample:
        """The next move.

        Raises:
            ModelError: what it saw is no game it knows.
        """
        rng = random.Random(f"{request.rng_seed}/{request.ordinal}")
        try:
            says = self._choose(self._recall(request.task, request.messages), rng)
        except Exception as error:
            raise ModelError(f"{self.name}: {type(error).__name__}: {error}", kind="script") from error
        return Sample(message=Message(role="assistant", content=says))

    async def close(self) -> None:
        """Nothing to let go of."""


def replies(messages: Sequence[Message]) -> list[str]:
    """What a role has said, from the messages it sees."""
    return [message.text for message in messages if message.role == "assistant"]


def skilled(skill: float, expert: Choose[Known], novice: Choose[Known]) -> Choose[Known]:
    """A player who knows better with probability `skill` a move, and else plays as the novice does."""

    def choose(known: Known, rng: random.Random) -> str:
        return (expert if rng.random() < skill else novice)(known, rng)

    return choose


class Mixed:
    """Somebody else in every episode, drawn by weight: the policy a mixed data set was made with."""

    remote = False

    def __init__(self, name: str, players: Sequence[tuple[float, Model]]) -> None:
        self.name = name
        self._weights = [weight for weight, _ in players]
        self._players = [player for _, player in players]

    async def sample(self, request: Request) -> Sample:
        """What the episode's player says."""
        rng = random.Random(f"{request.rng_seed}/player")
        return await rng.choices(self._players, self._weights)[0].sample(request)

    async def close(self) -> None:
        """Nothing to let go of."""
        for player in self._players:
            await player.close()
