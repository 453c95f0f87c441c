"""What every provider does when its endpoint fails: one set of faults, through each vendor's SDK."""

from __future__ import annotations

import asyncio
import email.utils
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from asking import HELLO, ask, ask_gateway

from endpoint import Endpoint, closed_port, completion
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Image, user
from turnwise.model import Request
from turnwise.models import anthropic, google, openai
from turnwise.models.faults import retry_after

SECRET = "sk-very-secret-key"

CLAUDE = {
    "content": [{"type": "text", "text": "at last"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "at last"}]}, "finishReason": "STOP"}]}
PROVIDERS: dict[str, tuple[Callable[..., Any], str, str, Any]] = {
    "openai": (openai.connect, "/v1", "OPENAI_API_KEY", completion("at last")),
    "anthropic": (anthropic.connect, "", "ANTHROPIC_API_KEY", CLAUDE),
    "google": (google.connect, "", "GEMINI_API_KEY", GEMINI),
}
SDKS = {"openai": "openai", "anthropic": "anthropic", "google": "google.genai"}


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY"]
    names += ["ANTHROPIC_AUTH_TOKEN", *(variable for _, _, variable, _ in PROVIDERS.values())]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


def made(provider: str, root: str, **options: Any) -> Any:
    connect, path, _, _ = PROVIDERS[provider]
    return connect("tiny", {"base_url": root + path, **options})


FAULTS = [
    ((429, {"error": {"message": "slow down"}}, {"Retry-After": "2"}), "rate_limit", True, "slow down"),
    ((500, {"error": {"message": "oops"}}), "server", True, "500: oops"),
    ((502, ""), "server", True, "502"),
    ((503, "<html><title>Down</title></html>"), "overloaded", True, r"503: an HTML page \(Down\)"),
    ((529, {"error": {"message": "Overloaded"}}), "overloaded", True, "529: Overloaded"),
    ((401, {"error": {"message": f"bad key {SECRET}"}}), "auth", False, r"401: bad key \[key\]"),
    ((403, {"error": {"message": "not you"}}), "auth", False, "403: not you"),
    ((404, {"error": {"message": "no such model"}}), "not_found", False, "no such model"),
    ((400, {"error": {"message": "temperature: too hot"}}), "bad_request", False, "too hot"),
    ((400, {"error": {"message": "maximum context length is 9"}}), "context_length", False, "maximum"),
    ((400, {"error": {"message": "prompt is too long: 9 > 8"}}), "context_length", False, "9 > 8"),
    ((400, {"error": {"message": "The input token count (9) exceeds"}}), "context_length", False, "exceeds"),
    ((413, {"error": {"message": "too large"}}), "context_length", False, "413"),
    ((200, "<!doctype html><title>Login</title>"), "malformed", True, r"no JSON: an HTML page \(Login\)"),
    ("truncated", "malformed", True, "no JSON: .*assis"),
    ((200, {"choices": [], "candidates": [], "content": None}), "malformed", True, "no message"),
    ((200, {"choices": None, "candidates": None, "content": [5]}), "malformed", True, "no message"),
    ((200, {"error": "model crashed"}), "malformed", True, "model crashed"),
    ((200, [1]), "malformed", True, "no message"),
    ((200, ""), "malformed", True, "nothing"),
    ((200, "[" * 100_000), "malformed", True, "no JSON"),
    ("reset", "connection", True, "cannot reach"),
    ("endless", "malformed", True, "endless reply"),
]


@pytest.mark.parametrize(("answer", "kind", "retryable", "text"), FAULTS)
def test_a_fault_is_one_line_of_its_kind(
    provider: str, answer: Any, kind: str, retryable: bool, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROVIDERS[provider][2], SECRET)
    with Endpoint(answer) as endpoint, pytest.raises(ModelError, match=text) as caught:
        ask(made(provider, endpoint.root))
    assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
    message = str(caught.value)
    assert message.startswith(f"{provider}/tiny: ")
    assert endpoint.root in message
    assert "\n" not in message
    assert SECRET not in message
    assert len(endpoint.asked) == 1, "the SDK tried again by itself"
    assert caught.value.retry_after == (2.0 if "Retry-After" in str(answer) else None)


