"""`google/<model>`: Gemini, through the official SDK (`google-genai`).

Signatures of thoughts hang on the parts of an answer and must go back with them. So a message with any keeps
its parts under `Message.provider["google"]`, and they are sent in place of its text and calls for as long as
these are unchanged and the same model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import requires
from typing import Any, cast

import msgspec

from turnwise.errors import ConfigError, ModelError
from turnwise.message import Message, Part, Text, ToolCall, ToolSpec
from turnwise.model import Alternatives, Request, Sample, Usage
from turnwise.models.faults import words_of
from turnwise.models.hosted import Access, Hosted, HostedOptions, access
from turnwise.models.options import checked, sdk_of
from turnwise.models.parts import arguments_of, as_base64, as_text, count, kept, table
from turnwise.models.transport import CONNECT_SECONDS, Client, EndlessError, bounded
from turnwise.models.turns import in_turns

_REFUSALS = {
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}
_PLAIN = ({"text"}, {"functionCall"})
"""Parts that a `Message` holds by itself."""


class GoogleOptions(HostedOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the Gemini API.

    The usual variables are `GOOGLE_GEMINI_BASE_URL`, without the `/v1beta`, and `GEMINI_API_KEY` or
    `GOOGLE_API_KEY`.
    """

    thinking: int | dict[str, Any] | None = None
    """A budget of tokens for thoughts, which are then told, too; or the API's own `thinkingConfig`."""


def connect(name: str, options: Mapping[str, Any]) -> GoogleModel:
    """The model `google/<name>`.

    Raises:
        ConfigError: an option does not fit, a key is needed and not set, or the SDK is not installed.
    """
    return GoogleModel(name, checked(f"google/{name}", options, GoogleOptions))


