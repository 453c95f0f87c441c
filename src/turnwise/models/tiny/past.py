"""What is remembered of each session: its tokens, how they were fed, and their keys and values.

Numbers that are added in another order differ in their last digits, and then so may a drawn token. So an
episode that is resumed, or whose keys and values had to make room, is fed again in the very pieces it was fed
in before: what is sampled next is bit for bit what it would have been.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from turnwise.models.tiny.llama import Cache

PIECE = 256
"""Most tokens fed at once."""


class Trace:
    """The tokens of a sequence and the pieces in which they were fed."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.ends: list[int] = []
        """Where each piece ends."""
        self.cache: Cache | None = None

    def leads_to(self, ids: Sequence[int]) -> bool:
        """Whether these tokens begin `ids` and there is more of it."""
        return len(self.ids) < len(ids) and list(ids[: len(self.ids)]) == self.ids

    def add(self, ids: Sequence[int], piece: int = PIECE) -> None:
        """Tokens that come next, in pieces of at most `piece`."""
        begin = len(self.ids)
        if ids:
            self.ids += ids
            self.ends += [*range(begin + piece, len(self.ids), piece), len(self.ids)]

    def pieces(self, fed: int) -> Iterator[list[int]]:
        """What comes behind the first `fed` tokens, piece by piece."""
        for end in self.ends[bisect_right(self.ends, fed) :]:
            yield self.ids[fed:end]
            fed = end

    @property
    def bytes(self) -> int:
        """Of its keys and values."""
        return 0 if self.cache is None else self.cache.bytes


class Traces:
    """The traces of all sessions. Keys and values of those least recently used are dropped for want of room.

    Args:
        room: Bytes that keys and values may take.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[str, Trace] = OrderedDict()

    def begin(self, session: str, ids: Sequence[int]) -> Trace:
        """The session's trace, where it leads to `ids`; else a new one."""
        found = self._kept.get(session)
        return found if found is not None and found.leads_to(ids) else Trace()

    def keep(self, session: str, trace: Trace) -> None:
        """Remember a session's trace, the most recently used one now."""
        if not session:
            return
        self._kept[session] = trace
        self._kept.move_to_end(session)
        used = sum(one.bytes for one in self._kept.values())
        for one in self._kept.values():
            if used <= self._room:
                return
            used -= one.bytes
            one.cache = None

    def forget(self, session: str) -> None:
        """The session is over."""
        self._kept.pop(session, None)

    def clear(self) -> None:
        """All sessions are."""
        self._kept.clear()
