"""Leaks: whether a text gives away what must not be said, by runs of words that it shares with it.

A run of `size` tokens in a row (words, numbers and signs; case and spacing do not count) that a text shares
with a secret is a leak, unless the same run stands in what may be said. A secret shorter than that leaks when
it is said whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

SIZE = 4
"""Tokens in a row that tell a quotation from a coincidence."""

_TOKEN = re.compile(r"[^\W_]+(?:[._][^\W_]+)*|[<>=!]=|[^\w\s,;'\"`]", re.UNICODE)


def tokens(text: str) -> list[str]:
    """Words, numbers and signs, without case; commas, semicolons and quotation marks are none."""
    return _TOKEN.findall(text.casefold())


def runs(text: str, size: int = SIZE) -> set[tuple[str, ...]]:
    """All runs of `size` tokens in a text."""
    words = tokens(text)
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def leaks(text: str, secrets: Sequence[str], *, allowed: Sequence[str] = (), size: int = SIZE) -> list[str]:
    """What a text gives away: the shared runs, in the order of the text, each as its tokens in a row.

    Args:
        text: What is said.
        secrets: What must not be.
        allowed: What may be said, even where a secret says it too.
        size: Tokens in a row that count as a leak.
    """
    said = tokens(text)
    found: dict[str, None] = {}
    for length, secret in _by_length(secrets, size):
        free = {run for known in allowed for run in runs(known, length)}
        hidden = {run for one in secret for run in runs(one, length)} - free
        for at in range(len(said) - length + 1):
            run = tuple(said[at : at + length])
            if run in hidden:
                found[" ".join(run)] = None
    return list(found)


def _by_length(secrets: Sequence[str], size: int) -> list[tuple[int, list[str]]]:
    """The secrets by the length of run that gives them away; empty ones cannot be."""
    found: dict[int, list[str]] = {}
    for secret in secrets:
        length = min(size, len(tokens(secret)))
        if length:
            found.setdefault(length, []).append(secret)
    return sorted(found.items())
