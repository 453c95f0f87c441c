"""`openai/…` through the official SDK against a real HTTP server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asking
import pytest
from asking import HELLO

import turnwise
from endpoint import Endpoint, closed_port, completion
from turnwise import wire
from turnwise.agent import Agent
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Audio, Image, Message, Text, ToolCall, ToolSpec, system, user
from turnwise.model import Request, Sample, Sampling, Usage
from turnwise.models.openai import connect

SECRET = "sk-very-secret-key"


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def ask(endpoint: Endpoint, request: Request = HELLO, **options: Any) -> Sample:
    return asking.ask(connect("tiny", {"base_url": endpoint.url, **options}), request)


def test_a_plain_exchange() -> None:
    with Endpoint((200, completion("hello"))) as endpoint:
        sample = ask(endpoint, Request(messages=[system("be brief"), user("hi")]))
    assert sample.message == Message(role="assistant", content="hello")
    assert sample.finish == "stop"
    assert sample.usage == Usage(input=12, output=3, cached=4, reasoning=1)
    assert endpoint.asked == [
        {
            "model": "tiny",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        }
    ]
    assert endpoint.paths == ["/v1/chat/completions"]


def test_sampling_reaches_the_server() -> None:
    sampling = Sampling(
        temperature=0.5, top_p=0.9, max_tokens=7, stop=("END",), seed=3, logprobs=True, extra={"top_k": 5}
    )
    with Endpoint((200, completion())) as endpoint:
        ask(endpoint, Request(messages=[user("hi")], sampling=sampling), extra_body={"min_p": 0.1})
        ask(
            endpoint,
            Request(messages=[user("hi")], sampling=sampling),
            max_tokens_field="max_completion_tokens",
        )
    wanted = {"temperature": 0.5, "top_p": 0.9, "stop": ["END"], "seed": 3, "logprobs": True, "top_k": 5}
    assert wanted.items() <= endpoint.asked[0].items()
    assert endpoint.asked[0]["max_tokens"] == 7
    assert endpoint.asked[0]["min_p"] == 0.1
    assert endpoint.asked[1]["max_completion_tokens"] == 7


def test_tools_go_out_and_calls_come_back_as_the_model_wrote_them() -> None:
    broken = '{"city": "Bern'
    calls = [
        {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}},
        {"id": "b", "type": "function", "function": {"name": "weather", "arguments": broken}},
    ]
    spec = ToolSpec(name="weather", description="Tells it.", parameters={"type": "object", "properties": {}})
    with Endpoint((200, completion(None, tool_calls=calls)), (200, completion("sunny"))) as endpoint:
        first = ask(endpoint, Request(messages=[user("hi")], tools=[spec]))
        history = [
            user("hi"),
            first.message,
            Message(role="tool", content="20 degrees", tool_call_id="a", name="weather"),
            Message(role="tool", content="error: no JSON", tool_call_id="b", name="weather"),
        ]
        second = ask(endpoint, Request(messages=history, tools=[spec]))
    assert first.finish == "tool_calls"
    assert first.message.tool_calls == (
        ToolCall(id="a", name="weather", arguments='{"city": "Bern"}'),
        ToolCall(id="b", name="weather", arguments=broken),
    )
    assert endpoint.asked[0]["tools"][0]["function"]["name"] == "weather"
    sent = endpoint.asked[1]["messages"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == '{"city": "Bern"}'
    assert sent[1]["tool_calls"][1]["function"]["arguments"] == "{}"
    assert sent[2] == {"role": "tool", "content": "20 degrees", "tool_call_id": "a"}
    assert second.message.text == "sunny"


def test_pictures_and_sound_go_out_as_data() -> None:
    parts = (
        Text(text="what is it?"),
        Image(media_type="image/png", data=b"png"),
        Audio(media_type="audio/wav", data=b"wav"),
    )
    with Endpoint((200, completion())) as endpoint:
        ask(endpoint, Request(messages=[user(parts)]))
        with pytest.raises(ModelError, match="image/png ab12 are not here"):
            ask(endpoint, Request(messages=[user((Image(media_type="image/png", sha256="ab12"),))]))
    assert endpoint.asked[0]["messages"][0]["content"] == [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
        {"type": "input_audio", "input_audio": {"data": "d2F2", "format": "wav"}},
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_are_kept_apart(field: str) -> None:
    with Endpoint((200, completion("4", **{field: "two and two"}))) as endpoint:
        assert ask(endpoint).message == Message(role="assistant", content="4", reasoning="two and two")


def test_token_ids_as_vllm_gives_them() -> None:
    answer = completion("hello")
    answer["prompt_token_ids"] = [1, 2, 3]
    answer["choices"][0]["token_ids"] = [4, 5]
    answer["choices"][0]["logprobs"] = {
        "content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}]
    }
    with Endpoint((200, answer), (200, completion())) as endpoint:
        sample = ask(endpoint, token_ids="vllm")
        silent = ask(endpoint, token_ids="vllm")
    assert endpoint.asked[0]["return_token_ids"] is True
    assert (sample.prompt_ids, sample.sampled_ids, sample.logprobs) == ([1, 2, 3], [4, 5], [-0.5, -1.0])
    assert (silent.prompt_ids, silent.sampled_ids, silent.logprobs) == (None, None, None)


def test_tokens_as_openai_tells_them() -> None:
    answer = completion("50!")
    answer["choices"][0]["logprobs"] = {
        "content": [
            {
                "token": "50",
                "logprob": -0.5,
                "top_logprobs": [{"token": "50", "logprob": -0.5}, {"token": "25", "logprob": -1.5}],
            },
            {"token": "!", "logprob": -1, "top_logprobs": []},
        ]
    }
    with Endpoint((200, answer)) as endpoint:
        sample = ask(endpoint, Request(messages=[user("hi")], sampling=Sampling(top_logprobs=2)))
    assert (endpoint.asked[0]["logprobs"], endpoint.asked[0]["top_logprobs"]) == (True, 2)
    assert (sample.sampled_texts, sample.logprobs) == (["50", "!"], [-0.5, -1.0])
    assert sample.alternatives == [(("50", -0.5), ("25", -1.5)), ()]


def test_token_ids_as_sglang_gives_them() -> None:
    answer = completion("hello")
    answer["choices"][0]["prompt_token_ids"] = [1, 2]
    answer["choices"][0]["meta_info"] = {"output_token_logprobs": [[-0.25, 7, None], [-2.0, 8, None]]}
    with Endpoint((200, answer)) as endpoint:
        sample = ask(endpoint, token_ids="sglang")
    asked = ("logprobs", "return_meta_info", "return_prompt_token_ids", "return_token_ids")
    assert [endpoint.asked[0][name] for name in asked] == [True] * 4
    assert (sample.prompt_ids, sample.sampled_ids, sample.logprobs) == ([1, 2], [7, 8], [-0.25, -2.0])


@pytest.mark.parametrize(
    ("answer", "kind", "retryable", "text"),
    [
        (
            (429, {"error": {"message": "no", "code": "insufficient_quota"}}),
            "auth",
            False,
            "no .insufficient_q",
        ),
        ((200, {"error": {"code": 429, "message": "it is busy"}}), "rate_limit", True, "429: it is busy"),
        ((200, completion(None)), "malformed", True, "no message: .*None"),
        ((200, {"choices": [{"message": {"tool_calls": [5]}}]}), "malformed", True, "no message"),
        ((200, completion() | {"usage": {"prompt_tokens": "many"}}), "malformed", True, "no message"),
        (
            (400, {"detail": "Prompt is longer than the maximum model length"}),
            "context_length",
            False,
            "maximum",
        ),
    ],
)
def test_faults_of_these_servers(answer: Any, kind: str, retryable: bool, text: str) -> None:
    with Endpoint(answer) as endpoint, pytest.raises(ModelError, match=text) as caught:
        ask(endpoint)
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)


def test_an_empty_reply_is_a_reply() -> None:
    spent = completion(None, reasoning="still at it")
    spent["choices"][0]["finish_reason"] = "length"
    with Endpoint((200, completion("")), (200, spent)) as endpoint:
        assert ask(endpoint).message == Message(role="assistant", content="")
        cut = ask(endpoint)
    assert (cut.message.text, cut.message.reasoning, cut.finish) == ("", "still at it", "length")


@pytest.mark.parametrize(
    ("message", "reason", "finish", "text"),
    [
        ({"content": "ab"}, "length", "length", "ab"),
        ({"content": ""}, "content_filter", "refusal", ""),
        ({"content": None, "refusal": "I will not."}, "stop", "refusal", "I will not."),
        ({"content": "x"}, None, "stop", "x"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "stop", "stop", "ab"),
    ],
)
def test_why_sampling_ended(message: dict[str, Any], reason: str | None, finish: str, text: str) -> None:
    with Endpoint((200, {"choices": [{"message": message, "finish_reason": reason}]})) as endpoint:
        sample = ask(endpoint)
    assert (sample.finish, sample.message.text, sample.usage) == (finish, text, None)


def test_what_a_server_wants_back_goes_back_to_the_same_model_only() -> None:
    call = {
        "id": "a",
        "type": "function",
        "function": {"name": "look", "arguments": {"x": 1}},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    }
    details = [{"type": "reasoning.encrypted", "data": "b64"}]
    thinking = completion(None, tool_calls=[call], reasoning_details=details, reasoning="hm")
    with Endpoint((200, thinking), (200, completion())) as endpoint:
        said = ask(endpoint).message
        said = wire.decode(wire.encode(said), Message)
        ask(endpoint, Request(messages=[user("hi"), said]), send_reasoning="reasoning_content")
        asking.ask(connect("other", {"base_url": endpoint.url}), Request(messages=[user("hi"), said]))
    sent, elsewhere = endpoint.asked[1]["messages"][1], endpoint.asked[2]["messages"][1]
    assert sent["reasoning_details"] == details
    assert sent["reasoning_content"] == "hm"
    assert sent["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert sent["tool_calls"][0]["function"]["arguments"] == '{"x":1}'
    plain = {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"x":1}'}}
    assert elsewhere == {"role": "assistant", "content": None, "tool_calls": [plain]}


@pytest.mark.parametrize(
    "url", ["localhost:8000", "http://", "ftp://host/v1", "http://[::1", "http://host:99999"]
)
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url must be like http://localhost:8000/v1, got"):
        connect("tiny", {"base_url": url})


def test_an_address_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://me:{SECRET}@host/v1")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL must not hold a password") as caught:
        connect("tiny", {})
    assert SECRET not in str(caught.value)


def test_headers_may_come_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="header 'X-Key': the variable GATE_KEY is not set"):
        connect("tiny", {"base_url": "http://host", "headers": {"X-Key": "$GATE_KEY"}})
    monkeypatch.setenv("GATE_KEY", f" {SECRET}\n")
    with Endpoint((403, f"<p>go away, {SECRET}</p>")) as endpoint, pytest.raises(ModelError) as caught:
        ask(endpoint, headers={"X-Key": "$GATE_KEY", "X-Team": "red"})
    assert endpoint.headers[0]["x-key"] == SECRET
    assert endpoint.headers[0]["x-team"] == "red"
    assert SECRET not in str(caught.value)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\u2026")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds characters"):
        connect("tiny", {})


def bisect(request: dict[str, Any]) -> Any:
    """A model that halves the range of number_guess."""
    low, high = 1, 100
    said = [message["content"] for message in request["messages"]]
    for mine, hint in zip(said[1::2], said[2::2], strict=False):
        low, high = (int(mine) + 1, high) if hint == "higher" else (low, int(mine) - 1)
    return 200, completion(str((low + high) // 2))


def test_a_whole_run(tmp_path: Path) -> None:
    with Endpoint(bisect) as endpoint:
        run = turnwise.run(
            "number_guess",
            "openai/tiny",
            models={"openai/tiny": {"base_url": endpoint.url}},
            prices={"openai/*": {"input": 1.0, "cached": 0.5, "output": 10.0}},
            limit=5,
            store=tmp_path / "t.db",
        )
    episodes = run.episodes()
    assert run.summary()["score"]["mean"] == 1.0
    assert len(endpoint.asked) == sum(row.calls or 0 for row in episodes)
    first = episodes[0]
    assert (first.input, first.output) == (12 * (first.calls or 0), 3 * (first.calls or 0))
    # 8 fresh tokens at 1, 4 cached ones at 0.5, 3 sampled ones at 10, for a million each.
    assert first.cost == pytest.approx((first.calls or 0) * (8 * 1 + 4 * 0.5 + 3 * 10) / 1e6)
    assert turnwise.replay(run.id, store=tmp_path / "t.db").replayed == 5


def test_an_endpoint_that_is_down_stops_the_run_which_resumes_when_it_is_up(tmp_path: Path) -> None:
    store, port = tmp_path / "t.db", closed_port()
    url = f"http://127.0.0.1:{port}/v1"
    with pytest.raises(turnwise.RunStopped, match=r"cannot reach.*turnwise resume number_guess-") as caught:
        turnwise.run(
            "number_guess",
            "openai/tiny",
            models={"openai/tiny": {"base_url": url}},
            calls={"attempts": 2, "backoff_seconds": 0.01},
            limit=5,
            store=store,
        )
    assert "\n" not in str(caught.value)
    assert url in str(caught.value)
    assert caught.value.run.row.status == "stopped"
    with Endpoint(bisect, port=port) as endpoint:
        run = turnwise.resume(caught.value.run.id, store=store)
    assert (run.row.status, run.summary()["score"]["mean"]) == ("done", 1.0)
    assert len(endpoint.asked) == sum(row.calls or 0 for row in run.episodes())


def test_an_agent_made_in_python_plays_several_runs(tmp_path: Path) -> None:
    with Endpoint(bisect) as endpoint:
        agent = Agent(connect("tiny", {"base_url": endpoint.url}), name="openai/tiny")
        for name in "ab":
            run = turnwise.run("number_guess", agent, limit=3, store=tmp_path / f"{name}.db")
            assert run.summary()["score"]["mean"] == 1.0
