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
from turnwise.message import Message, Text, ToolCall, ToolSpec, user
from turnwise.model import Request
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.options import HFOptions
from turnwise.models.parts import arguments_of

_GREETING = "hello"
"""What a chat format is tried on."""


class Said(NamedTuple):
    """One call of a session: what was shown and what came back, as messages and as tokens."""

    messages: list[Message]
    """The prompt's, and the answer."""
    tools: Sequence[ToolSpec]
    prompt: list[int]
    """Token ids the assistant was fed."""
    sampled: list[int]
    """Token ids it answered."""


class Chat(Protocol):
    """A chat format."""

    @property
    def ends(self) -> frozenset[int]:
        """Token ids that end an assistant's message in this format."""
        ...

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The prompt in which the assistant answers `messages`."""
        ...

    def extend(self, said: Said, messages: Sequence[Message]) -> list[int] | None:
        """The prompt that begins with the tokens of `said` and goes on with what came since.

        Args:
            said: The last call.
            messages: The whole conversation; it begins with the messages of `said`.

        Returns:
            The ids; None where the format would not leave what came before as it is.
        """
        ...

    def read(self, prompt: list[int], sampled: list[int], request: Request) -> Message:
        """The message that the assistant sampled after `prompt`, which was made of `request`."""
        ...


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
                extended = self.chat.extend(said, shown)
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


def chat_of(full: str, options: HFOptions, loaded: Loaded) -> Chat:
    """The chat format of a model, tried on one message.

    Args:
        full: The model's name, for errors.
        options: Say which.
        loaded: The model.

    Raises:
        ConfigError: there is none, the options do not fit it, or it cannot show the model a message.
    """
    chat = _chat_of(full, options, loaded)
    mend = "mend its chat template, or name a format of the `renderers` package by the option 'renderer'"
    try:
        ids = chat.render([user(_GREETING)], [])
    except ModelError as error:
        raise ConfigError(
            f"model {full!r} cannot be shown a user's message: {error}; expected a template that takes one: "
            f"{mend}"
        ) from error
    if loaded.rows is not None and (beyond := [token for token in ids if token >= loaded.rows]):
        name = loaded.tokenizer.convert_ids_to_tokens(beyond[0])
        raise ConfigError(
            f"model {full!r}: its chat format writes the token {name!r} ({beyond[0]}), but the model has "
            f"{loaded.rows} rows; save the model's own tokenizer there, or resize the model's embeddings"
        )
    if _GREETING not in "".join(loaded.tokenizer.decode(ids).split()):
        raise ConfigError(
            f"model {full!r}: the word {_GREETING!r} of a user's message does not come through its chat "
            f"format and tokenizer; save the model's own tokenizer there, or {mend}"
        )
    return chat


def _chat_of(full: str, options: HFOptions, loaded: Loaded) -> Chat:
    from turnwise.models.hf.known import KnownChat
    from turnwise.models.hf.template import TemplateChat

    tokenizer = loaded.tokenizer
    if options.renderer != "template":
        known = KnownChat.find(full, options, tokenizer)
        if known is not None:
            return known
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError(
            f"model {full!r} has no chat template, so messages cannot be shown to it: save one in "
            f"chat_template.jinja, or name a format of the `renderers` package by the option 'renderer'"
        )
    return TemplateChat(tokenizer, options, loaded.eos)
