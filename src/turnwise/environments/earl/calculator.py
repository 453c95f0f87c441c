"""EARL's calculator as a mode, and the modes in which an answer can be given action by action.

The calculator's actions are the digits, + - * / ( ), perhaps a decimal point, and = which exits. Its grammar
keeps every call an expression. The published grammar has a hole and a gap: a number may have two points
(`1.2.3`, which is no expression), and none may begin with a zero (so `0.5`, or 0 itself, cannot be entered).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from turnwise.action import Action
from turnwise.environments.earl.expression import evaluate, shown
from turnwise.environments.parts.modes import Mode

Variant: TypeAlias = Literal["published", "corrected"]

SYMBOLS = "0123456789+-*/()."
"""Those an expression is made of; a symbol's action id is its place here."""
EXIT, CALCULATE, ANSWER, MINUS, END = range(len(SYMBOLS), len(SYMBOLS) + 5)
"""Ids of the other actions."""
LONGEST_CALL = 100
"""From so many symbols on, only what closes the expression is legal; the same as text may be as long."""

_SPACED = {"+": " + ", "-": " - ", "*": " * ", "/": " / ", "(": " ("}
_ACTIONS = {symbol: Action(place, _SPACED.get(symbol, symbol)) for place, symbol in enumerate(SYMBOLS)}


class Cursor(NamedTuple):
    """Where an expression stands."""

    last: str = ""
    """What its last symbol is: `` (none), `operator`, `(`, `)`, or of a number `zero`, `whole`, `point`,
    `decimal`; `exit` at the end."""
    depth: int = 0
    """Parentheses that are open."""
    length: int = 0


class Grammar:
    """What may follow in an expression.

    Args:
        variant: Whose rules; see the module's docstring.
        decimals: Whether there is a decimal point.
    """

    def __init__(self, variant: Variant, decimals: bool) -> None:
        self.variant = variant
        self.decimals = decimals

    def next(self, at: Cursor) -> str:
        """The legal symbols; `=` stands for the exit."""
        legal = self._next(at)
        if at.length < LONGEST_CALL or at.last == "exit":
            return legal
        for closing in "=)":
            if closing in legal:
                return closing
        return "".join(symbol for symbol in legal if symbol.isdigit() and symbol != "0")

    def _next(self, at: Cursor) -> str:
        last, published = at.last, self.variant == "published"
        close = ")" if at.depth else "="
        if last == "exit":
            return ""
        if last in ("", "operator", "("):
            return "123456789(" if published else "0123456789("
        if last == ")":
            return f"+-*/{close}"
        if last == "point":
            return f"0123456789{close.strip('=')}" if published else "0123456789"
        digits = "" if last == "zero" else "0123456789"
        point = "." if self.decimals and (published or last != "decimal") else ""
        return f"{digits}{point}+-*/{close}"

    def after(self, at: Cursor, symbol: str) -> Cursor:
        """Where the expression stands after a legal symbol."""
        length = at.length + 1
        if symbol == "=":
            return Cursor("exit", at.depth, length)
        if symbol in "()":
            return Cursor(symbol, at.depth + (1 if symbol == "(" else -1), length)
        if symbol in "+-*/":
            return Cursor("operator", at.depth, length)
        if symbol == ".":
            return Cursor("point", at.depth, length)
        if at.last in ("point", "decimal"):
            return Cursor("decimal", at.depth, length)
        return Cursor("zero" if symbol == "0" and at.last != "whole" else "whole", at.depth, length)

    def accepts(self, expression: str) -> bool:
        """Whether an expression can be entered, up to the exit; blanks may stand between symbols."""
        at = Cursor()
        if len(expression) > 8 * LONGEST_CALL or re.search(r"[0-9.]\s+[0-9.]", expression):
            return False
        for symbol in "".join(expression.split()):
            if symbol not in self.next(at):
                return False
            at = self.after(at, symbol)
        return "=" in self.next(at)


