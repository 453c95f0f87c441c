"""`openai/<model>`: any endpoint that speaks OpenAI's chat completions, through the official SDK.

Besides OpenAI itself: vLLM, SGLang, llama.cpp, `transformers serve`, and most hosted open models. Token ids
are asked for by an option, in the way of the server: `return_token_ids` puts `token_ids` into the choice,
and `prompt_token_ids` into the response (vLLM) or the choice (SGLang). SGLang before July 2026 gives the
prompt by `return_prompt_token_ids`, and by `return_meta_info` with `logprobs` the sampled ids, as entries
`[log-probability, id, text]` of the choice's `meta_info.output_token_logprobs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

from turnwise.message import Audio, File, Image, Message, Part, Text, ToolCall, ToolSpec
from turnwise.model import Alternatives, Request, Sample, Usage
from turnwise.models.hosted import Hosted, HostedOptions, access
from turnwise.models.options import checked, sdk_of
from turnwise.models.parts import arguments_of, as_base64, as_text, count, kept, table, whole
from turnwise.models.transport import stainless

_SERVER_ASKS: dict[str | None, dict[str, Any]] = {
    None: {},
    "vllm": {"return_token_ids": True},
    "sglang": {"return_token_ids": True, "return_prompt_token_ids": True, "return_meta_info": True},
}
_FINISH = {"content_filter": "refusal", "function_call": "tool_calls", None: "stop"}
_KEPT = ("reasoning_details",)
"""Fields of a message that a server wants back as they were (OpenRouter's signed thoughts)."""
_CALL_FIELDS = {"id", "type", "function", "index"}


class OpenAIOptions(HostedOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of an OpenAI-compatible endpoint.

    The usual variables are `OPENAI_BASE_URL` and `OPENAI_API_KEY`.
    """

    token_ids: Literal["vllm", "sglang"] | None = None
    """Ask for token ids in the way of this server."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """Name of the limit; by default `max_completion_tokens` at OpenAI, `max_tokens` elsewhere."""
    system_role: Literal["system", "developer"] = "system"
    send_reasoning: Literal["reasoning", "reasoning_content"] | None = None
    """Send the model's own earlier thoughts back in this field, for servers whose models want them."""


def connect(name: str, options: Mapping[str, Any]) -> OpenAIModel:
    """The model `openai/<name>`.

    Raises:
        ConfigError: an option does not fit, or a key is needed and not set.
    """
    return OpenAIModel(name, checked(f"openai/{name}", options, OpenAIOptions))


class OpenAIModel(Hosted):
    """A model behind chat completions; see the module."""

    def __init__(self, model: str, options: OpenAIOptions) -> None:
        super().__init__("openai", model)
        self.options = options
        at = access(
            self.name,
            options,
            url="https://api.openai.com/v1",
            address="OPENAI_BASE_URL",
            keys=("OPENAI_API_KEY",),
        )
        self._endpoint = at.endpoint
        self._limit_field = options.max_tokens_field or ("max_tokens" if at.own else "max_completion_tokens")
        self._sdk = sdk_of(self.name, "openai")
        self._client = stainless(self._sdk, "AsyncOpenAI", at.url, at.key, at.headers)

    async def _ask(self, request: Request) -> bytes:
        body = self._body(request)
        with self._endpoint.asking(self._sdk):
            response = await self._client().chat.completions.with_raw_response.create(**body)
        return bytes(response.http_response.content)

    def _body(self, request: Request) -> dict[str, Any]:
        options, sampling = self.options, request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [self._message_out(message) for message in request.messages],
        }
        if request.tools:
            body["tools"] = [_tool_out(tool) for tool in request.tools]
        optional = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._limit_field: sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
            "logprobs": sampling.logprobs
            or bool(sampling.top_logprobs)
            or options.token_ids == "sglang"
            or None,
            "top_logprobs": sampling.top_logprobs or None,
        }
        body |= {name: value for name, value in optional.items() if value is not None}
        body["extra_body"] = options.extra_body | _SERVER_ASKS[options.token_ids] | sampling.extra
        return body

    def _message_out(self, message: Message) -> dict[str, Any]:
        role = self.options.system_role if message.role == "system" else message.role
        out: dict[str, Any] = {"role": role, "content": message.content}
        if not isinstance(message.content, str):
            out["content"] = [_part_out(part) for part in message.content]
        mine = kept(message, "openai", self.model)
        out |= table(mine, "message")
        if message.tool_calls:
            extras = table(mine, "calls")
            out["tool_calls"] = [_call_out(call) | table(extras, call.id) for call in message.tool_calls]
            out["content"] = out["content"] or None
        field = self.options.send_reasoning
        if field is not None and message.reasoning is not None:
            out[field] = message.reasoning
        if message.role == "tool":
            out["tool_call_id"] = message.tool_call_id or ""
        elif message.name:
            out["name"] = re.sub(r"[^\w-]", "_", message.name, flags=re.ASCII)[:64]
        return out

    def _read(self, data: dict[str, Any], request: Request) -> Sample:
        choice: dict[str, Any] = data["choices"][0]
        message = self._message_in(choice["message"], request.ordinal)
        finish: Any = choice.get("finish_reason")
        finish = str(_FINISH.get(finish, finish))
        if message.tool_calls and finish == "stop":
            finish = "tool_calls"
        if choice["message"].get("refusal"):
            finish = "refusal"
        if finish == "stop" and choice["message"].get("content") is None and message.reasoning is None:
            raise ValueError("null content")
        tokens = _tokens(data, choice)
        answered = data.get("model")
        version = data.get("system_fingerprint")
        return Sample(
            message=message,
            finish=finish,
            usage=_usage(table(data, "usage")),
            model=str(answered) if answered and answered != self.model else None,
            version=str(version) if version else None,
            prompt_ids=tokens.prompt,
            sampled_ids=tokens.sampled,
            logprobs=tokens.logprobs,
            sampled_texts=tokens.texts,
            alternatives=tokens.alternatives,
        )

    def _message_in(self, given: dict[str, Any], ordinal: int) -> Message:
        reasoning: Any = given.get("reasoning_content") or given.get("reasoning")
        wished: Sequence[Any] = given.get("tool_calls") or ()
        calls = tuple(
            ToolCall(
                id=str(call.get("id") or f"call-{ordinal}-{place}"),
                name=str(call["function"].get("name") or ""),
                arguments=as_text(call["function"].get("arguments")),
            )
            for place, call in enumerate(wished)
        )
        # What a server adds to a call beyond the protocol (Gemini's signatures) is the call's, and goes back.
        extras = {
            call.id: {key: value for key, value in wish.items() if key not in _CALL_FIELDS}
            for call, wish in zip(calls, wished, strict=True)
            if wish.keys() - _CALL_FIELDS
        }
        fields = {key: given[key] for key in _KEPT if given.get(key)}
        provider: dict[str, Any] = {"model": self.model}
        provider |= {key: value for key, value in (("message", fields), ("calls", extras)) if value}
        return Message(
            role="assistant",
            content=_content_in(given.get("content")) or str(given.get("refusal") or ""),
            tool_calls=calls,
            reasoning=reasoning if isinstance(reasoning, str) else None,
            provider={"openai": provider} if len(provider) > 1 else None,
        )


