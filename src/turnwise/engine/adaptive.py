"""How many calls a server bears at once, found by additive increase and multiplicative decrease.

The rule is TCP's congestion avoidance (Jacobson 1988; RFC 5681) with the gentler decrease of CUBIC (RFC 9438,
β = 0.7): what is in flight swings between 70% and 100% of what the server bears, so little is left unused.
"""

from __future__ import annotations

DECREASE = 0.7
"""Factor of the calls in flight at each cut."""


class AdaptiveLimit:
    """A limit on calls in flight, always within [1, `cap`]; it starts at `cap`.

    Each call remembers the `window` in which it was sent. A cut opens a new window, so that many calls
    refused together cut the limit once; those refused after the cut only show how few of their window were
    borne. Calls that pass while the limit is in full use raise it by one per window's worth of them.
    """

    __slots__ = ("_borne", "_limit", "_proven", "cap", "window")

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.window: int = 0
        """The present window: rises by one at each cut."""
        self._limit = float(cap)
        self._borne = 0
        """Calls that passed since the last cut."""
        self._proven = True
        """Whether a call sent since the last cut passed."""

    @property
    def value(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    def passed(self, window: int, in_flight: int) -> None:
        """A call sent in `window` passed while `in_flight` calls (it included) were out."""
        self._borne += 1
        if window == self.window:
            self._proven = True
            # A limit that is not in use proves nothing about a higher one.
            if self._limit < self.cap and in_flight >= int(self._limit):
                self._limit = min(float(self.cap), self._limit + 1.0 / self._limit)

    def refused(self, window: int, in_flight: int) -> bool:
        """A call sent in `window` was refused for load while `in_flight` calls (it included) were out.

        Returns:
            Whether fewer calls at once do not help: the limit was cut, and of the calls sent since the cut
            before none has passed. Then a quota is spent or the server is down, and only waiting helps.
        """
        if window != self.window:
            # The limit falls with what is left in flight, so nothing is sent while the rest is being refused.
            self._limit = max(1.0, min(self._limit, float(in_flight - 1 + self._borne)))
            return False
        hopeless = not self._proven
        self._limit = max(1.0, min(self._limit, float(in_flight)) * DECREASE)
        self._borne = 0
        self._proven = False
        self.window += 1
        return hopeless
