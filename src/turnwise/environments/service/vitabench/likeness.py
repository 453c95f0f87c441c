"""How like two texts are: the fuzzy matching by which VitaBench searches, locates and names.

The published tools rank everything they have by `partial_ratio` (thefuzz over RapidFuzz): the share of
characters that the shorter text has in common, in order, with the part of the longer one that fits it best.
This is that measure, by bit-parallel longest common subsequences (Hyyrö 2004); RapidFuzz approximates it
where the shorter text has more than 64 characters, which here is exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate

_SIGNS = re.compile(r"[^\w]|_")


def plain(text: str) -> str:
    """A text in lower case, with a blank for whatever is neither letter nor digit, stripped."""
    return _SIGNS.sub(" ", text).lower().strip()


def ratio(one: str, other: str) -> float:
    """Characters that two texts have in common, in order, in percent of all their characters."""
    if not one and not other:
        return 100.0
    return 200 * _common(_places(one), len(one), other)[-1] / (len(one) + len(other))


@lru_cache(maxsize=1 << 16)
def partial_ratio(one: str, other: str) -> float:
    """`ratio` of the shorter text and the part of the longer one that fits it best, in percent."""
    if len(one) > len(other):
        one, other = other, one
    if not one:
        return 100.0 if not other else 0.0
    if one in other:
        return 100.0
    best = _best_part(one, other)
    return max(best, _best_part(other, one)) if len(one) == len(other) else best


def ranked(query: str, choices: Mapping[str, str]) -> list[tuple[str, int]]:
    """All choices by how well they fit a query, the best first, and by how much, in whole percent.

    Args:
        query: What is looked for.
        choices: Texts by id; among equals, the first stays first.
    """
    wanted = plain(query)
    fits = [(name, partial_ratio(wanted, plain(text)) if wanted else 0.0) for name, text in choices.items()]
    return [(name, round(fit)) for name, fit in sorted(fits, key=lambda found: -found[1])]


def _best_part(needle: str, hay: str) -> float:
    """The best `ratio` of `needle` and a part of `hay` (at most as long, and shorter only at its ends)."""
    size, room = len(needle), len(hay) - len(needle)
    places = _places(needle)
    ends = (
        _common(places, size, hay[: size - 1]),
        _common(_places(needle[::-1]), size, hay[: -size - 1 : -1]),
    )
    best = max((200 * n / (size + length) for end in ends for length, n in enumerate(end)), default=0.0)
    # What a part can have in common is at most its characters that the needle has, too.
    sums = [0, *accumulate(sign in places for sign in hay)]
    most = sorted(((sums[at + size] - sums[at], -at) for at in range(room)), reverse=True)
    for bound, at in most:
        if 100 * bound / size <= best:
            break
        best = max(best, 100 * _common(places, size, hay[-at : size - at])[-1] / size)
    return best


def _places(text: str) -> dict[str, int]:
    """Where each character stands, as bits."""
    found: dict[str, int] = {}
    for at, sign in enumerate(text):
        found[sign] = found.get(sign, 0) | 1 << at
    return found


def _common(places: Mapping[str, int], size: int, text: str) -> list[int]:
    """Length of the longest common subsequence with each beginning of `text`, the empty one first."""
    mask = (1 << size) - 1
    row, found = mask, [0]
    for sign in text:
        here = places.get(sign, 0)
        matched = row & here
        row = ((row + matched) | (row - matched)) & mask
        found.append(size - row.bit_count())
    return found
