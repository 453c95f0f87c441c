"""Chats by the tokenizer's own chat template, extended without writing anything anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turnwise.errors import ModelError
from turnwise.message import Message, ToolSpec
from turnwise.model import Request
from turnwise.models.hf.chat import Said, as_function, plain
from turnwise.models.hf.checkpoint import reason_of
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.speech import MARKERS, message_of

_SENTINEL = "\u2042turnwise\u2042"
"""Stands for an assistant's words where only what the template puts behind them is wanted."""


class TemplateChat:
    """A chat template.

    To extend a prompt, three texts are made: `closed`, the conversation up to the assistant's answer;
    `whole`, that and what came since; and the template's tail behind an assistant's words. Where `closed`
    begins `whole`, the template leaves the past alone, and what it adds is the difference: the tail (less an
    end token that was sampled) and this difference are encoded and put behind the tokens that are there.
    Where it does not, the template rewrites the past, and there is nothing to extend. Where thoughts are to
    be kept, one text does: what the template writes behind other words in the answer's place is added. If the
    template is one that allows it (`steady`), these texts are of a few messages, however many there are.

    Args:
        tokenizer: With a chat template.
        options: Further variables of the template, and whether thoughts are kept.
        eos: Token ids that end a sample.
    """

    def __init__(self, tokenizer: Any, options: HFOptions, eos: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._kwargs = options.template_kwargs
        self._keep_thoughts = options.keep_thoughts
        special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        special |= set(tokenizer.all_special_ids)
        markers = {tokenizer.convert_tokens_to_ids(text) for text in MARKERS}
        self._silent = frozenset(special - markers)
        """Tokens that are no part of a message's text."""
        self.ends = eos
        self._steady = _steady(tokenizer.chat_template)

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[int]:
        """The prompt in which the assistant answers `messages`.

        Raises:
            ModelError: the template refuses them.
        """
        return self._encode(self._text([plain(message) for message in messages], tools, prompt=True))

    def extend(self, said: Said, messages: Sequence[Message]) -> list[int] | None:
        """See `Chat.extend`."""
        new = len(said.messages)
        if self._steady:
            from turnwise.models.hf.steady import shortened

            # What comes behind the answer follows from what is near it.
            messages, before = shortened(messages, new - 1), len(messages)
            new -= before - len(messages)
        shown = [plain(message) for message in messages]
        stand_in = {"role": "assistant", "content": _SENTINEL}
        tools = said.tools
        without = [*shown[: new - 1], stand_in]
        try:
            if self._keep_thoughts:
                # Whatever becomes of the words, what comes behind them is the same text.
                marked = self._text([*without, *shown[new:]], tools, prompt=True)
                _, found, tail = marked.rpartition(_SENTINEL)
            else:
                closed = self._text(shown[:new], tools, prompt=False)
                whole = self._text(shown, tools, prompt=True)
                if not whole.startswith(closed):
                    return None
                _, found, tail = self._text(without, tools, prompt=False).rpartition(_SENTINEL)
                tail += whole[len(closed) :]
        except ModelError:
            return None
        added = self._encode(self._after(said.sampled, tail))
        return [*said.prompt, *said.sampled, *added] if found else None

    def read(self, prompt: list[int], sampled: list[int], request: Request) -> Message:
        """See `Chat.read`."""
        said = sampled[:-1] if sampled and sampled[-1] in self.ends else sampled
        text = self._decode([token for token in said if token not in self._silent])
        thinking = self._decode(prompt[-8:]).rstrip().endswith("<think>")
        tools, stop = bool(request.tools), request.sampling.stop
        return message_of(text, request.ordinal, tools=tools, thinking=thinking, stop=stop)

    def _after(self, sampled: list[int], tail: str) -> str:
        """What is left of the template's tail when an end token that was sampled has said part of it."""
        if not sampled or sampled[-1] not in self.ends:
            return tail
        # Another end than the template writes (`<|eom_id|>` where it has `<|eot_id|>`) stands for that one.
        for token in (sampled[-1], *sorted(self.ends)):
            end = self._decode([token])
            if tail.lstrip().startswith(end):
                return tail.lstrip().removeprefix(end)
        return tail

    def _text(self, messages: list[dict[str, Any]], tools: Sequence[ToolSpec], *, prompt: bool) -> str:
        try:
            return self._tokenizer.apply_chat_template(
                messages,
                tools=[as_function(tool) for tool in tools] or None,
                add_generation_prompt=prompt,
                tokenize=False,
                **self._kwargs,
            )
        except Exception as error:
            # Templates are programs of other people's; whatever they raise, they refuse the messages.
            text = f"the chat template refuses the messages: {reason_of(error)}"
            raise ModelError(text, kind="bad_request") from error

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def _steady(template: object) -> bool:
    """Whether what a turn adds can be rendered by itself; not where nothing reads Jinja (base install)."""
    try:
        from turnwise.models.hf.steady import is_steady
    except ImportError:
        return False
    return is_steady(template)
