"""`judging`: a judge reads an episode and says what it found; that is an episode of its own.

So a judge is run, resumed, cached, attacked, trained and read like any other agent, and judging again is
another run beside the first. Each question is put to it alone, one after the other; its answers are turns.
What came of it are notes: `verdict`, one for each thing it looked at, and `judgement`, what they amount to;
their evidence are turns of the judged episode. Figures are metrics.

The score says, by `reward`, either how well the judge agrees with people (`agreement`, for cases that have a
label: to try and to train judges), or what the judge said (`verdict`: to score what was judged). A judgement
that is missing has no reward; `unread` gives it one, for training, where an answer that cannot be read is the
judge's own fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal

from turnwise.environment import Capabilities, Environment
from turnwise.environments.judging import agents
from turnwise.environments.judging.case import Case
from turnwise.environments.judging.samples import samples
from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.errors import TaskError
from turnwise.judges import kinds
from turnwise.role import Role
from turnwise.task import Task
from turnwise.verdict import Asker, Bench, Verdict


class Judging(Environment, kw_only=True, frozen=True):
    """A judge of stored episodes."""

    name: ClassVar[str] = "judging"
    roles: ClassVar[tuple[str, ...]] = ("judge",)
    optional_roles: ClassVar[tuple[str, ...]] = ("judge_2", "judge_3")
    task_type: ClassVar[type[Task]] = Case
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    judge: str = "rubric"
    """A kind of judge (`turnwise judge` lists them), or `file.py:Name`."""
    config: dict[str, Any] = {}
    """Its settings."""
    reward: Literal["agreement", "verdict"] = "agreement"
    """What the score says: whether the judge agrees with the label, or the judge's own score."""
    span: float = 1.0
    """Numbers so far apart do not agree at all; those nearer do in part."""
    unread: float | None = None
    """Reward of a missing judgement; None leaves it missing."""

    def __post_init__(self) -> None:
        kinds.made(self.judge, self.config)

    @cached_property
    def kind(self) -> Any:
        """The judge's kind, made."""
        return kinds.made(self.judge, self.config)

    @property
    def reward_range(self) -> tuple[float, float] | None:
        """Agreement lies within 0 and 1; a judge's own score may lie anywhere."""
        return (0.0, 1.0) if self.reward == "agreement" and self.unread in (None, 0.0) else None

    def tasks(self) -> Iterable[Task]:
        """Small cases of our own, with labels; pairs for a judge of pairs."""
        return samples(pairs=kinds.of_pairs(self.kind))

    async def run(self, task: Case, episode: Episode) -> None:
        """Ask the judge about one case."""
        lock = asyncio.Lock()
        seats = [episode.roles[name] for name in self.seats if episode.has(name)]
        ask = Bench(*(_asker(role, lock) for role in seats))
        verdicts = await self._verdicts(task, ask)
        whole: Verdict = self.kind.reduce(verdicts)
        for verdict in verdicts:
            episode.note(verdict, name="verdict")
        episode.note(whole, name="judgement")
        for name, value in figures(whole).items():
            episode.metric(name, value)
        episode.reward(self._reward(whole, task.label), name=self.reward)

    async def _verdicts(self, task: Case, ask: Asker) -> Sequence[Verdict]:
        if kinds.of_pairs(self.kind):
            if task.other is None:
                raise TaskError(
                    f"case {task.id!r}: {self.judge!r} judges pairs, and there is no second episode"
                )
            return await self.kind.compared(task.episode, task.other, ask)
        return await self.kind.verdicts(task.episode, ask)

    def _reward(self, whole: Verdict, label: bool | float | str | None) -> float | None:
        if whole.missing is not None:
            return self.unread
        if self.reward == "verdict":
            return whole.score
        return agreement(whole, label, self.span, shares=getattr(self.kind, "shares", True))

    def agents(self) -> dict[str, Callable[..., Any]]:
        """Judges without a model, for every kind: `solver` goes by the words in quotation marks, `random`."""
        return {
            "solver": agents.by_the_words,
            "random": agents.by_chance,
            "first": agents.of_the_first_place,
            "judge_2/solver": agents.by_the_words,
            "judge_3/solver": agents.by_the_words,
        }

    def defaults(self) -> Mapping[str, str]:
        """Nobody is asked where the kind looks by itself; somebody has to fill the seat."""
        return {} if getattr(self.kind, "asks", True) else {"judge": "solver"}


def agreement(
    whole: Verdict, label: bool | float | str | None, span: float = 1.0, *, shares: bool = True
) -> float | None:
    """How far a judgement agrees with a label, from 0 to 1; None where there is nothing to compare.

    Args:
        whole: The judgement.
        label: Whether it passes, a label, or a number.
        span: Numbers so far apart do not agree at all.
        shares: Scores are from 0 to 1, so that one of a half passes where the judge has no bar of its own.
    """
    if whole.missing is not None or label is None:
        return None
    if isinstance(label, bool):
        passed = whole.passed
        if passed is None and whole.score is not None and shares:
            passed = whole.score >= 0.5
        return None if passed is None else float(passed is label)
    if isinstance(label, str):
        return None if whole.label is None else float(whole.label == label)
    return None if whole.score is None else max(0.0, 1 - abs(whole.score - label) / span)


def figures(whole: Verdict) -> dict[str, float]:
    """The numbers of a judgement by name; those that are missing are not there."""
    told: dict[str, float | None] = {
        "verdict": whole.score,
        "passed": None if whole.passed is None else float(whole.passed),
        "confidence": whole.confidence,
        **whole.figures,
    }
    return {name: value for name, value in told.items() if value is not None}


def _asker(role: Role, lock: asyncio.Lock) -> Asker:
    """Puts each question to a judge by itself, when the one before is answered."""

    async def ask(prompt: str) -> str:
        async with lock:
            return (await ask_alone(role, prompt)).text

    return ask
