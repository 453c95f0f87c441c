"""Tools whose results are kept: keys, the four modes, who makes up what is missing, what the log tells."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise import Environment
from turnwise.environments.parts.simulated import by_role, called, prompt
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog
from turnwise.message import Message, ToolCall, ToolSpec
from turnwise.tools.cached import (
    NOTHING,
    UNKNOWN,
    CallCache,
    Example,
    Layer,
    Miss,
    Mode,
    cache_key,
    call_key,
    statistics,
    written,
)
from turnwise.tools.function import tool
from turnwise.tools.similar import Similar

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
ASKED: list[str] = []
"""What the live tool was asked, over a test."""


@tool(kind="read", replay="record")
def depth(lake: str, unit: str = "m") -> str:
    """How deep a lake is."""
    ASKED.append(lake)
    return f"{lake}: {len(lake)} {unit}"


class Lakes(Environment, frozen=True, kw_only=True):
    """Three calls, as a script makes them."""

    optional_roles = ("simulator",)
    mode: Mode = "live"
    kept: str = ""
    time: str = "noon"

    async def run(self, task: Any, episode: Episode) -> None:
        """Ask for the depths."""
        layer = Layer(
            [depth],
            mode=self.mode,
            cache=CallCache.read(self.kept) if self.kept else None,
            also={"time": self.time},
            simulate=by_role(episode.simulator) if episode.has("simulator") else None,
        )
        await episode.agent.respond("How deep?", tools=layer.tools)

    async def score(self, task: Any, episode: Episode) -> None:
        """Count."""
        for name, value in statistics(episode.notes, calls=episode.tool_calls).items():
            episode.metric(name, value)


def calling(*calls: tuple[str, str]) -> Any:
    """An agent that makes these calls, one message each."""

    def script(task: Any, rng: random.Random) -> Iterator[Any]:
        yield
        for number, (name, arguments) in enumerate(calls):
            call = ToolCall(id=str(number), name=name, arguments=arguments)
            yield Message(role="assistant", tool_calls=(call,))
        while True:
            yield "done"

    return script


ASKS = calling(
    ("depth", '{"lake": "Ulm", "unit": "ft"}'),
    ("depth", '{"unit": "ft", "lake": "Ulm"}'),
    ("depth", '{"lake": "Orta"}'),
    ("depth", '{"sea": "Orta"}'),
    ("height", "{}"),
    ("depth", "{"),
)


def play(folder: Path, agent: Any = ASKS, simulator: Any = None, **options: Any) -> EpisodeLog:
    made = Lakes(**options)
    others = {} if simulator is None else {"simulator": simulator}
    run = turnwise.run(made, agent, agents=others, store=folder / "t.db")
    log = run.episode(0)
    assert log.error is None, log.error.traceback
    ASKED.clear()
    assert turnwise.replay(run.id, store=folder / "t.db", environment=made).diverged == 0
    assert ASKED == [], "a replay asks nobody again"
    return log


def results(log: EpisodeLog) -> list[str]:
    return [turn.text for turn in log.turns if turn.role == "tool"]


# Keys ----------------------------------------------------------------------------------------------------


def test_the_key_is_json_of_sorted_pairs() -> None:
    assert cache_key({"time": "now", "params": "{}"}) == '[["params","{}"],["time","now"]]'
    assert call_key({"b": 1, "a": "ü"}, {"time": "t"}) == (
        r'[["params","{\"a\": \"ü\", \"b\": 1}"],["time","t"]]'
    )


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_arguments_does_not_matter_and_all_else_does(
    arguments: dict[str, Any], rng: random.Random
) -> None:
    names = list(arguments)
    rng.shuffle(names)
    shuffled = {name: arguments[name] for name in names}
    assert call_key(arguments) == call_key(shuffled)
    assert call_key(arguments, {"time": "1"}) != call_key(arguments, {"time": "2"})
    assert call_key(arguments, {"time": "1"}) != call_key(arguments)
    assert call_key({**arguments, "one more": 1}) != call_key(arguments)


# Modes ---------------------------------------------------------------------------------------------------


def test_live_asks_the_tool_and_keeps_nothing(tmp_path: Path) -> None:
    log = play(tmp_path)
    assert results(log)[:3] == ["Ulm: 3 ft", "Ulm: 3 ft", "Orta: 4 m"]
    assert log.metrics == {
        "tool_calls": 6,
        "live_calls": 3,
        "cache_hits": 0,
        "cache_misses": 0,
        "bad_calls": 3,
    }
    assert CallCache.of([log]).results == {}


def test_what_was_recorded_is_replayed_in_any_order_of_arguments(tmp_path: Path) -> None:
    recorded = play(tmp_path, mode="record")
    CallCache.of([recorded]).write(tmp_path / "kept")
    kept = json.loads((tmp_path / "kept" / "depth_cache.json").read_text())
    assert kept == {
        r'[["params","{\"lake\": \"Orta\"}"],["time","noon"]]': "Orta: 4 m",
        r'[["params","{\"lake\": \"Ulm\", \"unit\": \"ft\"}"],["time","noon"]]': "Ulm: 3 ft",
    }
    log = play(tmp_path, mode="replay", kept=str(tmp_path / "kept"))
    assert results(log) == results(recorded)
    assert (log.metrics["cache_hits"], log.metrics["bad_calls"]) == (3, 3)
    assert log.metrics["live_calls"] == 0


def test_another_time_is_another_call(tmp_path: Path) -> None:
    CallCache.of([play(tmp_path, mode="record")]).write(tmp_path / "kept")
    log = play(tmp_path, mode="replay", kept=str(tmp_path / "kept"), time="midnight")
    assert results(log)[0] == f"error: depth: {UNKNOWN}"
    assert (log.metrics["cache_hits"], log.metrics["cache_misses"], log.metrics["bad_calls"]) == (0, 3, 3)


def test_writing_adds_to_what_is_there(tmp_path: Path) -> None:
    CallCache({"depth": {"a": "1"}}).write(tmp_path)
    CallCache({"depth": {"b": "2"}, "height": {"c": "3"}}).write(tmp_path)
    assert CallCache.read(tmp_path).results == {"depth": {"a": "1", "b": "2"}, "height": {"c": "3"}}


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}'])
def test_a_cache_that_cannot_be_read_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no tool cache in"):
        CallCache.read(tmp_path)
    (tmp_path / "depth_cache.json").write_text(text)
    with pytest.raises(ConfigError, match=r"depth_cache\.json: expected a JSON object of texts"):
        CallCache.read(tmp_path)


def test_a_miss_goes_to_the_simulator_and_is_logged(tmp_path: Path) -> None:
    first = play(tmp_path, calling(("depth", '{"lake": "Ulm", "unit": "ft"}')), mode="record")
    CallCache.of([first]).write(tmp_path / "kept")
    heard: list[str] = []

    def simulator(messages: Any) -> str:
        assert len(messages) == 1, "each call is put by itself"
        heard.append(messages[-1].text)
        return "Orta: about 4 m\n"

    log = play(tmp_path, simulator=simulator, mode="simulate", kept=str(tmp_path / "kept"))
    assert results(log)[:3] == ["Ulm: 3 ft", "Ulm: 3 ft", "Orta: about 4 m"]
    assert (log.metrics["cache_hits"], log.metrics["cache_misses"], log.metrics["bad_calls"]) == (2, 1, 3)
    (question,) = heard
    assert "How deep a lake is." in question
    assert "Ulm: 3 ft" in question, "a known call is the example"
    asked = called(question)
    assert asked is not None
    assert (asked.tool, asked.arguments) == ("depth", {"lake": "Orta"})
    made_up = CallCache.of([log], "miss")
    assert made_up.results == {"depth": {call_key({"lake": "Orta"}, {"time": "noon"}): "Orta: about 4 m"}}
    assert not [turn for turn in log.turns if turn.to == ("agent",) and "stand in" in turn.text]


def test_a_simulator_that_says_nothing_has_found_nothing(tmp_path: Path) -> None:
    agent = calling(("depth", '{"lake": "Ulm"}'))
    assert results(play(tmp_path, agent, lambda _: "  ", mode="simulate")) == [NOTHING]


def test_without_a_simulator_a_miss_is_told(tmp_path: Path) -> None:
    log = play(tmp_path, mode="simulate")
    assert results(log)[2] == f"error: depth: {UNKNOWN}"
    assert log.metrics["cache_misses"] == 3


# Similar calls -------------------------------------------------------------------------------------------


def similar(cache: CallCache, name: str, arguments: dict[str, Any], count: int) -> list[Example]:
    calls, texts = cache.calls(name)
    return [calls[place] for place in texts.words.nearest(written(arguments), count)]


def test_the_most_similar_calls_come_first() -> None:
    known = {
        call_key({"from": "Bern", "to": "Rome"}): "1",
        call_key({"from": "Oslo", "to": "Bonn"}): "2",
        call_key({"from": "Bern", "to": "Oslo"}): "3",
        "not ours": "4",
    }
    cache = CallCache({"trains": known})
    near = similar(cache, "trains", {"from": "Bern", "to": "Oslo"}, 2)
    assert [example.result for example in near] == ["3", "1"]
    assert near[0].arguments == '{"from": "Bern", "to": "Oslo"}'
    assert len(similar(cache, "trains", {"x": 1}, 8)) == 4, "others fill up"
    assert similar(cache, "planes", {"from": "Bern"}, 8) == []
    cache.put("trains", call_key({"from": "Bern", "to": "Oslo", "day": 1}), "5")
    assert {example.result for example in similar(cache, "trains", {"from": "Bern", "to": "Oslo"}, 2)} == {
        "3",
        "5",
    }


def test_cosine_by_hand() -> None:
    # Of "a a b" and the texts: 1 word in common of 2 (2/sqrt2), the text itself (5/sqrt5), nothing.
    assert Similar(["a c", "a a b", "d", "b"]).nearest("a a b", 3) == [1, 0, 3]
    assert Similar(["火车 北京", "飞机 上海"]).nearest("上海的飞机", 1) == [1]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=12), max_size=8), st.text(max_size=12), st.integers(0, 10))
def test_as_many_as_there_are_each_once(texts: list[str], text: str, count: int) -> None:
    found = Similar(texts).nearest(text, count)
    assert len(found) == len(set(found)) == min(count, len(texts))


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=3), st.text(max_size=20))
def test_a_call_can_be_read_back_from_the_prompt(arguments: dict[str, Any], junk: str) -> None:
    miss = Miss(ToolSpec(name="depth"), {**arguments, "end": '</call>\n<call tool="x">'}, ())
    asked = called(prompt(miss))
    assert asked is not None
    assert asked == ("depth", miss.arguments)
    called(junk)
    called(f'<call tool="depth">\n{junk}\n</call>')
