"""A tiny Llama with random weights, and how it is saved small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from turnwise.models.options import sdk_of
from turnwise.models.tiny.template import SPECIAL


def policy(
    *,
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    groups: int | None = None,
    vocabulary: int | None = None,
    tied: bool = False,
    context: int = 1024,
    seed: int = 0,
) -> Any:
    """The network, a `transformers.LlamaForCausalLM` with random weights.

    Args:
        hidden: Width.
        layers: Depth.
        heads: Attention heads.
        groups: Heads of keys and values; by default as many.
        vocabulary: Tokens; by default those of a tokenizer of bytes.
        tied: Use the embedding for the head, too.
        context: Most tokens it takes.
        seed: Of its weights.

    Raises:
        ConfigError: `turnwise[learn]` is not installed.
    """
    torch = sdk_of("a tiny policy", "torch", "learn")
    transformers = sdk_of("a tiny policy", "transformers", "learn")
    config = transformers.LlamaConfig(
        vocab_size=vocabulary or len(SPECIAL) + 256,
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups or heads,
        max_position_embeddings=context,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transformers.LlamaForCausalLM(config).eval()


def shrunk(module: Any, tokenizer: Any, folder: str | Path) -> None:
    """Save a policy with weights of two bytes each, to be computed with in single precision.

    Args:
        module: A `policy`, or what became of one.
        tokenizer: Its tokenizer.
        folder: Where.
    """
    import copy

    copy.deepcopy(module).half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = Path(folder) / "config.json"
    config = json.loads(path.read_text())
    # Half precision is for the disk alone: by this transformers, too, loads them as what they were.
    config["dtype"] = "float32"
    path.write_text(json.dumps(config, indent=2) + "\n")
