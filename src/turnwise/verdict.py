"""Verdicts: what a judgement says, how it is read from a judge's words, and what happens when it cannot be.

Judging is three separate things: a **prompt** (what the judge is shown), a **parser** (its words to a
`Verdict`) and a pure **reducer** (several verdicts to one). An environment that has a judge among its roles
and a judge that reads stored episodes (`turnwise.judges`) share what is here. A judgement that cannot be
read is a verdict of its own kind, `missing`: it is never 0, and it stays missing through means and training.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from math import isfinite
from typing import Any, Literal, TypeAlias, cast

import msgspec

from turnwise.errors import ConfigError, ModelError
from turnwise.wire import Record


class Criterion(Record, frozen=True, kw_only=True):
    """One item of a rubric or checklist. Those of one task live with the task, not in a prompt."""

    text: str
    """What must hold, in words."""
    id: str = ""
    """By which a judge names it; by default `rubric_0`, `rubric_1`, … in order."""
    weight: float = 1.0
    """How much it counts; below 0 it is a fault, which takes away where it is met."""
    turn: int | None = None
    """The turn it is about; None is the whole conversation."""
    tags: tuple[str, ...] = ()
    """Aspects by which shares are told."""
    critical: bool = False
    """Where it fails, all fails."""

    @property
    def fault(self) -> bool:
        """Whether it is better not met."""
        return self.weight < 0


class Finding(Record, frozen=True, kw_only=True):
    """What a judge found of one criterion."""

    criterion: Criterion
    met: bool | None = None
    """None where there is no finding."""
    reason: str | None = None
    evidence: tuple[int, ...] = ()
    """Indices of the turns it rests on."""


class Verdict(Record, frozen=True, kw_only=True):
    """One judgement: a score or a label (or both), or word of why there is none.

    Raises:
        ValueError: for a verdict that says nothing, or that is missing and yet scores.
    """

    score: float | None = None
    """On the judge's own scale; higher is better."""
    label: str | None = None
    """One of the judge's named outcomes, e.g. `pass`, `refusal`, `A`."""
    reason: str | None = None
    """The judge's own words for it."""
    evidence: tuple[int, ...] = ()
    """Indices of the episode's turns it rests on."""
    missing: str | None = None
    """Why there is no judgement, where there is none."""
    passed: bool | None = None
    """Whether it is good enough, where the judge has a bar."""
    confidence: float | None = None
    """How sure the judge says it is, from 0 to 1."""
    findings: tuple[Finding, ...] = ()
    """What it found of each criterion, where it was given some."""
    figures: dict[str, float] = {}
    """Named numbers besides: shares by tag, windows that could not be read."""
    read: Any = None
    """What else was read from the judge's words, as JSON."""
    attempts: int = 1
    """Answers it took to read it, over all judges that were asked."""

    def __post_init__(self) -> None:
        says = self.score is not None or self.label is not None
        if says == (self.missing is not None):
            raise ValueError("a verdict has a score or a label, or says why it is missing: one of the two")


def no_verdict(why: str, *, evidence: tuple[int, ...] = ()) -> Verdict:
    """A judgement that could not be had."""
    return Verdict(missing=why, evidence=evidence)


Parser: TypeAlias = Callable[[str], Verdict]
"""A judge's words to a verdict; never raises on what a model may say, but answers `no_verdict`."""

Asker: TypeAlias = Callable[[str], Awaitable[str]]
"""Shows a judge one prompt, on its own, and returns its words."""


class Bench:
    """Several judges, of whom the next is asked where one fails or cannot be read; asking it asks the first.

    Args:
        first: Is asked.
        others: Stand in, in this order.
    """

    def __init__(self, first: Asker, *others: Asker) -> None:
        self.seats = (first, *others)

    async def __call__(self, prompt: str) -> str:
        """The first one's words."""
        return await self.seats[0](prompt)


def seats(ask: Asker) -> tuple[Asker, ...]:
    """Everybody who can be asked, in order."""
    return ask.seats if isinstance(ask, Bench) else (ask,)


class Unreadable(Record, frozen=True, kw_only=True):
    """What to do when a judge's answer does not parse. There is deliberately no `zero`.

    Raises:
        ConfigError: a score to stand for it is given, but not asked for, or the other way round; or a number
            is none that makes sense.
    """

    ask_again: int = 0
    """How often to ask once more, telling the judge what could not be read."""
    then: Literal["missing", "error", "score"] = "missing"
    """When that did not help, and the other judges of the bench could not be read either: leave the verdict
    missing, fail the episode (`ModelError`), or let `score` stand for it, as some published judges do."""
    score: float | None = None

    def __post_init__(self) -> None:
        if (self.then == "score") != (self.score is not None):
            raise ConfigError("an unreadable answer: give `score` with then='score', and only then")
        if self.ask_again < 0 or (self.score is not None and not isfinite(self.score)):
            raise ConfigError("an unreadable answer: expected ask_again of 0 or more, and a finite score")


