"""`http://HOST/PATH`, `https://HOST/PATH`: an assistant behind a plain HTTP endpoint, with a form of its own.

Each reply is one POST of JSON. What is sent is a template (`body`), in which a string may name

- `{message}`: what was said to the assistant since its last reply,
- `{messages}`: the whole conversation, as `{"role", "content"}` objects (as a string of its own only),
- `{session}`: the conversation's id,
- `{system}`: what the environment told the assistant in private (its policy), nothing where it told nothing.

What comes back is read at a path (`reply`): keys and places in lists with dots between them; `*` is every
place of a list, whose texts are put one below the other.

The id of a conversation is drawn when it begins, or, where `session` is the path of one in the server's
answers, told by the server; until then `{session}` is null. It is kept with each reply, so that a resumed
conversation goes on with the same one. A server that keeps the conversation itself cannot take back what it
has heard: a fork needs a server that is sent `{messages}`.

The environment's own tools are not offered to such an assistant: it has its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from turnwise.errors import ConfigError, ModelError, did_you_mean
from turnwise.log import Turn
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.models.faults import Endpoint, words_of
from turnwise.models.options import checked, headers_of, sdk_of
from turnwise.models.parts import kept, table
from turnwise.models.transport import CONNECT_SECONDS, Client, EndlessError, bounded

PLACES = ("message", "messages", "session", "system")
"""What a template can name."""
_PLACE = re.compile(r"\{([a-z_]+)\}")
_WHOLE = "{messages}"
_ALONE = "{session}"


def session_of(turns: Iterable[Turn]) -> str | None:
    """The id under which the assistant who says these turns knows the conversation; None where nobody does.

    For an environment that asks the assistant's back end what was done.
    """
    for turn in turns:
        told = table(turn.message.provider, "http").get("session")
        if told is not None:
            return str(told)
    return None


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a plain HTTP endpoint."""

    body: Any = '{"session": "{session}", "message": "{message}"}'
    """The JSON of a request, as such or as text; see the module."""
    reply: str = "reply"
    """Path of the reply in the answer's JSON, as `choices.0.message.content`; empty where the whole body is
    the reply, as plain text."""
    session: str | None = None
    """Path of the conversation's id in the answer's JSON, where the server makes it."""
    headers: dict[str, str] = {}
    """Headers of every request; `$NAME` stands for an environment variable."""


def connect(place: str, options: Mapping[str, Any]) -> HttpModel:
    """The assistant at `http://<place>`.

    Raises:
        ConfigError: an address or an option that cannot be.
    """
    return _connected("http", place, options)


def connect_secure(place: str, options: Mapping[str, Any]) -> HttpModel:
    """The assistant at `https://<place>`; see `connect`."""
    return _connected("https", place, options)


def _connected(scheme: str, place: str, options: Mapping[str, Any]) -> HttpModel:
    url = f"{scheme}://{place}"
    return HttpModel(_address(url), checked(url, options, HttpOptions))


class HttpModel:
    """An assistant behind a plain HTTP endpoint; see the module.

    Args:
        url: Where it is.
        options: How it is talked to.
    """

    remote = True

    def __init__(self, url: str, options: HttpOptions) -> None:
        self.name = url
        self.options = options
        self._body = _template(url, options.body)
        headers, secrets = headers_of(url, options.headers)
        self._endpoint = Endpoint(url, url, secrets)
        self._httpx = httpx = sdk_of(url, "httpx")

        def make() -> Any:
            return httpx.AsyncClient(
                headers=headers,
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
                event_hooks={"response": [bounded]},
            )

        self._client = Client(make, lambda client: client.aclose())

    async def sample(self, request: Request) -> Sample:
        """One reply.

        Raises:
            ModelError: of the kinds in `faults`.
        """
        session = self._session(request.messages)
        data = self._read(await self._ask(_filled(self._body, _values(request.messages, session))))
        if self.options.session is not None:
            session = next((str(one) for one in _at(data, self.options.session)), session)
        provider = {"http": {"model": self.name, "session": session}}
        return Sample(message=Message(role="assistant", content=self._text(data), provider=provider))

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _session(self, messages: Sequence[Message]) -> str | None:
        """The conversation's id: that of its last reply, else a new one; None where the server tells it."""
        for message in reversed(messages):
            if message.role == "assistant" and (known := kept(message, "http", self.name)):
                return known["session"]
        return None if self.options.session is not None else uuid.uuid4().hex

    async def _ask(self, body: Any) -> bytes:
        """The body of the answer."""
        httpx = self._httpx
        try:
            response = await self._client().post(self.name, json=body)
        except EndlessError as error:
            raise self._endpoint.malformed(str(error)) from None
        except httpx.ConnectTimeout:
            raise self._endpoint.unreachable(f"no connection in {CONNECT_SECONDS:g} s") from None
        except httpx.HTTPError as error:
            raise self._endpoint.unreachable(error) from None
        if not response.is_success:
            words = f"see {response.headers['location']}" if response.has_redirect_location else response.text
            raise self._endpoint.status(response.status_code, _words(words), response.headers)
        return bytes(response.content)

    def _read(self, answer: bytes) -> Any:
        """The answer: text where all of it is the reply, else JSON."""
        if not self.options.reply:
            return answer.decode(errors="replace").strip()
        try:
            if answer.lstrip()[:1] == b"[":
                return msgspec.json.decode(answer)
        except (msgspec.DecodeError, RecursionError):
            pass
        return self._endpoint.parse(answer)

    def _text(self, data: Any) -> str:
        """The reply in an answer."""
        if isinstance(data, str):
            return data
        path = self.options.reply
        found = _at(data, path)
        if all(isinstance(one, str) for one in found) and (found or "*" in path.split(".")):
            return "\n\n".join(found)
        # The same form comes again, however often it is asked for.
        answered = self._endpoint.brief(_json(data))
        raise ModelError(
            f"{self.name}: no text at {path!r} in the answer {answered} (the option 'reply' is its path)",
            kind="malformed",
        )


