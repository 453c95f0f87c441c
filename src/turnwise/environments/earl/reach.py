"""Countdown: whether an expression reaches a number with all of some numbers, and finding one that does."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import combinations

from turnwise.environments.earl.expression import evaluate


def reaches(numbers: tuple[int, ...], target: int, text: str) -> bool:
    """Whether an expression has the value `target` and uses each of the numbers exactly once."""
    used = re.findall(r"[0-9]+", text[:1000])
    if len(used) != len(numbers) or any(len(number) > 9 for number in used):
        return False
    if sorted(map(int, used)) != sorted(numbers):
        return False
    try:
        return evaluate(text, signs=True) == target
    except (ValueError, ArithmeticError):
        return False


def search(numbers: tuple[int, ...], target: int) -> str | None:
    """An expression that uses each number once and equals `target`, found by trying all; None without."""
    seen: set[tuple[Fraction, ...]] = set()

    def combine(parts: list[tuple[Fraction, str]]) -> str | None:
        if len(parts) == 1:
            return parts[0][1] if parts[0][0] == target else None
        state = tuple(sorted(value for value, _ in parts))
        if state in seen:
            return None
        seen.add(state)
        for i, j in combinations(range(len(parts)), 2):
            rest = [part for place, part in enumerate(parts) if place not in (i, j)]
            for joined in _joined(parts[i], parts[j]):
                if found := combine([*rest, joined]):
                    return found
        return None

    found = combine([(Fraction(number), str(number)) for number in numbers])
    return found[1:-1] if found and found.startswith("(") else found


def _joined(a: tuple[Fraction, str], b: tuple[Fraction, str]) -> list[tuple[Fraction, str]]:
    joined = [
        (a[0] + b[0], f"({a[1]} + {b[1]})"),
        (a[0] * b[0], f"({a[1]} * {b[1]})"),
        (a[0] - b[0], f"({a[1]} - {b[1]})"),
        (b[0] - a[0], f"({b[1]} - {a[1]})"),
    ]
    if b[0]:
        joined.append((a[0] / b[0], f"({a[1]} / {b[1]})"))
    if a[0]:
        joined.append((b[0] / a[0], f"({b[1]} / {a[1]})"))
    return joined
