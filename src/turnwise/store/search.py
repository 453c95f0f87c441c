"""Full text of all turns: what is asked, how the index catches up with the logs, and where words were found.

The index is derived. No run pays for it; whoever wants to search has it caught up with what is new in the
logs, and deleting it loses nothing. It lies in a file beside an SQLite store (`indexed.py`), and in tables of
its own on a server (`indexed_server.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from turnwise.errors import ConfigError
from turnwise.store.store import Store
from turnwise.wire import mend

MOST_TEXT = 100_000
"""Characters of a turn that are searched."""
START, END = "\x02", "\x03"
"""Marks round words that were found, in what an index gives; taken out of all texts before."""
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_PIECES = re.compile(f"([{START}{END}])")
_NO_SPACES = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_BETWEEN = re.compile(f"(?<={_NO_SPACES})(?={_NO_SPACES})")
_GAP = "\u200b"
"""Put between the signs of scripts that write no spaces, so that each is a word; never shown."""
_MARKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Term(NamedTuple):
    """A word, a phrase or the beginning of a word that is looked for."""

    text: str
    prefix: bool = False
    without: bool = False


class Place(NamedTuple):
    """Where to look."""

    run: int | None = None
    episode: int | None = None
    role: str | None = None


class Row(NamedTuple):
    """A turn to index."""

    run: int
    episode: int
    turn: int
    role: str
    text: str


class Found(NamedTuple):
    """A turn that fits."""

    run: int
    """Number of its run."""
    episode: int
    turn: int
    role: str
    snippet: str
    """With `START` and `END` round the words found."""


class Progress(NamedTuple):
    """How far an index is."""

    done: int
    """Episodes that are in it."""
    of: int
    """Episodes there are."""


class Index(Protocol):
    """An index of one store."""

    def catch_up(self, seconds: float) -> Progress:
        """Take in what is new, for about so long."""
        ...

    def progress(self) -> Progress:
        """How far it is."""
        ...

    def find(
        self, terms: Sequence[Term], place: Place, *, limit: int, offset: int = 0, ranked: bool = True
    ) -> list[Found]:
        """Turns that fit: the best first, or the newest, which needs not look at all of them."""
        ...

    def count(self, terms: Sequence[Term], place: Place, most: int) -> int:
        """How many turns fit, counted up to `most`."""
        ...

    def episodes(self, terms: Sequence[Term], run: int) -> list[int]:
        """Numbers of a run's episodes in which some turn fits."""
        ...


def open_index(store: Store) -> Index:
    """The index of a store; it is made where there is none."""
    if store.embedded:
        from turnwise.store.indexed import FileIndex

        return FileIndex(store)
    from turnwise.store.indexed_server import ServerIndex

    return ServerIndex(store)


def terms(query: str) -> list[Term]:
    """The terms of a query: words, `"a phrase"`, `-without`, `begin*`.

    Raises:
        ConfigError: there is nothing to look for in it.
    """
    found: list[Term] = []
    for minus, phrase, word in _TERM.findall(query):
        text = phrase or word
        prefix = bool(word) and word.endswith("*")
        text = spread(_MARKS.sub(" ", mend(text)).strip("*").strip())
        if any(sign.isalnum() for sign in text):
            found.append(Term(text, prefix, bool(minus)))
    if not any(not term.without for term in found):
        raise ConfigError("nothing to look for: give a word that shall be there")
    return found


def spread(text: str) -> str:
    """A text as it is indexed: Chinese and Japanese sign by sign."""
    return text if text.isascii() else _BETWEEN.sub(_GAP, text)


def snippet(found: Found) -> tuple[str, list[tuple[int, int]]]:
    """The snippet as plain text, and where the words found stand in it, in UTF-16 code units."""
    plain: list[str] = []
    ranges: list[tuple[int, int]] = []
    length = start = 0
    for piece in _PIECES.split(found.snippet):
        if piece == START:
            start = length
        elif piece == END:
            ranges.append((start, length))
        else:
            piece = piece if piece.isascii() else piece.replace(_GAP, "")
            plain.append(piece)
            length += len(piece) if piece.isascii() else len(piece.encode("utf-16-le")) // 2
    return "".join(plain), ranges


class _Said(msgspec.Struct, frozen=True):
    name: str = ""
    arguments: str = ""


class _Message(msgspec.Struct, frozen=True):
    content: Any = ""
    reasoning: str | None = None
    tool_calls: tuple[_Said, ...] = ()


class _Turn(msgspec.Struct, frozen=True):
    index: int
    message: _Message
    role: str = "environment"


class _Part(msgspec.Struct, frozen=True):
    turns: tuple[_Turn, ...] = ()


_decoder = msgspec.json.Decoder(_Part)


def rows(run: int, episode: int, data: bytes) -> Iterator[Row]:
    """The turns of a part of a log, as they are indexed; a part that cannot be read has none."""
    try:
        part = _decoder.decode(data)
    except (msgspec.DecodeError, ValueError):
        return
    for turn in part.turns:
        text = spread(_MARKS.sub(" ", mend(_text(turn.message))))
        yield Row(run, episode, turn.index, turn.role, text)


def _text(message: _Message) -> str:
    content = message.content
    if isinstance(content, str) and not message.tool_calls and message.reasoning is None:
        return content[:MOST_TEXT]
    pieces = [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content or ()]
    pieces += [f"{call.name} {call.arguments}" for call in message.tool_calls]
    pieces += [message.reasoning or ""]
    return "\n".join(piece for piece in pieces if piece)[:MOST_TEXT]
