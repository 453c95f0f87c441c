"""`MathAPI`: arithmetic, which has no state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DecimalException
from typing import Annotated, Any, ClassVar

import msgspec

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Numbers = Annotated[list[float], msgspec.Meta(min_length=1)]
Digits = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_METRES = {"km": 1000.0, "m": 1.0, "cm": 0.01, "mm": 0.001, "um": 1e-6, "nm": 1e-9}
_FACTORS = {
    ("cm", "in"): 0.393701,
    ("in", "cm"): 2.54,
    ("m", "ft"): 3.28084,
    ("ft", "m"): 0.3048,
    ("m", "yd"): 1.09361,
    ("yd", "m"): 0.9144,
    ("km", "miles"): 0.621371,
    ("miles", "km"): 1.60934,
    ("kg", "lb"): 2.20462,
    ("lb", "kg"): 0.453592,
}
Result = dict[str, float]


class MathAPI(Desk):
    """Sums."""

    name: ClassVar[str] = "MathAPI"

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        pass

    @tool(kind="read")
    def logarithm(self, value: float, base: float, precision: Digits) -> dict[str, str]:
        """The logarithm of a number.

        Args:
            value: The number.
            base: Of the logarithm.
            precision: Digits of the result.
        """
        if value <= 0 or base <= 0 or base == 1:
            raise ToolError("logarithm: expected a value above 0, and a base above 0 that is not 1")
        # A few digits more, so that the quotient's last one is right.
        wide, narrow = Context(prec=precision + 5), Context(prec=precision)
        quotient = wide.divide(wide.ln(Decimal(value)), wide.ln(Decimal(base)))
        return {"result": str(narrow.plus(quotient).normalize(narrow))}

    @tool(kind="read")
    def square_root(self, number: float, precision: Digits) -> dict[str, str]:
        """The square root of a number.

        Args:
            number: The number.
            precision: Digits of the result.
        """
        if number < 0:
            raise ToolError("square_root: expected a number that is not negative")
        return {"result": str(Context(prec=precision).sqrt(Decimal(number)))}

    @tool(kind="read")
    def mean(self, numbers: Numbers) -> Result:
        """The mean of numbers.

        Args:
            numbers: At least one.
        """
        return _result("mean", lambda: sum(numbers) / len(numbers))

    @tool(kind="read")
    def standard_deviation(self, numbers: Numbers) -> Result:
        """The standard deviation of numbers, of which there are no more.

        Args:
            numbers: At least one.
        """

        def deviation() -> float:
            mean = sum(numbers) / len(numbers)
            return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers))

        return _result("standard_deviation", deviation)

    @tool(kind="read")
    def si_unit_conversion(self, value: float, unit_in: str, unit_out: str) -> Result:
        """A length in another metric unit.

        Args:
            value: The length.
            unit_in: Its unit: km, m, cm, mm, um or nm.
            unit_out: The other unit.
        """
        if unit_in not in _METRES or unit_out not in _METRES:
            raise ToolError(f"si_unit_conversion: expected two of {', '.join(_METRES)}")
        return _result("si_unit_conversion", lambda: value * _METRES[unit_in] * (1 / _METRES[unit_out]))

    @tool(kind="read")
    def imperial_si_conversion(self, value: float, unit_in: str, unit_out: str) -> Result:
        """A value between imperial and metric units.

        Args:
            value: The value.
            unit_in: Its unit: cm, in, m, ft, yd, km, miles, kg, lb, celsius or fahrenheit.
            unit_out: The unit it is wanted in.
        """
        units = (unit_in, unit_out)
        if unit_in == unit_out:
            return _result("imperial_si_conversion", lambda: value)
        if units == ("celsius", "fahrenheit"):
            return _result("imperial_si_conversion", lambda: value * 1.8 + 32)
        if units == ("fahrenheit", "celsius"):
            return _result("imperial_si_conversion", lambda: (value - 32) * 5 / 9)
        if units not in _FACTORS:
            raise ToolError(f"imperial_si_conversion: there is no way from {unit_in!r} to {unit_out!r}")
        return _result("imperial_si_conversion", lambda: value * _FACTORS[units])

    @tool(kind="read")
    def add(self, a: float, b: float) -> Result:
        """One number and another.

        Args:
            a: The one.
            b: The other.
        """
        return _result("add", lambda: a + b)

    @tool(kind="read")
    def subtract(self, a: float, b: float) -> Result:
        """One number less another.

        Args:
            a: The one.
            b: The other.
        """
        return _result("subtract", lambda: a - b)

    @tool(kind="read")
    def multiply(self, a: float, b: float) -> Result:
        """One number times another.

        Args:
            a: The one.
            b: The other.
        """
        return _result("multiply", lambda: a * b)

    @tool(kind="read")
    def divide(self, a: float, b: float) -> Result:
        """One number by another.

        Args:
            a: The one.
            b: The other.
        """
        return _result("divide", lambda: a / b)

    @tool(kind="read")
    def power(self, base: float, exponent: float) -> Result:
        """A power of a number.

        Args:
            base: The number.
            exponent: Which power.
        """
        return _result("power", lambda: math.pow(base, exponent))

    @tool(kind="read")
    def absolute_value(self, number: float) -> Result:
        """A number without its sign.

        Args:
            number: The number.
        """
        return _result("absolute_value", lambda: abs(number))

    @tool(kind="read")
    def round_number(
        self, number: float, decimal_places: Annotated[int, msgspec.Meta(ge=-400, le=400)] = 0
    ) -> Result:
        """A number with fewer decimals.

        Args:
            number: The number.
            decimal_places: How many.
        """
        return _result("round_number", lambda: round(number, decimal_places))

    @tool(kind="read")
    def percentage(self, part: float, whole: float) -> Result:
        """A part of a whole in per cent.

        Args:
            part: The part.
            whole: The whole.
        """
        return _result("percentage", lambda: part / whole * 100)

    @tool(kind="read")
    def min_value(self, numbers: Numbers) -> Result:
        """The least of numbers.

        Args:
            numbers: At least one.
        """
        return _result("min_value", lambda: min(numbers))

    @tool(kind="read")
    def max_value(self, numbers: Numbers) -> Result:
        """The greatest of numbers.

        Args:
            numbers: At least one.
        """
        return _result("max_value", lambda: max(numbers))

    @tool(kind="read")
    def sum_values(self, numbers: Numbers) -> Result:
        """The sum of numbers.

        Args:
            numbers: At least one.
        """
        return _result("sum_values", lambda: sum(numbers))


def _result(name: str, compute: Callable[[], float]) -> Result:
    try:
        result = compute()
    except (ArithmeticError, ValueError, DecimalException):
        raise ToolError(f"{name}: there is no such number") from None
    if not math.isfinite(result):
        raise ToolError(f"{name}: the result is too large")
    return {"result": result}