def _address(url: str) -> str:
    """An address that can be stored.

    Raises:
        ConfigError: it is none, or holds what may be a secret.
    """
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and parts.port != 0 and not re.search(r"[\s\x00-\x1f]", url)
    except ValueError:
        parts, good = None, False
    if parts is None or not good:
        raise ConfigError(f"agent {url!r}: expected an address like http://localhost:8080/chat")
    if "@" in parts.netloc or parts.query:
        shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
        raise ConfigError(
            f"agent {shown!r}: the address must not hold a password or a query, as runs keep it; "
            "secrets go into the option headers, as '$NAME'"
        )
    return url


def _template(url: str, body: Any) -> Any:
    """The template of a request.

    Raises:
        ConfigError: it is no JSON, names what is not there, or says nothing of what was said.
    """
    if isinstance(body, str):
        try:
            body = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ConfigError(f"agent {url!r}, option 'body': not JSON: {error}") from None
    named: set[str] = set()
    for text in _texts(body):
        for place in _PLACE.findall(text):
            if place not in PLACES:
                near = did_you_mean(place, PLACES) or f"; known: {', '.join(PLACES)}"
                raise ConfigError(f"agent {url!r}, option 'body': unknown place {{{place}}}{near}")
            named.add(place)
        if _WHOLE in text and text != _WHOLE:
            raise ConfigError(
                f"agent {url!r}, option 'body': {_WHOLE} must be a string of its own, got {text!r}"
            )
    if not named & {"message", "messages"}:
        raise ConfigError(f"agent {url!r}, option 'body': expected {{message}} or {_WHOLE} in it")
    return body


def _texts(value: Any) -> list[str]:
    """All strings of a JSON value that can be filled in."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return [text for item in cast("list[Any]", value) for text in _texts(item)]
    return []


def _values(messages: Sequence[Message], session: str | None) -> dict[str, Any]:
    """What the places of a template stand for now."""
    said = [message for message in messages if message.role != "system"]
    last = max((place for place, one in enumerate(said) if one.role == "assistant"), default=-1)
    return {
        "message": "\n\n".join(message.text for message in said[last + 1 :]),
        "messages": [{"role": one.role, "content": one.text} for one in said],
        "session": session,
        "system": "\n\n".join(message.text for message in messages if message.role == "system"),
    }


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its places filled in, in one pass, so that nothing said is taken for a place."""
    if isinstance(template, str):
        if template in (_WHOLE, _ALONE):
            return values[template[1:-1]]
        return _PLACE.sub(lambda found: str(values[found[1]] or ""), template)
    if isinstance(template, dict):
        items = cast("dict[str, Any]", template).items()
        return {key: _filled(value, values) for key, value in items}
    if isinstance(template, list):
        return [_filled(value, values) for value in cast("list[Any]", template)]
    return template


def _at(data: Any, path: str) -> list[Any]:
    """What is at a path: one thing or none, or several where it has a `*`; null is nothing."""
    found: list[Any] = [data]
    for key in path.split("."):
        found = [inner for outer in found for inner in _step(outer, key)]
    return [one for one in found if one is not None]


def _step(outer: Any, key: str) -> list[Any]:
    """What is under one key of a path."""
    if isinstance(outer, dict):
        inside = cast("dict[str, Any]", outer)
        return [inside[key]] if key in inside else []
    if not isinstance(outer, list):
        return []
    listed = cast("list[Any]", outer)
    if key == "*":
        return listed
    place = int(key) if re.fullmatch(r"[0-9]{1,9}", key) else len(listed)
    return listed[place : place + 1]


def _json(data: Any) -> str:
    return msgspec.json.encode(data).decode()


def _words(text: str) -> str:
    """What an error's body says, whether it is JSON or not."""
    try:
        return words_of(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        return text
