"""Tiny models with random weights and tokenizers trained on the spot: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CHATML = """\
{%- if tools %}<|im_start|>system
Tools:
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{{ call.function | tojson }}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""A chat template in the manner of ChatML."""

FORGETFUL = CHATML.replace(
    "{{ message.content }}",
    "{{ message.content.split('</think>')[-1] if message.role == 'assistant' and not loop.last "
    "else message.content }}",
)
"""The same, but it drops the thoughts of all messages but the last."""

RESPONSE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|im_start|>assistant\n",
    "fields": {
        "tool_calls": {
            "open_pattern": r"\s*<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"<\|im_end\|>", "content": "text"},
    },
}
"""How `transformers serve` reads this format."""

CORPUS = [
    "I think of a number from 1 to 100. Is it 50? higher, lower, correct!",
    '<tool_call>{"name": "add", "arguments": {"a": 1, "b": 2}}</tool_call>',
    "The quick brown fox jumps over the lazy dog; and the dog, being lazy, does not mind.",
    '{"type": "function", "function": {"name": "weather", "parameters": {"city": {"type": "string"}}}}',
]


def tokenizer(template: str = CHATML) -> Any:
    """A byte-level BPE tokenizer of some 400 tokens; any text survives encoding and decoding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(CORPUS * 3, trainer)
    # As in Qwen's, tokens of their own but no special ones.
    names = ("tool_call", "tool_response", "think")
    raw.add_tokens([f"<{slash}{name}>" for name in names for slash in ("", "/")])
    fast = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = template
    return fast


def save(
    folder: Path,
    *,
    kind: str = "llama",
    template: str = CHATML,
    generation: dict[str, Any] | None = None,
    response: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """Save a tiny model of a kind (`llama`, `mistral`, …) with its tokenizer; returns the folder."""
    import torch
    import transformers

    # Several threads on so little work only wait for each other.
    torch.set_num_threads(1)
    tokens = tokenizer(template)
    tokens.response_template = response
    size = {
        "vocab_size": len(tokens),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "bos_token_id": None,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
    }
    config = transformers.AutoConfig.for_model(kind, **(size | changes))
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    # Random weights of the usual size say the same thing over and over; larger ones babble.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
    for key, value in (generation or {}).items():
        setattr(model.generation_config, key, value)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return str(folder)


def teach(folder: str, conversations: list[dict[str, Any]], *, steps: int = 300) -> None:
    """Train a saved model until it knows some conversations by heart, each token for all but certain.

    Only then does it say them whatever the processor's rounding: the loss alone is low, too, where a single
    token is still in doubt.

    Args:
        folder: The model.
        conversations: Arguments of `apply_chat_template`: `conversation`, and `tools` where there are any.
        steps: Steps of Adam at most.
    """
    import torch
    import transformers

    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.div_(8)
    texts = [tokens.apply_chat_template(**one, tokenize=False) for one in conversations]
    batch = tokens(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    given = batch.attention_mask[:, 1:] == 1
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits[:, :-1]
        said = logits.log_softmax(-1).gather(-1, batch.input_ids[:, 1:, None])[..., 0][given]
        if said.min().exp() > 0.9:
            model.save_pretrained(folder)
            return
        optimizer.zero_grad()
        (-said.mean()).backward()
        optimizer.step()
    raise AssertionError(f"a token is still in doubt after {steps} steps: p = {said.min().exp():.2f}")
