"""The `calculate` tool's arithmetic: numbers, `+ - * / // **`, parentheses; nothing else, nothing large."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from turnwise.errors import ToolError

_ALLOWED = frozenset("0123456789+-*/(). ")
_LONGEST = 1000
_BITS = 4096
"""Bits that a power may have."""
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Pow: lambda left, right: left**right,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: lambda value: value,
    ast.USub: lambda value: -value,
}


def calculated(expression: str) -> str:
    """The value, rounded to two places.

    Raises:
        ToolError: it is no expression, or one too large.
    """
    if not _ALLOWED.issuperset(expression):
        raise ToolError("invalid characters in expression")
    if len(expression) > _LONGEST:
        raise ToolError(f"the expression is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        return str(round(float(_value(tree.body)), 2))
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ToolError(
            f"cannot calculate this: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and isinstance(left, int) and abs(right) * left.bit_length() > _BITS:
            raise ValueError("the power is too large")
        return _BINARY[type(node.op)](left, right)
    raise ValueError("not an arithmetic expression")
