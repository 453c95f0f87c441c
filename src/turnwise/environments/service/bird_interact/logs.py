"""Official logs of episodes (`BIRD-Interact-ADK/examples/*.json`), and their arithmetic done again.

Their rewards count what was granted: in a log of c-Interact, two submissions of one message were both paid
for the same phase (0.7 + 0.7). `granted` pays each phase once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from turnwise.environments.parts.ledger import Budget, Ledger
from turnwise.environments.service.bird_interact.budget import (
    COINS,
    COSTS,
    SUBMIT,
    Interact,
    reward,
    spent_by_submitting,
)
from turnwise.errors import TaskError

_DONE = -1.0
"""The balance that is written where no more calls are heard."""
_SAID = re.compile(r"(?:Phase (?P<solved>[12]) correct!|SQL failed Phase (?P<failed>[12])\.)")


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a tool."""

    tool: str
    result: str
    cost: float | None = None
    budget_before: float | None = None
    budget_after: float | None = None


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """An episode."""

    task_id: str
    total_reward: float
    tool_trajectory: list[Called]

    @property
    def submissions(self) -> list[str]:
        """What was said of each."""
        return [call.result for call in self.tool_trajectory if call.tool == SUBMIT]


class _File(msgspec.Struct, frozen=True):
    samples: list[Logged]


def read(path: str | Path) -> list[Logged]:
    """The episodes of an official file.

    Raises:
        TaskError: the file is not there, or of another form.
    """
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=_File).samples
    except (OSError, msgspec.MsgspecError) as error:
        raise TaskError(
            f"{path}: expected an object with samples and their tool_trajectory: {error}"
        ) from None


def balances(calls: Iterable[str], coins: float) -> list[tuple[float, float]]:
    """What was left before and after each call, by the names of the tools; -1 after the last submission.

    Args:
        calls: Those that were heard: refused ones are not in a log.
        coins: What there was in the beginning.
    """
    book = Ledger([Budget(name=COINS, limit=coins, policy="free_final")])
    found: list[tuple[float, float]] = []
    for tool in calls:
        before = book.left(COINS)
        book.spend(COINS, COSTS[tool], final=tool == SUBMIT)
        over = tool == SUBMIT and spent_by_submitting(book)
        found.append((before, _DONE if over else book.left(COINS)))
    return found


def granted(submissions: Sequence[str], interact: Interact) -> float:
    """The reward of an episode, by what was said of each submission; no phase is paid for twice."""
    tries = {1: 0, 2: 0}
    paid: dict[int, float] = {}
    for said in submissions:
        found = _SAID.match(said)
        if found is None:
            continue
        phase = int(found["solved"] or found["failed"])
        tries[phase] += 1
        if found["solved"] and phase not in paid:
            paid[phase] = reward(interact, phase, tries[phase])
    return sum(paid.values())