class GoogleModel(Hosted):
    """A model behind `generateContent`; see the module."""

    def __init__(self, model: str, options: GoogleOptions) -> None:
        super().__init__("google", model)
        self.options = options
        sdk = sdk_of(self.name, "google.genai", "google")
        at = access(
            self.name,
            options,
            url="https://generativelanguage.googleapis.com",
            address="GOOGLE_GEMINI_BASE_URL",
            keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        )
        self._endpoint = at.endpoint
        self._types = sdk.types
        self._errors = sdk.errors
        self._pydantic = sdk_of(self.name, "pydantic", "google")
        self._thinking = self._thought(options.thinking)
        self._http = sdk_of(self.name, _http_library(), "google")
        self._client = Client(lambda: self._connected(sdk, at), _shut)

    def _connected(self, sdk: Any, at: Access) -> Any:
        connections = self._http.AsyncClient(
            event_hooks={"response": [bounded]},
            timeout=self._http.Timeout(None, connect=CONNECT_SECONDS),
            limits=self._http.Limits(max_connections=1000, max_keepalive_connections=100),
        )
        options = sdk.types.HttpOptions(
            base_url=at.url,
            headers=at.headers,
            httpx_async_client=connections,
            retry_options=sdk.types.HttpRetryOptions(attempts=1),
        )
        client = sdk.Client(vertexai=False, api_key=at.key or "none", http_options=options)
        return client, connections

    async def _ask(self, request: Request) -> bytes:
        contents, config = self._contents(request), self._config(request)
        client, _ = self._client()
        try:
            response = await client.aio.models.generate_content(
                model=self.model, contents=contents, config=config
            )
        except EndlessError as error:
            raise self._endpoint.malformed(str(error)) from None
        except self._http.ConnectTimeout:
            raise self._endpoint.unreachable(f"no connection in {CONNECT_SECONDS:g} s") from None
        except self._http.HTTPError as error:
            raise self._endpoint.unreachable(error) from None
        except self._errors.APIError as error:
            raise self._refused(error) from None
        return str(response.sdk_http_response.body or "").encode()

    def _thought(self, thinking: int | dict[str, Any] | None) -> Any:
        if isinstance(thinking, int):
            thinking = {"thinkingBudget": thinking, "includeThoughts": True}
        try:
            return None if thinking is None else self._types.ThinkingConfig.model_validate(thinking)
        except self._pydantic.ValidationError as error:
            first = error.errors()[0]
            key = ".".join(["thinking", *map(str, first["loc"])])
            raise ConfigError(f"model {self.name!r}, option {key!r}: {first['msg'].lower()}") from None

    def _refused(self, error: Any) -> ModelError:
        """The error for an HTTP status; the wait that Google wishes stands among the details."""
        headers = dict(getattr(error.response, "headers", None) or {})
        details: Any = error.details
        more: Any = (
            table(cast("dict[str, Any]", details), "error").get("details")
            if isinstance(details, dict)
            else None
        )
        for detail in more or ():
            delay = str(detail.get("retryDelay") or "")
            if delay.endswith("s"):
                headers.setdefault("retry-after", delay[:-1])
        return self._endpoint.status(error.code, words_of(details), headers)

    def _config(self, request: Request) -> Any:
        options, sampling = self.options, request.sampling
        wanted = {
            "system_instruction": in_turns(request.messages).system or None,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_output_tokens": sampling.max_tokens,
            "stop_sequences": list(sampling.stop) or None,
            "seed": sampling.seed,
            "response_logprobs": sampling.logprobs or sampling.top_logprobs > 0 or None,
            "logprobs": sampling.top_logprobs or None,
            "thinking_config": self._thinking,
            "tools": [{"function_declarations": [_tool_out(tool) for tool in request.tools]}]
            if request.tools
            else None,
            "http_options": {"extra_body": options.extra_body | sampling.extra},
        }
        return self._types.GenerateContentConfig(
            **{name: value for name, value in wanted.items() if value is not None},
            automatic_function_calling={"disable": True},
            should_return_http_response=True,
        )

    def _contents(self, request: Request) -> list[Any]:
        said = in_turns(request.messages).said
        parts = [part for m in request.messages for part in kept(m, "google", self.model).get("parts") or ()]
        known = {str(table(part, "functionCall").get("id")) for part in parts}
        contents: list[Any] = []
        for turn in said:
            role = "model" if turn[0].role == "assistant" else "user"
            parts = [part for message in turn for part in self._parts_out(message, known)]
            if parts:
                contents.append(self._content(role, parts))
        return contents

    def _content(self, role: str, parts: list[dict[str, Any]]) -> Any:
        try:
            return self._types.Content.model_validate_json(
                msgspec.json.encode({"role": role, "parts": parts})
            )
        except self._pydantic.ValidationError:
            raise ModelError(
                f"{self.name}: the installed google-genai cannot send back what the model said: upgrade it",
                kind="bad_request",
            ) from None

    def _parts_out(self, message: Message, known: set[str]) -> list[dict[str, Any]]:
        """A message in the API's own JSON. `known` are the ids of calls that the API gave itself."""
        parts: Any = kept(message, "google", self.model).get("parts")
        if parts and _said(parts) == (message.text, [_wish(call) for call in message.tool_calls]):
            return parts
        content = message.content
        if message.role == "tool":
            media = () if isinstance(content, str) else [p for p in content if not isinstance(p, Text)]
            response: dict[str, Any] = {"name": message.name or "", "response": {"output": message.text}}
            if message.tool_call_id in known:
                response["id"] = message.tool_call_id
            return [{"functionResponse": response}, *(_part_out(part) for part in media)]
        if isinstance(content, str):
            content = (Text(text=content),) if content else ()
        calls = [
            {"functionCall": {"name": call.name, "args": arguments_of(call) or {}}}
            for call in message.tool_calls
        ]
        return [*(_part_out(part) for part in content), *calls]

    def _read(self, data: dict[str, Any], request: Request) -> Sample:
        usage = _usage(table(data, "usageMetadata"))
        answered = data.get("modelVersion")
        model = str(answered) if answered and answered != self.model else None
        if table(data, "promptFeedback").get("blockReason") and not data.get("candidates"):
            return Sample(message=Message(role="assistant"), finish="refusal", usage=usage, model=model)
        candidate: dict[str, Any] = data["candidates"][0]
        reason = str(candidate.get("finishReason") or "STOP")
        parts: list[dict[str, Any]] = list(table(candidate, "content").get("parts") or ())
        if not parts and reason == "STOP":
            raise ValueError("no parts")
        message = self._message_in(parts, request.ordinal)
        finish = {"STOP": "stop", "MAX_TOKENS": "length"}.get(reason, reason.lower())
        if reason in _REFUSALS:
            finish = "refusal"
        elif message.tool_calls and finish == "stop":
            finish = "tool_calls"
        likely = table(candidate, "logprobsResult")
        chosen: Any = likely.get("chosenCandidates") or ()
        return Sample(
            message=message,
            finish=finish,
            usage=usage,
            model=model,
            logprobs=[float(token["logProbability"]) for token in chosen] or None,
            sampled_texts=[str(token.get("token") or "") for token in chosen] or None,
            alternatives=_alternatives(likely.get("topCandidates") or ()),
        )

    def _message_in(self, parts: Sequence[dict[str, Any]], ordinal: int) -> Message:
        text, _ = _said(parts)
        wishes = [part["functionCall"] for part in parts if "functionCall" in part]
        calls = tuple(
            ToolCall(
                id=str(wish.get("id") or f"call-{ordinal}-{place}"),
                name=str(wish["name"]),
                arguments=as_text(wish.get("args")),
            )
            for place, wish in enumerate(wishes)
        )
        thoughts = "\n\n".join(part["text"] for part in parts if part.get("thought") and part.get("text"))
        plain = all(part.keys() in _PLAIN and "id" not in table(part, "functionCall") for part in parts)
        return Message(
            role="assistant",
            content=text,
            tool_calls=calls,
            reasoning=thoughts or None,
            provider=None if plain else {"google": {"model": self.model, "parts": list(parts)}},
        )


