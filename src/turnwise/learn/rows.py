"""Episodes as batches: the rows their calls make, and the rewards, states and groups that belong to them.

What is learned from is what a policy sampled, as its calls have it on record; nothing is read from the role
of a message, so that an assistant's message which somebody else wrote is context like any other. A call is
one turn of a batch. What it was paid is what the log gives it: a reward for a visible turn goes to the call
that said it, one for somebody else's turn to the role's last call before, and one for the whole episode to
the role's last turn.

Left out, and counted by their reason, are episodes that no number can be given to: infrastructure failed,
they have not ended, or a verdict is missing. None of these is ever a score of 0.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from math import isfinite
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from turnwise import wire
from turnwise.engine.results import Run
from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.batch import Batch, Ints, Turns
from turnwise.learn.reading import Part, Reader, rewards
from turnwise.learn.render import Renderer
from turnwise.learn.views import Break, Ids, as_ids
from turnwise.log import EpisodeLog, Stop


class Why(StrEnum):
    """Why an episode is left out."""

    FAILED = "failed"
    """Infrastructure or the environment failed."""
    UNFINISHED = "unfinished"
    UNJUDGED = "unjudged"
    """A verdict on a trained role is missing."""
    SILENT = "silent"
    """No trained role sampled anything in it."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the episodes."""

    read: int
    """Episodes there were."""
    left_out: dict[Why, list[str]]
    """Those not in the batch, by the reason."""
    breaks: dict[str, list[Break]]
    """Calls whose prompts extend no earlier row of their episode, by `EPISODE ROLE`."""
    rendered: int
    """Calls whose tokens are not what was sampled, but rendered from text."""

    def __str__(self) -> str:
        lines = [f"{self.read - sum(map(len, self.left_out.values()))} of {self.read} episodes"]
        lines += [f"{len(names)} {why.value}" for why, names in self.left_out.items()]
        if self.breaks:
            lines.append(f"{sum(map(len, self.breaks.values()))} calls began another row")
        if self.rendered:
            lines.append(f"{self.rendered} calls rendered from text: not the tokens that were sampled")
        return "; ".join(lines)


class Built(NamedTuple):
    """A batch, and what became of the episodes it was made of."""

    batch: Batch
    report: Report


def batch_of(
    source: Run | EpisodeLog | Iterable[Run | EpisodeLog],
    *,
    roles: str | Sequence[str] | None = None,
    shared: bool = False,
    text: Literal["refuse", "render"] = "refuse",
    renderer: Renderer | None = None,
    logprobs: bool = True,
) -> Built:
    """Episodes as a batch.

    The episodes of one task within a run are a group; of forks, those that left the same parent at the same
    place.

    Args:
        source: Runs or logs of episodes.
        roles: Who is trained; the first role of each environment by default. Its sampler must be a model
            that tells token ids; nothing is asked of the others'.
        shared: Whether a fork also learns from the samples it shares with its parent. By default they are
            context: they are the parent's own to learn from, and rewards given for them stay with it.
        text: What to do with calls of which only the text is known: refuse them, or render them. Then the
            tokens are not those that were sampled, which the report says.
        renderer: How to render.
        logprobs: Whether each sampled token must come with its log-probability; otherwise it is NaN where it
            is not known.

    Returns:
        The batch, and a report of what was left out.

    Raises:
        CapabilityError: a call cannot be trained on: it has no token ids, or it was shown pictures.
        ConfigError: there is no such role, or a reward is not finite.
        StoreError: a record contradicts itself.
    """
    if text == "render" and renderer is None:
        raise ConfigError("text='render' needs a renderer: give turnwise.learn.render.Renderer(tokenizer)")
    chosen = (roles,) if isinstance(roles, str) else None if roles is None else tuple(roles)
    reader = Reader(shared, renderer if text == "render" else None, logprobs)
    table = _Table(chosen or ())
    left_out: dict[Why, list[str]] = defaultdict(list)
    breaks: dict[str, list[Break]] = {}
    read = 0
    for episode in _sources(source):
        read += 1
        log, name = episode.log, episode.name
        trained = _roles(log, chosen)
        why = _unfit(log, name, trained)
        parts = [] if why else [part for role in trained if (part := reader.part(log, name, role)).turns]
        if not parts:
            left_out[why or Why.SILENT].append(name)
            continue
        table.add(episode, trained, parts)
        breaks |= {f"{name} {part.role}": part.breaks for part in parts if part.breaks}
    if reader.rendered:
        told = "the batch is not what was sampled, and has no log-probabilities there"
        warnings.warn(f"{reader.rendered} calls were rendered from text: {told}", stacklevel=2)
    report = Report(read=read, left_out=dict(left_out), breaks=breaks, rendered=reader.rendered)
    return Built(table.batch(), report)


class _Source(NamedTuple):
    name: str
    log: EpisodeLog
    group: Hashable


def _sources(source: Run | EpisodeLog | Iterable[Run | EpisodeLog]) -> Iterator[_Source]:
    """Episodes with their names and what groups them."""
    several = [source] if isinstance(source, (Run, EpisodeLog)) else source
    for place, one in enumerate(several):
        if isinstance(one, Run):
            numbers = sorted(one.store.stops(one.row.number))
            for number, log in one.store.read_many(one.row.number, numbers):
                # Forks of one parent may be in several runs.
                whose = one.id if one.row.parent is None else one.row.parent
                yield _Source(f"{one.id}/{number}", log, (whose, instance(log)))
        else:
            yield _Source(str(place), one, (*_origin(one), instance(one)))


