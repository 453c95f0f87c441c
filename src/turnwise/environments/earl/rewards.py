"""What EARL pays for sorting: half for the right result, half for getting there in few calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache


@cache
def fewest_comparisons(items: int) -> int:
    """`C_min`: Stirling's log2 n!, rounded up; what the worst case needs at least."""
    n = items
    if n <= 1:
        return 0
    return math.ceil(n * math.log2(n) - n / math.log(2) + 0.5 * math.log2(2 * math.pi * n))


@cache
def many_comparisons(items: int) -> int:
    """`C_ref`: from so many comparisons on, nothing is paid for their number."""
    return max(fewest_comparisons(items), items * math.ceil(math.log2(max(1, items))))


def fewest_swaps(order: Sequence[str], goal: Sequence[str]) -> int:
    """`S_min`: items minus cycles of the permutation from `order` to `goal`."""
    place = {item: number for number, item in enumerate(goal)}
    seen: set[str] = set()
    cycles = 0
    for item in order:
        cycles += item not in seen
        while item not in seen:
            seen.add(item)
            item = order[place[item]]
    return len(order) - cycles


def swap_efficiency(items: int, fewest: int, swaps: int) -> float:
    """1 for the fewest swaps, down to 0 for as many as there are pairs.

    Args:
        items: How many are sorted.
        fewest: Swaps that are needed (`fewest_swaps`).
        swaps: Swaps that were made.
    """
    many = max(fewest + 1, items * (items - 1) // 2)
    return 1.0 - min(1.0, max(0.0, (swaps - fewest) / (many - fewest)))


def comparison_efficiency(items: int, comparisons: int) -> float:
    """1 for the fewest comparisons (or less), down to 0 for `many_comparisons`."""
    fewest, many = fewest_comparisons(items), many_comparisons(items)
    return 1.0 - min(1.0, max(0.0, (comparisons - fewest) / max(1, many - fewest)))


def sort_efficiency(items: int, fewest: int, comparisons: int, swaps: int, enough: bool) -> float:
    """Half for comparisons, half for swaps; nothing where the order was guessed.

    Args:
        items: How many were sorted.
        fewest: Swaps that were needed.
        comparisons: Comparisons made.
        swaps: Swaps made.
        enough: Whether the comparisons count as knowledge of the order. The published rule takes their number
            (at least `fewest_comparisons`), and so pays nothing to who was done with one less by right; the
            corrected rule asks whether they prove the order.
    """
    if not enough:
        return 0.0
    return 0.5 * comparison_efficiency(items, comparisons) + 0.5 * swap_efficiency(items, fewest, swaps)
