"""The chat template of policies made here: as Jinja for transformers, and written out, which needs none.

A message is `<|role|>`, its text, `<|end|>`. Whatever a text holds, it is text: `<|` is written `< |` in it,
so that nobody's words become a token that begins or ends a message. Tools are not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

END = "<|end|>"
"""Ends a message."""
PAD = "<|pad|>"
"""Fills rows of a batch; never part of a conversation."""
SPECIAL = (END, PAD, "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
"""Tokens that are no text."""
TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|' ~ message.role ~ '|>' ~ (message.content | replace('<|', '< |')) ~ '<|end|>' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"
)
"""In Jinja."""


def rendered(messages: Sequence[Mapping[str, Any]], *, prompt: bool) -> str:
    """What the template makes of messages with a `role` and a `content`.

    Args:
        messages: The conversation.
        prompt: Whether the assistant is to answer.
    """
    told = "".join(f"<|{one['role']}|>{one['content'].replace('<|', '< |')}{END}" for one in messages)
    return told + "<|assistant|>" if prompt else told
