"""`anthropic/<model>`: Claude, and what speaks Anthropic's messages API, through the official SDK.

Thoughts must go back as they came, signatures included, while tools are in use. So a message with thoughts
keeps its content blocks under `Message.provider["anthropic"]`, and they are sent in place of its text and
calls for as long as these are unchanged and the same model is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from turnwise.errors import ModelError
from turnwise.message import File, Image, Message, Part, Text, ToolCall, ToolSpec
from turnwise.model import Request, Sample, Usage
from turnwise.models.hosted import Hosted, HostedOptions, access
from turnwise.models.options import checked, sdk_of
from turnwise.models.parts import arguments_of, as_base64, as_text, count, kept, table
from turnwise.models.transport import stainless
from turnwise.models.turns import in_turns

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    None: "stop",
}
_PLAIN = {"text", "tool_use"}
"""Kinds of block that a `Message` holds by itself."""


class AnthropicOptions(HostedOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of Anthropic's messages API.

    The usual variables are `ANTHROPIC_BASE_URL`, without the `/v1`, and `ANTHROPIC_API_KEY`.
    """

    max_tokens: int = 16384
    """Most tokens to sample where the agent's sampling sets no limit: the API must be told one."""
    thinking: int | dict[str, Any] | None = None
    """Let the model think first: a budget of tokens, or the API's own `thinking` object."""
    prompt_cache: bool = True
    """Let the server cache the conversation so far: cheaper from the second turn on."""


def connect(name: str, options: Mapping[str, Any]) -> AnthropicModel:
    """The model `anthropic/<name>`.

    Raises:
        ConfigError: an option does not fit, a key is needed and not set, or the SDK is not installed.
    """
    return AnthropicModel(name, checked(f"anthropic/{name}", options, AnthropicOptions))


class AnthropicModel(Hosted):
    """A model behind the messages API; see the module.

    `seed` and `logprobs` are not known to this API, and left out.
    """

    def __init__(self, model: str, options: AnthropicOptions) -> None:
        super().__init__("anthropic", model)
        self.options = options
        self._sdk = sdk_of(self.name, "anthropic", "anthropic")
        at = access(
            self.name,
            options,
            url="https://api.anthropic.com",
            address="ANTHROPIC_BASE_URL",
            keys=("ANTHROPIC_API_KEY",),
        )
        self._endpoint = at.endpoint
        self._client = stainless(self._sdk, "AsyncAnthropic", at.url, at.key, at.headers)

    async def _ask(self, request: Request) -> bytes:
        body = self._body(request)
        with self._endpoint.asking(self._sdk):
            response = await self._client().messages.with_raw_response.create(**body)
        return bytes(response.http_response.content)

    def _body(self, request: Request) -> dict[str, Any]:
        options, sampling = self.options, request.sampling
        turns = in_turns(request.messages)
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": sampling.max_tokens or options.max_tokens,
            "messages": [out for said in turns.said if (out := self._turn_out(said))["content"]],
        }
        if turns.system:
            body["system"] = turns.system
        if sampling.stop:
            body["stop_sequences"] = list(sampling.stop)
        if options.thinking is not None:
            budget = options.thinking
            enabled = {"type": "enabled", "budget_tokens": budget}
            body["thinking"] = enabled if isinstance(budget, int) else budget
        body |= _tools_out(request)
        # Fields that not every version of the SDK knows travel beside it.
        beside = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "cache_control": {"type": "ephemeral"} if options.prompt_cache else None,
        }
        known = {name: value for name, value in beside.items() if value is not None}
        body["extra_body"] = known | options.extra_body | sampling.extra
        return body

    def _turn_out(self, said: Sequence[Message]) -> dict[str, Any]:
        role = "assistant" if said[0].role == "assistant" else "user"
        return {"role": role, "content": [block for message in said for block in self._blocks_out(message)]}

    def _blocks_out(self, message: Message) -> list[dict[str, Any]]:
        blocks: Any = kept(message, "anthropic", self.model).get("content")
        if blocks and _said(blocks) == (message.text, message.tool_calls):
            return blocks
        content = message.content
        if isinstance(content, str):
            content = (Text(text=content),) if content else ()
        if message.role == "tool":
            result = [_part_out(part) for part in content]
            return [
                {"type": "tool_result", "tool_use_id": _id(message.tool_call_id or ""), "content": result}
            ]
        out = [_part_out(part) for part in content if not isinstance(part, Text) or part.text.strip()]
        return out + [
            {
                "type": "tool_use",
                "id": _id(call.id),
                "name": call.name,
                "input": arguments_of(call) or {},
            }
            for call in message.tool_calls
        ]

    def _read(self, data: dict[str, Any], request: Request) -> Sample:
        blocks: list[dict[str, Any]] = list(data["content"])
        text, calls = _said(blocks)
        thoughts = "\n\n".join(block["thinking"] for block in blocks if block.get("thinking"))
        provider = None
        if any(block["type"] not in _PLAIN for block in blocks):
            provider = {"anthropic": {"model": self.model, "content": blocks}}
        reason: Any = data.get("stop_reason")
        answered = data.get("model")
        return Sample(
            message=Message(
                role="assistant",
                content=text,
                tool_calls=calls,
                reasoning=thoughts or None,
                provider=provider,
            ),
            finish=str(_FINISH.get(reason, reason)),
            usage=_usage(table(data, "usage")),
            model=str(answered) if answered and answered != self.model else None,
        )


