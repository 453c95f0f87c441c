"""`google/…` through the official SDK against a real HTTP server."""

from __future__ import annotations

from typing import Any

import asking
import pytest
from asking import HELLO

from endpoint import Endpoint
from turnwise import wire
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Audio, Image, Message, Text, ToolCall, ToolSpec, assistant, system, user
from turnwise.model import Request, Sample, Sampling, Usage
from turnwise.models.google import connect

SPEC = ToolSpec(
    name="look", description="Looks.", parameters={"type": "object", "properties": {"at": {"type": "string"}}}
)
THOUGHT = {"text": "Let me look.", "thought": True}
SIGNED = {
    "functionCall": {"name": "look", "args": {"at": "sky"}, "id": "fc-1"},
    "thoughtSignature": "c2lnbmF0dXJlAA==",
}


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def reply(
    *parts: dict[str, Any], reason: str | None = "STOP", **candidate: Any
) -> tuple[int, dict[str, Any]]:
    return 200, {
        "candidates": [
            {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, **candidate}
        ],
        "usageMetadata": {
            "promptTokenCount": 12,
            "cachedContentTokenCount": 4,
            "toolUsePromptTokenCount": 1,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 2,
        },
        "modelVersion": "tiny-001",
    }


def ask(endpoint: Endpoint, request: Request = HELLO, **options: Any) -> Sample:
    return asking.ask(connect("tiny", {"base_url": endpoint.root, **options}), request)


def test_a_plain_exchange() -> None:
    with Endpoint(reply({"text": "hel"}, {"text": "lo"})) as endpoint:
        sample = ask(endpoint, Request(messages=[system("be brief"), user("hi")]))
    assert sample.message == Message(role="assistant", content="hello")
    assert (sample.finish, sample.model) == ("stop", "tiny-001")
    assert sample.usage == Usage(input=13, output=5, cached=4, reasoning=2)
    assert endpoint.paths[0].endswith("/models/tiny:generateContent")
    assert endpoint.asked[0]["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert endpoint.asked[0]["systemInstruction"]["parts"] == [{"text": "be brief"}]


def test_sampling_and_options_reach_the_server() -> None:
    sampling = Sampling(
        temperature=0.5,
        top_p=0.9,
        max_tokens=7,
        stop=("END",),
        seed=3,
        top_logprobs=2,
        extra={"generationConfig": {"topK": 5}},
    )
    tokens = [{"token": "a", "logProbability": -0.5}, {"token": "b", "logProbability": -1}]
    places = [{"candidates": tokens}, {"candidates": tokens[1:]}]
    answer = reply({"text": "ab"}, logprobsResult={"chosenCandidates": tokens, "topCandidates": places})
    with Endpoint(answer) as endpoint:
        sample = ask(endpoint, Request(messages=[user("hi")], sampling=sampling), thinking=64)
        ask(endpoint, thinking={"thinkingLevel": "low"}, extra_body={"safetySettings": []})
    assert (sample.sampled_texts, sample.logprobs) == (["a", "b"], [-0.5, -1.0])
    assert sample.alternatives == [(("a", -0.5), ("b", -1.0)), (("b", -1.0),)]
    config = endpoint.asked[0]["generationConfig"]
    wanted = {"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 7, "stopSequences": ["END"], "seed": 3}
    assert (wanted | {"topK": 5, "responseLogprobs": True, "logprobs": 2}).items() <= config.items()
    assert sorted(config["thinkingConfig"].values()) == [True, 64]
    assert "low" in str(endpoint.asked[1]["generationConfig"]["thinkingConfig"]).lower()
    assert endpoint.asked[1]["safetySettings"] == []
    with pytest.raises(ConfigError, match=r"option 'thinking.budget': extra inputs are not permitted"):
        connect("tiny", {"base_url": endpoint.root, "thinking": {"budget": 3}})


def test_signatures_go_back_with_the_parts_they_hang_on() -> None:
    with Endpoint(reply(THOUGHT, {"text": "One moment."}, SIGNED)) as endpoint:
        first = ask(endpoint, Request(messages=[user("hi")], tools=[SPEC]))
        said = wire.decode(wire.encode(first.message), Message)
        result = Message(role="tool", content="blue", tool_call_id="fc-1", name="look")
        ask(endpoint, Request(messages=[user("hi"), said, result], tools=[SPEC]))
    assert first.finish == "tool_calls"
    assert (first.message.text, first.message.reasoning) == ("One moment.", "Let me look.")
    assert first.message.tool_calls == (ToolCall(id="fc-1", name="look", arguments='{"at":"sky"}'),)
    told = endpoint.asked[0]["tools"][0]["functionDeclarations"][0]
    assert (told["name"], told["description"]) == ("look", "Looks.")
    assert SPEC.parameters in told.values()
    assert endpoint.asked[1]["contents"][1:] == [
        {"role": "model", "parts": [THOUGHT, {"text": "One moment."}, SIGNED]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "fc-1", "name": "look", "response": {"output": "blue"}}}],
        },
    ]


