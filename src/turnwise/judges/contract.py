"""The one judge contract: questions about an episode, a parser for each answer, a pure reducer over verdicts.

    log -> questions -> (ask, parse) -> verdicts -> reduce -> verdict

Only `ask` touches a model, so prompts, parsers and reducers are tested, cached and replaced one by one. What
happens to an answer that cannot be read is the judge's explicit policy (`Unreadable`); its verdict stays
missing, and each reducer says what it makes of missing verdicts. None of them reads one as 0.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from turnwise.log import EpisodeLog
from turnwise.message import system, user
from turnwise.model import Model, Request, Sampling
from turnwise.verdict import Asker, Parser, Unreadable, Verdict, judged, no_verdict
from turnwise.wire import Record


class Question(Record, frozen=True, kw_only=True):
    """One prompt to a judge, and the turns it is about."""

    prompt: str
    evidence: tuple[int, ...] = ()
    """Indices of the episode's turns."""


Reducer: TypeAlias = Callable[[Sequence[Verdict]], Verdict]


class Judge(Protocol):
    """Anything that reads an episode and judges it."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict for each thing it looks at, in the order of the episode."""
        ...

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """What they amount to for the whole episode; pure."""
        ...


class PromptJudge(msgspec.Struct, frozen=True, kw_only=True):
    """A judge made of its three parts."""

    name: str
    questions: Callable[[EpisodeLog], Sequence[Question]]
    """What to ask about an episode."""
    parse: Parser
    """An answer to a verdict."""
    reducer: Reducer
    """Verdicts to one."""
    unreadable: Unreadable = Unreadable()
    """What to do where `parse` finds no verdict."""

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """Ask all questions at once; the verdicts come in the questions' order.

        Raises:
            ModelError: where the judge's model failed, or its answer cannot be read and the policy says so.
        """
        return await asyncio.gather(*(self._verdict(question, ask) for question in self.questions(log)))

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The judge's word on the whole episode."""
        return self.reducer(verdicts)

    async def _verdict(self, question: Question, ask: Asker) -> Verdict:
        verdict = await judged(ask, question.prompt, self.parse, self.unreadable)
        if verdict.evidence:
            return verdict
        return msgspec.structs.replace(verdict, evidence=question.evidence)


def ask_model(model: Model, *, told: str | None = None, sampling: Sampling | None = None) -> Asker:
    """Ask a model each question on its own (greedily, unless `sampling` says otherwise)."""
    chosen = sampling or Sampling(temperature=0.0)

    async def ask(prompt: str) -> str:
        messages = [user(prompt)] if told is None else [system(told), user(prompt)]
        return (await model.sample(Request(messages=messages, sampling=chosen))).message.text

    return ask


def mean_of_given(verdicts: Sequence[Verdict]) -> Verdict:
    """The mean score of those that have one; missing only where none has.

    Biased where it is the hard cases that go missing.
    """
    scores = [verdict.score for verdict in verdicts if verdict.score is not None]
    if not scores:
        return no_verdict(_why(verdicts), evidence=_evidence(verdicts))
    return Verdict(score=sum(scores) / len(scores), evidence=_evidence(verdicts))


def mean_of_all(verdicts: Sequence[Verdict]) -> Verdict:
    """The mean score; missing where a single one is missing."""
    if any(verdict.score is None for verdict in verdicts):
        return no_verdict(_why(verdicts), evidence=_evidence(verdicts))
    return mean_of_given(verdicts)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The lowest score given, with its own reason and evidence; missing only where none is given."""
    scored = [verdict for verdict in verdicts if verdict.score is not None]
    if not scored:
        return no_verdict(_why(verdicts), evidence=_evidence(verdicts))
    return min(scored, key=lambda verdict: verdict.score or 0.0)


def majority(verdicts: Sequence[Verdict]) -> Verdict:
    """The label given most often; missing at a tie for the first place, or where none is given."""
    counts = Counter(verdict.label for verdict in verdicts if verdict.label is not None).most_common(2)
    if not counts:
        return no_verdict(_why(verdicts), evidence=_evidence(verdicts))
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        return no_verdict(f"a tie of {counts[0][0]!r} and {counts[1][0]!r}", evidence=_evidence(verdicts))
    return Verdict(label=counts[0][0], evidence=_evidence(verdicts))


def _why(verdicts: Sequence[Verdict]) -> str:
    reasons = [verdict.missing or "no score" for verdict in verdicts if verdict.score is None]
    if not reasons:
        return "there was nothing to judge"
    return f"{len(reasons)} of {len(verdicts)} verdicts are missing; the first: {reasons[0]}"


def _evidence(verdicts: Sequence[Verdict]) -> tuple[int, ...]:
    return tuple(sorted({index for verdict in verdicts for index in verdict.evidence}))
