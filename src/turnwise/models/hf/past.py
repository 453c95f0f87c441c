"""What a model remembers of the tokens it was fed: keys and values, kept for each session between turns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Past(NamedTuple):
    """Keys and values of one sequence of tokens."""

    ids: Sequence[int]
    """The tokens."""
    bytes: int
    """Memory that its keys and values take."""
    held: Sequence[Tensor] | None
    """Keys and values as their runner wrote them; None while they lie where they were computed."""

    def common(self, ids: Sequence[int]) -> int:
        """How many tokens from the start are the same in `ids`, leaving at least one of `ids` to feed."""
        most = min(len(self.ids), len(ids) - 1)
        if self.ids[:most] == ids[:most]:
            return most
        return next(place for place in range(most) if self.ids[place] != ids[place])


class Pasts:
    """The pasts of sessions, the least recently used dropped first when room is short.

    Args:
        room: Bytes to use at most.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.used = 0
        self._kept: OrderedDict[str, Past] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def peek(self, session: str) -> Past | None:
        """What is kept for a session."""
        return self._kept.get(session)

    def find(self, session: str) -> Past | None:
        """What is kept for a session, which counts as its use."""
        past = self._kept.get(session)
        if past is not None:
            self._kept.move_to_end(session)
        return past

    def keep(self, session: str, past: Past) -> None:
        """Keep the newest past of a session, if it fits at all."""
        self.drop(session)
        if past.bytes > self.room:
            return
        self._kept[session] = past
        self.used += past.bytes
        while self.used > self.room:
            _, oldest = self._kept.popitem(last=False)
            self.used -= oldest.bytes

    def move(self, session: str, held: Sequence[Tensor]) -> None:
        """Say where the keys and values of a session lie now, which is no use of it."""
        self._kept[session] = self._kept[session]._replace(held=held)

    def drop(self, session: str) -> None:
        """Forget a session."""
        past = self._kept.pop(session, None)
        if past is not None:
            self.used -= past.bytes

    def clear(self) -> None:
        """Forget all sessions."""
        self._kept.clear()
        self.used = 0
