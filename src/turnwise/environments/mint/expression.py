"""Works out an expression that a model wrote, without `eval`: numbers, lists, and a few functions.

The official TheoremQA scorer evaluates answers with Python's `eval`. What that gives for honest answers
(literals, arithmetic, lists, `np.sqrt(2)`) is given here; anything else is an `UnreadableError`. Powers,
products and lengths are bounded, so that no answer can take long.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, cast

_MOST_CHARACTERS = 2000
_MOST_BITS = 4096
_MOST_ITEMS = 1000

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "complex": complex,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "round": round,
    "set": set,
    "sorted": sorted,
    "sum": sum,
    "tuple": tuple,
}
_MODULE: dict[str, Any] = {
    name: getattr(math, name)
    for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "pi", "e", "inf", "nan")
} | {"array": list, "abs": abs, "pow": math.pow}


class UnreadableError(ValueError):
    """The text is no expression that can be worked out."""


def evaluate(text: str, *, modules: tuple[str, ...] = ("np",)) -> Any:
    """The value of an expression.

    Args:
        text: A Python expression.
        modules: Names by which `sqrt`, `pi` and such can be reached.

    Raises:
        UnreadableError: where it is not an expression, or asks for what is not allowed or too large.
    """
    if len(text) > _MOST_CHARACTERS:
        raise UnreadableError("too long")
    try:
        tree = ast.parse(text.strip(" \t"), mode="eval")
        return _value(tree.body, modules)
    except UnreadableError:
        raise
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from None


def _value(node: ast.expr, modules: tuple[str, ...]) -> Any:
    def value(part: ast.expr) -> Any:
        return _value(part, modules)

    match node:
        case ast.Constant(value=bool() | int() | float() | complex() | str() | None as constant):
            return constant
        case ast.Tuple():
            return tuple(value(item) for item in node.elts)
        case ast.List():
            return [value(item) for item in node.elts]
        case ast.Set():
            return {value(item) for item in node.elts}
        case ast.UnaryOp():
            return _unary(node.op, value(node.operand))
        case ast.BinOp():
            return _binary(node.op, value(node.left), value(node.right))
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _function(function, modules)(*[value(argument) for argument in arguments])
        case ast.Attribute():
            constant = _member(node, modules)
            if callable(constant):
                raise UnreadableError(f"{node.attr} is a function")
            return constant
        case _:
            raise UnreadableError(f"{type(node).__name__} is not allowed")


def _function(node: ast.expr, modules: tuple[str, ...]) -> Callable[..., Any]:
    found = _FUNCTIONS.get(node.id) if isinstance(node, ast.Name) else _member(node, modules)
    if not callable(found):
        raise UnreadableError("not a function")
    return cast("Callable[..., Any]", found)


def _member(node: ast.expr, modules: tuple[str, ...]) -> Any:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
        try:
            return _MODULE[node.attr]
        except KeyError:
            pass
    raise UnreadableError("an unknown name")


def _unary(op: ast.unaryop, value: Any) -> Any:
    operations: dict[type[ast.unaryop], Callable[[Any], Any]] = {
        ast.UAdd: operator.pos,
        ast.USub: operator.neg,
        ast.Invert: operator.invert,
        ast.Not: operator.not_,
    }
    return operations[type(op)](value)


_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
    ast.BitXor: lambda a, b: a ^ b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitAnd: lambda a, b: a & b,
}


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    operation = _OPERATIONS.get(type(op))
    if operation is None or isinstance(left, str) or isinstance(right, str):
        raise UnreadableError(f"{type(op).__name__} is not allowed here")
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        _bound(left.bit_length() * max(right, 0), _MOST_BITS)
    if isinstance(op, ast.Mult):
        for sequence, times in ((left, right), (right, left)):
            if isinstance(sequence, (list, tuple)) and isinstance(times, int):
                _bound(len(cast("list[Any]", sequence)) * times, _MOST_ITEMS)
    value = operation(left, right)
    if isinstance(value, int):
        _bound(value.bit_length(), _MOST_BITS)
    return value


def _bound(size: int, most: int) -> None:
    if size > most:
        raise UnreadableError("too large")
