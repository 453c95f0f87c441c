"""An episode in outline: who took part, a line a turn, what it was worth and cost; not what was said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, Literal, NamedTuple, cast

import msgspec
import sqlalchemy as sa

from turnwise.engine.results import Run
from turnwise.log import Effect, EpisodeLog, Reward, Timing, Turn
from turnwise.message import Media, Message
from turnwise.store.rows import RunRow
from turnwise.store.schema import episodes
from turnwise.verdict import Verdict
from turnwise.view.reading import grid, messages, pictures, runs, words
from turnwise.view.reading.source import Found, Source
from turnwise.view.reading.views import role_view
from turnwise.view.server import shapes as s
from turnwise.wire import mend

_HEAD = 80
_NONE: list[Any] = []
"""Calls of a turn that nobody was asked for; never added to."""
_VERDICT = {"score", "label", "reason", "evidence", "missing"}


def page(source: Source, found: Found) -> s.EpisodePage:
    """The outline of an episode."""
    row, run = found.row, found.run
    fixed: s.EpisodePage = source.of(found, ("episode",), lambda: _outline(source, found))
    said = words.by_episode(source, run.id).get(row.number, words.NONE)
    every = source.rows()
    return msgspec.structs.replace(
        fixed,
        line=msgspec.structs.replace(fixed.line, tags=list(said.tags), labels=said.labels),
        live=row.stop is None and runs.status(run.row) == "running",
        verdicts=[*fixed.verdicts, *_judged(source, found, every)],
        forks=len(_forks_of(every, found.name)),
        previous=row.number - 1 if row.number else None,
        next=row.number + 1 if row.number + 1 < run.row.planned else None,
    )


class Clock(NamedTuple):
    """When a turn's calls were made and what they took."""

    start: float | None = None
    model: float | None = None
    tool: float | None = None
    wait: float | None = None


def kind_of(turn: Turn) -> Literal["reply", "observation", "tool", "system"]:
    """What a turn is."""
    if turn.role == "tool":
        return "tool"
    speaker = turn.message.role
    return "system" if speaker == "system" else "reply" if speaker == "assistant" else "observation"


def calls_of(log: EpisodeLog) -> dict[int, list[int]]:
    """For each turn, its speaker's calls since its last turn; the one that said it comes last."""
    before: dict[str, int] = {}
    found: dict[int, list[int]] = {}
    made = {(call.role, call.n) for call in log.calls}
    for turn in log.turns:
        if turn.calls:
            last = turn.calls[-1]
            first = before.get(turn.role, -1) + 1
            found[turn.index] = [n for n in range(first, last + 1) if (turn.role, n) in made]
            before[turn.role] = max(last, first - 1)
    return found


def clocks(log: EpisodeLog, timings: list[Timing], calls: dict[int, list[int]]) -> dict[int, Clock]:
    """What each turn took, by its index; calls and effects that led to no turn are in none."""
    took = _waits(timings)
    effects: dict[int, list[Effect]] = defaultdict(list)
    for effect in log.effects:
        effects[effect.at].append(effect)
    found: dict[int, Clock] = {}
    for turn in log.turns:
        made, asked = calls.get(turn.index), effects.get(turn.index)
        if not (made or asked):
            continue
        mine = [took[key] for n in made or () if (key := (turn.role, n)) in took]
        outside = [took[key] for one in asked or () if (key := (one.key, one.n)) in took]
        if mine or outside:
            found[turn.index] = Clock(
                start=min([timing.start for timing, _ in (*mine, *outside)]),
                model=sum([timing.seconds for timing, _ in mine]) if mine else None,
                tool=sum([timing.seconds for timing, _ in outside]) if outside else None,
                wait=sum([wait for _, wait in mine]) if mine else None,
            )
    return found


