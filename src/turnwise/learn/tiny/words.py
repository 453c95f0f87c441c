"""The tokenizer of a tiny policy: bytes, or byte-level BPE learned from texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from turnwise.log import EpisodeLog
from turnwise.models.options import sdk_of
from turnwise.models.tiny.template import END, PAD, SPECIAL, TEMPLATE

PIECES = " ?[A-Za-z]{1,16}|[0-9]{1,3}|[^A-Za-z0-9 ]{1,4}| {1,4}"
"""No token goes across the borders of these: words with a blank before them, numbers without, signs.

Ranges only, no classes of letters by name: what is a letter changes with every edition of Unicode.
"""


def tokenizer(texts: Iterable[str] | None = None, *, size: int = 1024) -> Any:
    """A `transformers` tokenizer with a chat template.

    Args:
        texts: What to learn words from; None is one token a byte.
        size: Tokens at most, special ones and the 256 bytes included; as many as the texts are good for.

    Raises:
        ConfigError: `turnwise[learn]` is not installed.
    """
    transformers = sdk_of("a tiny policy", "transformers", "learn")
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate([*SPECIAL, *alphabet])}
    raw: Any = Tokenizer(models.BPE(words, []))
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.pre_tokenizer = bytewise
    raw.decoder = decoders.ByteLevel()
    if texts is not None:
        raw.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(PIECES), "isolated"), bytewise]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
        )
        raw.train_from_iterator(texts, trainer)
    else:
        raw.add_special_tokens(list(SPECIAL))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=END, pad_token=PAD)
    fast.chat_template = TEMPLATE
    return fast


def texts_of(logs: Iterable[EpisodeLog]) -> Iterator[str]:
    """The text of every message that was shown or said in some episodes, each once a telling."""
    for log in logs:
        if log.calls:
            last = log.calls[-1]
            yield from (message.text for message in (*log.shown(last), log.message_of(last)))
