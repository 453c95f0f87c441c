"""How well a simulated user plays its part, from what probes found (`environments.dialogue.user_probes`).

Four shares, each with its interval over cases: how often it gives away what it must not (leak rate), answers
as its goal and its facts have it (consistency), declines what it cannot or must not say (refusals), and ends
when it is time and not before (endings).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from turnwise.agents.users.leak import SIZE, leaks
from turnwise.log import EpisodeLog
from turnwise.metrics.intervals import clustered_proportion
from turnwise.metrics.summary import Estimate

CONSISTENCY = ("opening", "known", "implied", "wrong")
REFUSALS = ("unknown", "secret")
ENDINGS = ("unfinished", "done")

GUARD: dict[str, tuple[tuple[str, ...], float]] = {
    "known": (("known",), 0.9),
    "implied": (("implied",), 0.9),
    "refusals": (REFUSALS, 0.8),
}
"""What USERSIM-GUARD (BIRD-INTERACT) asks of a user: which kinds of probe, and the least share passed."""


class Probed(NamedTuple):
    """What came of one probe."""

    case: str
    """The id of the person who was played."""
    kind: str
    passed: bool
    leaked: bool


class UserReport(msgspec.Struct, frozen=True, kw_only=True):
    """A user's record; shares are from 0 to 1, intervals Wilson's on the effective number of cases."""

    leak_rate: Estimate
    """Of all answers."""
    consistency: Estimate
    refusals: Estimate
    endings: Estimate
    by_kind: dict[str, Estimate]
    """The share passed of each kind of probe that occurred."""
    guard: dict[str, bool]
    """Whether each threshold of `GUARD` is reached; only those that were probed."""


def probed(logs: Iterable[EpisodeLog]) -> list[Probed]:
    """What came of every probe that was answered, in episodes that failed later, too."""
    return [
        Probed(str(log.task["id"]), value["kind"], bool(value["passed"]), bool(value["leaked"]))
        for log in logs
        for note in log.notes
        if note.name == "probe"
        for value in (cast("dict[str, Any]", note.value),)
    ]


def user_report(probes: Sequence[Probed], *, level: float = 0.95) -> UserReport:
    """A user's record.

    Args:
        probes: What came of each.
        level: Of the intervals.
    """

    def share(kinds: Sequence[str], leaked: bool = False) -> Estimate:
        mine = [probe for probe in probes if probe.kind in kinds or not kinds]
        values = [probe.leaked if leaked else probe.passed for probe in mine]
        return clustered_proportion(values, [probe.case for probe in mine], level=level)

    seen = list(dict.fromkeys(probe.kind for probe in probes))
    return UserReport(
        leak_rate=share((), leaked=True),
        consistency=share(CONSISTENCY),
        refusals=share(REFUSALS),
        endings=share(ENDINGS),
        by_kind={kind: share((kind,)) for kind in seen},
        guard={
            name: share(kinds).mean >= least
            for name, (kinds, least) in GUARD.items()
            if any(kind in seen for kind in kinds)
        },
    )


def leak_rate(
    logs: Iterable[EpisodeLog],
    secrets: Callable[[EpisodeLog], Sequence[str]],
    *,
    role: str = "user",
    allowed: Callable[[EpisodeLog], Sequence[str]] = lambda log: (),
    size: int = SIZE,
    level: float = 0.95,
) -> Estimate:
    """How many of a role's answers give a secret away, in any episodes that it played.

    What the other side said before is no secret any more.

    Args:
        logs: Of the episodes.
        secrets: What must not be said in an episode, such as a reference solution.
        role: Whose answers; calls of tools are none.
        allowed: What may be said all the same.
        size: Words in a row that count as a leak.
        level: Of the interval, which counts tasks, not answers.
    """
    leaked: list[bool] = []
    tasks: list[str] = []
    for log in logs:
        hidden, free = secrets(log), [*allowed(log)]
        for turn in log.turns:
            if turn.role == role and not turn.message.tool_calls:
                leaked.append(bool(leaks(turn.text, hidden, allowed=free, size=size)))
                tasks.append(str(log.task["id"]))
            elif turn.role != role and turn.message.role != "system":
                free.append(turn.text)
    return clustered_proportion(leaked, tasks, level=level)
