"""Tasks whose horizon is a setting, from 5 turns to 200: which method still learns when it grows?"""

from turnwise.environments.graded.lock import Lock

__all__ = ["Lock"]
