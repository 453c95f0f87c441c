"""`jury`: several judges of a pair vote. By default Amulet's three: a plain one, one of acts, one of maxims.

A member is a kind of judge with its settings, and a seat: who of the judges at the bench is asked, so that a
jury may be several prompts to one model, one prompt to several models, or both. A member without a verdict
abstains; at a tie the member named by `tie` decides (the one that proved best on a validation set), else
there is no verdict. Reward models vote by their scores (`score_vote`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import msgspec

from turnwise.errors import ConfigError
from turnwise.judges import reducers
from turnwise.judges.kinds import made
from turnwise.judges.pairwise import PairJudge
from turnwise.log import EpisodeLog
from turnwise.verdict import Asker, Verdict, no_verdict, seats


def vote(verdicts: Sequence[Verdict], *, tie: int | None = None) -> Verdict:
    """The label that most verdicts give; those without one abstain.

    Args:
        verdicts: One a juror.
        tie: Whose word counts at a tie for the first place; without it, a tie is no verdict.
    """
    labels = [verdict.label for verdict in verdicts if verdict.label is not None]
    counts = Counter(labels).most_common()
    if not counts:
        return no_verdict("nobody gave a verdict")
    first = [label for label, count in counts if count == counts[0][1]]
    shares = {f"votes.{label}": float(count) for label, count in sorted(counts)}
    if len(first) > 1:
        decides = None if tie is None else verdicts[tie].label
        if decides not in first:
            told = no_verdict(f"a tie of {' and '.join(repr(label) for label in sorted(first))}")
            return msgspec.structs.replace(told, figures=shares)
        first = [decides]
    chosen = first[0]
    paired = chosen in ("A", "B", "tie")
    whole = reducers.preference(chosen) if paired else Verdict(label=chosen)
    return msgspec.structs.replace(whole, figures=shares, confidence=counts[0][1] / len(labels))


def score_vote(a: float | None, b: float | None) -> Verdict:
    """The vote of a reward model that scored both responses; missing where it lacks one."""
    if a is None or b is None or a != a or b != b:
        return no_verdict("a response has no score")
    return reducers.preference("A" if a > b else "B" if b > a else "tie")


class Jury(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Several judges of a pair, who vote.

    Raises:
        ConfigError: a member is no judge of pairs or has a seat that is none, or `tie` names none of them.
    """

    members: tuple[dict[str, Any], ...] = (
        {"use": "pairwise"},
        {"use": "amulet_acts"},
        {"use": "amulet_maxims"},
    )
    """Each a kind of judge (`use`) with its settings, and perhaps a `seat`: whom to ask, from 0."""
    tie: str | None = None
    """Name of the member that decides at a tie."""
    name: str = "jury"

    def __post_init__(self) -> None:
        if not self.members:
            raise ConfigError("a jury needs members")
        if self.tie is not None and self.tie not in self._names:
            raise ConfigError(
                f"jury: the tie is left to {self.tie!r}, who is none of {', '.join(self._names)}"
            )
        _ = self.jurors

    @cached_property
    def jurors(self) -> tuple[tuple[PairJudge, int], ...]:
        """The members, and the seat each asks."""
        found: list[tuple[PairJudge, int]] = []
        for member in self.members:
            settings = {key: value for key, value in member.items() if key not in ("use", "seat")}
            judge: Any = made(str(member.get("use")), settings)
            if not hasattr(judge, "compared"):
                raise ConfigError(f"jury: {judge.name!r} judges no pairs")
            seat = member.get("seat", 0)
            if type(seat) is not int or seat < 0:
                raise ConfigError(f"jury: {judge.name!r}: seat: expected a whole number from 0, got {seat!r}")
            found.append((cast("PairJudge", judge), seat))
        return tuple(found)

    async def compared(self, a: EpisodeLog, b: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """Each member's word on the pair.

        Raises:
            ConfigError: a member asks a seat that nobody fills.
            ModelError: a judge failed, or its answer cannot be read and the policy says so.
        """
        bench = seats(ask)
        told: list[Verdict] = []
        for judge, seat in self.jurors:
            if seat >= len(bench):
                raise ConfigError(f"jury: {judge.name!r} asks seat {seat}, but {len(bench)} are filled")
            whole = judge.reduce(await judge.compared(a, b, bench[seat]))
            told.append(msgspec.structs.replace(whole, figures={**whole.figures, "seat": float(seat)}))
        return told

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """Their vote."""
        return vote(verdicts, tie=None if self.tie is None else self._names.index(self.tie))

    @property
    def _names(self) -> list[str]:
        return [str(member.get("name", member.get("use"))) for member in self.members]
