"""Lantern, a bookshop by mail: the assistant that serves its customers is tried on people with wishes.

turnwise run lantern:Lantern --agent solver
"""

from .environment import Lantern

__all__ = ["Lantern"]