def _waits(timings: list[Timing]) -> dict[tuple[str, int], tuple[Timing, float]]:
    """Each call and effect, with the seconds before it in which nothing else was asked for."""
    found: dict[tuple[str, int], tuple[Timing, float]] = {}
    over = 0.0
    for timing in sorted(timings, key=attrgetter("start")):
        start = timing.start
        found[timing.key, timing.n] = timing, max(0.0, start - over)
        over = max(over, start + timing.seconds)
    return found


def reward_lines(log: EpisodeLog) -> list[s.RewardLine]:
    """All components of everybody's reward."""
    first = log.roles[0]
    return [
        s.RewardLine(name=mend(one.name), role=one.role or first, value=one.value, turn=one.turn)
        for one in log.rewards
    ]


# Inside -----------------------------------------------------------------------------------------------


def _outline(source: Source, found: Found) -> s.EpisodePage:
    log, row = found.log, found.row
    calls = calls_of(log)
    error = log.error
    return s.EpisodePage(
        run=found.run.id,
        number=row.number,
        environment=log.environment,
        settings=messages.json(log.settings),
        task=messages.json(log.task),
        epoch=log.epoch,
        seed=str(log.seed),
        line=grid.line(msgspec.structs.asdict(row), words.NONE),
        live=False,
        roles=_roles(source, found),
        turns=_turns(source, found, calls),
        rewards=reward_lines(log),
        metrics=log.metrics,
        verdicts=_verdicts(log),
        notes=note_lines(log),
        failure=None
        if error is None
        else s.Failure(type=error.type, message=mend(error.message), traceback=mend(error.traceback)),
        parent=found.run.row.parent if found.run.row.kind == "fork" else None,
        branches=[
            s.BranchLine(turns=one.turns, seed=None if one.seed is None else str(one.seed))
            for one in log.branches
        ],
        forks=0,
        pictures=pictures.shows(found.run, log.environment),
        tools=_tools(log),
        spent=_spent(log),
        previous=None,
        next=None,
    )


def _forks_of(every: Iterable[RunRow], name: str) -> list[RunRow]:
    """Of all runs, those that were forked from an episode."""
    return [
        row
        for row in every
        if row.kind == "fork" and row.parent is not None and row.parent.rpartition("@")[0] == name
    ]


def _judged(source: Source, found: Found, every: Iterable[RunRow]) -> list[s.VerdictLine]:
    """What judges' runs say of it: each has an episode a case, whose task names what it is about."""
    lines: list[s.VerdictLine] = []
    for row in every:
        if row.kind != "judge" or found.run.id not in runs.parents(row):
            continue
        for number in _cases(source, row.number, found.name):
            case = source.episode(Run(source.store, row), number)
            lines += _verdicts(case.log, case.name)
    return lines


def _cases(source: Source, judge: int, name: str) -> list[int]:
    """The episodes of a judge's run that are about an episode, alone or beside another (`A~B`)."""
    task = episodes.c.task
    about = sa.or_(
        task == name, task.startswith(f"{name}~", autoescape=True), task.endswith(f"~{name}", autoescape=True)
    )
    query = sa.select(episodes.c.number).where(episodes.c.run == judge, about).order_by(episodes.c.number)
    with source.store.reading("episodes") as connection:
        return list(connection.scalars(query))


def _turns(source: Source, found: Found, calls: dict[int, list[int]]) -> list[s.TurnLine]:
    log = found.log
    times = clocks(log, source.timings(found), calls)
    usage = {(call.role, call.n): call.usage for call in log.calls if call.usage is not None}
    worth = _worth(log.rewards, log)
    nothing = Clock()
    lines: list[s.TurnLine] = []
    for turn in log.turns:
        said, clock, made = turn.message, times.get(turn.index, nothing), calls.get(turn.index, _NONE)
        used = [usage[key] for n in made if (key := (turn.role, n)) in usage] if made else _NONE
        text = said.text
        lines.append(
            s.TurnLine(
                index=turn.index,
                parent=turn.parent,
                role=turn.role,
                kind=kind_of(turn),
                to=list(turn.to),
                head=head(text),
                size=len(text),
                media=_media(said),
                tools=_names(said),
                reward=worth.get(turn.index),
                calls=made,
                start=clock.start,
                model=clock.model,
                tool=clock.tool,
                wait=clock.wait,
                input=sum([one.input for one in used]) if used else 0,
                output=sum([one.output for one in used]) if used else 0,
                cost=sum([one.cost for one in used]) if used else 0.0,
            )
        )
    return lines


