"""The hidden rules: 50 functions of three numbers, from orders to rules about fractions, and 10 light ones.

They are those of the official task sets, by number. Each is text, compiled like a model's guess, so that
rules and guesses are the same kind of thing everywhere.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

from turnwise.environments.games.wilt.expression import Expression, compile_lambda

Split: TypeAlias = Literal["full", "lite"]


def _orders() -> list[str]:
    return [
        "x > y > z",
        "x < y < z",
        "x >= y >= z",
        "x <= y <= z",
        "x < z < y",
        "x <= z <= y",
        "z < x < y",
        "z <= x <= y",
        "x == y and y == z",
        "x != y and y != z and x != z",
        "x < 0 and y < 0 and z < 0",
        "x > 0 and y > 0 and z > 0",
    ]


def _arithmetic() -> list[str]:
    return [
        "x % 2 == 0 and y % 2 == 0 and z % 2 == 0",
        "x % 2 != 0 and y % 2 != 0 and z % 2 != 0",
        "x + y == z",
        "x * y == z",
        "x + z == y",
        "x * z == y",
        "y + z == x",
        "y * z == x",
        *(f"{extreme}(x, y, z) == {name}" for extreme in ("max", "min") for name in "xyz"),
        "x + y + z == 0",
        "x * y * z == 0",
        "(x + y + z) % 2 == 0",
        "(x + y + z) % 2 == 1",
        "(x * y * z) % 2 == 0",
        "(x * y * z) % 2 == 1",
        "(x + y) / 2 == z",
    ]


def _within(low: int, high: int) -> str:
    return " and ".join(f"{low} <= {name} <= {high}" for name in "xyz")


def _hard() -> list[str]:
    coprime = "all(math.gcd(int(a), int(b)) == 1 for a, b in ((x, y), (y, z), (z, x)))"
    return [
        *(_within(*ends) for ends in ((-5, 5), (-10, 10), (-5, 0), (0, 5), (-2, 2), (-20, 20))),
        "x**2 + y**2 == z**2",
        "x**2 + z**2 == y**2",
        "y**2 + z**2 == x**2",
        "(int(x) & int(y)) == int(z)",
        "(int(x) | int(y)) == int(z)",
        "(int(x) ^ int(y)) == int(z)",
        f"all(n % 1 == 0 for n in (x, y, z)) and {coprime}",
        "all(int(abs(n) ** 0.5) ** 2 == n for n in (x, y, z))",
        "0 < x % 1 and 0 < y % 1 and 0 < z % 1",
        "0 < x % 1 < y % 1 < z % 1 < 1",
        "x < y < z and 0 < z - x <= 1",
    ]


_FULL = (*_orders(), *_arithmetic(), *_hard())
_LITE = (
    *_FULL[:4],  # the strict and the loose orders
    *_FULL[8:10],  # all equal, all different
    "x < 0 and y < 0 and z < 0",
    "x + y == z",
    "x * y == z",
    "x < y and y > z",
)

RULES: dict[Split, tuple[str, ...]] = {
    "full": tuple(f"lambda x, y, z: {body}" for body in _FULL),
    "lite": tuple(f"lambda x, y, z: {body}" for body in _LITE),
}
"""The rules' texts; number n of a split is at n - 1."""


@cache
def trusted(source: str) -> Expression:
    """The function of a text of our own, compiled once."""
    return compile_lambda(source)


def rule(split: Split, number: int) -> Expression:
    """A hidden rule by its official number, from 1."""
    return trusted(RULES[split][number - 1])