async def judged(ask: Asker, prompt: str, parse: Parser, unreadable: Unreadable | None = None) -> Verdict:
    """Ask a judge and read its answer; then the others of its bench, if need be.

    Raises:
        ModelError: kind `malformed`, where no answer could be read and the policy is `error`; or a judge's
            own, where one failed and no other could be read.
    """
    policy = unreadable or Unreadable()
    verdict: Verdict | None = None
    failed: ModelError | None = None
    attempts = 0
    for one in seats(ask):
        said = prompt
        for _ in range(1 + policy.ask_again):
            attempts += 1
            try:
                verdict = parse(await one(said))
            except ModelError as error:
                failed = error
                break
            if verdict.missing is None:
                return verdict if attempts == 1 else msgspec.structs.replace(verdict, attempts=attempts)
            said = f"{prompt}\n\nYour last answer could not be used: {verdict.missing}."
    if failed is not None or verdict is None:
        # A judge that could not be reached may give a verdict yet: that is no unreadable answer.
        raise failed or ModelError("nobody was asked", kind="malformed")
    if policy.then == "error":
        raise ModelError(f"the judge's answer cannot be read: {verdict.missing}", kind="malformed")
    if policy.then == "score":
        return Verdict(score=policy.score, reason=f"cannot be read: {verdict.missing}", attempts=attempts)
    return msgspec.structs.replace(verdict, attempts=attempts)


class JsonRating(Record, frozen=True, kw_only=True):
    """Reads `{"Rationale": "...", "Score": 7}`: an integer score from `low` to `high`.

    By default the object may stand anywhere in the answer, fenced or among other words, its keys in any
    case; the first object with the score key counts. `strict` reads only what is one JSON object from end to
    end, after a leading "```json" and a trailing "```" are cut off, truncates fractions and takes a score
    out of range as it is: the reading of MT-Eval's official script.
    """

    low: int = 1
    high: int = 10
    score_key: str = "Score"
    reason_key: str = "Rationale"
    strict: bool = False

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ConfigError(f"a rating needs low < high, got low={self.low} and high={self.high}")

    def __call__(self, answer: str) -> Verdict:
        """The verdict in a judge's answer; missing where there is none."""
        return self._strictly(answer) if self.strict else self._anywhere(answer)

    def _strictly(self, answer: str) -> Verdict:
        try:
            found = json.loads(answer.removeprefix("```json").removesuffix("```"))
            score = int(found[self.score_key])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            return no_verdict(f"not one JSON object with {self.score_key!r} ({type(error).__name__})")
        reason = found.get(self.reason_key)
        return Verdict(score=score, reason=None if reason is None else str(reason))

    def _anywhere(self, answer: str) -> Verdict:
        for found in json_objects(answer):
            lowered = {key.lower(): value for key, value in found.items()}
            if self.score_key.lower() not in lowered:
                continue
            given = lowered[self.score_key.lower()]
            score = whole_number(given)
            if score is None or not self.low <= score <= self.high:
                shown = json.dumps(given, ensure_ascii=False)[:40]
                return no_verdict(
                    f"{self.score_key!r} is {shown}, not an integer from {self.low} to {self.high}"
                )
            reason = lowered.get(self.reason_key.lower())
            return Verdict(score=score, reason=None if reason is None else str(reason))
        return no_verdict(f"no JSON object with the key {self.score_key!r}")


_MOST_OPENINGS = 256
"""Opening braces and brackets that are tried; a hostile answer cannot make reading it quadratic."""
_OPENING = re.compile(r"[{\[]")


def json_objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a text, outermost first, in order; those of a list one by one."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    opening = _OPENING.search(text)
    for _ in range(_MOST_OPENINGS):
        if opening is None:
            break
        try:
            value, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            end = opening.start() + 1
        else:
            inside = cast("list[Any]", value if isinstance(value, list) else [value])
            found += [item for item in inside if isinstance(item, dict)]
        opening = _OPENING.search(text, end)
    return found


def whole_number(value: Any) -> int | None:
    """`value` as an integer, where it is one (7, 7.0, "7"), else None."""
    try:
        number = msgspec.convert(value, float, strict=False)
    except msgspec.ValidationError:
        return None
    return int(number) if not isinstance(value, bool) and number.is_integer() else None
