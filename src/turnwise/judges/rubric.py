"""`rubric`: a judge finds of each criterion whether the whole conversation meets it; the rest is arithmetic.

Criteria have weights, tags, a turn they are about, and may be critical or faults (`Criterion`); those of the
judge's settings and those of the episode's task are judged together, in one call or, with `apart`, in one
call each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from turnwise.judges import reducers
from turnwise.judges.criteria import criteria_of, findings_in, listed
from turnwise.judges.transcript import Line, View, lines, rendered
from turnwise.log import EpisodeLog
from turnwise.verdict import Asker, Criterion, Unreadable, Verdict, judged, no_verdict

FORM = (
    "Answer in JSON, one object for each criterion, reason first:\n"
    '```json\n[{"id": "<its id>", "reason": "<why>", "turns": [<numbers of the turns it rests on>], '
    '"met": true or false}]\n```'
)


class Rubric(msgspec.Struct, frozen=True, kw_only=True):
    """Weighted criteria over a whole conversation."""

    criteria: tuple[Criterion | str, ...] = ()
    """For every episode; a text is a criterion of weight 1."""
    paths: tuple[str, ...] = ("rubric",)
    """Where an episode's task holds its own."""
    apart: bool = False
    """Ask of each criterion by itself, so that none colours another; otherwise of all at once."""
    view: View = View()
    unreadable: Unreadable = Unreadable()
    name: str = "rubric"

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict for each call; each holds the findings of its criteria.

        Raises:
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        criteria = criteria_of(log, self.paths, self.criteria)
        if not criteria:
            return []
        shown = lines(log, self.view)
        parts = [(one,) for one in criteria] if self.apart else [criteria]
        return await asyncio.gather(*(self._judged(shown, part, ask) for part in parts))

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The weighted share of all criteria; missing where one of them is."""
        missing = next((verdict.missing for verdict in verdicts if verdict.missing is not None), None)
        findings = [finding for verdict in verdicts for finding in verdict.findings]
        if missing is None:
            return reducers.rubric(findings)
        return msgspec.structs.replace(no_verdict(missing), findings=tuple(findings))

    async def _judged(self, shown: Sequence[Line], criteria: tuple[Criterion, ...], ask: Asker) -> Verdict:
        def parse(answer: str) -> Verdict:
            found = findings_in(answer, criteria, shown)
            return no_verdict(found) if isinstance(found, str) else reducers.rubric(found)

        return await judged(ask, rubric_prompt(rendered(shown), criteria), parse, self.unreadable)


def rubric_prompt(shown: str, criteria: Sequence[Criterion]) -> str:
    """What a judge is asked about some criteria."""
    places = [f"{one.id} is about turn [{one.turn}] only." for one in criteria if one.turn is not None]
    about = "\n".join(["", *places]) if places else ""
    return (
        "Check a conversation against criteria. Judge each criterion by itself, by what was said and done in "
        "the conversation alone; what it does not show is not met.\n\n"
        f"Conversation, each turn under its number:\n{shown}\n\n"
        f"Criteria:\n{listed(criteria)}{about}\n\n{FORM}"
    )
