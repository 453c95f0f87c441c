"""What each turn was worth by a published method, for turns of models that tell tokens and of any others.

The episodes of one task within a run are a group. A reward for a turn is its speaker's for that turn; one for
somebody else's turn, or for the whole episode, stands with the role's last turn up to there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import isfinite
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from turnwise import wire
from turnwise.engine.results import Run
from turnwise.errors import TurnwiseError
from turnwise.learn import credit as methods
from turnwise.learn.batch import Turns
from turnwise.log import EpisodeLog, Stop
from turnwise.store.schema import episodes
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s

_GROUP = 64
"""Episodes of a group that are read at most."""


class Credits(NamedTuple):
    """What the turns of an episode were worth, or why that cannot be told."""

    turns: dict[int, float]
    """By turn; of a method that credits tokens, their mean."""
    tokens: dict[int, Sequence[float]]
    """By turn, of a method that credits tokens."""
    group: tuple[int, ...] = ()
    problem: str | None = None


@cache
def usable() -> tuple[s.CreditMethod, ...]:
    """The methods that need nothing but the episodes."""
    found = [methods.get(name) for name in methods.names()]
    return tuple(
        s.CreditMethod(name=one.name, summary=one.summary, per=one.per) for one in found if not one.takes
    )


def page(source: Source, found: Found, method: str) -> s.CreditPage:
    """What each turn of an episode was worth."""
    told = of(source, found, method)
    log = found.log
    return s.CreditPage(
        method=method,
        group=list(told.group),
        turns=[
            s.TurnCredit(turn=turn, role=log.turns[turn].role, value=value if isfinite(value) else None)
            for turn, value in sorted(told.turns.items())
        ],
        problem=told.problem,
    )


def of(source: Source, found: Found, method: str) -> Credits:
    """What each turn of an episode was worth, among the episodes of its task."""
    key = ("credit", *found.key, method, found.run.row.ended)
    return source.cache.get(key, lambda: _credits(source, found, method))


def _credits(source: Source, found: Found, method: str) -> Credits:
    try:
        chosen = methods.get(method)
        if chosen.takes:
            return Credits(
                {}, {}, problem=f"{method} must be given {chosen.takes[0]!r}, which no episode holds"
            )
        if found.log.score() is None:
            return Credits({}, {}, problem="the episode has no score yet, so that no turn has a worth")
        group = _group(source, found.run, found)
        table = _table([log for _, log in group])
        values = np.asarray(chosen(table.turns), dtype=np.float64)
    except TurnwiseError as error:
        return Credits({}, {}, problem=str(error))
    numbers = tuple(number for number, _ in group)
    mine = numbers.index(found.row.number)
    starts = np.cumsum([0, *table.turns.tokens])
    turns: dict[int, float] = {}
    tokens: dict[int, Sequence[float]] = {}
    for place in np.flatnonzero(table.turns.episode == mine):
        turn = table.at[place]
        if chosen.per == "turn":
            turns[turn] = float(values[place])
        else:
            part = values[starts[place] : starts[place + 1]]
            tokens[turn] = [float(value) for value in part]
            turns[turn] = float(part.mean()) if len(part) else 0.0
    return Credits(turns, tokens, numbers)


def _group(source: Source, run: Run, found: Found) -> list[tuple[int, EpisodeLog]]:
    """The episodes of the same task that have a score; the one that is asked for is among them."""
    number = found.row.number
    query = (
        sa.select(episodes.c.number)
        .where(
            episodes.c.run == run.row.number,
            episodes.c.task == found.row.task,
            episodes.c.score.is_not(None),
            episodes.c.stop != Stop.ERROR.value,
        )
        .order_by(sa.func.abs(episodes.c.number - number))
        .limit(_GROUP)
    )
    with source.store.reading("episodes") as connection:
        numbers = sorted({number, *(one for (one,) in connection.execute(query))})
    return [
        (one, log) for one, log in run.store.read_many(run.row.number, numbers) if log.score() is not None
    ]


class _Table(NamedTuple):
    turns: Turns
    at: list[int]
    """`[K]` Index of each turn in its episode's log."""


def _table(logs: Sequence[EpisodeLog]) -> _Table:
    """All turns that were sampled, one entry each; see `turnwise.learn.batch.Turns`."""
    rows: list[tuple[int, int, int, int, int]] = []
    pay: list[float] = []
    at: list[int] = []
    roles = {role: number for number, role in enumerate(logs[0].roles)}
    states: dict[bytes | tuple[int, int], int] = {}
    keyed = False
    for number, log in enumerate(logs):
        noted = {note.turn: wire.encode(note.value) for note in log.notes if note.name == "state"}
        keyed = keyed or bool(noted)
        sampled = {(call.role, call.n): call.sampled_ids for call in log.calls}
        said = [turn for turn in log.turns if turn.calls and turn.role in roles]
        counts = dict.fromkeys(roles, 0)
        paid = _paid(log, {turn.index: turn.role for turn in said})
        for turn in said:
            key = noted.get(turn.index, (number, turn.index))
            state = states.setdefault(key, len(states))
            tokens = len(sampled.get((turn.role, turn.calls[-1])) or (0,))
            rows.append((number, counts[turn.role], roles[turn.role], tokens, state))
            counts[turn.role] += 1
            pay.append(paid.get(turn.index, 0.0))
            at.append(turn.index)
    episode, index, role, tokens, state = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    turns = Turns(
        episode=episode,
        group=np.zeros(len(logs), dtype=np.int64),
        reward=np.array(pay, dtype=np.float64),
        index=index,
        role=role,
        tokens=tokens,
        state=state if keyed else None,
    )
    return _Table(turns, at)


def _paid(log: EpisodeLog, speakers: dict[int, str]) -> dict[int, float]:
    """What each of the turns was paid."""
    first = log.roles[0]
    found: dict[int, float] = {}
    for reward in log.rewards:
        if reward.value is None:
            continue
        role = reward.role or first
        last = len(log.turns) if reward.turn is None else reward.turn
        mine = [turn for turn, speaker in speakers.items() if speaker == role]
        before = [turn for turn in mine if turn <= last] or mine[:1]
        if before:
            found[before[-1]] = found.get(before[-1], 0.0) + reward.value
    return found
