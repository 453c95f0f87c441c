"""Calls of tools written as Python, `[mv(source='a', destination='b'), ls()]`: read, never run.

What a model writes is parsed into names and literal arguments. Anything else (a variable, a call within a
call, arithmetic, an attribute of something) is refused in one line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple, cast

from turnwise.errors import ToolError

LONGEST = 50_000
"""Characters that are read at most."""
_FENCED = re.compile(r"\A\s*```[a-z]*\n(.*?)\n?```\s*\Z", re.DOTALL)


class Written(NamedTuple):
    """One call as it was written."""

    name: str
    """Of the tool; of `Desk.tool`, the last part."""
    positional: tuple[Any, ...]
    named: dict[str, Any]

    def arguments(self, names: Sequence[str]) -> dict[str, Any]:
        """The arguments by name.

        Args:
            names: Of the tool's parameters, in order.

        Raises:
            ToolError: there are more of them than parameters, or one is given twice.
        """
        if len(self.positional) > len(names):
            raise ToolError(f"{self.name} takes {len(names)} arguments, got {len(self.positional)}")
        given = dict(zip(names, self.positional, strict=False))
        twice = [name for name in self.named if name in given]
        if twice:
            raise ToolError(f"{self.name}: the argument {twice[0]!r} is given twice")
        return given | self.named


def written_calls(text: str) -> list[Written]:
    """The calls in a text: one, or a list of them; the text may be fenced.

    Raises:
        ValueError: it is not that, as one line.
    """
    fenced = _FENCED.match(text)
    source = (fenced[1] if fenced else text).strip()
    if len(source) > LONGEST:
        raise ValueError(f"expected at most {LONGEST} characters of calls, got {len(source)}")
    try:
        tree = ast.parse(source, mode="eval").body
        nodes = tree.elts if isinstance(tree, (ast.List, ast.Tuple)) else [tree]
        return [_call(node) for node in nodes]
    except SyntaxError as error:
        raise ValueError(f"not written as calls: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ValueError("not written as calls: nested too deep") from None


def _call(node: ast.expr) -> Written:
    if not isinstance(node, ast.Call):
        raise ValueError(f"expected a call, got {type(node).__name__}")
    if any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("expected named arguments, got **")
    named = {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords}
    return Written(_name(node.func), tuple(_literal(one) for one in node.args), named)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr
    raise ValueError(f"expected the name of a tool, got {type(node).__name__}")


def _literal(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(f"expected a literal argument, got {type(node).__name__}") from None
    return _plain(value)


def _plain(value: Any) -> Any:
    """A literal as a JSON value."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        known = cast("dict[Any, Any]", value)
        return {key if isinstance(key, str) else str(key): _plain(one) for key, one in known.items()}
    raise ValueError(f"expected an argument that has a JSON form, got {type(value).__name__}")
