"""`sliding_window`: a judge reads a long conversation window by window and carries a rubric's state along.

VitaBench (He et al. 2025, arXiv 2509.26490): windows of ten messages, of which two are shown again; each call
shows one window and all criteria as they stand, and may turn any of them, either way. What it does not name
stays. The reward is whether all hold in the end (`Verdict.passed`), the rubric score their share. The paper's
three ablations are settings: `windows=False` shows the whole conversation at once; `rubrics=False` asks for
one verdict at the end, over a memory in words instead of a state.

A window whose answer cannot be read leaves the state as it was, as published, and is counted
(`unread_windows`); where no window could be read, there is no verdict, instead of a rubric that nobody ever
looked at. An episode that a limit or an error broke off fails without being judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from turnwise.judges import reducers
from turnwise.judges.criteria import at_path, criteria_of, truth, turns_in
from turnwise.judges.transcript import Line, View, lines, rendered
from turnwise.log import EpisodeLog, Stop
from turnwise.verdict import (
    Asker,
    Criterion,
    Finding,
    Unreadable,
    Verdict,
    json_objects,
    judged,
    no_verdict,
)

NOT_YET = "Not evaluated yet"


def windows(count: int, *, size: int = 10, overlap: int = 2) -> list[tuple[int, int]]:
    """Start and end (excluded) of the windows over `count` messages; the last is the first that ends there.

    Raises:
        ValueError: unless 0 <= overlap < size.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"windows: expected 0 <= overlap < size, got overlap={overlap} and size={size}")
    found: list[tuple[int, int]] = []
    start = 0
    while not found or found[-1][1] < count:
        found.append((start, min(start + size, count)))
        start += size - overlap
    return found


class SlidingWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric carried through a long conversation, window by window, as VitaBench does."""

    criteria: tuple[Criterion | str, ...] = ()
    """For every episode."""
    paths: tuple[str, ...] = (
        "evaluation_criteria.expected_states.state_rubrics",
        "evaluation_criteria.overall_rubrics",
        "rubric",
    )
    """Where an episode's task holds its own; each text counts once."""
    size: int = 10
    """Messages in a window."""
    overlap: int = 2
    """Messages that the next window shows again."""
    windows: bool = True
    """Otherwise the whole conversation is one window."""
    rubrics: bool = True
    """Otherwise the judge keeps a memory in words and gives one verdict at the end."""
    instruction: str = "instructions"
    """Where an episode's task holds what the user wanted, which the judge is told."""
    time: str = "environment.time"
    """Where it holds the time at which it plays."""
    view: View = View(system=False)
    unreadable: Unreadable = Unreadable()
    name: str = "sliding_window"

    def __post_init__(self) -> None:
        windows(0, size=self.size, overlap=self.overlap)

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """How things stand after each window.

        Raises:
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        criteria = criteria_of(log, self.paths, self.criteria)
        if broken_off(log):
            return [_failed(criteria, log)]
        shown = lines(log, self.view)
        size = self.size if self.windows else max(1, len(shown))
        parts = windows(len(shown), size=size, overlap=min(self.overlap, size - 1))
        if not criteria:
            return []
        if not self.rubrics:
            return await self._remembering(log, shown, parts, criteria, ask)
        state = tuple(Finding(criterion=one, met=False, reason=NOT_YET) for one in criteria)
        told: list[Verdict] = []
        for number, (start, end) in enumerate(parts):
            prompt = _rubric_prompt(self._about(log), number, len(parts), shown[start:end], state)
            verdict = await judged(ask, prompt, partial(_updated, state, shown), self.unreadable)
            if verdict.missing is None and verdict.findings:
                state = verdict.findings
                told.append(verdict)
            else:
                told.append(msgspec.structs.replace(verdict, findings=state))
        return told

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The state after the last window; passed where all criteria hold. Without criteria, passed."""
        if not verdicts:
            return Verdict(score=1.0, passed=True, reason="there is no criterion to fail")
        unread = sum(verdict.missing is not None for verdict in verdicts)
        if unread == len(verdicts):
            return no_verdict(f"no window could be read; the first: {verdicts[0].missing}")
        last = next(verdict for verdict in reversed(verdicts) if verdict.missing is None)
        if last.findings and last.read != _CUT:
            last = reducers.rubric(last.findings)
        elif verdicts[-1].missing is not None:
            return no_verdict(f"the last window could not be read: {verdicts[-1].missing}")
        figures = {**last.figures, "windows": float(len(verdicts)), "unread_windows": float(unread)}
        return msgspec.structs.replace(last, figures=figures)

    def _about(self, log: EpisodeLog) -> str:
        """What the judge is told of the task."""
        told: list[str] = []
        for label, path in (("Time", self.time), ("What the user wants", self.instruction)):
            found = [value for value in at_path(log.task, path) if isinstance(value, str)] if path else []
            told += [f"{label}: {_with_weekday(found[0])}"] if found else []
        return "\n".join(told)

    async def _remembering(
        self,
        log: EpisodeLog,
        shown: Sequence[Line],
        parts: Sequence[tuple[int, int]],
        criteria: Sequence[Criterion],
        ask: Asker,
    ) -> list[Verdict]:
        """Without a rubric's state: a memory in words, and one verdict over all criteria at the end."""
        memory = ""
        told: list[Verdict] = []
        for number, (start, end) in enumerate(parts):
            last = number == len(parts) - 1
            wants = "\n".join(f"- {one.text}" for one in criteria) if last else ""
            prompt = _memory_prompt(self._about(log), number, len(parts), shown[start:end], memory, wants)
            verdict = await judged(ask, prompt, _whole if last else _noted, self.unreadable)
            memory = verdict.reason if verdict.missing is None and verdict.reason else memory
            told.append(verdict)
        return told


