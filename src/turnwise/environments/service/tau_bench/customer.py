"""A customer who needs no model: says what the instruction says, piece by piece, agrees, and leaves."""

from __future__ import annotations

import random
from collections.abc import Generator

from turnwise.agents.users.piecewise import first_person, piecewise
from turnwise.environments.service.tau_bench.rows import TauTask
from turnwise.message import Message


def customer(task: TauTask, rng: random.Random) -> Generator[str | None, Message, None]:
    """The customer of one task."""
    yield from piecewise([first_person(piece) for piece in task.says])
