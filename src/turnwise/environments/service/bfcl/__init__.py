"""BFCL v3 multi-turn (Patil et al., the Berkeley Function-Calling Leaderboard; Apache-2.0).

Fixed requests over APIs with a state, and reference calls whose effects are compared turn by turn.
`environment` has the protocol, `grading` the checks, `apis` the eight APIs, `facts` their published tables,
`published` the published classes, `load` the published entries, `sample` a few of our own, `made` many.
"""

from turnwise.environments.service.bfcl.environment import Bfcl
from turnwise.environments.service.bfcl.grading import Check
from turnwise.environments.service.bfcl.rows import BfclTask

__all__ = ["Bfcl", "BfclTask", "Check"]
