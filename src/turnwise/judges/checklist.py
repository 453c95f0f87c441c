"""`checklist`: yes or no to a few items about one answer, and its quality of 1 to 10; for each answer.

MultiVerse (Lee et al. 2025, arXiv 2510.16641): items are written for the turn, each with an aspect; a turn's
score is the share of yes times the quality, a dialogue's the mean over its turns. On the paper's scale the
scores are 100 times these. The paper leaves open whether a benchmark's mean is over turns or over dialogues:
a run's score is over dialogues; `turn_scores` of its verdicts pools the turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from turnwise.judges import reducers
from turnwise.judges.contract import mean_of_given
from turnwise.judges.criteria import at_path, criteria_of, findings_in, listed
from turnwise.judges.transcript import Line, View, indented, lines, rendered, said_by
from turnwise.log import EpisodeLog
from turnwise.verdict import (
    Asker,
    Criterion,
    Unreadable,
    Verdict,
    json_objects,
    judged,
    no_verdict,
    whole_number,
)


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """Items and quality, for each answer of a role that has items."""

    criteria: tuple[Criterion | str, ...] = ()
    """For every answer; with a `turn`, for the answer of that number, from 0."""
    paths: tuple[str, ...] = ("checklist",)
    """Where an episode's task holds its own."""
    role: str = ""
    """Whose answers; by default those of the episode's first role."""
    reference: str = ""
    """Where an episode's task holds the stored answers, one a turn, if the judge shall see them."""
    view: View = View()
    unreadable: Unreadable = Unreadable()
    name: str = "checklist"

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict for each answer that has items.

        Raises:
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        criteria = criteria_of(log, self.paths, self.criteria)
        answers = said_by(log, self.role or log.roles[0])
        shown = lines(log, self.view)
        references = at_path(log.task, self.reference) if self.reference else []
        work: list[tuple[str, list[Line], int, tuple[Criterion, ...]]] = []
        for number, turn in enumerate(answers):
            mine = tuple(one for one in criteria if one.turn in (None, number))
            if mine:
                before = [line for line in shown if line.turn < turn.index]
                stored = references[number] if number < len(references) else None
                work.append((_prompt(rendered(before), turn.text, mine, stored), before, turn.index, mine))
        return await asyncio.gather(*(self._judged(*one, ask) for one in work))

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The mean over the turns that have a verdict, with the share of yes of each aspect."""
        findings = tuple(finding for verdict in verdicts for finding in verdict.findings)
        whole = mean_of_given(verdicts)
        figures = reducers.by_tag(findings)
        return msgspec.structs.replace(whole, findings=findings, figures=figures)

    async def _judged(
        self, prompt: str, before: list[Line], turn: int, items: tuple[Criterion, ...], ask: Asker
    ) -> Verdict:
        verdict = await judged(ask, prompt, lambda answer: _read(answer, items, before), self.unreadable)
        return msgspec.structs.replace(verdict, evidence=(turn,))


def _read(answer: str, items: tuple[Criterion, ...], before: Sequence[Line]) -> Verdict:
    found = findings_in(answer, items, before)
    if isinstance(found, str):
        return no_verdict(found)
    given = next((one["quality"] for one in json_objects(answer) if "quality" in one), None)
    quality = whole_number(given)
    if quality is None:
        return no_verdict(f"'quality' is {str(given)[:40]!r}, not a whole number from 1 to 10")
    verdict = reducers.checklist([finding.met is True for finding in found], quality)
    return msgspec.structs.replace(verdict, findings=found)


def _prompt(before: str, answer: str, items: Sequence[Criterion], reference: str | None) -> str:
    known = "" if reference is None else f"An answer that is known to be good:\n{reference}\n\n"
    return (
        "Check the last answer of a conversation against a list, and mark its quality as a whole.\n\n"
        f"Conversation so far, each turn under its number:\n{before}\n\n"
        f"Answer to check:\n{indented(answer)}\n\n{known}"
        f"Criteria:\n{listed(items)}\n\n"
        "Answer in JSON, with one finding for each item, then the quality as a whole number from 1 to 10:\n"
        '```json\n{"findings": [{"id": "<its id>", "reason": "<why>", "met": true or false}], '
        '"quality": <1 to 10>}\n```'
    )


def turn_scores(verdicts: Iterable[Sequence[Verdict]]) -> list[list[float | None]]:
    """Of each dialogue the scores of its turns, on MultiVerse's scale of 0 to 100; None where one is missing.

    For `turnwise.metrics.trend` and `turn_scores`: how scores move with the turn.
    """
    return [[None if v.score is None else 100 * v.score for v in dialogue] for dialogue in verdicts]
