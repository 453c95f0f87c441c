"""`openai/…` through the official SDK against a real HTTP server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from endpoint import Endpoint, closed_port, completion

import turnwise
from turnwise.engine.gateway import CallPolicy, Gateway
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Audio, Image, Message, Text, ToolCall, ToolSpec, system, user
from turnwise.model import Request, Sample, Sampling, Usage
from turnwise.models.openai import connect

SECRET = "sk-very-secret-key"


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def ask(endpoint: Endpoint | str, request: Request | None = None, **options: Any) -> Sample:
    url = endpoint if isinstance(endpoint, str) else endpoint.url

    async def go() -> Sample:
        model = connect("tiny", {"base_url": url, **options})
        try:
            return await model.sample(request or Request(messages=[user("hi")]))
        finally:
            await model.close()

    return asyncio.run(go())


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


def test_token_ids_as_sglang_gives_them() -> None:
    answer = completion("hello")
    answer["choices"][0]["prompt_token_ids"] = [1, 2]
    answer["choices"][0]["meta_info"] = {"output_token_logprobs": [[-0.25, 7, None], [-2.0, 8, None]]}
    with Endpoint((200, answer)) as endpoint:
        sample = ask(endpoint, token_ids="sglang")
    assert {"logprobs": True, "return_meta_info": True, "return_prompt_token_ids": True}.items() <= (
        endpoint.asked[0].items()
    )
    assert (sample.prompt_ids, sample.sampled_ids, sample.logprobs) == ([1, 2], [7, 8], [-0.25, -2.0])


FAULTS = [
    ((429, {"error": {"message": "slow down"}}, {"Retry-After": "2"}), "rate_limit", True, "slow down"),
    ((429, {"error": {"message": "insufficient_quota"}}), "auth", False, "insufficient_quota"),
    ((500, {"error": {"message": "oops"}}), "server", True, "500: oops"),
    ((503, "<html><title>Down</title></html>"), "overloaded", True, r"503: an HTML page \(Down\)"),
    ((401, {"error": {"message": "bad key"}}), "auth", False, "401: bad key"),
    ((404, {"error": {"message": "no such model"}}), "not_found", False, "no such model"),
    ((400, {"error": {"message": "maximum context length is 9"}}), "context_length", False, "maximum"),
    (
        (200, "<!doctype html><html><title>Login</title>"),
        "malformed",
        True,
        r"no JSON: an HTML page \(Login\)",
    ),
    ("truncated", "malformed", True, "no JSON: .*assis"),
    ((200, {"choices": []}), "malformed", True, "no message"),
    ((200, {"error": "model crashed"}), "malformed", True, "model crashed"),
    ((200, [1]), "malformed", True, "no message"),
    ((200, ""), "malformed", True, "nothing"),
    ("reset", "connection", True, "cannot reach"),
    ("hang", "timeout", True, "did not answer in time"),
    ("endless", "malformed", True, "endless reply"),
]


@pytest.mark.parametrize(("answer", "kind", "retryable", "text"), FAULTS)
def test_faults_are_one_line_of_their_kind(
    answer: Any, kind: str, retryable: bool, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with Endpoint(answer) as endpoint, pytest.raises(ModelError, match=text) as caught:
        ask(endpoint, timeout_seconds=0.5 if answer == "hang" else 20)
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    message = str(caught.value)
    assert message.startswith("openai/tiny: ")
    assert endpoint.url in message
    assert "\n" not in message
    assert SECRET not in message
    if "Retry-After" in str(answer):
        assert caught.value.retry_after == 2.0


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    with pytest.raises(ModelError, match=f"cannot reach {url}") as caught:
        ask(url)
    assert caught.value.kind == "connection"


def test_empty_content_is_an_empty_reply() -> None:
    with Endpoint((200, completion(None))) as endpoint:
        assert ask(endpoint).message == Message(role="assistant", content="")


def test_the_gateway_tries_again() -> None:
    answers = [(500, "{}"), (429, "{}", {"retry-after-ms": "10"}), "reset", (200, completion("at last"))]
    with Endpoint(*answers) as endpoint:

        async def go() -> Sample:
            gate = Gateway(connect("tiny", {"base_url": endpoint.url}), CallPolicy(backoff_seconds=0.01))
            try:
                return await gate.sample(Request(messages=[user("hi")]))
            finally:
                await gate.close()

        assert asyncio.run(go()).message.text == "at last"
        assert len(endpoint.asked) == 4


def test_keys_are_asked_for_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"openai/tiny.*OPENAI_API_KEY.*api_key_env"):
        connect("tiny", {})
    with pytest.raises(ConfigError, match="MY_KEY"):
        connect("tiny", {"api_key_env": "MY_KEY", "base_url": "http://localhost"})
    monkeypatch.setenv("MY_KEY", SECRET)
    with Endpoint((200, completion())) as endpoint:
        ask(endpoint, api_key_env="MY_KEY")
    assert endpoint.headers[0]["authorization"] == f"Bearer {SECRET}"
    model = connect("tiny", {"api_key_env": "MY_KEY"})
    assert SECRET not in repr(model)
    assert SECRET not in str(msgspec.to_builtins(model.options))


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"no option 'bas_url' \(did you mean 'base_url'\?\)"):
        connect("tiny", {"bas_url": "http://localhost"})
    with pytest.raises(ConfigError, match=r"option 'timeout_seconds': expected `float`"):
        connect("tiny", {"timeout_seconds": "long"})
    with pytest.raises(ConfigError, match="must begin with http"):
        connect("tiny", {"base_url": "localhost:8000"})


def test_the_sdk_is_imported_only_when_a_model_is_made() -> None:
    code = "import sys, turnwise.models.openai; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_whole_run(tmp_path: Path) -> None:
    def guess(request: dict[str, Any]) -> Any:
        low, high = 1, 100
        said = [message["content"] for message in request["messages"]]
        for mine, hint in zip(said[1::2], said[2::2], strict=False):
            low, high = (int(mine) + 1, high) if hint == "higher" else (low, int(mine) - 1)
        return 200, completion(str((low + high) // 2))

    with Endpoint(guess) as endpoint:
        run = turnwise.run(
            "number_guess",
            "openai/tiny",
            models={"openai/tiny": {"base_url": endpoint.url}},
            limit=5,
            store=tmp_path / "t.db",
        )
        summary = run.summary()
        assert summary["score"]["mean"] == 1.0
        calls = sum(row.calls or 0 for row in run.episodes())
        assert len(endpoint.asked) == calls
        assert run.episodes()[0].input == 12 * (run.episodes()[0].calls or 0)
    assert turnwise.replay(run.id, store=tmp_path / "t.db").replayed == 5


def test_an_endpoint_that_is_down_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    options = {
        "models": {"openai/tiny": {"base_url": url}},
        "calls": {"attempts": 2, "backoff_seconds": 0.01},
    }
    with pytest.raises(turnwise.RunStopped, match=r"cannot reach.*turnwise resume number_guess-") as caught:
        turnwise.run("number_guess", "openai/tiny", limit=5, store=tmp_path / "t.db", **options)
    assert "\n" not in str(caught.value)
    assert caught.value.run.row.status == "stopped"
