"""Our environments served to other libraries: as a Gymnasium environment, as one of `verifiers`.

`seat.py` is what they share: an episode in which one role is played from outside, a reply at a time.
"""

from turnwise.serving.seat import Moment, Seat

__all__ = ["Moment", "Seat"]
