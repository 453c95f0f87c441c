"""Judging a stored run, and what all who judged it make of it: other judges, people, the environment itself.

A judge's run is a run like any other (kind `judge`, its parent the judged run), so that it is resumed,
replayed and read like one; judging again is another run, and overwrites nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, cast

import msgspec

from turnwise.engine import launch, resolve
from turnwise.engine.cases import JUDGE, cases, parent_of
from turnwise.engine.config import RunConfig
from turnwise.engine.launch import Watch
from turnwise.engine.resolve import Given
from turnwise.engine.results import Run
from turnwise.environments.judging import Case, Judging
from turnwise.errors import ConfigError
from turnwise.judges.kinds import of_pairs
from turnwise.log import EpisodeLog
from turnwise.metrics import Agreement, Estimate, PositionBias, cohen_kappa, position_bias, spearman
from turnwise.metrics.bias import Place
from turnwise.store.annotations import Annotation, Annotations, Target


async def judge(
    run: Run,
    config: RunConfig,
    *,
    against: Run | None = None,
    given: Given = resolve.NONE_GIVEN,
    watch: Watch | None = None,
) -> Run:
    """Judge all episodes of a run that came to an end, as a run of its own in the same store.

    Args:
        run: What to judge.
        config: Of the judge's run: environment `judging`, with the kind of judge and its settings.
        against: The run whose episodes stand beside these, for a judge of pairs.
        given: Things made in Python that go before what the config names.
        watch: See `launch.Watch`.

    Raises:
        ConfigError: there is nothing to judge, or the judge cannot be made.
        RunStopped: it stopped before its end, and can be resumed.
    """
    environment = resolve.environment(config, given)
    if not isinstance(environment, Judging):
        raise ConfigError(f"a run is judged by the environment 'judging', not {environment.name!r}")
    pairs = of_pairs(environment.kind)
    if pairs != (against is not None):
        needs = "two runs: name the other by --against" if pairs else "single episodes: leave out --against"
        raise ConfigError(f"judge {environment.judge!r} judges {needs}")
    found = cases(run, against)
    if config.ids is None and (run.status != "done" or (against is not None and against.status != "done")):
        # More episodes may come: a resumed judge goes on with those that were there.
        config = msgspec.structs.replace(config, ids=tuple(task.id for task in found))
    things = given._replace(tasks=found)
    parent = parent_of(run, against)
    return await launch.start(config, run.store, given=things, watch=watch, kind=JUDGE, parent=parent)


def judges_of(run: Run) -> list[Run]:
    """The runs that judged a run, the oldest first."""
    rows = [row for row in run.store.runs() if row.kind == JUDGE and row.parent == run.id]
    return [Run(run.store, row) for row in reversed(rows)]


class Rater(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who judged episodes of a run; by number, where they gave a verdict."""

    name: str
    scores: dict[int, float]
    passed: dict[int, bool]

    @property
    def mean(self) -> float:
        """Their mean score; nan for none."""
        return sum(self.scores.values()) / len(self.scores) if self.scores else math.nan


def raters(run: Run, *, solved: float | None = None) -> list[Rater]:
    """Everybody who judged a run: the environment, each judge's run, each person.

    Args:
        run: The run.
        solved: A score passes from here on, where nobody said whether it does; by default 0.5 where all of a
            rater's scores are from 0 to 1, and nothing follows from others.
    """
    rows = run.store.columns(run.row.number, ("number", "score"))
    found = [
        _rater("environment", {number: score for number, score in rows if score is not None}, {}, solved)
    ]
    for judged in judges_of(run):
        agents = "+".join(agent.use for agent in judged.config.agents.values())
        name = f"{judged.config.settings.get('judge', 'rubric')} by {agents} ({judged.id})"
        scores, passed = _judgements(judged)
        found.append(_rater(name, scores, passed, solved))
    return [one for one in [*found, *_people(run, solved)] if one.scores or one.passed]


