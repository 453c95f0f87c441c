"""Arithmetic over + - * / and parentheses: the value of an expression, how it is shown, and random ones.

Nothing here calls Python's own evaluation: expressions may come from a model.
"""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from turnwise.environments.earl.words import cardinal

LONGEST = 1000
"""Characters that an expression may have."""

_TOKEN = re.compile(r"\s*(?:((?:0|[1-9][0-9]*)(?:\.[0-9]*)?)|([-+*/()]))", re.ASCII)
_RANK = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "negate": 3}
_DO: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b,
}


def evaluate(text: str, *, exact: bool = True, signs: bool = False) -> Fraction | float:
    """The value of an expression, with the usual precedence, from the left.

    Args:
        text: Numbers without leading zeros, + - * / and parentheses; at most `LONGEST` characters.
        exact: In fractions; otherwise as Python computes (whole numbers, and floats from the first division
            or decimal point on).
        signs: Whether a minus may stand before an operand.

    Raises:
        ValueError: it is no expression.
        ArithmeticError: it has no value (a division by zero, or one that floats cannot hold).
    """
    values: list[Any] = []
    waiting: list[str] = []
    operand = True
    for token in _tokens(text):
        if operand and token[0].isdigit():
            values.append(Fraction(token) if exact else float(token) if "." in token else int(token))
            operand = False
        elif operand and (token == "(" or (token == "-" and signs)):
            waiting.append("(" if token == "(" else "negate")
        elif operand:
            raise ValueError(f"a number is missing before {token!r}")
        elif token == ")":
            _apply(values, waiting, 1)
            if not waiting:
                raise ValueError("a ) that nothing opened")
            waiting.pop()
        elif token in _DO:
            _apply(values, waiting, _RANK[token])
            waiting.append(token)
            operand = True
        else:
            raise ValueError(f"an operator is missing before {token!r}")
    if operand:
        raise ValueError("it ends where a number is missing")
    _apply(values, waiting, 1)
    if waiting:
        raise ValueError("a ( that nothing closes")
    return values[0]


def _tokens(text: str) -> Iterator[str]:
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    text, place = text.rstrip(), 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text[place]!r} does not belong into an expression")
        place = match.end()
        yield match[1] or match[2]


def _apply(values: list[Any], waiting: list[str], rank: int) -> None:
    """Do what binds at least as strongly as `rank`."""
    while waiting and _RANK[waiting[-1]] >= rank:
        todo, right = waiting.pop(), values.pop()
        values.append(-right if todo == "negate" else _DO[todo](values.pop(), right))


def shown(value: Fraction | float) -> str:
    """A value as the calculator prints it: a whole number as such, others with three decimals.

    Raises:
        OverflowError: an infinite float.
    """
    if value == int(value):
        return str(int(value))
    if isinstance(value, Fraction):
        thousandths = int(abs(value) * 1000 + Fraction(1, 2))
        return f"{'-' if value < 0 else ''}{thousandths // 1000}.{thousandths % 1000:03d}"
    return f"{value:.3f}"


class Drawn(NamedTuple):
    """A random expression."""

    text: str
    said: str
    """The same for a reader, perhaps in words."""
    value: Fraction
    rank: int = 3
    """How strongly its outermost operation binds."""


class Draw(NamedTuple):
    """How expressions are drawn (after the generators of EARL's data sets).

    Every part has at most three decimals and stays below a billion; how many digits a number has is drawn
    first, evenly. Three operands out of ten that are no plain numbers get parentheses nobody needs.
    """

    digits: int
    words: float = 0.0
    """How often an expression is said in words: half of those its numbers, half its operations."""
    strict: bool = True
    """Put parentheses where the expression would otherwise mean something else than was drawn and is said
    ("multiplication of 1 + 2 and 3"). The published generator does not."""

    def expression(self, rng: random.Random, operations: int) -> Drawn:
        """An expression of exactly `operations` operations."""
        numbers = names = False
        if rng.random() < self.words:
            numbers = rng.random() < 0.5
            names = not numbers
        return self._part(rng, operations, numbers, names, outer=True)

    def number(self, rng: random.Random) -> int:
        """A positive number of at most `digits` digits."""
        digits = rng.randint(1, self.digits)
        return rng.randint(10 ** (digits - 1), 10**digits - 1)

    def _part(self, rng: random.Random, operations: int, numbers: bool, names: bool, *, outer: bool) -> Drawn:
        if operations == 0:
            number = self.number(rng)
            return Drawn(str(number), cardinal(number) if numbers else str(number), Fraction(number))
        on_left = rng.randint(0, operations - 1)
        while True:
            sign = rng.choice("+-*/")
            left = self._part(rng, on_left, numbers, names, outer=False)
            right = self._part(rng, operations - 1 - on_left, numbers, names, outer=False)
            left = self._enclosed(rng, left, left.rank < _RANK[sign])
            right = self._enclosed(rng, right, right.rank < _RANK[sign] + (sign in "-/"))
            text = f"{left.text} {sign} {right.text}"
            try:
                value = Fraction(evaluate(text))
            except ZeroDivisionError:
                continue
            if value < 1_000_000_000 and (value * 1000).denominator == 1:
                say = f"{{}} {sign} {{}}" if not names else _OUTER[sign] if outer else _INNER[sign]
                return Drawn(text, say.format(left.said, right.said), value, _RANK[sign])

    def _enclosed(self, rng: random.Random, part: Drawn, needed: bool) -> Drawn:
        wanted = rng.random() < 0.3
        if part.text.isdigit() or not (wanted or (needed and self.strict)):
            return part
        return part._replace(text=f"({part.text})", said=f"({part.said})", rank=3)


_OUTER = {
    "+": "addition of {} and {}",
    "-": "subtraction of {1} from {0}",
    "*": "multiplication of {} and {}",
    "/": "division of {} by {}",
}
_INNER = {"+": "{} plus {}", "-": "{} minus {}", "*": "{} times {}", "/": "{} divided by {}"}
