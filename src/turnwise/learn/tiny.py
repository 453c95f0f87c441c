"""A tiny policy with random weights, made on the spot: the whole loop runs on a laptop, with nothing
downloaded.

A small Llama over bytes. It can read any text and knows nothing; `imitation` teaches it a world's language
from the episodes of a solver or a random player in a minute, and then there is something to train.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from turnwise.models.options import sdk_of
from turnwise.models.tiny.template import END, PAD, SPECIAL, TEMPLATE


def policy(*, hidden: int = 64, layers: int = 2, heads: int = 4, context: int = 1024, seed: int = 0) -> Any:
    """The network, a `transformers.LlamaForCausalLM` with random weights.

    Args:
        hidden: Width.
        layers: Depth.
        heads: Attention heads.
        context: Most tokens it takes.
        seed: Of its weights.

    Raises:
        ConfigError: `turnwise[learn]` is not installed.
    """
    torch = sdk_of("a tiny policy", "torch", "learn")
    transformers = sdk_of("a tiny policy", "transformers", "learn")
    config = transformers.LlamaConfig(
        vocab_size=len(SPECIAL) + 256,
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transformers.LlamaForCausalLM(config).eval()


def tokenizer() -> Any:
    """Its tokenizer: one token a byte, and a chat template.

    Raises:
        ConfigError: `turnwise[learn]` is not installed.
    """
    transformers = sdk_of("a tiny policy", "transformers", "learn")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    raw: Any = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(list(SPECIAL))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=END, pad_token=PAD)
    fast.chat_template = TEMPLATE
    return fast


def save(folder: str | Path, **size: Any) -> str:
    """Save a tiny policy for `hf/FOLDER`; gives `hf/FOLDER`.

    Args:
        folder: Where.
        **size: See `policy`.
    """
    policy(**size).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return f"hf/{folder}"