def test_nobody_listens(provider: str) -> None:
    root = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(ModelError, match=f"{provider}/tiny: cannot reach {root}") as caught:
        ask(made(provider, root))
    assert (caught.value.kind, caught.value.retryable) == ("connection", True)


def test_the_gateway_tries_again_until_it_passes(provider: str) -> None:
    answers = [(500, "{}"), (429, "{}", {"Retry-After": "0.01"}), "reset", "truncated", (200, "<html>")]
    with Endpoint(*answers, (200, PROVIDERS[provider][3])) as endpoint:
        assert ask_gateway(made(provider, endpoint.root)).message.text == "at last"
        assert len(endpoint.asked) == 6


def test_a_hanging_server_is_given_up_by_the_gateway(provider: str) -> None:
    with (
        Endpoint("hang") as endpoint,
        pytest.raises(ModelError, match=r"gave up after 2 attempts.*no answer in 0\.2 s") as caught,
    ):
        ask_gateway(made(provider, endpoint.root), timeout_seconds=0.2, attempts=2)
    assert caught.value.kind == "timeout"


def test_a_key_is_asked_for_and_sent_but_never_told(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, _, variable, answer = PROVIDERS[provider]
    with pytest.raises(ConfigError, match=rf"'{provider}/tiny' needs a key: set {variable}.*api_key_env"):
        connect("tiny", {})
    with pytest.raises(ConfigError, match="set MY_KEY"):
        connect("tiny", {"api_key_env": "MY_KEY", "base_url": "http://localhost"})
    monkeypatch.setenv("MY_KEY", f"{SECRET}\n")
    with Endpoint((200, answer)) as endpoint:
        model = made(provider, endpoint.root, api_key_env="MY_KEY")
        ask(model)
    assert any(SECRET in value for value in endpoint.headers[0].values())
    assert SECRET not in f"{model!r} {vars(model)} {model.options}"
    assert SECRET not in endpoint.paths[0]


def test_an_own_server_needs_no_key(provider: str) -> None:
    with Endpoint((200, PROVIDERS[provider][3])) as endpoint:
        assert ask(made(provider, endpoint.root)).message.text == "at last"


def test_options_are_checked(provider: str) -> None:
    connect = PROVIDERS[provider][0]
    with pytest.raises(ConfigError, match=r"no option 'bas_url' \(did you mean 'base_url'\?\)"):
        connect("tiny", {"bas_url": "http://localhost"})
    with pytest.raises(ConfigError, match="option 'headers': expected `object`, got `int`"):
        connect("tiny", {"headers": 1})


def test_the_sdk_is_imported_only_when_a_model_is_made(provider: str) -> None:
    sdk = SDKS[provider]
    code = f"import sys, turnwise.models.{provider}; sys.exit({sdk!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("provider", ["anthropic", "google"])
def test_without_its_sdk_one_line_says_what_to_install(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, SDKS[provider], None)
    wanted = rf"'{provider}/tiny' needs {SDKS[provider]} .*: pip install 'turnwise\[{provider}\]'"
    with pytest.raises(ConfigError, match=wanted):
        made(provider, "http://localhost")


def test_only_the_hash_of_a_picture_is_not_enough(provider: str) -> None:
    request = Request(messages=[user((Image(media_type="image/png", sha256="ab12"),))])
    with pytest.raises(ModelError, match="the bytes of image/png ab12 are not here") as caught:
        ask(made(provider, "http://127.0.0.1:1"), request)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_to_come_back_at() -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert retry_after({"retry-after": date}) == pytest.approx(60, abs=2)


def test_a_model_serves_several_event_loops_and_is_there_again_after_it_was_closed(provider: str) -> None:
    with Endpoint((200, PROVIDERS[provider][3])) as endpoint:
        model = made(provider, endpoint.root)
        for _ in range(2):
            assert asyncio.run(model.sample(HELLO)).message.text == "at last"
        for _ in range(2):
            assert ask(model).message.text == "at last"
        asyncio.run(model.close())
        assert len(endpoint.asked) == 4