def _origin(log: EpisodeLog) -> tuple[Hashable, ...]:
    """Where a fork left its parent; the same for its siblings, and nothing for an episode that is no fork."""
    if not log.branches:
        return ()
    *before, last = log.branches
    return log.seed, *((b.turns, b.effects, b.seed) for b in before), last.turns, last.effects


def instance(log: EpisodeLog) -> bytes:
    """What an episode is about: environment, settings and task."""
    return wire.encode([log.environment, log.settings, log.task])


def _roles(log: EpisodeLog, chosen: Sequence[str] | None) -> tuple[str, ...]:
    if chosen is None:
        return log.roles[:1]
    for role in chosen:
        if role not in log.roles:
            near = did_you_mean(role, log.roles)
            raise ConfigError(
                f"environment {log.environment!r} has no role {role!r}{near}; it has {', '.join(log.roles)}"
            )
    return tuple(dict.fromkeys(chosen))


def _unfit(log: EpisodeLog, name: str, trained: Sequence[str]) -> Why | None:
    """Why an episode has no score that could be learned from."""
    if log.stop is None:
        return Why.UNFINISHED
    if log.stop is Stop.ERROR:
        return Why.FAILED
    for reward in rewards(log, trained):
        if reward.value is None:
            return Why.UNJUDGED
        if not isfinite(reward.value):
            raise ConfigError(
                f"episode {name}: the reward {reward.name!r} is {reward.value}; expected a finite number, or "
                f"None for a missing verdict"
            )
    return None


class _Table:
    """The batch while it grows: lists that become its arrays.

    Args:
        roles: Roles whose numbers are fixed.
    """

    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = {role: number for number, role in enumerate(roles)}
        self._groups: dict[Hashable, int] = {}
        self._states: dict[Hashable, int] = {}
        self._keyed = False
        self._rows: list[Ids] = []
        self._turns: list[tuple[int, ...]] = []
        """Of each turn: episode, index, role, tokens, state, row, place in it, version, visible turn, cut."""
        self.rewards: list[float] = []
        self._logprobs: list[Sequence[float]] = []
        self._episodes: list[tuple[str, int, float, bool]] = []
        """Of each episode: name, group, outcome, truncated."""

    def add(self, episode: _Source, trained: Sequence[str], parts: Sequence[Part]) -> None:
        """Add an episode."""
        log, number = episode.log, len(self._episodes)
        group = self._groups.setdefault(episode.group, len(self._groups))
        score = log.score(trained[0]) or 0.0
        self._episodes.append((episode.name, group, score, log.stop is not None and log.stop.cut))
        states = {note.turn: wire.encode(note.value) for note in log.notes if note.name == "state"}
        self._keyed = self._keyed or bool(states)
        task = instance(log) if states else b""
        merged: list[tuple[float, int, int, int]] = []
        for order, part in enumerate(parts):
            base = len(self._rows)
            self._rows += part.rows
            merged += [(taken.when, order, index, base) for index, taken in enumerate(part.turns)]
        for _, order, index, base in sorted(merged):
            part = parts[order]
            _, at, call, span, logprobs = part.turns[index]
            role = self._roles.setdefault(part.role, len(self._roles))
            # Without a key, no other turn is known to be in the same state.
            key = (task, states[at]) if at in states else (number, order, index)
            state = self._states.setdefault(key, len(self._states))
            cut = call.finish == "length"
            place = (base + span.row, span.start)
            self._turns.append(
                (number, index, role, span.length, state, *place, _version(call.version), at, cut)
            )
            self.rewards.append(part.rewards[index])
            self._logprobs.append(logprobs)

    def batch(self) -> Batch:
        """All that was added."""
        columns: Ints = np.array(self._turns, dtype=np.int64).reshape(-1, 10).T
        episode, index, role, tokens, state, row, start, version, at, cut = columns
        starts: Ints = np.cumsum([0, *map(len, self._rows)], dtype=np.int64)
        total = int(starts[-1])
        turn = np.full(total, -1, dtype=np.int64)
        logprobs = np.zeros(total, dtype=np.float32)
        for number, (first, size) in enumerate(zip(starts[row] + start, tokens, strict=True)):
            turn[first : first + size] = number
            logprobs[first : first + size] = self._logprobs[number]
        names, groups, outcome, truncated = zip(*self._episodes, strict=True) if self._episodes else [()] * 4
        return Batch(
            ids=np.concatenate(self._rows) if self._rows else as_ids(()),
            row_start=starts,
            sampled=turn >= 0,
            logprobs=logprobs,
            turn=turn,
            turns=Turns(
                episode=episode,
                group=np.array(groups, dtype=np.int64),
                reward=np.array(self.rewards, dtype=np.float64),
                index=index,
                role=role,
                tokens=tokens,
                state=state if self._keyed else None,
            ),
            turn_row=row,
            turn_version=version,
            outcome=np.array(outcome, dtype=np.float64),
            truncated=np.array(truncated, dtype=np.bool_),
            names=tuple(names),
            roles=tuple(self._roles),
            turn_at=at,
            turn_cut=cut.astype(np.bool_),
        )


def _version(version: str | None) -> int:
    """A policy version as a number; -1 where it is none."""
    return int(version) if version is not None and version.isascii() and version.isdecimal() else -1
