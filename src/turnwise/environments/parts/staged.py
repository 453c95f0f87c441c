"""A staged verifier: run, test, inspect, judge, in order; an early failure zeroes the rest.

A `Stage` looks at one thing (does the program run, do the tests pass, is the file there, what does a judge
say) and answers with an `Outcome`. `verify` asks the stages in order and stops at the first that fails: cheap
checks spare dear ones, and a later stage never has to think about work that is not there. What the failed
stage says is the feedback, and goes back to the agent as its next observation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from turnwise.errors import ConfigError
from turnwise.verdict import Verdict
from turnwise.wire import Record

Artefact = TypeVar("Artefact")


class Outcome(Record, frozen=True, kw_only=True):
    """What one stage found."""

    passed: bool
    score: float | None = None
    """From 0 to 1; by default 1 where it passed and 0 where not."""
    feedback: str = ""
    """For the agent to read."""
    missing: str | None = None
    """Why there is no verdict, where there is none: then it neither passed nor scores 0."""

    @property
    def value(self) -> float | None:
        """The score that counts; None where there is no verdict."""
        if self.missing is not None:
            return None
        return float(self.passed) if self.score is None else self.score


class Stage(NamedTuple, Generic[Artefact]):
    """One look at the artefact."""

    name: str
    check: Callable[[Artefact], Awaitable[Outcome]]
    weight: float = 1.0
    """Its share of the score, relative to the other stages'."""


class Report(Record, frozen=True, kw_only=True):
    """What the stages found, in order."""

    outcomes: dict[str, Outcome]
    """By stage; stages after the first that did not pass were not asked and are not here."""
    score: float | None
    """Weighted mean over all stages, those not reached counting 0; None where a verdict is missing."""
    failed: str | None = None
    """The stage that did not pass; None where all did."""

    @property
    def passed(self) -> bool:
        """Whether every stage passed."""
        return self.failed is None

    @property
    def feedback(self) -> str:
        """What the failed stage says, or all stages where none failed; empty where they say nothing."""
        if self.failed is not None:
            return self.outcomes[self.failed].feedback
        return "\n".join(outcome.feedback for outcome in self.outcomes.values() if outcome.feedback)


async def verify(artefact: Artefact, stages: Sequence[Stage[Artefact]]) -> Report:
    """Ask the stages in order, up to the first that does not pass.

    A stage without a verdict (`Outcome.missing`) ends it, too: what comes after it cannot be known, so the
    score is missing, not 0.

    Raises:
        ConfigError: without stages, for a name that occurs twice, or for weights that add up to nothing.
    """
    names = [stage.name for stage in stages]
    total = sum(stage.weight for stage in stages)
    if len(set(names)) != len(names):
        raise ConfigError(f"staged verifier: names of stages must differ, got {', '.join(names)}")
    if total <= 0 or any(stage.weight < 0 for stage in stages):
        raise ConfigError("staged verifier: weights must not be negative and must add up to more than 0")
    outcomes: dict[str, Outcome] = {}
    score = 0.0
    for stage in stages:
        outcome = outcomes[stage.name] = await stage.check(artefact)
        value = outcome.value
        if value is None:
            return Report(outcomes=outcomes, score=None, failed=stage.name)
        score += value * stage.weight / total
        if not outcome.passed:
            return Report(outcomes=outcomes, score=score, failed=stage.name)
    return Report(outcomes=outcomes, score=score)


def judged_outcome(verdict: Verdict, *, at_least: float, low: float = 0.0, high: float = 1.0) -> Outcome:
    """A judge's verdict as the outcome of a stage that passes from the score `at_least` on.

    The verdict's scale, `low` to `high`, becomes 0 to 1; a missing verdict stays missing.
    """
    if verdict.score is None:
        return Outcome(passed=False, missing=verdict.missing or f"the verdict has no score: {verdict.label}")
    return Outcome(
        passed=verdict.score >= at_least,
        score=(verdict.score - low) / (high - low),
        feedback=verdict.reason or "",
    )
