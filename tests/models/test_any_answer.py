"""Whatever JSON a server answers with, a provider gives a sample or a `ModelError`, and nothing else."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from asking import HELLO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endpoint import Endpoint, completion
from turnwise import wire
from turnwise.errors import ModelError
from turnwise.message import Message, user
from turnwise.model import Request, Sample
from turnwise.models import anthropic, google, openai

CALL = {
    "id": "a",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
    "extra_content": {"x": 1},
}
OPENAI = completion("hi", tool_calls=[CALL], reasoning="hm", reasoning_details=[{"data": "x"}])
OPENAI["choices"][0] |= {
    "token_ids": [1, 2],
    "logprobs": {"content": [{"logprob": -1.0}]},
    "meta_info": {"output_token_logprobs": [[-1.0, 1, None]]},
}
CLAUDE = {
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "hi"},
        {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "sky"}},
    ],
    "stop_reason": "tool_use",
    "model": "tiny",
    "usage": {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 1}},
}
GEMINI = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"text": "hm", "thought": True},
                    {"text": "hi", "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "look", "args": {"at": "sky"}, "id": "a"}},
                ]
            },
            "finishReason": "STOP",
            "logprobsResult": {"chosenCandidates": [{"logProbability": -1.0}]},
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2},
    "promptFeedback": {"blockReason": None},
    "modelVersion": "tiny",
}
WHOLE = {"openai": OPENAI, "anthropic": CLAUDE, "google": GEMINI}
CONNECT = {"openai": openai.connect, "anthropic": anthropic.connect, "google": google.connect}

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    return changed


class Asked:
    """One model of each provider at one endpoint, in one event loop."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.endpoint = Endpoint(lambda _: (200, self.answer))
        self.endpoint.__enter__()
        self.runner = asyncio.Runner()
        self.models: dict[str, Any] = {}
        for name, connect in CONNECT.items():
            path = "/v1" if name == "openai" else ""
            self.models[name] = connect("tiny", {"base_url": self.endpoint.root + path})

    def __call__(self, provider: str, request: Request, answer: Any) -> Sample:
        self.answer = answer
        return self.runner.run(self.models[provider].sample(request))

    def close(self) -> None:
        for model in self.models.values():
            self.runner.run(model.close())
        self.runner.close()
        self.endpoint.__exit__()


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    crowd = Asked()
    yield crowd
    crowd.close()


@pytest.mark.parametrize("provider", WHOLE)
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_sample_or_a_model_error(asked: Asked, provider: str, data: st.DataObject) -> None:
    whole = WHOLE[provider]
    path = data.draw(st.sampled_from(list(places(whole))))
    sample = outcome(asked, provider, HELLO, with_other(whole, path, data.draw(values)))
    if isinstance(sample, str):
        assert "\n" not in sample
        return
    # What came can be stored, read again, and said to the server in the next turn.
    assert msgspec.json.decode(msgspec.json.encode(sample), type=Sample) == sample
    message = wire.decode(wire.encode(sample.message), Message)
    assert message == sample.message
    later = outcome(asked, provider, Request(messages=[user("hi"), message, user("go on")]), whole)
    assert isinstance(later, Sample) or "cannot send back" in later


def outcome(asked: Asked, provider: str, request: Request, answer: Any) -> Sample | str:
    try:
        return asked(provider, request, answer)
    except ModelError as error:
        return str(error)
