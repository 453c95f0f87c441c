"""Resume, fork and replay of random environments: exact, and nothing is asked twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_environments import Outside, Scripted, cast, frozen, steps

from turnwise import wire
from turnwise.engine import fork as forking
from turnwise.engine.replay import replay_log
from turnwise.engine.resolve import Cast
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ReplayDivergence
from turnwise.log import EpisodeLog, Segment
from turnwise.recording import Recording
from turnwise.task import Task

TASK = Task(id="0")


class Journal:
    """Keeps every segment as the store would, by the smallest steps: one effect each."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def changed(self, episode: Episode) -> None:
        self.segments.append(wire.decode(wire.encode(Segment(**episode.drain()[0])), Segment))


def play(
    environment: Environment,
    outside: Outside,
    recorded: EpisodeLog | None = None,
    *,
    stored: bool = True,
    **options: Any,
) -> tuple[EpisodeLog, list[Segment]]:
    """One episode, to its end: its whole log, and the segments that were written."""
    journal = Journal()
    recording = None if recorded is None else Recording(recorded, live=True, stored=stored)
    episode = Episode(environment, TASK, cast(outside), recording=recording, journal=journal, **options)
    asyncio.run(asyncio.wait_for(episode.play(), 20))
    journal.changed(episode)
    assert episode.error is None, episode.error.traceback
    header = episode.header()
    before = header if recorded is None or not stored else recorded
    whole = before.extended(journal.segments)
    return msgspec.structs.replace(whole, stop=episode.stop, detail=episode.detail), journal.segments


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 2**32), st.integers(0, 2**32))
def test_latency_does_not_change_an_episode(script: Any, one: int, other: int) -> None:
    environment = Scripted(script=frozen(script))
    assert play(environment, Outside(one))[0].to_json() == play(environment, Outside(other))[0].to_json()


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 2**32), st.data())
def test_killed_at_any_effect_and_resumed_it_is_the_same_episode(script: Any, seed: int, data: Any) -> None:
    environment = Scripted(script=frozen(script))
    outside = Outside(seed)
    whole, segments = play(environment, outside, seed=seed)
    kept = data.draw(st.integers(0, len(segments)))
    header = whole.extended([])
    empty = msgspec.structs.replace(
        header,
        turns=(),
        calls=(),
        effects=(),
        rewards=(),
        notes=(),
        metrics={},
        toolsets=(),
        stop=None,
        detail=None,
    )
    cut = empty.extended(segments[:kept])
    again = Outside(seed + 1, Counter(effect.key for effect in cut.effects))
    resumed, written = play(environment, again, cut, seed=seed)
    assert resumed.to_json() == whole.to_json()
    for call in cut.calls:
        assert again.asked[call.role, call.n] == 0
    assert sum(len(segment.effects) for segment in written) == len(whole.effects) - len(cut.effects)
    stored = {(effect.key, effect.n) for effect in cut.effects}
    assert not stored & {(effect.key, effect.n) for segment in written for effect in segment.effects}


@settings(max_examples=100, deadline=None)
@given(steps, st.integers(0, 2**32))
def test_replay_makes_the_same_log_and_asks_nobody(script: Any, seed: int) -> None:
    environment = Scripted(script=frozen(script))
    whole, _ = play(environment, Outside(seed), seed=seed)
    outside = Outside(seed + 1)
    again = asyncio.run(replay_log(whole, environment, Cast(cast(outside), {})))
    assert again.to_json() == whole.to_json()
    assert not outside.asked


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 2**32), st.data())
def test_a_fork_shares_its_prefix_exactly_and_can_be_replayed(script: Any, seed: int, data: Any) -> None:
    environment = Scripted(script=frozen(script))
    whole, _ = play(environment, Outside(seed), seed=seed)
    before = whole.to_json()
    at = data.draw(st.integers(0, len(whole.turns)))
    known = forking.prefix(whole, at, seed=seed + 1)
    outside = Outside(seed + 2)
    child, _ = play(environment, outside, known, seed=seed, branches=known.branches)
    assert child.turns[:at] == whole.turns[:at]
    assert child.branches == known.branches
    assert whole.to_json() == before
    for call in known.calls:
        assert outside.asked[call.role, call.n] == 0
    again = asyncio.run(replay_log(child, environment, Cast(cast(Outside(0)), {})))
    assert again.to_json() == child.to_json()
    # And a fork of the fork.
    later = data.draw(st.integers(at, len(child.turns)))
    second = forking.prefix(child, later, seed=seed + 3)
    grandchild, _ = play(environment, Outside(seed + 4), second, seed=seed, branches=second.branches)
    assert grandchild.turns[:later] == child.turns[:later]


def test_a_changed_environment_is_one_error_that_names_the_turn() -> None:
    script = [["ask", "alice"], ["tell", "bob"], ["ask", "bob"]]
    whole, _ = play(Scripted(script=script), Outside(1))
    agents = Cast(cast(Outside(1)), {})
    for other, said in [
        (
            [["ask", "alice"], ["tell", "bob"], ["ask", "carol"]],
            r"turn 3: .*recorded.*bob.*|turn \d: .*carol",
        ),
        (
            [["tell", "alice"], ["ask", "alice"]],
            r"turn 0: recorded environment saying 'total 0', but replay has",
        ),
        ([*script, ["ask", "alice"]], r"turn \d: the log ends here, but replay asks for call 1 of 'alice'"),
        (script[:2], r"turn 3: recorded 5 turns, but replay made 3"),
    ]:
        with pytest.raises(ReplayDivergence, match=said):
            asyncio.run(replay_log(whole, Scripted(script=other), agents))
