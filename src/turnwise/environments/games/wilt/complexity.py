"""How complicated a guess is: operators and length of its text (the paper's analysis of Occam's razor)."""

from __future__ import annotations

import ast
import warnings

_SYMBOLS = (
    *("and", "not", "**", "==", "!=", "<=", ">=", ">>", "<<", "//", "or"),
    *("+", "-", "/", "*", "=", "%", "&", "|", "~", "^", "<", ">"),
)


def operators(source: str, *, published: bool) -> int:
    """Operators in a function's text.

    Official code counts substrings, longest first, so that `floor`, `for` and `sorted` count as `or`s and a
    keyword argument's `=` counts too. Corrected, operators of the parsed expression are counted: one for each
    arithmetic, bit, comparison and `not` sign, and one for each `and` and `or`. Where a text does not parse,
    substrings are counted all the same.
    """
    if published:
        return _substrings(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _substrings(source)
    return sum(_signs(node) for node in ast.walk(tree))


def _signs(node: ast.AST) -> int:
    match node:
        case ast.BinOp():
            return 1
        case ast.UnaryOp(ast.USub() | ast.UAdd(), ast.Constant()):
            return 0  # the sign of a number
        case ast.UnaryOp():
            return 1
        case ast.Compare(_, ops):
            return len(ops)
        case ast.BoolOp(_, values):
            return len(values) - 1
        case _:
            return 0


def _substrings(source: str) -> int:
    count = 0
    for symbol in _SYMBOLS:
        count += source.count(symbol)
        source = source.replace(symbol, "")
    return count
