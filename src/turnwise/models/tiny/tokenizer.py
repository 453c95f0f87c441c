"""Byte-level BPE in plain Python (Sennrich et al. 2016; bytes as in GPT-2), read from a `tokenizer.json`.

It encodes and decodes as the `tokenizers` package does from the same file, and answers to the few names by
which a `transformers` tokenizer is asked, so that chats are rendered and read by the code that `hf/` models
have. What that package could do otherwise (normalizers, regular expressions by character class, dropout) is
refused when the file is read, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from turnwise.errors import ConfigError, ModelError
from turnwise.models.tiny.template import rendered

_CACHED = 1 << 16
"""Pieces whose tokens are remembered."""


def _alphabet() -> dict[int, str]:
    """The character that stands for each byte: itself where it can be seen, else one from U+0100 on."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}


_CHARACTER = _alphabet()
_BYTE = {character: byte for byte, character in _CHARACTER.items()}
_AS_CHARACTERS = "".join(_CHARACTER[byte] for byte in range(256))


class Added(msgspec.Struct):
    """A token that is found in a text before anything else is."""

    id: int
    content: str
    special: bool = False
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False


class _Bpe(msgspec.Struct):
    type: str
    vocab: dict[str, int]
    merges: list[tuple[str, str] | str]
    dropout: float | None = None
    unk_token: str | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    byte_fallback: bool = False
    ignore_merges: bool = False


class _Decoder(msgspec.Struct):
    type: str


class _Pattern(msgspec.Struct):
    regex: str | None = msgspec.field(name="Regex", default=None)


class _Cut(msgspec.Struct):
    """A step that cuts a text into pieces."""

    type: str
    pattern: _Pattern | None = None
    behavior: str = "Isolated"
    invert: bool = False
    add_prefix_space: bool = False
    use_regex: bool = False
    pretokenizers: list[_Cut] = []


class _File(msgspec.Struct):
    model: _Bpe
    decoder: _Decoder
    pre_tokenizer: _Cut
    added_tokens: list[Added] = []
    normalizer: Any = None


class Words(NamedTuple):
    """What is said of a tokenizer besides its `tokenizer.json`."""

    eos_token: str | None = None
    """Ends what an assistant says."""
    chat_template: str | None = None


class Tokenizer:
    """See the module.

    Args:
        path: A `tokenizer.json`.
        words: What its neighbours say.

    Raises:
        ConfigError: it cannot be read, or asks for more than byte-level BPE.
    """

    def __init__(self, path: Path, words: Words | None = None) -> None:
        words = words or Words()
        file = _read(path)
        self._ids = dict(file.model.vocab) | {one.content: one.id for one in file.added_tokens}
        self._texts = {number: text for text, number in self._ids.items()}
        self._ranks = _ranks(path, file.model)
        self._piece = _pattern(path, file.pre_tokenizer)
        self.added_tokens_decoder = {one.id: one for one in file.added_tokens}
        """Tokens that are found in a text before anything else is, by id."""
        longest_first = sorted((one.content for one in file.added_tokens), key=len, reverse=True)
        self._special = re.compile(f"({'|'.join(map(re.escape, longest_first)) or '(?!)'})")
        self._cache: dict[str, list[int]] = {}
        self.chat_template = words.chat_template
        self.eos_token = words.eos_token
        if words.eos_token is not None and words.eos_token not in self._ids:
            raise ConfigError(f"{path}: has no token {words.eos_token!r}, which is to end what is said")
        self.eos_token_id = None if words.eos_token is None else self._ids[words.eos_token]

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def all_special_ids(self) -> list[int]:
        """Ids of the tokens that are no text."""
        return [one.id for one in self.added_tokens_decoder.values() if one.special]

    def get_vocab(self) -> dict[str, int]:
        """All tokens, bytes written as characters, and their ids."""
        return dict(self._ids)

    def encode(self, text: str, *, add_special_tokens: bool = False) -> list[int]:
        """The ids of a text.

        Args:
            text: Any text; what in it is written like an added token, is one.
            add_special_tokens: Nothing is ever put around a text, so this must be false.

        Raises:
            ModelError: it holds half a character (a lone surrogate), which no bytes stand for.
        """
        if add_special_tokens:
            raise ValueError("a tiny tokenizer adds no tokens of its own")
        ids: list[int] = []
        try:
            # Every other part is one of the added tokens, because the pattern is a group.
            for place, part in enumerate(self._special.split(text)):
                if place % 2:
                    ids.append(self._ids[part])
                elif part:
                    for piece in self._pieces(part):
                        ids += self._cache.get(piece) or self._encoded(piece)
        except UnicodeEncodeError as error:
            raise ModelError(
                f"a text holds half a character, {text[error.start : error.end]!r}", kind="bad_request"
            ) from None
        return ids

    def decode(self, ids: Sequence[int] | int, **_: Any) -> str:
        """The text of ids. Bytes that are no UTF-8 become U+FFFD; special tokens are written out."""
        found = bytearray()
        for number in [ids] if isinstance(ids, int) else ids:
            text = self._texts.get(number, "")
            try:
                found += bytes(_BYTE[character] for character in text)
            except KeyError:
                found += text.encode()
        return found.decode("utf-8", "replace")

    def convert_tokens_to_ids(self, token: str) -> int | None:
        """The id of one token; None where there is no such token."""
        return self._ids.get(token)

    def convert_ids_to_tokens(self, number: int) -> str | None:
        """The token of an id, bytes written as characters; None where there is no such id."""
        return self._texts.get(number)

    def apply_chat_template(
        self,
        conversation: Sequence[Mapping[str, Any]],
        *,
        tools: object = None,
        add_generation_prompt: bool = False,
        tokenize: bool = False,
    ) -> str:
        """A conversation as text, by the one template there is; see `template`."""
        if tokenize:
            raise ValueError("a tiny tokenizer renders to text")
        return rendered(conversation, prompt=add_generation_prompt)

    def _pieces(self, text: str) -> list[str]:
        """`text` cut where no token goes across."""
        if self._piece is None:
            return [text]
        pieces: list[str] = []
        end = 0
        for match in self._piece.finditer(text):
            if match.start() > end:
                pieces.append(text[end : match.start()])
            if match.end() > match.start():
                pieces.append(match[0])
            end = match.end()
        if end < len(text):
            pieces.append(text[end:])
        return pieces

    def _encoded(self, piece: str) -> list[int]:
        """The ids of one piece: the earliest learned merge of any neighbours first, until there is none."""
        parts = list(piece.encode().decode("latin-1").translate(_AS_CHARACTERS))
        while len(parts) > 1 and self._ranks:
            rank, first, second = min((self._ranks.get(pair, _NEVER), *pair) for pair in pairwise(parts))
            if rank == _NEVER:
                break
            parts = _merged(parts, first, second)
        ids = [self._ids[part] for part in parts]
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[piece] = ids
        return ids


