"""What code prints, kept within bounds however much it is."""

from __future__ import annotations

from turnwise.tools.sandbox.limits import cut, shorten


class Output:
    """The head and tail of what was printed, and how much there was.

    Args:
        limit: Characters to keep.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._head = b""
        self._tail = b""

    def add(self, data: bytes) -> None:
        """More of it."""
        self.total += len(data)
        # A character takes up to four bytes.
        room = 4 * self.limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail = (self._tail + data)[-4 * self.limit :]

    def text(self) -> str:
        """As text, with the middle left out where it was too long."""
        if len(self._head) + len(self._tail) == self.total:
            return shorten((self._head + self._tail).decode("utf-8", "replace"), self.limit)
        head, tail = self._head.decode("utf-8", "replace"), self._tail.decode("utf-8", "replace")
        return cut(head, tail, self.total, self.limit)
