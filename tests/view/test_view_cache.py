"""What was worked out is remembered once, for all who wait for it, and within bounds."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from turnwise.view.reading.cache import Cache


def test_one_thread_works_while_the_others_wait() -> None:
    cache: Cache[int] = Cache(10)
    made: list[int] = []
    together = threading.Barrier(8)

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return len(made)

    def ask(_: int) -> int:
        together.wait()
        return cache.get("a", make)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [1] * 8


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    cache: Cache[str] = Cache(10)
    for key in "abc":
        cache.get(key, lambda key=key: key * 3, weight=len)
    assert cache.get("a", lambda: "new") == "aaa"
    cache.get("d", lambda: "dddd", weight=len)
    assert [cache.peek(key) is None for key in "abcd"] == [False, True, False, False]
    # What is larger than all the room is kept alone.
    cache.get("huge", lambda: "x" * 99, weight=len)
    assert [cache.peek(key) is None for key in ("a", "d", "huge")] == [True, True, False]


def test_what_fails_is_not_remembered() -> None:
    cache: Cache[int] = Cache(10)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 2) == 2
