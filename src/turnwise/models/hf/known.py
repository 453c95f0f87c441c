"""Chats through the `renderers` package, which knows the formats of many models token by token."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from turnwise.errors import ConfigError, ModelError, did_you_mean
from turnwise.message import Message, ToolSpec
from turnwise.model import Request
from turnwise.models.hf.chat import Said, as_function, plain
from turnwise.models.hf.checkpoint import reason_of
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.speech import Wish, as_message, before_stop, wish_of
from turnwise.models.options import sdk_of


class KnownChat:
    """A format of the `renderers` package.

    Args:
        renderer: Its renderer.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer
        self.ends: frozenset[int] = frozenset(int(token) for token in renderer.get_stop_token_ids())

    @classmethod
    def find(cls, full: str, options: HFOptions, tokenizer: Any) -> KnownChat | None:
        """The format the options name; for `auto` that of the tokenizer's hub id, None where none is known.

        Raises:
            ConfigError: there is no such format, or an option does not fit it.
        """
        renderers = sdk_of(full, "renderers", "local")
        base = importlib.import_module("renderers.base")
        known: Mapping[str, str] = base.MODEL_RENDERER_MAP
        name: str | None = options.renderer
        if name == "auto":
            name = known.get(tokenizer.name_or_path)
            if name is None:
                return None
        try:
            config = renderers.config_from_name(name)
        except (KeyError, ValueError):
            names = sorted({*known.values(), "template", "auto"})
            near = did_you_mean(name, names) or f"; it may be {', '.join(names)}"
            raise ConfigError(f"model {full!r}, option 'renderer': no format {name!r}{near}") from None
        try:
            if options.keep_thoughts:
                config = type(config)(thinking_retention="all")
            kwargs = options.template_kwargs
            return cls(renderers.create_renderer(tokenizer, config, chat_template_kwargs=kwargs))
        except Exception as error:
            # The format looks for its tokens; what it raises where they are missing differs by format.
            raise ConfigError(
                f"model {full!r}, option 'renderer': {name!r} cannot be used with its tokenizer "
                f"({reason_of(error)}); name the model's own format, or 'template' for its chat template"
            ) from error

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The prompt in which the assistant answers `messages`.

        Raises:
            ModelError: the format has no place for them.
        """
        shown = [plain(message) for message in messages]
        try:
            ids = self._renderer.render_ids(shown, tools=_functions(tools), add_generation_prompt=True)
        except Exception as error:
            text = f"the chat format refuses the messages: {reason_of(error)}"
            raise ModelError(text, kind="bad_request") from error
        return [int(token) for token in ids]

    def extend(self, said: Said, messages: Sequence[Message]) -> list[int] | None:
        """See `Chat.extend`."""
        added = [plain(message) for message in messages[len(said.messages) :]]
        bridge = self._renderer.bridge_to_next_turn
        rendered = bridge(said.prompt, said.sampled, added, tools=_functions(said.tools))
        return None if rendered is None else [int(token) for token in rendered.token_ids]

    def read(self, prompt: list[int], sampled: list[int], request: Request) -> Message:
        """See `Chat.read`."""
        tools, stop = request.tools, request.sampling.stop
        parsed = self._renderer.parse_response(sampled, tools=_functions(tools), prompt_ids=prompt)
        text: str = parsed.content or ""
        wishes: list[Wish] = []
        for call in parsed.tool_calls if tools else ():
            if str(call.status) == "ok" and call.name:
                wishes.append(wish_of(_inside(call.raw)) or Wish(call.name, _written(call.arguments)))
            else:
                # Kept where the reader and the next prompt find it.
                text += call.raw
        return as_message(before_stop(text, stop), parsed.reasoning_content, wishes, request.ordinal)


def _functions(tools: Sequence[ToolSpec]) -> list[dict[str, Any]] | None:
    return [as_function(tool) for tool in tools] or None


def _inside(raw: str) -> str:
    """The JSON object in the text of a call, where the format has one; it holds the arguments as written."""
    return raw[raw.find("{") : raw.rfind("}") + 1]


def _written(arguments: dict[str, Any] | str | None) -> str:
    if isinstance(arguments, str):
        return arguments
    return msgspec.json.encode(arguments or {}).decode()