def _said(blocks: Sequence[dict[str, Any]]) -> tuple[str, tuple[ToolCall, ...]]:
    """Text and tool calls of an assistant's content blocks."""
    text = "".join(str(block["text"]) for block in blocks if block["type"] == "text")
    calls = tuple(
        ToolCall(id=str(block["id"]), name=str(block["name"]), arguments=as_text(block.get("input")))
        for block in blocks
        if block["type"] == "tool_use"
    )
    return text, calls


def _tools_out(request: Request) -> dict[str, Any]:
    """The tools; where none is offered any more, those called before, which the API wants to know of."""
    if request.tools:
        return {"tools": [_tool_out(tool) for tool in request.tools]}
    called = {call.name: call for message in request.messages for call in message.tool_calls}
    if not called:
        return {}
    gone = [ToolSpec(name=name, description="No longer available.") for name in called]
    return {"tools": [_tool_out(tool) for tool in gone], "tool_choice": {"type": "none"}}


def _tool_out(tool: ToolSpec) -> dict[str, Any]:
    schema = tool.parameters or {"type": "object", "properties": {}}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _id(name: str) -> str:
    """An id that the API takes, also where another model made it."""
    return re.sub(r"[^\w-]", "_", name, flags=re.ASCII) or "_"


def _part_out(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    data = as_base64(part)
    if isinstance(part, Image):
        return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": data}}
    source = {"type": "base64", "media_type": part.media_type, "data": data}
    if isinstance(part, File) and part.media_type.startswith("text/"):
        text = (part.data or b"").decode(errors="replace")
        source = {"type": "text", "media_type": "text/plain", "data": text}
    elif part.media_type != "application/pdf":
        raise ModelError(f"anthropic models take no {part.media_type}", kind="bad_request")
    return {"type": "document", "source": source} | ({"title": part.name} if part.name else {})


def _usage(usage: dict[str, Any]) -> Usage | None:
    """Counts; the API's own `input_tokens` leave out what was read from the cache or written to it."""
    if not usage:
        return None
    cached = count(usage, "cache_read_input_tokens")
    return Usage(
        input=count(usage, "input_tokens") + cached + count(usage, "cache_creation_input_tokens"),
        output=count(usage, "output_tokens"),
        cached=cached,
        reasoning=count(table(usage, "output_tokens_details"), "thinking_tokens"),
    )