_CUT = "broken off"
_RULES = (
    "A criterion turns true where the assistant achieves in this part what it asks; it turns false again "
    "only where the assistant itself undoes it, not where the user changes their mind. That the user puts "
    "up with less does not meet it; an order counts only where it was really placed. Keep what earlier "
    "parts showed in the justification and add to it, with the numbers of the messages."
)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _with_weekday(text: str) -> str:
    """A date with its day of the week, which criteria may speak of; any other text as it is."""
    try:
        return f"{text} ({_DAYS[datetime.fromisoformat(text).weekday()]})"
    except ValueError:
        return text


def broken_off(log: EpisodeLog) -> bool:
    """Whether the conversation did not come to an end of its own: such an episode fails unjudged."""
    return log.stop is None or log.stop is Stop.ERROR or log.stop.cut or log.detail in _BROKEN


_BROKEN = ("too_many_errors", "max_steps", "invalid_agent_message")
"""Words of service environments for an end that is a failure."""


def _failed(criteria: Sequence[Criterion], log: EpisodeLog) -> Verdict:
    how = log.detail or (log.stop.value if log.stop else "unfinished")
    return Verdict(score=0.0, passed=False, reason=f"the conversation was broken off: {how}", read=_CUT)


def _updated(state: Sequence[Finding], shown: Sequence[Line], answer: str) -> Verdict:
    """The state after a judge's answer: only what it names is changed."""
    place = {finding.criterion.id: number for number, finding in enumerate(state)}
    found = list(state)
    named: set[int] = set()
    for item in json_objects(answer):
        number = place.get(str(item.get("rubric_idx")))
        met = truth(item.get("meetExpectation"))
        if number is None or met is None:
            continue
        said = item.get("justification")
        found[number] = Finding(
            criterion=state[number].criterion,
            met=met,
            reason=str(said) if said is not None else state[number].reason,
            evidence=turns_in(item.get("turns"), shown) or state[number].evidence,
        )
        named.add(number)
    if not named and not re.search(r"\[\s*\]", answer):
        return no_verdict("no JSON list of criteria with 'rubric_idx' and 'meetExpectation'")
    return reducers.rubric(found)


def _noted(answer: str) -> Verdict:
    """A memory in words; anything but silence is one."""
    text = answer.strip()
    return Verdict(label="noted", reason=text) if text else no_verdict("the memory is empty")


def _whole(answer: str) -> Verdict:
    """The one verdict at the end."""
    for item in json_objects(answer):
        met = truth(item.get("meetExpectation"))
        if met is not None:
            said = item.get("justification")
            return Verdict(score=float(met), passed=met, reason=None if said is None else str(said))
    return no_verdict("no JSON object with 'meetExpectation'")


def _head(about: str, number: int, count: int, shown: Sequence[Line]) -> str:
    task = f"{about}\n\n" if about else ""
    return (
        f"You check what an assistant did for a user. This is part {number + 1} of {count} of their "
        f"conversation; parts overlap.\n\n{task}Messages, each under its number in the whole:\n"
        f"{rendered(shown)}"
    )


def _rubric_prompt(
    about: str, number: int, count: int, shown: Sequence[Line], state: Sequence[Finding]
) -> str:
    held: list[dict[str, Any]] = [
        {
            "rubric_idx": finding.criterion.id,
            "rubric": finding.criterion.text,
            "justification": finding.reason or "",
            "meetExpectation": finding.met is True,
        }
        for finding in state
    ]
    return (
        f"{_head(about, number, count, shown)}\n\nCriteria as they stand:\n"
        f"{msgspec.json.format(msgspec.json.encode(held)).decode()}\n\n{_RULES}\n\n"
        "Answer with the JSON list of the criteria that this part bears on, in the same form."
    )


def _memory_prompt(
    about: str, number: int, count: int, shown: Sequence[Line], memory: str, wants: str
) -> str:
    known = memory or "nothing yet"
    head = f"{_head(about, number, count, shown)}\n\nYour notes on the parts before:\n{known}\n\n"
    if not wants:
        return (
            f"{head}Write down, in words, all that a final judgement will need of this part and your notes."
        )
    return (
        f"{head}Did the assistant achieve all of this?\n{wants}\n\nAnswer in JSON of exactly this form:\n"
        '```json\n{"justification": "<why>", "meetExpectation": true or false}\n```'
    )
