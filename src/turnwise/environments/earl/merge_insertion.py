"""Merge insertion (Ford and Johnson, "A Tournament Problem", 1959): sorting with few comparisons.

No way of sorting up to eleven items needs fewer in the worst case: 1, 3, 5 and 7 for two to five items.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence


def merge_insertion(items: Sequence[str]) -> Generator[tuple[str, str], bool, list[str]]:
    """Sort distinct items, asking for one comparison after the other.

    Args:
        items: Names of the items.

    Yields:
        Two items; to be sent whether the first is the smaller one.

    Returns:
        The items in ascending order.
    """
    if len(items) < 2:
        return list(items)
    smaller: dict[str, str] = {}
    for first, second in zip(items[::2], items[1::2], strict=False):
        less = yield first, second
        smaller[second if less else first] = first if less else second
    winners = yield from merge_insertion(list(smaller))
    chain = [smaller[winners[0]], *winners]
    waiting = [(smaller[winner], winner) for winner in winners[1:]]
    late = [*waiting, (items[-1], None)] if len(items) % 2 else waiting
    for number in _turns(len(late)):
        item, above = late[number]
        low, high = 0, len(chain) if above is None else chain.index(above)
        while low < high:
            middle = (low + high) // 2
            less = yield item, chain[middle]
            low, high = (low, middle) if less else (middle + 1, high)
        chain.insert(low, item)
    return chain


def _turns(count: int) -> Iterator[int]:
    """In which order the late ones are put in: groups of 2, 2, 6, 10, 22 …, each from its end.

    So each is put among at most 2 ** k - 1 others, for which k comparisons are enough.
    """
    start, size, power = 0, 2, 4
    while start < count:
        yield from range(min(start + size, count) - 1, start - 1, -1)
        start, size, power = start + size, power - size, power * 2
