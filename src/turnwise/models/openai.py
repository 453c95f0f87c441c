"""`openai/<model>`: any endpoint that speaks OpenAI's chat completions, through the official SDK.

Besides OpenAI itself: vLLM, SGLang, llama.cpp, `transformers serve`, and most hosted open models. Token ids
are asked for by an option, in the way of the server: vLLM's `return_token_ids` puts `prompt_token_ids` into
the response and `token_ids` into the choice; SGLang's `return_prompt_token_ids` and `return_meta_info` put
`prompt_token_ids` into the choice and the sampled ids into its `meta_info.output_token_logprobs`.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from turnwise.errors import ConfigError, ModelError
from turnwise.message import Audio, File, Image, Message, Part, Text, ToolCall, ToolSpec
from turnwise.model import Request, Sample, Usage
from turnwise.models import faults
from turnwise.models.options import checked, key_of

_RESPONSE_LIMIT = 64 * 2**20


class OpenAIOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of an OpenAI-compatible endpoint."""

    base_url: str | None = None
    """By default `OPENAI_BASE_URL`, else OpenAI's own."""
    api_key_env: str | None = None
    """Environment variable that holds the key, `OPENAI_API_KEY` by default; one's own server needs none."""
    token_ids: Literal["vllm", "sglang"] | None = None
    """Ask for token ids in the way of this server."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """Name of the limit; by default `max_completion_tokens` at OpenAI, `max_tokens` elsewhere."""
    system_role: Literal["system", "developer"] = "system"
    extra_body: dict[str, Any] = {}
    """Further fields of every request."""
    headers: dict[str, str] = {}
    """Further headers of every request."""
    timeout_seconds: float = 600.0


def connect(name: str, options: Mapping[str, Any]) -> OpenAIModel:
    """The model `openai/<name>`.

    Raises:
        ConfigError: an option does not fit, or a key is needed and not set.
    """
    return OpenAIModel(name, checked(f"openai/{name}", options, OpenAIOptions))


class OpenAIModel:
    """A model behind chat completions; see the module."""

    remote = True

    def __init__(self, model: str, options: OpenAIOptions) -> None:
        import openai

        self.model = model
        self.name = f"openai/{model}"
        self.options = options
        own = options.base_url or os.environ.get("OPENAI_BASE_URL")
        key = key_of(self.name, options.api_key_env, ("OPENAI_API_KEY",), needed=own is None)
        self._place = (own or "https://api.openai.com/v1").rstrip("/")
        if not self._place.startswith(("http://", "https://")):
            raise ConfigError(f"model {self.name!r}: base_url must begin with http:// or https://: {own!r}")
        self._limit_field = options.max_tokens_field or ("max_tokens" if own else "max_completion_tokens")
        self._sdk = openai
        self._client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=self._place,
            max_retries=0,
            timeout=options.timeout_seconds,
            default_headers=options.headers,
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [_bounded]}),
        )

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: of the kinds in `faults`.
        """
        sdk, place = self._sdk, self._place
        content: bytes = b""
        try:
            completions: Any = self._client.chat.completions.with_raw_response
            raw = await completions.create(**self._body(request))
            content = bytes(raw.content)
            data: Any = msgspec.json.decode(content)
        except sdk.APITimeoutError:
            raise faults.late(self.name, place) from None
        except sdk.APIConnectionError as error:
            raise faults.unreachable(self.name, place, error) from error
        except sdk.APIStatusError as error:
            text = faults.words_of(error)
            raise faults.of_status(
                self.name, place, error.status_code, text, error.response.headers
            ) from None
        except msgspec.DecodeError:
            text = faults.brief(content.decode(errors="replace"))
            raise faults.malformed(self.name, place, f"what is no JSON: {text or 'nothing'}") from None
        except _TooLongError:
            raise faults.malformed(
                self.name, place, f"more than {_RESPONSE_LIMIT >> 20} MiB: an endless reply"
            ) from None
        return self._read(data)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _body(self, request: Request) -> dict[str, Any]:
        options, sampling = self.options, request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [_message_out(message, options.system_role) for message in request.messages],
        }
        if request.tools:
            body["tools"] = [_tool_out(tool) for tool in request.tools]
        optional = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._limit_field: sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
            "logprobs": sampling.logprobs or None,
        }
        body |= {name: value for name, value in optional.items() if value is not None}
        extra = dict(options.extra_body) | sampling.extra
        if options.token_ids == "vllm":
            extra["return_token_ids"] = True
        elif options.token_ids == "sglang":
            extra |= {"return_prompt_token_ids": True, "return_meta_info": True}
            body["logprobs"] = True
        if extra:
            body["extra_body"] = extra
        return body

    def _read(self, data: Any) -> Sample:
        try:
            choice: dict[str, Any] = data["choices"][0]
            given: dict[str, Any] = choice["message"]
            message = _message_in(given)
        except (KeyError, IndexError, TypeError, AttributeError):
            text = faults.brief(str(data))
            raise faults.malformed(self.name, self._place, f"no message: {text}") from None
        finish = choice.get("finish_reason") or "stop"
        prompt_ids, sampled_ids, logprobs = _tokens(data, choice)
        answered = data.get("model")
        return Sample(
            message=message,
            finish={"content_filter": "refusal", "function_call": "tool_calls"}.get(finish, finish),
            usage=_usage(data.get("usage")),
            model=answered if answered and answered != self.model else None,
            version=data.get("system_fingerprint"),
            prompt_ids=prompt_ids,
            sampled_ids=sampled_ids,
            logprobs=logprobs,
        )


