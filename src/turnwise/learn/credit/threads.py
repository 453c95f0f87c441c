"""The compiled kernels, and the one way they are spread over cores.

Threads and not numba's own parallel loops: those abort the process in a forked child, or when two Python
threads call them at once. Kernels release the lock, and pieces never share what they write.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType
from typing import Any

from turnwise.errors import ConfigError

WORTH = 200_000
"""Work (tokens) below which a second thread costs more than it gives."""


@cache
def kernels() -> Any:
    """The module of compiled recurrences.

    Raises:
        ConfigError: numba is not there.
    """
    try:
        from turnwise.learn.credit import kernels as module
    except ImportError as error:
        raise ConfigError(
            f"credit along turns and tokens needs numba ({error}): install turnwise[learn]"
        ) from error
    found: ModuleType = module
    return found


def spread(kernel: Callable[..., None], count: int, work: int, *arguments: Any) -> None:
    """Run `kernel(low, high, *arguments)` over 0 … count, on as many cores as the work is worth."""
    pieces = min(cores(), work // WORTH, count)
    if pieces < 2:
        kernel(0, count, *arguments)
        return
    # Several pieces a core, because episodes are of unequal length.
    bounds = [count * i // (4 * pieces) for i in range(4 * pieces + 1)]
    with ThreadPoolExecutor(pieces) as pool:
        waiting = [
            pool.submit(kernel, low, high, *arguments)
            for low, high in itertools.pairwise(bounds)
            if high > low
        ]
        for future in waiting:
            future.result()


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
