"""A player that does anything legal, at random, wherever an environment offers its actions."""

from __future__ import annotations

import random

from turnwise.errors import ModelError
from turnwise.message import Message
from turnwise.model import Request, Sample


class RandomLegal:
    """Draws one legal action after the other until the reply is complete; never writes free text.

    A draw follows from the role's seed and the number of the call alone, so the player keeps nothing.
    """

    name = "random"
    remote = False

    async def sample(self, request: Request) -> Sample:
        """A legal reply.

        Raises:
            ModelError: the environment offers no actions.
        """
        space = request.actions
        if space is None:
            raise ModelError("random: the environment offers no actions to draw from", kind="script")
        rng = random.Random(f"{request.rng_seed}/{request.ordinal}")
        chosen: list[int] = []
        while offered := space.offer(chosen).actions:
            chosen.append(rng.choice(offered).id)
        return Sample(message=Message(role="assistant", content=space.render(chosen)))

    async def close(self) -> None:
        """Nothing to let go of."""
