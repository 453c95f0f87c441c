"""The policy that generation and training are measured with: 0.49 M parameters over bytes, and the sizes.

Needs transformers only, because a peer's environment has no Turnwise in it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = "Q: 12 + 30 = ?\nA:"
ROWS, NEW, GROUP = 16, 64, 8
"""Sequences a step, tokens each, sequences of one prompt."""
TURNS, SAID, SEEN = 8, 32, 32
"""Turns of a conversation, tokens sampled and tokens observed in each."""


def tokenizer() -> Any:
    """One token a byte; the template only joins what was said."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {"<pad>": 0, "<eos>": 1, "<unk>": 2, **{byte: n for n, byte in enumerate(alphabet, start=3)}}
    raw = Tokenizer(models.BPE(vocab=words, merges=[], unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )
    fast.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    return fast


def network(vocabulary: int, **size: int) -> Any:
    """A Llama with random weights."""
    torch.manual_seed(0)
    shape = {
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 1024,
    }
    config = LlamaConfig(
        vocab_size=vocabulary,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
        tie_word_embeddings=False,
        **(shape | size),
    )
    return LlamaForCausalLM(config).eval()


def timed(work: Callable[[], Any], times: int, warm: int = 2) -> float:
    """Median seconds of several runs."""
    taken: list[float] = []
    for run in range(warm + times):
        start = time.perf_counter()
        work()
        if run >= warm:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)
