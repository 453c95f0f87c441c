"""Our environments served to other libraries: as a Gymnasium environment, as one of `verifiers`.

What they share is a `Seat`: an episode in which one role is played from outside, a reply at a time.
"""

from turnwise.engine.seat import Moment, Seat

__all__ = ["Moment", "Seat"]