_NEVER = 1 << 60


def _merged(parts: list[str], first: str, second: str) -> list[str]:
    """`parts` with each `first`, `second` made one, from the left."""
    found: list[str] = []
    place = 0
    while place < len(parts):
        if parts[place] == first and place + 1 < len(parts) and parts[place + 1] == second:
            found.append(first + second)
            place += 2
        else:
            found.append(parts[place])
            place += 1
    return found


def _read(path: Path) -> _File:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: no tokenizer.json of byte-level BPE: {error}") from None
    model = file.model
    for what, there in (
        (f"the model {model.type!r}", model.type != "BPE"),
        ("a normalizer", file.normalizer is not None),
        ("dropout", model.dropout is not None),
        ("an unknown token", model.unk_token is not None),
        ("a prefix of subwords", bool(model.continuing_subword_prefix)),
        ("a suffix of words", bool(model.end_of_word_suffix)),
        ("byte_fallback", model.byte_fallback),
        ("ignore_merges", model.ignore_merges),
        ("a decoder that is not ByteLevel", file.decoder.type != "ByteLevel"),
        ("added tokens that take in what is around them", any(map(_greedy, file.added_tokens))),
    ):
        if there:
            raise _refused(path, what)
    if missing := [text for text in _BYTE if text not in model.vocab]:
        raise ConfigError(f"{path}: has no token for {len(missing)} of the 256 bytes: train it anew")
    return file


def _greedy(token: Added) -> bool:
    return token.single_word or token.lstrip or token.rstrip or not token.content


def _refused(path: Path, what: str) -> ConfigError:
    return ConfigError(f"{path}: {what} is more than a tiny tokenizer reads: name the model hf/{path.parent}")


def _ranks(path: Path, model: _Bpe) -> dict[tuple[str, str], int]:
    """The place of each merge among those learned.

    Each joins what is there before it; only then may all places of a merge be joined at once.
    """
    ranks: dict[tuple[str, str], int] = {}
    known = set(_BYTE)
    for rank, merge in enumerate(model.merges):
        first, _, second = merge.partition(" ") if isinstance(merge, str) else (merge[0], "", merge[1])
        whole = first + second
        if first not in known or second not in known or whole not in model.vocab:
            raise ConfigError(f"{path}: merge {rank} joins {first!r} and {second!r}, which it does not know")
        ranks[first, second] = rank
        known.add(whole)
    return ranks


def _pattern(path: Path, asked: _Cut) -> re.Pattern[str] | None:
    """What cuts a text into pieces; None where nothing does."""
    *cuts, last = asked.pretokenizers if asked.type == "Sequence" and asked.pretokenizers else [asked]
    fits = last.type == "ByteLevel" and not last.add_prefix_space and not last.use_regex
    if fits and not cuts:
        return None
    text = cuts[0].pattern.regex if len(cuts) == 1 and cuts[0].pattern is not None else None
    if not fits or text is None or cuts[0].behavior != "Isolated" or cuts[0].invert:
        raise _refused(path, "its way to cut texts into pieces")
    # Classes by name and look-around mean one thing here and another there.
    if re.search(r"\\|\(\?|\[\[|\[:|&&", text):
        raise _refused(path, f"the expression {text!r}")
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigError(f"{path}: the expression {text!r} is broken: {error}") from None
