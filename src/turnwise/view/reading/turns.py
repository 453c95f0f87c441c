"""Turns in full, by range."""

from __future__ import annotations

from collections import defaultdict

from turnwise.log import Call, Timing, Turn
from turnwise.view.reading import messages
from turnwise.view.reading.episode import calls_of, kind_of, note_lines, reward_lines
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s


def page(source: Source, found: Found, query: s.TurnsQuery) -> s.TurnsPage:
    """Some turns of an episode."""
    log = found.log
    reader = source.of(found, ("turns",), lambda: _Reader(source, found))
    shown = log.turns[query.start : query.start + query.count]
    return s.TurnsPage(
        start=query.start, total=len(log.turns), turns=[reader.turn(found, turn) for turn in shown]
    )


class _Reader:
    """What all turns of an episode are told from."""

    def __init__(self, source: Source, found: Found) -> None:
        log = found.log
        self.calls = {(call.role, call.n): call for call in log.calls}
        self.by_turn = calls_of(log)
        self.timings = {(timing.key, timing.n): timing for timing in source.timings(found)}
        self.rewards: dict[int, list[s.RewardLine]] = defaultdict(list)
        self.notes: dict[int, list[s.NoteLine]] = defaultdict(list)
        self.toolsets = [[spec.name for spec in toolset] for toolset in log.toolsets]
        for reward in reward_lines(log):
            if reward.turn is not None:
                self.rewards[reward.turn].append(reward)
        for note in note_lines(log):
            if note.turn is not None:
                self.notes[note.turn].append(note)

    def turn(self, found: Found, turn: Turn) -> s.TurnShape:
        """A turn in full."""
        numbers = self.by_turn.get(turn.index, [])
        return s.TurnShape(
            index=turn.index,
            parent=turn.parent,
            role=turn.role,
            kind=kind_of(turn),
            to=list(turn.to),
            message=messages.message(found, turn.message),
            calls=[self.call(found, self.calls[turn.role, n], turn) for n in numbers],
            rewards=self.rewards.get(turn.index, []),
            notes=self.notes.get(turn.index, []),
            editable=bool(turn.calls),
        )

    def call(self, found: Found, call: Call, turn: Turn) -> s.CallShape:
        """A call that led to a turn."""
        timing: Timing | None = self.timings.get((call.role, call.n))
        spoke = turn.calls[-1] == call.n
        return s.CallShape(
            role=call.role,
            n=call.n,
            parent=call.parent,
            turn=turn.index if spoke else None,
            finish=call.finish,
            model=call.model,
            version=call.version,
            spent=messages.spent(call.usage),
            sampling=None if call.sampling is None else messages.plain(call.sampling),
            tools=[] if call.tools is None else self.toolsets[call.tools],
            error=call.error,
            error_kind=call.error_kind,
            start=None if timing is None else timing.start,
            seconds=None if timing is None else timing.seconds,
            tokens=call.tokens,
            logprob=None if call.logprobs is None else sum(call.logprobs),
            said=None if call.message is None else messages.message(found, call.message),
        )
