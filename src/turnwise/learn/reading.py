"""What one role did in one episode: its turns in tokens, the rows they stand in, and what each was paid.

A call is one turn. Calls that failed, or sampled nothing, are none; the next prompt shows what came of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from turnwise.errors import CapabilityError, StoreError
from turnwise.learn.render import Renderer
from turnwise.learn.views import Break, Ids, Span, Views
from turnwise.log import Call, EpisodeLog, Ref, Reward
from turnwise.message import Media


class Taken(NamedTuple):
    """A turn of the batch: one call that was sampled."""

    when: float
    """Where it belongs among the episode's visible turns: that which it said, or the next one of its role."""
    at: int
    """The visible turn it said; -1 for none."""
    call: Call
    span: Span
    logprobs: Sequence[float]


class Part(NamedTuple):
    """What one role did in one episode."""

    role: str
    turns: list[Taken]
    rows: list[Ids]
    breaks: list[Break]
    rewards: list[float]
    """By turn."""


class Reader:
    """Reads the calls of a role as rows.

    Args:
        shared: Whether samples that a fork shares with its parent count as its own.
        renderer: For calls without ids; None refuses them.
        logprobs: Whether samples must have log-probabilities.
    """

    def __init__(self, shared: bool, renderer: Renderer | None, logprobs: bool) -> None:
        self._shared = shared
        self._renderer = renderer
        self._logprobs = logprobs
        self.rendered = 0
        """Calls rendered so far."""

    def part(self, log: EpisodeLog, name: str, role: str) -> Part:
        """What a role did."""
        first = 0 if self._shared else _own(log, role)
        said = {turn.calls[-1]: turn.index for turn in log.turns if turn.calls and turn.role == role}
        views = Views()
        turns: list[Taken] = []
        for call in log.calls:
            if call.role != role or call.n < first or call.error is not None:
                continue
            tokens = self._tokens(log, call, f"episode {name}: call {call.n} of {role!r}")
            if len(tokens.sampled):
                span = views.add(
                    call.n, tokens.sampled, tokens.prompt, parent=tokens.parent, added=tokens.added
                )
                turns.append(Taken(0.0, said.get(call.n, -1), call, span, tokens.logprobs))
        turns = _timed(turns)
        begin = 0 if self._shared or not log.branches else log.branches[-1].turns
        return Part(role, turns, views.rows(), views.breaks, _paid(log, role, turns, begin))

    def _tokens(self, log: EpisodeLog, call: Call, where: str) -> _Tokens:
        """A call in tokens.

        Raises:
            CapabilityError, StoreError: see `batch_of`.
        """
        if call.added_ids is None or call.sampled_ids is None:
            return self._render(log, call, where)
        count = len(call.sampled_ids)
        logprobs = call.logprobs
        if logprobs is None and not self._logprobs:
            logprobs = (np.nan,) * count
        if logprobs is None:
            raise CapabilityError(
                f"{where} has no log-probabilities: ask for them (sampling.logprobs), or build the batch "
                f"with logprobs=False for a loss that needs none"
            )
        if len(logprobs) != count:
            raise StoreError(f"{where} has {count} sampled tokens, but {len(logprobs)} log-probabilities")
        if any(_pictures(log, ref) for ref in call.added):
            raise CapabilityError(
                f"{where} was shown pictures, sounds or files; rows hold token ids alone, so only text "
                f"can be trained on"
            )

        def prompt() -> Sequence[int]:
            ids = log.prompt_ids(call)
            if not ids:
                raise StoreError(f"{where} has no prompt on record; expected all token ids that it was fed")
            return ids

        return _Tokens(call.sampled_ids, logprobs, prompt, call.parent, call.added_ids)

    def _render(self, log: EpisodeLog, call: Call, where: str) -> _Tokens:
        """A call without ids, in tokens somebody might have sampled."""
        if self._renderer is None:
            raise CapabilityError(
                f"{where} has no token ids, only text, and other ids for the same text are not what was "
                f"sampled: train on calls of a model that tells its ids (hf/..., or a server that returns "
                f"them), or ask for text='render'"
            )
        tools = () if call.tools is None else log.toolsets[call.tools]
        cut = call.finish == "length"
        try:
            rendered = self._renderer.call(log.shown(call), tools, log.message_of(call), cut=cut)
        except CapabilityError as error:
            raise CapabilityError(f"{where}: {error}") from error
        self.rendered += 1
        unknown = (np.nan,) * len(rendered.sampled)
        return _Tokens(rendered.sampled, unknown, lambda: rendered.prompt)


class _Tokens(NamedTuple):
    """A call in tokens; see `Views.add`."""

    sampled: Sequence[int]
    logprobs: Sequence[float]
    prompt: Callable[[], Sequence[int]]
    parent: int | None = None
    added: Sequence[int] = ()


def _own(log: EpisodeLog, role: str) -> int:
    """Number of the first call of a role that a fork does not share with its parent (see `fork.prefix`)."""
    if not log.branches:
        return 0
    shared = log.turns[: log.branches[-1].turns]
    return max((turn.calls[-1] + 1 for turn in shared if turn.calls and turn.role == role), default=0)


def _pictures(log: EpisodeLog, ref: Ref) -> bool:
    """Whether an entry of a view holds more than text."""
    content = (log.turns[ref].message if isinstance(ref, int) else ref).content
    return not isinstance(content, str) and any(isinstance(part, Media) for part in content)


def _timed(turns: Sequence[Taken]) -> list[Taken]:
    """Turns with their places among all visible ones: a hidden one belongs to what its role said next."""
    when = inf
    timed: list[Taken] = []
    for taken in reversed(turns):
        if taken.at >= 0:
            when = min(when, taken.at)
        timed.append(taken._replace(when=when))
    return timed[::-1]


def _paid(log: EpisodeLog, role: str, turns: Sequence[Taken], begin: int) -> list[float]:
    """Each turn's reward.

    Args:
        log: The episode.
        role: Whose turns they are.
        turns: All of them.
        begin: First visible turn that is the episode's own; what was given for those before is not.
    """
    paid = [0.0] * len(turns)
    if not turns:
        return paid
    of_call = {taken.call.n: place for place, taken in enumerate(turns)}
    when = [taken.when for taken in turns]
    last = max((place for place, taken in enumerate(turns) if taken.at >= 0), default=len(turns) - 1)
    for reward in rewards(log, (role,)):
        if reward.turn is None:
            place = last
        elif reward.turn < begin:
            continue
        else:
            by = log.turns[reward.turn : reward.turn + 1]
            calls = by[0].calls if by and by[0].role == role else ()
            mine = [of_call[n] for n in calls if n in of_call]
            # Nothing of the role's own: the last thing it did before.
            place = mine[-1] if mine else max(bisect_right(when, reward.turn) - 1, 0)
        paid[place] += reward.value or 0.0
    return paid


def rewards(log: EpisodeLog, roles: Sequence[str]) -> Iterator[Reward]:
    """Rewards of some roles."""
    return (reward for reward in log.rewards if (reward.role or log.roles[0]) in roles)
