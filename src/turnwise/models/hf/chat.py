"""Messages to token ids and back, so that what was fed and sampled once is never written anew.

A `Chat` renders a whole conversation (`render`), or adds new messages to tokens that are there already
(`extend`), or says that this cannot be done, and reads what was sampled (`read`). `Memory` uses it turn by
turn: the next prompt is the last prompt, the last sample token for token, and the rendering of what came
since. Only where the chat format itself rewrites what it said before (it drops old thoughts, say), or where
the role was shown another history, is there a fresh rendering.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from turnwise.errors import ConfigError, ModelError
from turnwise.message import Message, Text, ToolCall, ToolSpec
from turnwise.models.hf.options import HFOptions
from turnwise.models.parts import arguments_of


class Chat(Protocol):
    """A chat format."""

    @property
    def ends(self) -> frozenset[int]:
        """Token ids that end an assistant's message in this format."""
        ...

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The prompt in which the assistant answers `messages`."""
        ...

    def extend(
        self,
        prompt: list[int],
        sampled: list[int],
        messages: Sequence[Message],
        new: int,
        tools: Sequence[ToolSpec],
    ) -> list[int] | None:
        """The prompt that begins with `prompt` and `sampled` and goes on with `messages[new:]`.

        Args:
            prompt: Ids the assistant was fed.
            sampled: Ids it sampled; `messages[new - 1]` is their message.
            messages: The whole conversation.
            new: Number of the first message that came afterwards.
            tools: Tools offered.

        Returns:
            The ids; None where the format would not leave what came before as it is.
        """
        ...

    def read(
        self,
        prompt: list[int],
        sampled: list[int],
        tools: Sequence[ToolSpec],
        stop: Sequence[str],
        ordinal: int,
    ) -> Message:
        """The message that the assistant sampled after `prompt`."""
        ...


class Said(NamedTuple):
    """One call of a session: what was shown and what came back, as messages and as tokens."""

    messages: list[Message]
    """The prompt's, and the answer."""
    tools: Sequence[ToolSpec]
    prompt: list[int]
    sampled: list[int]


class Memory:
    """The last call of each session, from which the next prompt is made."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self._said: dict[str, Said] = {}

    def prompt(self, session: str, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """Token ids to feed for `messages`."""
        shown = list(messages)
        said = self._said.get(session)
        if said is not None:
            new = len(said.messages)
            if new < len(shown) and shown[:new] == said.messages and list(tools) == list(said.tools):
                extended = self.chat.extend(said.prompt, said.sampled, shown, new, tools)
                if extended is not None:
                    return extended
        return self.chat.render(shown, tools)

    def keep(
        self,
        session: str,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        answer: Message,
        prompt: list[int],
        sampled: list[int],
    ) -> None:
        """Remember a call of a session."""
        if session:
            self._said[session] = Said([*messages, answer], tools, prompt, sampled)

    def forget(self, session: str) -> None:
        """The session is over."""
        self._said.pop(session, None)

    def clear(self) -> None:
        """All sessions are."""
        self._said.clear()


def plain(message: Message) -> dict[str, Any]:
    """A message as chat templates expect it.

    Raises:
        ModelError: it holds pictures or the like.
    """
    if not isinstance(message.content, str) and not all(isinstance(part, Text) for part in message.content):
        raise ModelError("hf/ models are given text only, no pictures, sounds or files", kind="bad_request")
    out: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.reasoning is not None:
        out["reasoning_content"] = message.reasoning
    if message.tool_calls:
        out["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call)},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool" and message.tool_call_id is not None:
        out["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        out["name"] = message.name
    return out


def _arguments(call: ToolCall) -> Any:
    # Templates go through an object's items; what is no object they can only print.
    parsed = arguments_of(call)
    return call.arguments if parsed is None else parsed


def as_function(tool: ToolSpec) -> dict[str, Any]:
    """A tool as chat templates expect it."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def chat_of(full: str, options: HFOptions, tokenizer: Any, eos: frozenset[int]) -> Chat:
    """The chat format of a model.

    Args:
        full: The model's name, for errors.
        options: Say which.
        tokenizer: The model's.
        eos: Token ids that end its samples.

    Raises:
        ConfigError: there is none, or the options do not fit it.
    """
    from turnwise.models.hf.known import KnownChat
    from turnwise.models.hf.template import TemplateChat

    if options.renderer != "template":
        known = KnownChat.find(full, options, tokenizer)
        if known is not None:
            return known
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError(
            f"model {full!r} has no chat template, so messages cannot be shown to it: name a format of the "
            f"`renderers` package by the option 'renderer'"
        )
    return TemplateChat(tokenizer, options, eos)
