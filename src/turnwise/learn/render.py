"""Token ids for calls of which only the text is known: what a chat template makes of them.

What is rendered is not what was sampled. The sampler may have split words otherwise, and servers strip and
re-write what they return, so there are no log-probabilities and no ratios, and what is learned from it is
learned from text somebody wrote. Good enough for supervised training; asked for by name (`rows.batch_of`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from turnwise.errors import CapabilityError, ModelError
from turnwise.message import Message, ToolSpec
from turnwise.models.hf.chat import as_function, plain


class Rendered(NamedTuple):
    """One call in tokens."""

    prompt: list[int]
    sampled: list[int]
    """The answer, its end token included unless it was cut off."""


class Renderer:
    """Renders calls by a tokenizer's chat template.

    Args:
        tokenizer: A `transformers` tokenizer with a chat template.
        variables: Further variables of the template, e.g. `enable_thinking`.
    """

    def __init__(self, tokenizer: Any, variables: Mapping[str, Any] | None = None) -> None:
        self._tokenizer = tokenizer
        self._variables = dict(variables or {})

    def call(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], said: Message, *, cut: bool
    ) -> Rendered:
        """A call in tokens.

        Args:
            messages: What the model was shown.
            tools: What it was offered.
            said: What it answered.
            cut: Whether the answer was cut off: then its end token was never sampled.

        Raises:
            CapabilityError: the template refuses the messages, or it writes a prompt otherwise once the
                answer stands behind it, so that no text is the answer's own.
        """
        prompt = self._text([*messages], tools, prompt=True)
        whole = self._text([*messages, said], tools, prompt=False)
        if not whole.startswith(prompt):
            raise CapabilityError(
                "the chat template does not write a prompt as the beginning of the prompt with its answer, "
                "so the answer cannot be told apart; expected a template that only adds, or token ids"
            )
        return Rendered(self._encode(prompt), self._encode(self._ended(whole[len(prompt) :], cut)))

    def _ended(self, answer: str, cut: bool) -> str:
        """An answer up to its end token; what a template writes behind that, no model says."""
        end = self._tokenizer.eos_token
        if not end or end not in answer:
            return answer
        place = answer.rindex(end)
        return answer[: place if cut else place + len(end)]

    def _text(self, messages: list[Message], tools: Sequence[ToolSpec], *, prompt: bool) -> str:
        try:
            return self._tokenizer.apply_chat_template(
                [plain(message) for message in messages],
                tools=[as_function(tool) for tool in tools] or None,
                add_generation_prompt=prompt,
                tokenize=False,
                **self._variables,
            )
        except ModelError as error:
            raise CapabilityError(f"text cannot be rendered: {error}") from None
        except Exception as error:
            # Templates are programs of other people's; whatever they raise, they refuse the messages.
            reason = " ".join(str(error).split())[:200]
            raise CapabilityError(f"the chat template refuses the messages: {reason}") from error

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))
