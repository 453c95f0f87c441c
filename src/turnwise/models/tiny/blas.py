"""Keeps numpy's matrix library to one thread while a tiny policy computes.

Its matrices are so small that several threads mostly wait for each other: on a busy machine that is four
times the work, and sums that are cut in two differ in their last digits. OpenBLAS, which comes with numpy's
wheels, is told so by its own function; another library is left as it is.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_PREFIXES = ("scipy_openblas", "openblas")
_SUFFIXES = ("64_", "")


@contextmanager
def alone() -> Generator[None]:
    """One thread inside, as many as before afterwards."""
    get, put = _threads()
    before = get()
    if before == 1:
        yield
        return
    put(1)
    try:
        yield
    finally:
        put(before)


@cache
def _threads() -> tuple[Callable[[], int], Callable[[int], Any]]:
    """How to ask for the number of threads, and to set it."""
    home = Path(np.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs"):
        for file in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(file))
            except OSError:
                continue
            for prefix in _PREFIXES:
                for suffix in _SUFFIXES:
                    get = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
                    put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
                    if get is not None and put is not None:
                        return get, put
    return (lambda: 1), (lambda count: None)
