"""A plain HTTP endpoint as an agent: what it is sent, what is read of its answer, and how it fails."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_gateway
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from endpoint import Endpoint, closed_port
from turnwise import Environment
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Message, system, user
from turnwise.model import Request, Sample
from turnwise.models.http import HttpModel, connect


def at(there: Endpoint, **options: Any) -> HttpModel:
    return connect(f"{there.root.removeprefix('http://')}/chat", options)


def test_the_default_form() -> None:
    with Endpoint((200, {"reply": "hello"})) as there:
        sample = ask(at(there))
    assert sample.message.text == "hello"
    (asked,) = there.asked
    assert asked["message"] == "hi"
    assert re.fullmatch(r"[0-9a-f]{32}", asked["session"])
    assert there.paths == ["/chat"]


def test_the_whole_conversation_in_a_form_of_its_own() -> None:
    body = {
        "input": {"turns": "{messages}", "note": "[{system}] {message}"},
        "n": 1,
        "flags": [True, "{x y}"],
    }
    said = [
        system("Be kind."),
        user("one"),
        Message(role="assistant", content="two"),
        user("three {session}"),
        user("four"),
    ]
    with Endpoint((200, {"choices": [{"text": "five"}]})) as there:
        sample = ask(at(there, body=body, reply="choices.0.text"), Request(messages=said))
    assert sample.message.text == "five"
    turns = [("user", "one"), ("assistant", "two"), ("user", "three {session}"), ("user", "four")]
    assert there.asked == [
        {
            "input": {
                "turns": [{"role": role, "content": text} for role, text in turns],
                "note": "[Be kind.] three {session}\n\nfour",
            },
            "n": 1,
            "flags": [True, "{x y}"],
        }
    ]


@pytest.mark.parametrize(
    ("answer", "path", "text"),
    [
        ([{"text": "a"}, {"text": "b"}], "*.text", "a\n\nb"),
        ([], "*.text", ""),
        ([{"text": "a"}], "0.text", "a"),
        ({"a": {"0": "zero"}}, "a.0", "zero"),
        ("plain words\n", "", "plain words"),
    ],
)
def test_where_the_reply_is(answer: Any, path: str, text: str) -> None:
    with Endpoint((200, answer)) as there:
        assert ask(at(there, reply=path)).message.text == text


def conversation(model: HttpModel, *words: str) -> list[Sample]:
    """Say words one after the other, and what comes between."""
    samples: list[Sample] = []
    said: list[Message] = []

    async def go() -> None:
        for word in words:
            said.append(user(word))
            samples.append(await model.sample(Request(messages=tuple(said))))
            said.append(samples[-1].message)
        await model.close()

    asyncio.run(go())
    return samples


def test_a_conversation_has_one_id_and_another_has_another() -> None:
    with Endpoint((200, {"reply": "ok"})) as there:
        conversation(at(there), "one", "two", "three")
        conversation(at(there), "one")
    ids = [asked["session"] for asked in there.asked]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert [asked["message"] for asked in there.asked] == ["one", "two", "three", "one"]


def test_the_id_that_the_server_tells() -> None:
    with Endpoint((200, {"reply": "a", "chat": {"id": 7}}), (200, {"reply": "b"})) as there:
        conversation(at(there, session="chat.id"), "one", "two", "three")
    assert [asked["session"] for asked in there.asked] == [None, "7", "7"]


def test_secrets_go_into_headers_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE", "s3cret-word")
    with Endpoint((401, {"error": "who is s3cret-word?"})) as there:
        with pytest.raises(ModelError) as caught:
            ask(at(there, headers={"Authorization": "$GATE"}))
        assert there.headers[0]["authorization"] == "s3cret-word"
    assert caught.value.kind == "auth"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "trouble", [(429, {}), (500, "oops"), (503, {}), "reset", "truncated", (200, "<html>")]
)
def test_what_passes_is_tried_again(trouble: Any) -> None:
    with Endpoint(trouble, trouble, (200, {"reply": "at last"})) as there:
        assert ask_gateway(at(there)).message.text == "at last"
    assert len(there.asked) == 3


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((400, {"detail": "no"}), "bad_request", "answered 400: no"),
        ((404, "<html><title>Gone</title>"), "not_found", "an HTML page (Gone)"),
        ((307, "", {"location": "/chat/"}), "bad_request", "answered 307: see /chat/"),
        ((200, {"answer": "hi"}), "malformed", """no text at 'reply' in the answer {"answer":"hi"}"""),
        ((200, {"reply": ["hi"]}), "malformed", "no text at 'reply'"),
    ],
)
def test_what_does_not_pass_is_told_at_once(answer: Any, kind: str, words: str) -> None:
    with Endpoint(answer) as there, pytest.raises(ModelError) as caught:
        ask_gateway(at(there))
    assert caught.value.kind == kind
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(there.asked) == 1


def test_nobody_there_and_no_end() -> None:
    with pytest.raises(ModelError, match="cannot reach") as caught:
        ask(connect(f"127.0.0.1:{closed_port()}/chat", {}))
    assert (caught.value.kind, caught.value.retryable) == ("connection", True)
    with Endpoint("endless") as there, pytest.raises(ModelError, match="endless reply"):
        ask(at(there))


@pytest.mark.parametrize(
    ("place", "options", "words"),
    [
        ("", {}, "expected an address like"),
        ("host:99999/chat", {}, "expected an address like"),
        ("ann:pw@host/chat", {}, "agent 'http://host/chat': the address must not hold a password"),
        ("host/chat?key=1", {}, "agent 'http://host/chat': the address must not hold a password or a query"),
        ("host/chat", {"answer": "x"}, "has no option 'answer'"),
        ("host/chat", {"body": "{message}"}, "not JSON"),
        ("host/chat", {"body": {"a": "{mesage}"}}, "unknown place {mesage} (did you mean 'message'"),
        ("host/chat", {"body": {"a": "say: {messages}"}}, "must be a string of its own"),
        ("host/chat", {"body": {"a": "{session}"}}, "expected {message} or {messages}"),
        ("host/chat", {"headers": {"X": "$NOT_THERE_AT_ALL"}}, "NOT_THERE_AT_ALL is not set"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    place: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(place, options)
    assert words in str(caught.value)
    assert "pw" not in str(caught.value)
    assert "key=1" not in str(caught.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["reply", "a", "0"]), inner),
    max_leaves=8,
)


def test_any_answer_is_a_reply_or_an_error() -> None:
    with Endpoint((200, {})) as there:

        @settings(deadline=None, max_examples=50)
        @given(_JSON, st.sampled_from(["reply", "reply.0", "*", "reply.*.a", "a.0", "0.0"]))
        def check(answer: Any, path: str) -> None:
            there.answers[:] = [(200, answer if isinstance(answer, (dict, list)) else [answer])]
            try:
                text = ask(at(there, reply=path)).message.text
            except ModelError as error:
                text = str(error).replace("\n", "two lines!")
            assert "two lines!" not in text

        check()


class Chat(Environment, frozen=True, kw_only=True):
    """Say three things; a reward for each that is understood."""

    async def run(self, task: Any, episode: Any) -> None:
        for word in ("one", "two", "three"):
            reply = await episode.agent.respond(word)
            episode.reward(float(reply.text == f"heard {word}"), turn=reply, name="heard")


def test_an_address_is_an_agent_and_a_stopped_conversation_goes_on_with_its_id(tmp_path: Path) -> None:
    failing = True

    def answer(asked: dict[str, Any]) -> Any:
        if failing and asked["said"] == "two":
            return (400, {"error": "not now"})
        return (200, {"out": {"text": f"heard {asked['said']}"}})

    with Endpoint(answer) as there:
        name = f"{there.root}/chat"
        form = {"body": '{"who": "{session}", "said": "{message}"}', "reply": "out.text"}
        run = turnwise.run(Chat(), name, store=tmp_path / "t.db", models={name: form})
        assert run.summary()["failed"] == 1
        failing = False
        run = turnwise.resume(run.id, store=tmp_path / "t.db", environment=Chat())
        assert run.score.mean == 3.0
        assert len({asked["who"] for asked in there.asked}) == 1
        assert [asked["said"] for asked in there.asked] == ["one", "two", "two", "three"]
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=Chat()).replayed == 1
