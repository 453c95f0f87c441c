"""Verdicts: what a judgement says, how it is read from a judge's words, and what happens when it cannot be.

Judging is three separate things: a **prompt** (what the judge is shown), a **parser** (its words to a
`Verdict`) and a pure **reducer** (several verdicts to one). An environment that has a judge among its roles
and a judge that reads stored episodes (`turnwise.judges`) share what is here. A judgement that cannot be
read is a verdict of its own kind, `missing`: it is never 0, and it stays missing through means and training.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias, cast

import msgspec

from turnwise.errors import ConfigError, ModelError
from turnwise.wire import Record


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


class Unreadable(Record, frozen=True, kw_only=True):
    """What to do when a judge's answer does not parse. There is deliberately no `zero`."""

    ask_again: int = 0
    """How often to ask once more, telling the judge what could not be read."""
    then: Literal["missing", "error"] = "missing"
    """When that did not help: leave the verdict missing, or fail the episode (`ModelError`)."""


async def judged(ask: Asker, prompt: str, parse: Parser, unreadable: Unreadable | None = None) -> Verdict:
    """Ask a judge and read its answer.

    Raises:
        ModelError: kind `malformed`, where no answer could be read and the policy is `error`.
    """
    policy = unreadable or Unreadable()
    verdict = parse(await ask(prompt))
    for _ in range(policy.ask_again):
        if verdict.missing is None:
            return verdict
        verdict = parse(await ask(f"{prompt}\n\nYour last answer could not be used: {verdict.missing}."))
    if verdict.missing is not None and policy.then == "error":
        raise ModelError(f"the judge's answer cannot be read: {verdict.missing}", kind="malformed")
    return verdict


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
        for found in _objects(answer):
            lowered = {key.lower(): value for key, value in found.items()}
            if self.score_key.lower() not in lowered:
                continue
            given = lowered[self.score_key.lower()]
            score = _whole(given)
            if score is None or not self.low <= score <= self.high:
                shown = json.dumps(given, ensure_ascii=False)[:40]
                return no_verdict(
                    f"{self.score_key!r} is {shown}, not an integer from {self.low} to {self.high}"
                )
            reason = lowered.get(self.reason_key.lower())
            return Verdict(score=score, reason=None if reason is None else str(reason))
        return no_verdict(f"no JSON object with the key {self.score_key!r}")


_MOST_BRACES = 64
"""Opening braces that are tried; a hostile answer cannot make reading it quadratic."""


def _objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a text, outermost first, in order."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    start = text.find("{")
    for _ in range(_MOST_BRACES):
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            found.append(cast("dict[str, Any]", value))
        start = text.find("{", end)
    return found


def _whole(value: Any) -> int | None:
    """`value` as an integer, where it is one (7, 7.0, "7"), else None."""
    try:
        number = msgspec.convert(value, float, strict=False)
    except msgspec.ValidationError:
        return None
    return int(number) if not isinstance(value, bool) and number.is_integer() else None