async def _shut(both: tuple[Any, Any]) -> None:
    """Close a client, and its connections, which it leaves to us."""
    client, connections = both
    await client.aio.aclose()
    await connections.aclose()


def _http_library() -> str:
    """The one of the two that the installed SDK is made for; its responses must be of this one."""
    needs = requires("google-genai") or []
    return "httpx2" if any(need.startswith("httpx2") for need in needs) else "httpx"


def _said(parts: Sequence[dict[str, Any]]) -> tuple[str, list[tuple[str, Any]]]:
    """Text and calls (name, arguments) of an answer's parts."""
    text = "".join(str(part["text"]) for part in parts if "text" in part and not part.get("thought"))
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    return text, [(str(call["name"]), call.get("args") or {}) for call in calls]


def _wish(call: ToolCall) -> tuple[str, Any]:
    return call.name, arguments_of(call)


def _tool_out(tool: ToolSpec) -> dict[str, Any]:
    out: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if table(tool.parameters, "properties"):
        out["parameters_json_schema"] = tool.parameters
    return out


def _part_out(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    return {"inlineData": {"mimeType": part.media_type, "data": as_base64(part)}}


def _alternatives(places: Sequence[dict[str, Any]]) -> list[Alternatives] | None:
    told: list[Alternatives] = [
        tuple(
            (str(one.get("token") or ""), float(one["logProbability"]))
            for one in place.get("candidates") or ()
        )
        for place in places
    ]
    return told if any(told) else None


def _usage(usage: dict[str, Any]) -> Usage | None:
    if not usage:
        return None
    thoughts = count(usage, "thoughtsTokenCount")
    return Usage(
        input=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        output=count(usage, "candidatesTokenCount") + thoughts,
        cached=count(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
    )
