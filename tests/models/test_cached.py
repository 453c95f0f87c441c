"""The cache on disk: what counts as the same call, damage, several processes, no cost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from asking import HELLO, ask
from fake import Counting, Remembering

import turnwise
from endpoint import Endpoint, completion
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Image, Message, Text, ToolCall, ToolSpec, assistant, system, user
from turnwise.model import Request, Sample, Sampling, Stateful, Usage
from turnwise.models.cached import cached
from turnwise.models.openai import OpenAIOptions
from turnwise.models.prices import priced


def said(model: Any, request: Request = HELLO) -> str:
    return ask(model, request).message.text


def test_the_same_call_is_made_once_and_its_repetition_is_free(tmp_path: Path) -> None:
    usage = Usage(input=10, output=5)
    model = priced(Counting(usage=usage), {"*": {"input": 1e6, "output": 1e6}})
    paid = ask(cached(model, tmp_path / "cache"))
    free = ask(cached(model, str(tmp_path / "cache")))
    assert paid.message == free.message == assistant("1")
    assert paid.usage is not None
    assert paid.usage.cost == 15
    assert free.usage == usage


def test_all_of_a_sample_is_kept(tmp_path: Path) -> None:
    whole = Sample(
        message=Message(
            role="assistant",
            content=(Text(text="ü"), Image(media_type="image/png", data=b"\0png")),
            tool_calls=(ToolCall(id="a", name="f", arguments='{"x": 1'),),
            reasoning="hm",
            provider={"anthropic": {"content": [{"signature": "s"}]}},
        ),
        finish="tool_calls",
        usage=Usage(input=1, output=2, cached=1, reasoning=1),
        model="tiny-001",
        version="fp",
        prompt_ids=[1, 2],
        sampled_ids=[3, 4],
        logprobs=[-0.5, -1.25],
    )

    class Whole(Counting):
        async def sample(self, request: Request) -> Sample:
            return whole

    model = cached(Whole(), tmp_path)
    assert ask(model) == ask(model) == whole


OTHER = [
    msgspec.structs.replace(HELLO, messages=[user("hello")]),
    msgspec.structs.replace(HELLO, messages=[system("hi")]),
    msgspec.structs.replace(HELLO, messages=[user("hi"), user("")]),
    msgspec.structs.replace(HELLO, messages=[Message(role="user", content="hi", name="Ann")]),
    msgspec.structs.replace(HELLO, tools=[ToolSpec(name="f")]),
    msgspec.structs.replace(HELLO, sampling=Sampling(temperature=0.0)),
    msgspec.structs.replace(HELLO, sampling=Sampling(extra={"top_k": 1})),
    msgspec.structs.replace(HELLO, ordinal=1),
    msgspec.structs.replace(HELLO, rng_seed="1/agent"),
]


def test_what_is_found_was_tried_once(tmp_path: Path) -> None:
    class Tried(Counting):
        async def sample(self, request: Request) -> Sample:
            return msgspec.structs.replace(await super().sample(request), retries=("timeout",))

    model = Tried()
    assert ask(cached(model, tmp_path / "cache")).retries == ("timeout",)
    assert ask(cached(model, tmp_path / "cache")).retries == ()


def test_another_call_is_another_entry(tmp_path: Path) -> None:
    model = cached(Counting(), tmp_path)
    answers = [said(model, request) for request in (HELLO, *OTHER)]
    assert answers == [str(number) for number in range(1, len(OTHER) + 2)]
    assert [said(model, request) for request in (HELLO, *OTHER)] == answers


def test_another_model_or_other_options_are_another_entry(tmp_path: Path) -> None:
    makers = [
        lambda: Counting("a/b"),
        lambda: Counting("a/c"),
        lambda: Counting("a/b", options=OpenAIOptions(base_url="http://one")),
        lambda: priced(Counting("a/b", options=OpenAIOptions()), {"*": {"input": 1, "output": 1}}),
    ]
    for make in makers:
        inner = make()
        said(inner)
        assert said(cached(inner, tmp_path)) == "2", "it was served the entry of another model"


def test_the_session_and_the_task_do_not_count(tmp_path: Path) -> None:
    model = cached(Counting(), tmp_path)
    said(model)
    assert said(model, msgspec.structs.replace(HELLO, session="other", task=object())) == "1"


def only_entry(folder: Path) -> Path:
    (entry,) = folder.rglob("*.json")
    return entry


@pytest.mark.parametrize("harm", ["cut", "empty", "flip", "foreign"])
def test_a_damaged_entry_is_not_believed_but_written_anew(tmp_path: Path, harm: str) -> None:
    model = cached(Counting(), tmp_path)
    said(model)
    entry = only_entry(tmp_path)
    good = entry.read_bytes()
    entry.write_bytes(
        {
            "cut": good[:-5],
            "empty": b"",
            "flip": good.replace(b'"content":"1"', b'"content":"9"'),
            "foreign": b'{"message": 5}',
        }[harm]
    )
    assert said(model) == "2"
    assert said(model) == "2"


def test_an_error_is_not_kept(tmp_path: Path) -> None:
    class Failing(Counting):
        async def sample(self, request: Request) -> Sample:
            sample = await super().sample(request)
            if sample.message.text == "1":
                raise ModelError("busy", retryable=True)
            return sample

    model = cached(Failing(), tmp_path)
    with pytest.raises(ModelError, match="busy"):
        ask(model)
    assert said(model) == "2"


def test_a_stateful_model_is_told_what_the_cache_answered(tmp_path: Path) -> None:
    said(cached(Remembering("c/d"), tmp_path))
    inner = Remembering("c/d")
    model = cached(inner, tmp_path)
    assert isinstance(model, Stateful)
    assert (model.name, model.remote) == ("c/d", False)
    said(model)
    model.forget("s")
    assert inner.told == [(0, "1"), "s"]
    assert not isinstance(cached(Counting(), tmp_path), Stateful)


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from asking import ask\nfrom fake import Counting\n"
        "from turnwise.message import user\nfrom turnwise.model import Request\n"
        "from turnwise.models.cached import cached\n"
        "model = cached(Counting(), sys.argv[2])\n"
        "requests = [Request(messages=[user('x' * 10_000)], ordinal=n % 20) for n in range(200)]\n"
        "ask(model, *requests)\n"
    )
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", code, here, str(tmp_path)]
    crowd = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in crowd] == [0, 0, 0]
    entries = list(tmp_path.rglob("*.json"))
    assert len(entries) == 20
    assert not list(tmp_path.rglob("*.part"))
    late = Counting()
    for number in range(20):
        said(cached(late, tmp_path), Request(messages=[user("x" * 10_000)], ordinal=number))
    assert said(late) == "1", "an entry was not whole"


def test_a_folder_that_cannot_be_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cache: cannot write to the folder .*file/cache: Not a directory"):
        cached(Counting(), tmp_path / "file" / "cache")


def test_a_sample_is_not_lost_where_it_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = cached(Counting(), tmp_path)

    def full(*args: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="No space left on device; calls are not kept from here on"):
        assert said(model) == "1"
    assert said(model) == "2"
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_is_repeated_asks_nothing_and_its_epochs_stay_apart(tmp_path: Path) -> None:
    answers = [(200, completion(str(number))) for number in range(1, 500)]
    with Endpoint(*answers) as endpoint:
        runs = [
            turnwise.run(
                "number_guess",
                "openai/tiny",
                models={"openai/tiny": {"base_url": endpoint.url}},
                limit=2,
                epochs=2,
                cache=str(tmp_path / "cache"),
                store=tmp_path / f"{name}.db",
            )
            for name in "ab"
        ]
        calls = [sum(row.calls or 0 for row in run.episodes()) for run in runs]
    assert calls[0] == calls[1] == len(endpoint.asked)
    assert runs[0].summary()["score"] == runs[1].summary()["score"]
