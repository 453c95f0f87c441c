"""Tasks whose horizon is a setting, from 5 turns to 200: which method still learns when it grows?

Beside the two here, `number_guess` has a `horizon`, too, and so has `bifurcation`.
"""

from turnwise.environments.graded.keydoor import Keydoor
from turnwise.environments.graded.lock import Lock

__all__ = ["Keydoor", "Lock"]