def head(text: str, width: int = _HEAD) -> str:
    """The beginning of a text, on one line."""
    flat = " ".join(text[: 4 * width].split())
    return mend(flat if len(flat) <= width else flat[: width - 1] + "…")


def _media(said: Message) -> int:
    return 0 if isinstance(said.content, str) else sum(isinstance(part, Media) for part in said.content)


def _names(said: Message) -> list[str]:
    if said.role == "tool":
        return [mend(said.name)] if said.name else []
    return [mend(call.name) for call in said.tool_calls]


def _worth(rewards: tuple[Reward, ...], log: EpisodeLog) -> dict[int, float]:
    """What each turn's speaker got for it; of a turn that no role said, what anybody got."""
    first, found = log.roles[0], defaultdict[int, float](float)
    for one in rewards:
        if one.turn is None or one.value is None or not 0 <= one.turn < len(log.turns):
            continue
        speaker = log.turns[one.turn].role
        if speaker not in log.roles or (one.role or first) == speaker:
            found[one.turn] += one.value
    return dict(found)


def _roles(source: Source, found: Found) -> list[s.RoleLine]:
    log = found.log
    said = Counter([turn.role for turn in log.turns])
    lines: list[s.RoleLine] = []
    for role in log.roles:
        made = [call for call in log.calls if call.role == role]
        added = [ref for call in made for ref in call.added if ref.__class__ is Message]
        lines.append(
            s.RoleLine(
                name=role,
                agent=log.agents.get(role),
                score=log.score(role),
                turns=said[role],
                calls=len(made),
                system=any(cast("Message", ref).role == "system" for ref in added),
                rewritten=role_view(source, found, role).rewritten,
                tokens=any(call.tokens is not None for call in made),
            )
        )
    return lines


def _verdicts(log: EpisodeLog, by: str | None = None) -> list[s.VerdictLine]:
    """Notes that are judgements, read as such."""
    return [
        s.VerdictLine(
            name=mend(note.name),
            by=by,
            turn=None if by else note.turn,
            score=verdict.score,
            label=verdict.label,
            reason=None if verdict.reason is None else mend(verdict.reason),
            evidence=list(verdict.evidence),
            missing=verdict.missing,
        )
        for note in log.notes
        if (verdict := _verdict(note.value)) is not None
    ]


def _verdict(value: Any) -> Verdict | None:
    """A note's value as a judgement, where it is one."""
    if not (isinstance(value, dict) and _VERDICT & cast("dict[str, Any]", value).keys()):
        return None
    try:
        return msgspec.convert(value, Verdict)
    except (msgspec.ValidationError, ValueError):
        return None


def note_lines(log: EpisodeLog) -> list[s.NoteLine]:
    """What the environment noted, but for judgements and state keys."""
    return [
        s.NoteLine(name=mend(note.name), turn=note.turn, value=messages.json(note.value))
        for note in log.notes
        if note.name != "state" and _verdict(note.value) is None
    ]


def _tools(log: EpisodeLog) -> list[s.ToolShape]:
    specs = {spec.name: spec for toolset in log.toolsets for spec in toolset}
    return [tool_shape(spec) for spec in specs.values()]


def tool_shape(spec: Any) -> s.ToolShape:
    """A tool as a model is told of it."""
    parameters = messages.json(spec.parameters)
    return s.ToolShape(name=spec.name, description=mend(spec.description), parameters=parameters)


def _spent(log: EpisodeLog) -> s.Spent:
    used = [call.usage for call in log.calls if call.usage is not None]
    names = ("input", "output", "cached", "reasoning", "cost")
    return s.Spent(**{name: sum(getattr(one, name) for one in used) for name in names})
