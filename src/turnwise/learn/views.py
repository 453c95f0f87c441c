"""The rows of one role in one episode: each call's exact prompt and sample, merged where one extends another.

A row grows while a prompt begins with everything the row holds, token for token. Whatever breaks that (a
summary, an omission, a thought that the chat format strips, a sub-agent with a view of its own, another
sample of the same prompt) starts another row, in which earlier samples stand as context. So every sampled
token is learned from exactly once, behind exactly the tokens it was sampled behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Ids: TypeAlias = npt.NDArray[np.int32]


class Span(NamedTuple):
    """Where the sample of a call stands."""

    row: int
    """Number of the row among those of its role."""
    start: int
    """Place of its first token in the row."""
    length: int


class Break(NamedTuple):
    """A prompt that extends none of the rows there are."""

    call: int
    """Number of the call among the role's."""
    at: int
    """Tokens it shares with the row that it departs from last."""
    of: int
    """Tokens of that row."""


class _Row:
    __slots__ = ("_parts", "call", "length")

    def __init__(self) -> None:
        self._parts: list[Ids] = []
        self.length = 0
        self.call = -1
        """The call whose sample it ends with."""

    def add(self, ids: Ids) -> None:
        self._parts.append(ids)
        self.length += len(ids)

    def ids(self) -> Ids:
        """All of them `[length]`."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]


class Views:
    """Rows while they grow. Calls are added in the order in which they were made."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._of: dict[int, int] = {}
        """The row in which each call's sample stands."""
        self.breaks: list[Break] = []

    def add(
        self,
        call: int,
        sampled: Sequence[int],
        prompt: Callable[[], Sequence[int]],
        *,
        parent: int | None = None,
        added: Sequence[int] = (),
    ) -> Span:
        """Put a call's sample behind its prompt.

        Args:
            call: Its number.
            sampled: Token ids it sampled.
            prompt: Gives all token ids it was fed; asked only where `parent` does not end a row.
            parent: The call whose prompt and sample its prompt extends, where that is on record.
            added: What it adds to them.
        """
        number = None if parent is None else self._of.get(parent)
        if number is None or self._rows[number].call != parent:
            number = self._place(call, as_ids(prompt()))
        else:
            self._rows[number].add(as_ids(added))
        row = self._rows[number]
        span = Span(number, row.length, len(sampled))
        row.add(as_ids(sampled))
        row.call = call
        self._of[call] = number
        return span

    def rows(self) -> list[Ids]:
        """The rows, in the order of their first samples."""
        return [row.ids() for row in self._rows]

    def _place(self, call: int, prompt: Ids) -> int:
        """The longest row that the prompt extends, the prompt's rest added to it; else a new row."""
        order = sorted(range(len(self._rows)), key=lambda number: -self._rows[number].length)
        for number in order:
            row = self._rows[number]
            if row.length <= len(prompt) and np.array_equal(prompt[: row.length], row.ids()):
                row.add(prompt[row.length :])
                return number
        if self._rows:
            nearest = max((common(row.ids(), prompt), row.length) for row in self._rows)
            self.breaks.append(Break(call, *nearest))
        self._rows.append(_Row())
        self._rows[-1].add(prompt)
        return len(self._rows) - 1


def common(one: Ids, other: Ids) -> int:
    """How many tokens two lines of tokens have in common at their beginning."""
    size = min(len(one), len(other))
    differ = one[:size] != other[:size]
    return int(differ.argmax()) if differ.any() else size


def as_ids(ids: Sequence[int] | Ids) -> Ids:
    """Token ids as an array."""
    return np.asarray(ids, dtype=np.int32)