def _call_out(call: ToolCall) -> dict[str, Any]:
    arguments = "{}" if arguments_of(call) is None else call.arguments
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _part_out(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    data = as_base64(part)
    url = f"data:{part.media_type};base64,{data}"
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": url}}
    if isinstance(part, Audio):
        kind = part.media_type.partition("/")[2].removeprefix("x-")
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO.get(kind, kind)}}
    if isinstance(part, File):
        return {"type": "file", "file": {"filename": part.name or "file", "file_data": url}}
    return {"type": "video_url", "video_url": {"url": url}}


_AUDIO = {"mpeg": "mp3", "wave": "wav"}


def _tool_out(tool: ToolSpec) -> dict[str, Any]:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _content_in(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in cast("list[dict[str, Any]]", content))
    return "" if content is None else str(content)


def _usage(usage: dict[str, Any]) -> Usage | None:
    if not usage:
        return None
    return Usage(
        input=count(usage, "prompt_tokens"),
        output=count(usage, "completion_tokens"),
        cached=count(table(usage, "prompt_tokens_details"), "cached_tokens"),
        reasoning=count(table(usage, "completion_tokens_details"), "reasoning_tokens"),
    )


class _Tokens(NamedTuple):
    """What a server tells of tokens, each as far as it does."""

    prompt: list[int] | None
    sampled: list[int] | None
    logprobs: list[float] | None
    texts: list[str] | None = None
    alternatives: list[Alternatives] | None = None


def _tokens(data: dict[str, Any], choice: dict[str, Any]) -> _Tokens:
    prompt: Any = data.get("prompt_token_ids") or choice.get("prompt_token_ids")
    sampled: Any = choice.get("token_ids")
    content: Any = table(choice, "logprobs").get("content") or ()
    logprobs = [float(token["logprob"]) for token in content] or None
    told: Any = table(choice, "meta_info").get("output_token_logprobs")
    if told:
        ids = [whole(entry[1]) for entry in told]
        if sampled is None or ids == sampled:
            sampled, logprobs = ids, [float(entry[0]) for entry in told]
    others = _alternatives(content)
    if sampled is None:
        texts = [str(token.get("token") or "") for token in content]
        return _Tokens(None, None, logprobs, texts or None, others)
    if logprobs is not None and len(sampled) != len(logprobs):
        logprobs = None
    if others is not None and len(sampled) != len(others):
        others = None
    ids = [whole(token) for token in sampled]
    return _Tokens([whole(token) for token in prompt] if prompt else None, ids, logprobs, None, others)


def _alternatives(content: Sequence[dict[str, Any]]) -> list[Alternatives] | None:
    told: list[Alternatives] = [
        tuple(
            (str(other.get("token") or ""), float(other["logprob"]))
            for other in token.get("top_logprobs") or ()
        )
        for token in content
    ]
    return told if any(told) else None
