"""Memory for keys and values in which every sequence has a seat, and every token the slot of its position.

So a token is written in place, nothing is shifted or joined when sequences come and go, and a later turn
finds everything where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Memory:
    """Keys and values of all seats; none at first.

    Args:
        like: Says the type and the device.
        layers: Of the network.
        heads: Of keys and values.
        width: Of a head.
    """

    def __init__(self, like: Tensor, *, layers: int, heads: int, width: int) -> None:
        self.data: Tensor = like.new_zeros((layers, 2, 0, heads, 0, width))
        """`[layers, 2, seats, heads, slots, width]` Keys and values; unused slots are finite."""
        self.token_bytes = 2 * layers * heads * width * like.element_size()
        """Size of one token."""

    @property
    def seats(self) -> int:
        """How many there are."""
        return self.data.shape[2]

    @property
    def slots(self) -> int:
        """Of each seat."""
        return self.data.shape[4]

    @property
    def bytes(self) -> int:
        """Size of everything."""
        return self.seats * self.slots * self.token_bytes

    def reserve(self, seats: int, slots: int) -> None:
        """Have at least so many seats and slots, and keep what is there."""
        if seats <= self.seats and slots <= self.slots:
            return
        old = self.data
        self.data = self._empty(max(seats, self.seats), max(slots, self.slots))
        self.data[:, :, : old.shape[2], :, : old.shape[4]] = old

    def release(self) -> None:
        """Give everything back."""
        self.data = self._empty(0, 0)

    def read(self, seat: int, count: int) -> Tensor:
        """A copy of the first tokens of a seat, `[layers, 2, heads, count, width]`."""
        return self.data[:, :, seat, :, :count].clone()

    def write(self, seat: int, tokens: Tensor) -> None:
        """Put tokens that were read at the beginning of a seat."""
        self.data[:, :, seat, :, : tokens.shape[3]] = tokens

    def _empty(self, seats: int, slots: int) -> Tensor:
        layers, both, _, heads, _, width = self.data.shape
        return self.data.new_zeros((layers, both, seats, heads, slots, width))
