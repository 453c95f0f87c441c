"""`anthropic/…` through the official SDK against a real HTTP server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asking
import pytest
from asking import HELLO

import turnwise
from endpoint import Endpoint
from turnwise import wire
from turnwise.errors import ModelError
from turnwise.message import Audio, File, Image, Message, Text, ToolCall, ToolSpec, assistant, system, user
from turnwise.model import Request, Sample, Sampling, Usage
from turnwise.models.anthropic import connect
from turnwise.models.turns import OPENING

SPEC = ToolSpec(name="look", description="Looks.", parameters={"type": "object", "properties": {}})
THINKING = {"type": "thinking", "thinking": "Let me look.", "signature": "c2lnbmF0dXJl+/="}
WISH = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky", "how": [1, 2.5]}}


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def reply(
    *blocks: dict[str, Any], reason: str | None = "end_turn", **usage: int
) -> tuple[int, dict[str, Any]]:
    counts = {"input_tokens": 10, "output_tokens": 3, **usage}
    return 200, {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny",
        "content": list(blocks),
        "stop_reason": reason,
        "usage": counts,
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def ask(endpoint: Endpoint, request: Request = HELLO, **options: Any) -> Sample:
    return asking.ask(connect("tiny", {"base_url": endpoint.root, **options}), request)


def test_a_plain_exchange() -> None:
    answer = reply(text("hel"), text("lo"), cache_read_input_tokens=7, cache_creation_input_tokens=5)
    answer[1]["usage"]["output_tokens_details"] = {"thinking_tokens": 2}
    with Endpoint(answer) as endpoint:
        sample = ask(endpoint, Request(messages=[system("be brief"), user("hi")]))
    assert sample.message == Message(role="assistant", content="hello")
    assert (sample.finish, sample.model) == ("stop", None)
    assert sample.usage == Usage(input=22, output=3, cached=7, reasoning=2)
    assert endpoint.paths == ["/v1/messages"]
    assert endpoint.asked == [
        {
            "model": "tiny",
            "max_tokens": 16384,
            "system": "be brief",
            "messages": [{"role": "user", "content": [text("hi")]}],
            "cache_control": {"type": "ephemeral"},
        }
    ]


def test_sampling_and_options_reach_the_server() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=7, stop=("END",), seed=3, extra={"top_k": 5})
    request = Request(messages=[user("hi")], sampling=sampling)
    with Endpoint(reply(text("x"))) as endpoint:
        ask(endpoint, request, thinking=1024, prompt_cache=False, headers={"X-Team": "red"})
        ask(endpoint, HELLO, thinking={"type": "adaptive"}, max_tokens=9, extra_body={"speed": "fast"})
    wanted = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "stop_sequences": ["END"], "top_k": 5}
    assert wanted.items() <= endpoint.asked[0].items()
    assert endpoint.asked[0]["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert not {"cache_control", "seed"} & endpoint.asked[0].keys()
    assert endpoint.headers[0]["x-team"] == "red"
    assert {"thinking": {"type": "adaptive"}, "max_tokens": 9, "speed": "fast"}.items() <= (
        endpoint.asked[1].items()
    )


def test_thoughts_go_back_as_they_came_while_tools_are_in_use() -> None:
    hidden = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
    with Endpoint(reply(THINKING, hidden, text("One moment."), WISH, reason="tool_use")) as endpoint:
        first = ask(endpoint, Request(messages=[user("hi")], tools=[SPEC]))
        said = wire.decode(wire.encode(first.message), Message)
        result = Message(role="tool", content="blue", tool_call_id="toolu_1", name="look")
        ask(endpoint, Request(messages=[user("hi"), said, result], tools=[SPEC]))
    assert first.finish == "tool_calls"
    assert first.message.reasoning == "Let me look."
    assert first.message.text == "One moment."
    assert first.message.tool_calls == (
        ToolCall(id="toolu_1", name="look", arguments='{"at":"sky","how":[1,2.5]}'),
    )
    assert endpoint.asked[0]["tools"] == [
        {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}
    ]
    assert endpoint.asked[1]["messages"][1:] == [
        {"role": "assistant", "content": [THINKING, hidden, text("One moment."), WISH]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("blue")]}],
        },
    ]


def test_thoughts_do_not_go_back_with_other_words_or_to_another_model() -> None:
    with Endpoint(reply(THINKING, text("yes"))) as endpoint:
        said = ask(endpoint).message
        censored = Message(role="assistant", content="no", provider=said.provider)
        ask(endpoint, Request(messages=[user("hi"), censored, user("so?")]))
        stranger = connect("other", {"base_url": endpoint.root})
        asking.ask(stranger, Request(messages=[user("hi"), said, user("so?")]))
    assert endpoint.asked[1]["messages"][1] == {"role": "assistant", "content": [text("no")]}
    assert endpoint.asked[2]["messages"][1] == {"role": "assistant", "content": [text("yes")]}


def test_any_conversation_becomes_strict_turns() -> None:
    call = ToolCall(id="call 0/1", name="look", arguments='{"at": "sk')
    messages = [
        system("a"),
        system("b"),
        assistant("I begin."),
        user("one"),
        user("two"),
        assistant(" "),
        system("Mind the time."),
        assistant("", tool_calls=(call,)),
        Message(role="tool", content="", tool_call_id="call 0/1", name="look"),
        user("three"),
    ]
    with Endpoint(reply(text("x"))) as endpoint:
        ask(endpoint, Request(messages=messages))
        ask(endpoint, Request(messages=[system("only this")]))
    asked = endpoint.asked[0]
    assert asked["system"] == "a\n\nb"
    assert asked["messages"] == [
        {"role": "user", "content": [text(OPENING)]},
        {"role": "assistant", "content": [text("I begin.")]},
        {"role": "user", "content": [text("one"), text("two"), text("Mind the time.")]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "call_0_1", "name": "look", "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "call_0_1", "content": []}, text("three")],
        },
    ]
    # Tools that were called before and are offered no more must be told of, and not called again.
    assert [tool["name"] for tool in asked["tools"]] == ["look"]
    assert asked["tool_choice"] == {"type": "none"}
    assert endpoint.asked[1]["messages"] == [{"role": "user", "content": [text(OPENING)]}]
    assert "tools" not in endpoint.asked[1]


def test_pictures_and_documents_go_out_as_data() -> None:
    parts = (
        Text(text="what is it?"),
        Image(media_type="image/png", data=b"png"),
        File(media_type="application/pdf", data=b"pdf", name="a.pdf"),
        File(media_type="text/csv", data="a,ü".encode(), name="b.csv"),
    )
    with Endpoint(reply(text("x"))) as endpoint:
        ask(endpoint, Request(messages=[user(parts)]))
        with pytest.raises(ModelError, match="take no audio/wav"):
            ask(endpoint, Request(messages=[user((Audio(media_type="audio/wav", data=b"wav"),))]))
    picture = {"type": "base64", "media_type": "image/png", "data": "cG5n"}
    paper = {"type": "base64", "media_type": "application/pdf", "data": "cGRm"}
    table = {"type": "text", "media_type": "text/plain", "data": "a,ü"}
    assert endpoint.asked[0]["messages"][0]["content"] == [
        text("what is it?"),
        {"type": "image", "source": picture},
        {"type": "document", "source": paper, "title": "a.pdf"},
        {"type": "document", "source": table, "title": "b.csv"},
    ]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_why_sampling_ended(reason: str, finish: str) -> None:
    with Endpoint(reply(text("x"), reason=reason)) as endpoint:
        assert ask(endpoint).finish == finish


def test_an_empty_reply_is_a_reply() -> None:
    with Endpoint(reply()) as endpoint:
        assert ask(endpoint).message == Message(role="assistant", content="")


def test_a_whole_run_with_signed_thoughts_replays(tmp_path: Path) -> None:
    def guess(request: dict[str, Any]) -> Any:
        low, high = 1, 100
        said = [message["content"][-1]["text"] for message in request["messages"]]
        for mine, hint in zip(said[1::2], said[2::2], strict=False):
            low, high = (int(mine) + 1, high) if hint == "higher" else (low, int(mine) - 1)
        return reply(THINKING, text(str((low + high) // 2)))

    with Endpoint(guess) as endpoint:
        run = turnwise.run(
            "number_guess",
            "anthropic/tiny",
            models={"anthropic/tiny": {"base_url": endpoint.root}},
            limit=3,
            store=tmp_path / "t.db",
        )
    assert run.summary()["score"]["mean"] == 1.0
    later = [request for request in endpoint.asked if len(request["messages"]) > 1]
    assert later
    assert all(request["messages"][1]["content"][0] == THINKING for request in later)
    assert turnwise.replay(run.id, store=tmp_path / "t.db").replayed == 3
