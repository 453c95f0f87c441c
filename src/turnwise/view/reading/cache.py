"""Remembering what was worked out, as long as it holds and there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """The values asked for last, each with a weight; what is oldest goes first. Threads may share it."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._gates: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T], *, weight: Callable[[T], int] = lambda _: 1) -> T:
        """The value of `key`, made where it is not here; by one thread, while others wait for it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            gate = self._gates.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._kept:
                    return self._kept[key][0]
            try:
                value = make()
                self.put(key, value, weight(value))
            finally:
                with self._lock:
                    self._gates.pop(key, None)
            return value

    def put(self, key: Hashable, value: T, weight: int = 1) -> None:
        """Remember a value."""
        with self._lock:
            if key in self._kept:
                self._used -= self._kept.pop(key)[1]
            self._kept[key] = (value, weight)
            self._used += weight
            while self._used > self._room and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1][1]

    def peek(self, key: Hashable) -> T | None:
        """The value, where it is here."""
        with self._lock:
            found = self._kept.get(key)
            return None if found is None else found[0]