def _judgements(judged: Run) -> tuple[dict[int, float], dict[int, bool]]:
    """Score and pass of each episode; where it was judged several times, the mean, and what most said."""
    scores: dict[int, list[float]] = {}
    passed: dict[int, list[float]] = {}
    for row in judged.episodes():
        number = int(row.task.rpartition("/")[2])
        for name, kept in (("verdict", scores), ("passed", passed)):
            if name in row.metrics:
                kept.setdefault(number, []).append(row.metrics[name])
    most = {number: sum(said) / len(said) for number, said in passed.items()}
    return (
        {number: sum(said) / len(said) for number, said in scores.items()},
        {number: share > 0.5 for number, share in most.items() if share != 0.5},
    )


def _people(run: Run, solved: float | None) -> list[Rater]:
    """The thumbs and scores that people gave whole episodes."""
    scores: dict[str, dict[int, float]] = {}
    passed: dict[str, dict[int, bool]] = {}
    for word in Annotations(run.store).held():
        target = word.target
        if target.run != run.id or target.episode is None or target.turn is not None or word.value is None:
            continue
        if word.kind == "thumb":
            passed.setdefault(word.annotator, {})[target.episode] = word.value > 0
        elif word.kind == "score":
            scores.setdefault(word.annotator, {})[target.episode] = word.value
    return [_rater(name, scores.get(name, {}), passed.get(name, {}), solved) for name in {**scores, **passed}]


def _rater(name: str, scores: Mapping[int, float], passed: Mapping[int, bool], solved: float | None) -> Rater:
    """Where only one of score and pass was given, the other follows from it."""
    bar = 0.5 if solved is None and all(0 <= score <= 1 for score in scores.values()) else solved
    by_bar = {} if bar is None else {number: score >= bar for number, score in scores.items()}
    by_pass = {number: float(ok) for number, ok in passed.items()}
    return Rater(name=name, scores={**by_pass, **scores}, passed={**by_bar, **passed})


def labelled(run: Run) -> list[Case]:
    """The cases of a run that people gave a word on, with it as the label: to try and to train judges on.

    The label is whether most of them find that it passes, by thumbs or by scores from 0 to 1; where they are
    split there is none, and of other scores it is the mean.

    Raises:
        ConfigError: nobody labelled an episode of it.
    """
    people = _people(run, None)
    found: list[Case] = []
    for task in cases(run):
        case = cast("Case", task)
        number = int(case.id.rpartition("/")[2])
        passes = [one.passed[number] for one in people if number in one.passed]
        scores = [one.scores[number] for one in people if number in one.scores]
        label: bool | float
        if passes and 2 * sum(passes) != len(passes):
            label = 2 * sum(passes) > len(passes)
        elif scores and not passes:
            label = sum(scores) / len(scores)
        else:
            continue
        found.append(msgspec.structs.replace(case, label=label))
    if not found:
        raise ConfigError(
            f"nobody labelled an episode of {run.id} yet: give thumbs or scores in turnwise view"
        )
    return found


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """How far two raters agree on the episodes that both judged."""

    first: str
    second: str
    passed: Agreement
    """Cohen's kappa on whether they pass; intervals are over tasks."""
    scores: Estimate
    """Rank correlation of their scores."""
    differ: tuple[int, ...]
    """Numbers of the episodes on which they differ: those worth reading."""


def pairings(run: Run, told: Sequence[Rater], *, resamples: int = 2000) -> list[Pairing]:
    """The agreement of each two raters that judged at least two episodes in common."""
    tasks: dict[int, str] = dict(run.store.columns(run.row.number, ("number", "task")))
    found: list[Pairing] = []
    for one, other in combinations(told, 2):
        both = sorted(one.scores.keys() & other.scores.keys())
        if len(both) < 2:
            continue
        clusters = [tasks[number] for number in both]
        passes = [[rater.passed.get(number) for number in both] for rater in (one, other)]
        scores = [[rater.scores[number] for number in both] for rater in (one, other)]
        found.append(
            Pairing(
                first=one.name,
                second=other.name,
                passed=cohen_kappa(passes[0], passes[1], clusters=clusters, resamples=resamples),
                scores=spearman(scores[0], scores[1], clusters=clusters, resamples=resamples),
                differ=tuple(
                    number
                    for number, a, b in zip(both, *passes, strict=True)
                    if None not in (a, b) and a is not b
                ),
            )
        )
    return found


