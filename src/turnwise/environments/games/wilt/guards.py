"""What a model-written expression may use at run time: numbers, short flat containers, and a bounded effort.

`expression` compiles a lambda so that every step that could blow up goes through here: powers, products and
shifts (size of integers), displays and comprehensions (length and nesting of containers), and everything
that walks over a container (effort, counted in items). The bounds are far beyond what a rule about three
numbers needs. Nothing here raises anything but `Exception`s, and effort is counted, never timed, so the same
expression has the same outcome on every machine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any, NoReturn, cast

MOST_BITS = 1100
"""Longest integer, in bits; every finite float is shorter."""
MOST_ITEMS = 256
"""Most values in a list, tuple or set, those of the containers in it included."""
MOST_STEPS = 1000
"""Longest range."""
MOST_WORK = 100_000
"""Most items walked over in one call."""

_CONTAINERS = (tuple, list, set, frozenset)
_SIZED = (*_CONTAINERS, range)
_NUMBERS = (int, float, bool)

MATH_VALUES = {name: getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")}
_MATH_PLAIN = (
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh"),
    *("degrees", "dist", "exp", "exp2", "expm1", "fabs", "floor", "fmod", "frexp", "fsum", "gamma", "gcd"),
    *("hypot", "isclose", "isfinite", "isinf", "isnan", "isqrt", "ldexp", "lgamma", "log", "log10", "log1p"),
    *("log2", "modf", "pow", "radians", "remainder", "sin", "sinh", "sqrt", "tan", "tanh", "trunc"),
)

_SMALL = 1 << 60


class TooMuch(Exception):
    """An expression wants longer numbers, longer containers or more effort than it may have."""


def _refuse(what: str) -> NoReturn:
    raise TooMuch(f"{what} in the function")


class Guards:
    """The guarded operations of one expression, and how much effort its running call has left."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_WORK

    def spend(self, work: int) -> None:
        """Count effort."""
        self.left -= work
        if self.left < 0:
            _refuse("too much work")

    def walk(self, items: Any) -> Any:
        """`items`, paid for; of a generator, what it draws from is paid for."""
        if type(items) in _SIZED:
            self.spend(len(items))
        return items

    def hold(self, value: Any) -> Any:
        """`value`, if it is no container, or a small one that holds nothing deeper than flat containers."""
        if type(value) in _CONTAINERS:
            items = cast("Collection[Any]", value)
            size: int = len(items)
            for item in items if size <= MOST_ITEMS else ():
                if type(item) in _CONTAINERS:
                    size += len(item)
                    if any(type(inner) in _CONTAINERS for inner in item):
                        _refuse("collections nested too deep")
            if size > MOST_ITEMS:
                _refuse(f"a collection of more than {MOST_ITEMS} values")
            self.spend(size)
        return value

    def integer(self, value: Any) -> Any:
        """`value`, if it is not too long an integer; long ones are paid for."""
        if type(value) is int:
            bits = value.bit_length()
            if bits > MOST_BITS:
                _refuse(f"an integer of more than {MOST_BITS} bits")
            self.spend(bits >> 6)
        return value

    def mul(self, a: Any, b: Any) -> Any:
        """`a * b`."""
        if type(a) is float or type(b) is float:
            return a * b
        if type(a) is int and type(b) is int:
            product = a * b
            return product if -_SMALL < product < _SMALL else self.integer(product)
        for number, other in ((a, b), (b, a)):
            if type(number) in _NUMBERS and type(other) in _CONTAINERS:
                items = cast("Collection[Any]", other)
                if number * len(items) > MOST_ITEMS:
                    _refuse(f"a collection of more than {MOST_ITEMS} values")
                return self.hold(a * b)
        return self.integer(a * b)

    def power(self, a: Any, b: Any) -> Any:
        """`a ** b`."""
        if type(a) is float or type(b) is float or (type(a) is int and b == 2 and -_SMALL < a < _SMALL):
            return a**b
        if isinstance(a, int) and isinstance(b, int) and b > 1 and a.bit_length() * b > MOST_BITS:
            if not -2 < a < 2:
                _refuse(f"an integer of more than {MOST_BITS} bits")
            return a ** (2 - b % 2)
        return self.integer(a**b)

    def shift(self, a: Any, b: Any) -> Any:
        """`a << b`."""
        if isinstance(a, int) and isinstance(b, int) and a and a.bit_length() + b > MOST_BITS:
            _refuse(f"an integer of more than {MOST_BITS} bits")
        return self.integer(a << b) if a else a << min(b, 1)

    def is_integer(self, value: Any) -> bool:
        """`value.is_integer()`; of an integer True, as Python has it from 3.12 on."""
        return True if isinstance(value, int) else value.is_integer()

    def bit_length(self, value: Any) -> int:
        """`value.bit_length()`."""
        return value.bit_length()

    def count(self, items: Any, value: Any) -> int:
        """`items.count(value)`."""
        return self.walk(items).count(value)

    def index(self, items: Any, value: Any) -> int:
        """`items.index(value)`."""
        return self.walk(items).index(value)

    # Functions by their usual names --------------------------------------------------------------------

    def rounded(self, number: Any, ndigits: int | None = None) -> Any:
        """`round`, to at most 400 digits either way."""
        if ndigits is not None and not -400 <= ndigits <= 400:
            _refuse("rounding to more than 400 digits")
        return round(number) if ndigits is None else round(number, ndigits)

    def range(self, *bounds: int) -> range:
        """`range`, short."""
        steps = range(*bounds)
        # `len` itself fails on a range of more than 2**63 steps.
        if steps[MOST_STEPS : MOST_STEPS + 1]:
            _refuse(f"a range of more than {MOST_STEPS} steps")
        return steps

    def type(self, value: Any) -> Any:
        """`type` of a number."""
        if type(value) not in _NUMBERS:
            raise TypeError("type() is for numbers here")
        return cast("Any", type(value))

    def map(self, function: Callable[..., Any], *items: Iterable[Any]) -> tuple[Any, ...]:
        """`map`, done at once."""
        return self.hold(tuple(map(function, *(self.walk(some) for some in items))))

    def filter(self, function: Callable[..., Any] | None, items: Iterable[Any]) -> tuple[Any, ...]:
        """`filter`, done at once."""
        kept: Iterable[Any] = filter(function, self.walk(items))
        return self.hold(tuple(kept))

    def prod(self, items: Iterable[Any], *, start: Any = 1) -> Any:
        """`math.prod`."""
        result = start
        for item in self.walk(items):
            result = self.mul(result, item)
        return result

    def factorial(self, n: int) -> int:
        """`math.factorial`."""
        return self.integer(math.factorial(n)) if n <= 200 else _refuse("the factorial of more than 200")

    def choose(self, function: Callable[..., int]) -> Callable[..., int]:
        """`math.comb` and `math.perm`."""

        def chosen(n: int, *k: int) -> int:
            return self.integer(function(n, *k)) if n <= 200 else _refuse("a choice from more than 200")

        return chosen

    def lcm(self, *numbers: int) -> int:
        """`math.lcm`."""
        result = 1
        for number in numbers:
            result = self.integer(math.lcm(result, number))
        return result

    def walking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A built-in that walks over its arguments and may return a container."""

        def walked(*items: Any, **options: Any) -> Any:
            for some in items:
                self.walk(some)
            return self.hold(function(*items, **options))

        return walked

    def drawing(self, function: Callable[..., Iterable[Any]]) -> Callable[..., tuple[Any, ...]]:
        """A lazy built-in, done at once."""

        def drawn(*items: Any, **options: Any) -> tuple[Any, ...]:
            paid = [self.walk(some) for some in items]
            return self.hold(tuple(itertools.islice(function(*paid, **options), MOST_ITEMS + 1)))

        return drawn

    def product(self, *items: Iterable[Any], repeat: int = 1) -> tuple[Any, ...]:
        """`itertools.product`."""
        if repeat > 8:
            _refuse("a product of more than 8 factors")
        return self.drawing(itertools.product)(*items, repeat=repeat)

    def functions(self) -> dict[str, Any]:
        """The built-in functions an expression may call."""
        lazy = {"enumerate": enumerate, "zip": zip, "reversed": reversed}
        eager = (all, any, frozenset, len, list, max, min, set, sorted, sum, tuple)
        return {
            **{one.__name__: one for one in (abs, bool, divmod, float, int, isinstance)},
            **{one.__name__: self.walking(one) for one in cast("tuple[Callable[..., Any], ...]", eager)},
            **{name: self.drawing(one) for name, one in lazy.items()},
            "filter": self.filter,
            "map": self.map,
            "pow": self.power,
            "range": self.range,
            "round": self.rounded,
            "type": self.type,
        }

    def modules(self) -> dict[str, dict[str, Any]]:
        """The modules whose functions and constants an expression may name."""
        plain = {name: getattr(math, name) for name in _MATH_PLAIN}
        own = {
            "comb": self.choose(math.comb),
            "factorial": self.factorial,
            "lcm": self.lcm,
            "perm": self.choose(math.perm),
            "prod": self.prod,
        }
        drawn = (itertools.combinations, itertools.pairwise, itertools.permutations)
        return {
            "math": {**plain, **MATH_VALUES, **own},
            "itertools": {
                **{one.__name__: self.drawing(one) for one in drawn},
                "product": self.product,
            },
        }

    def operations(self) -> dict[str, Any]:
        """What compiled code calls by names that no source can spell."""
        return {
            "walk!": self.walk,
            "hold!": self.hold,
            "mul!": self.mul,
            "pow!": self.power,
            "shl!": self.shift,
            **{f".{name}!": getattr(self, name) for name in METHODS},
        }


METHODS = ("is_integer", "bit_length", "count", "index")
"""Methods an expression may call."""
