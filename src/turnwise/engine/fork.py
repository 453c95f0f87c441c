"""Forking: the part of a log that a fork shares with its parent, and where it leaves it."""

from __future__ import annotations

import msgspec

from turnwise.errors import CapabilityError, ConfigError
from turnwise.log import Branch, Call, EpisodeLog, Turn
from turnwise.message import Message


def prefix(log: EpisodeLog, at: int, *, seed: int | None = None) -> EpisodeLog:
    """What a fork shares that makes turn `at` anew: all turns before, and every effect that led to them.

    Args:
        log: The parent.
        at: Index of the first turn that is not shared; `len(log.turns)` shares them all.
        seed: Seed of all draws from there on; None goes on with the parent's.

    Raises:
        ConfigError: the parent has no such turn.
    """
    if not 0 <= at <= len(log.turns):
        raise ConfigError(f"cannot fork at turn {at}: the episode has turns 0 to {len(log.turns) - 1}")
    turns = log.turns[:at]
    last: dict[str, int] = {}
    for turn in turns:
        if turn.calls:
            last[turn.role] = turn.calls[-1]
    calls = tuple(call for call in log.calls if call.n <= last.get(call.role, -1))
    effects = tuple(effect for effect in log.effects if effect.at < at)
    shared = len(effects) + sum(1 for call in calls if call.error is None)
    used = max((call.tools for call in calls if call.tools is not None), default=-1)
    kept = [branch for branch in log.branches if branch.turns <= at and branch.effects <= shared]
    return msgspec.structs.replace(
        log,
        turns=turns,
        calls=calls,
        effects=effects,
        rewards=(),
        notes=(),
        metrics={},
        toolsets=log.toolsets[: used + 1],
        branches=(*kept, Branch(turns=at, effects=shared, seed=seed)),
        stop=None,
        detail=None,
        error=None,
    )


def edited(log: EpisodeLog, at: int, says: str | Message) -> EpisodeLog:
    """`log` with turn `at`, which a role said in one call, saying something else, and cut off after it.

    Raises:
        CapabilityError: nobody's model said that turn, so it cannot be put into anybody's mouth.
    """
    turn = log.turns[at] if 0 <= at < len(log.turns) else None
    if turn is None or not turn.calls:
        raise CapabilityError(
            f"turn {at} cannot be edited: only what an agent said can; an observation follows from the rest"
        )
    message = Message(role="assistant", content=says) if isinstance(says, str) else says
    short = prefix(log, at + 1)
    said: list[Call] = [
        msgspec.structs.replace(
            call,
            message=None,
            added_ids=None,
            sampled_ids=None,
            sampled_texts=None,
            logprobs=None,
            alternatives=None,
        )
        if (call.role, call.n) == (turn.role, turn.calls[-1])
        else call
        for call in short.calls
    ]
    turns: tuple[Turn, ...] = (*short.turns[:-1], msgspec.structs.replace(turn, message=message))
    return msgspec.structs.replace(short, turns=turns, calls=tuple(said), branches=log.branches)