MARKER = "turnwise judge"
"""Who says it, where disagreements are labelled."""


def mark(run: Run, told: Sequence[Rater], found: Sequence[Pairing], tag: str) -> list[int]:
    """Label the episodes on which any two raters differ, to be read in the viewer: a tag, and who said what.

    Marked again, the tag holds of those that differ now.

    Args:
        run: The run that was judged.
        told: Its raters.
        found: Their pairings.
        tag: The tag.

    Returns:
        The numbers of the episodes.
    """
    words = Annotations(run.store)
    mine = [
        word
        for word in words.held()
        if word.annotator == MARKER and word.target.run == run.id and word.name == tag
    ]
    differ = sorted({number for pair in found for number in pair.differ})
    wanted = {(Target(run.id, number), _said(told, number)) for number in differ}
    tagged = {word.target for word in mine if word.kind == "tag"}
    noted = {(word.target, word.text) for word in mine if word.kind == "note"}
    for word in mine:
        if word.target.episode not in differ or (
            word.kind == "note" and (word.target, word.text) not in wanted
        ):
            words.retract(word.id, MARKER)
    for target, said in sorted(wanted):
        if target not in tagged:
            words.add(Annotation(kind="tag", target=target, annotator=MARKER, name=tag))
        if (target, said) not in noted:
            words.add(Annotation(kind="note", target=target, annotator=MARKER, name=tag, text=said))
    return differ


def _said(told: Sequence[Rater], number: int) -> str:
    """Who finds that an episode passes, and who not, a line each."""
    return "\n".join(
        f"{one.name}: {'passes' if one.passed[number] else 'fails'} ({one.scores[number]:g})"
        for one in told
        if number in one.passed
    )


class Forecasts(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge's run said with what confidence, for `turnwise.metrics.calibration`."""

    confidence: list[float | None]
    passed: list[bool | None]
    """Whether it passed: for ObjexMT, whether the objective was right."""
    task: list[str]
    """The task of the judged episode: its cluster."""


def forecasts(run: Run) -> Forecasts:
    """The forecasts of a judge's run; None where a judgement or its confidence is missing."""
    told = Forecasts(confidence=[], passed=[], task=[])
    for log in run.logs():
        passed = log.metrics.get("passed")
        told.confidence.append(log.metrics.get("confidence"))
        told.passed.append(None if passed is None else passed >= 0.5)
        told.task.append(str(log.task["episode"]["task"]["id"]))
    return told


def readings(run: Run) -> list[list[dict[str, Any]]]:
    """What else each verdict of a judge's run holds (`Verdict.read`): of each episode all of them.

    For Amulet's analysis: `separability(readings(run))`, or the acts of each person's turns.
    """
    return [
        [note.value["read"] for note in log.notes if note.name == "verdict" and "read" in note.value]
        for log in run.logs()
    ]


def positions(run: Run) -> PositionBias:
    """Whether a judge of pairs goes by the place; from a run of it that asked in both orders."""
    forward: list[Place | None] = []
    backward: list[Place | None] = []
    for log in run.logs():
        orders = _orders(log)
        if len(orders) == 2:
            forward.append(orders[0])
            backward.append(orders[1])
    return position_bias(forward, backward)


def _orders(log: EpisodeLog) -> list[Place | None]:
    """Who won by place, in each order that was asked; a jury's members do not say."""
    places: dict[float, Place] = {1.0: "first", -1.0: "second", 0.0: "tie"}
    said = [note.value for note in log.notes if note.name == "verdict"]
    return [places.get(verdict.get("figures", {}).get("first")) for verdict in said]