class _TooLongError(Exception):
    """A response went on beyond all measure."""


async def _bounded(response: Any) -> None:
    """Read a response up to a limit; what an endless one sends is not kept."""
    size = 0
    chunks: list[bytes] = []
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > _RESPONSE_LIMIT:
            await response.aclose()
            raise _TooLongError
        chunks.append(chunk)
    # As `aread` leaves it, so that whoever reads the response after this finds all of it.
    response._content = b"".join(chunks)


def _message_out(message: Message, system_role: str) -> dict[str, Any]:
    out: dict[str, Any] = {"role": system_role if message.role == "system" else message.role}
    if isinstance(message.content, str):
        out["content"] = message.content
    else:
        out["content"] = [_part_out(part) for part in message.content]
    if message.tool_calls:
        out["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                # Servers parse the arguments of past calls; what never was JSON would make them refuse.
                "function": {"name": call.name, "arguments": _json_or_empty(call.arguments)},
            }
            for call in message.tool_calls
        ]
        out["content"] = out["content"] or None
    if message.role == "tool":
        out["tool_call_id"] = message.tool_call_id or ""
    elif message.name:
        out["name"] = message.name
    return out | _table(message.provider or {}, "openai")


def _json_or_empty(arguments: str) -> str:
    try:
        msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return "{}"
    return arguments


def _part_out(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if part.data is None:
        raise ModelError(
            f"the bytes of {part.media_type} {part.digest[:12]} are not here", kind="bad_request"
        )
    data = base64.b64encode(part.data).decode()
    url = f"data:{part.media_type};base64,{data}"
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": url}}
    if isinstance(part, Audio):
        kind = part.media_type.partition("/")[2].removeprefix("x-")
        return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}
    if isinstance(part, File):
        return {"type": "file", "file": {"filename": part.name or "file", "file_data": url}}
    return {"type": "video_url", "video_url": {"url": url}}


def _tool_out(tool: ToolSpec) -> dict[str, Any]:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _message_in(given: dict[str, Any]) -> Message:
    reasoning: Any = given.get("reasoning_content") or given.get("reasoning")
    calls = tuple(
        ToolCall(
            id=str(call.get("id") or f"call-{place}"),
            name=str(call["function"].get("name") or ""),
            arguments=_as_text(call["function"].get("arguments")),
        )
        for place, call in enumerate(given.get("tool_calls") or ())
    )
    kept = {key: given[key] for key in ("reasoning_details",) if given.get(key)}
    return Message(
        role="assistant",
        content=_content_in(given.get("content")) or str(given.get("refusal") or ""),
        tool_calls=calls,
        reasoning=reasoning if isinstance(reasoning, str) else None,
        provider={"openai": kept} if kept else None,
    )


def _content_in(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in cast("list[dict[str, Any]]", content))
    return "" if content is None else str(content)


def _as_text(arguments: Any) -> str:
    """Arguments as the model wrote them; some servers parse them already."""
    if arguments is None:
        return "{}"
    return arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()


def _usage(given: Any) -> Usage | None:
    if not isinstance(given, dict):
        return None
    usage = cast("dict[str, Any]", given)
    return Usage(
        input=int(usage.get("prompt_tokens") or 0),
        output=int(usage.get("completion_tokens") or 0),
        cached=int(_table(usage, "prompt_tokens_details").get("cached_tokens") or 0),
        reasoning=int(_table(usage, "completion_tokens_details").get("reasoning_tokens") or 0),
    )


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _tokens(
    data: dict[str, Any], choice: dict[str, Any]
) -> tuple[list[int] | None, list[int] | None, list[float] | None]:
    """Prompt ids, sampled ids and log-probabilities, as far as the server tells."""
    prompt = data.get("prompt_token_ids") or choice.get("prompt_token_ids")
    sampled = choice.get("token_ids")
    content: Any = _table(choice, "logprobs").get("content")
    logprobs = [float(token["logprob"]) for token in content] if content else None
    told: Any = _table(choice, "meta_info").get("output_token_logprobs")
    if told and sampled is None:
        sampled = [int(entry[1]) for entry in told]
        logprobs = [float(entry[0]) for entry in told]
    if sampled is not None and logprobs is not None and len(sampled) != len(logprobs):
        logprobs = None
    return (prompt or None) if sampled is not None else None, sampled, logprobs