class ExpressionMode(Mode):
    """Enters an expression symbol by symbol until an exit action."""

    start = Cursor()

    def __init__(
        self, name: str, entry: Action, leave: Action, grammar: Grammar, pattern: re.Pattern[str]
    ) -> None:
        self.name, self.entry, self.grammar, self.pattern = name, entry, grammar, pattern
        self._actions = {**_ACTIONS, "=": leave}
        self._texts = {action.id: action.text for action in self._actions.values()}
        self._symbols = {action.id: symbol for symbol, action in self._actions.items()}
        self._menus: dict[str, tuple[Action, ...]] = {}

    def legal(self, state: Cursor) -> tuple[Action, ...]:
        """The actions of the legal symbols."""
        symbols = self.grammar.next(state)
        if symbols not in self._menus:
            self._menus[symbols] = tuple(self._actions[symbol] for symbol in symbols)
        return self._menus[symbols]

    def after(self, state: Cursor, action: int) -> Cursor:
        """The next place in the expression."""
        return self.grammar.after(state, self._symbols[action])

    def render(self, inside: Sequence[int]) -> str:
        """The symbols as they are written."""
        return "".join(self._texts[action] for action in inside)


class NumberMode(Mode):
    """Writes a number as the answer: perhaps a minus, digits, perhaps a point and digits, and the end."""

    name = "answer"
    start = "begin"
    entry = Action(ANSWER, "#### ")
    pattern = re.compile(r"####[ \t]?(?P<body>-?[0-9.,]{1,200})", re.ASCII)

    def __init__(self) -> None:
        end = Action(END, "\n")
        digits = tuple(_ACTIONS[digit] for digit in "0123456789")
        self._legal: dict[str, tuple[Action, ...]] = {
            "begin": (Action(MINUS, "-"), *digits),
            "minus": digits,
            "whole": (*digits, _ACTIONS["."], end),
            "point": digits,
            "decimal": (*digits, end),
            "full": (end,),
            "end": (),
        }
        self._texts = {action.id: action.text for menu in self._legal.values() for action in menu}

    def legal(self, state: str) -> tuple[Action, ...]:
        """What may follow."""
        return self._legal[state.partition(" ")[0]]

    def after(self, state: str, action: int) -> str:
        """The next place in the number; the length is counted, so that it comes to an end."""
        kind, _, length = state.partition(" ")
        if action == END:
            return "end"
        if action == MINUS:
            return "minus"
        if action == _ACTIONS["."].id:
            kind = "point"
        else:
            kind = "decimal" if kind in ("point", "decimal") else "whole"
        digits = int(length or 0) + 1
        return f"full {digits}" if digits >= LONGEST_CALL and kind != "point" else f"{kind} {digits}"

    def render(self, inside: Sequence[int]) -> str:
        """The number."""
        return "".join(self._texts[action] for action in inside)


def calculator(variant: Variant, decimals: bool) -> ExpressionMode:
    """The calculator: ` calculate 12 + 6 = `."""
    return ExpressionMode(
        "calculate",
        Action(CALCULATE, " calculate "),
        Action(EXIT, " = "),
        Grammar(variant, decimals),
        re.compile(r"\bcalculate[ \t]+(?P<body>[-+*/(). \t0-9]{1,800})=", re.ASCII | re.IGNORECASE),
    )


def expression_answer() -> ExpressionMode:
    """An answer that is an expression of whole numbers: `#### (1 + 2) / 3`."""
    return ExpressionMode(
        "answer",
        Action(ANSWER, "#### "),
        Action(END, "\n"),
        Grammar("corrected", decimals=False),
        re.compile(r"####[ \t]*(?P<body>[^\r\n]*)"),
    )


def calculate(expression: str, variant: Variant) -> str:
    """What the calculator prints: the value, or what is wrong.

    The published one computes in Python's numbers (0.1 + 0.2 - 0.3 gives 0.000), ours in fractions.
    """
    try:
        return shown(evaluate(expression, exact=variant == "corrected"))
    except ZeroDivisionError:
        return "Error: division by zero"
    except OverflowError:
        return "Error: the result is too large"
    except ValueError as error:
        return f"Error: {error}"
