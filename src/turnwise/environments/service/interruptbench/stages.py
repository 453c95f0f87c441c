"""From one stage to the next: an errand with the actions of an earlier run, and where it is interrupted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from turnwise.agents.users.interruption import halves, point
from turnwise.environments.service.interruptbench.rows import Errand
from turnwise.errors import TaskError


def staged(errand: Errand, actions: Sequence[str], share: float = 0.6) -> Errand:
    """The errand, interrupted after a share of what the baseline did; all updates come at once.

    Args:
        errand: As the baseline played it.
        actions: All its actions.
        share: From 0 to 1; published are 0.2, 0.4, 0.6 and 0.8.
    """
    return msgspec.structs.replace(
        errand, prefix=tuple(actions), at=point(len(actions), share), told=(), brings=None
    )


def chained(errand: Errand, actions: Sequence[str]) -> Errand:
    """The errand of the next stage: half-way through what followed the interruption before, the next update.

    Args:
        errand: As the stage before played it; the baseline is stage 0.
        actions: All actions of that stage, what it replayed included.

    Raises:
        TaskError: every update was brought by now.
    """
    first = errand.at is None
    told = () if first or errand.at is None else (*errand.told, errand.at)
    if len(told) >= len(errand.updates):
        raise TaskError(f"interruptbench task {errand.id!r}: all {len(errand.updates)} updates were brought")
    return msgspec.structs.replace(
        errand, prefix=tuple(actions), at=halves(len(actions), told[-1] if told else 0), told=told, brings=1
    )