def test_signatures_do_not_go_back_with_other_words_or_to_another_model() -> None:
    signed = {"text": "yes", "thoughtSignature": "c2ln"}
    with Endpoint(reply(signed)) as endpoint:
        said = ask(endpoint).message
        ask(endpoint, Request(messages=[user("hi"), said, user("so?")]))
        censored = Message(role="assistant", content="no", provider=said.provider)
        ask(endpoint, Request(messages=[user("hi"), censored, user("so?")]))
        stranger = connect("other", {"base_url": endpoint.root})
        asking.ask(stranger, Request(messages=[user("hi"), said, user("so?")]))
    sent = [request["contents"][1]["parts"] for request in endpoint.asked[1:]]
    assert sent == [[signed], [{"text": "no"}], [{"text": "yes"}]]


def test_calls_without_ids_get_their_own_and_answers_go_back_without() -> None:
    wishes = [{"functionCall": {"name": "look", "args": {"at": at}}} for at in ("sky", "sea")]
    bare = ToolSpec(name="look")
    with Endpoint(reply(*wishes)) as endpoint:
        said = ask(endpoint, Request(messages=[user("hi")], tools=[bare], ordinal=3)).message
        assert said.provider is None
        assert [call.id for call in said.tool_calls] == ["call-3-0", "call-3-1"]
        results = [
            Message(role="tool", content=color, tool_call_id=call.id, name="look")
            for call, color in zip(said.tool_calls, ("blue", "green"), strict=True)
        ]
        ask(endpoint, Request(messages=[user("hi"), said, *results], tools=[bare]))
    assert endpoint.asked[0]["tools"] == [{"functionDeclarations": [{"name": "look", "description": ""}]}]
    assert endpoint.asked[1]["contents"][1] == {"role": "model", "parts": wishes}
    assert endpoint.asked[1]["contents"][2]["parts"] == [
        {"functionResponse": {"name": "look", "response": {"output": color}}} for color in ("blue", "green")
    ]


def test_pictures_and_sound_go_out_as_data() -> None:
    parts = (
        Text(text="what is it?"),
        Image(media_type="image/png", data=b"png"),
        Audio(media_type="audio/wav", data=b"wav"),
    )
    with Endpoint(reply({"text": "x"})) as endpoint:
        ask(endpoint, Request(messages=[assistant("I begin."), user(parts)]))
    opening, mine, asked = endpoint.asked[0]["contents"]
    assert opening["role"] == "user"
    assert mine == {"role": "model", "parts": [{"text": "I begin."}]}
    assert asked["parts"][0] == {"text": "what is it?"}
    assert [sorted(part["inlineData"].values()) for part in asked["parts"][1:]] == [
        ["cG5n", "image/png"],
        ["audio/wav", "d2F2"],
    ]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        (None, "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "refusal"),
        ("RECITATION", "refusal"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
    ],
)
def test_why_sampling_ended(reason: str | None, finish: str) -> None:
    with Endpoint(reply({"text": "x"}, reason=reason)) as endpoint:
        assert ask(endpoint).finish == finish


def test_replies_without_parts() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    spent = (200, {"candidates": [{"finishReason": "MAX_TOKENS"}]})
    with Endpoint((200, blocked), spent, reply()) as endpoint:
        refused = ask(endpoint)
        cut = ask(endpoint)
        with pytest.raises(ModelError, match="answered with no message") as caught:
            ask(endpoint)
    assert (refused.finish, refused.message.text, refused.usage) == ("refusal", "", Usage(input=9))
    assert (cut.finish, cut.message.text, cut.usage) == ("length", "", None)
    assert caught.value.kind == "malformed"


def test_the_wait_it_wishes_stands_in_the_details() -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    error = {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [{}, retry]}
    with Endpoint((429, {"error": error})) as endpoint, pytest.raises(ModelError) as caught:
        ask(endpoint)
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limit", 34.5)


def test_parts_the_sdk_does_not_know_are_one_line() -> None:
    with Endpoint(reply({"text": "x", "hologram": {"of": "tomorrow"}})) as endpoint:
        said = ask(endpoint).message
        with pytest.raises(ModelError, match="installed google-genai cannot send back") as caught:
            ask(endpoint, Request(messages=[user("hi"), said, user("so?")]))
    assert said.text == "x"
    assert not caught.value.retryable
