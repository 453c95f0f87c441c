"""A calculator: arithmetic in Python's notation, evaluated without running anything.

Numbers, lists, the operators, comparisons, and a few functions; powers are bounded, so that no expression
takes long.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

_LONGEST = 2_000
"""Characters of an expression."""
_BITS = 4_096
"""Of a whole number; a larger one cannot be shown."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda one, other: one / other,
    ast.FloorDiv: lambda one, other: one // other,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "float": float,
    "int": int,
    "len": len,
    "max": max,
    "min": min,
    "round": round,
    "sum": sum,
}


def evaluate(expression: str) -> Any:
    """The value of an expression: a number, a truth value, or a list of such.

    Raises:
        ValueError: it is no arithmetic, or has no value that can be shown.
    """
    if len(expression) > _LONGEST:
        raise ValueError(f"more than {_LONGEST} characters")
    try:
        return _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ArithmeticError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value):
            return _shown(value)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part) for part in parts]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_number(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _shown(_power(_number(left), _number(right)))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _shown(_BINARY[type(op)](_number(left), _number(right)))
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _COMPARISONS for op in ops
        ):
            values = [_number(part) for part in (left, *others)]
            pairs = zip(ops, values, values[1:], strict=False)
            return all(_COMPARISONS[type(op)](one, other) for op, one, other in pairs)
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _FUNCTIONS:
            return _shown(_FUNCTIONS[name](*map(_value, parts)))
        case _:
            raise ValueError(f"{ast.unparse(node)[:40]!r} is no arithmetic")


def _number(node: ast.expr) -> int | float:
    value = _value(node)
    if not isinstance(value, (int, float)):
        raise ValueError(f"{ast.unparse(node)[:40]!r} is no number")
    return value


def _power(base: float, exponent: float) -> Any:
    if isinstance(base, int) and abs(exponent) * base.bit_length() > _BITS:
        raise ValueError("too large a power")
    return base**exponent


def _shown(value: Any) -> Any:
    """A value, if it can be shown."""
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise ValueError("too large a number")
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("no number that can be shown")
    return value
