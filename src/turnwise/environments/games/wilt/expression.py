"""Lambda expressions that a model wrote, compiled without trusting them.

The text is parsed, checked node by node against what a rule about three numbers can need (arithmetic, bit
operations, comparisons, conditionals, comprehensions, `math`, a few built-ins and `itertools`), rewritten so
that whatever could blow up passes through `guards`, and compiled once. No name, attribute or statement
outside that list survives, there are no strings and no built-ins, and only known functions can be called, so
the compiled code can neither reach the interpreter nor recurse.

Anything else in a guess makes it invalid. The official harness evaluates every Python expression; what it
takes and this does not (strings, f-strings, dicts, `:=`, imports, the harness's own variables) is listed here
because such a guess counts as wrong.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, cast

from turnwise.environments.games.wilt.guards import MATH_VALUES, METHODS, MOST_BITS, MOST_WORK, Guards

MOST_CHARACTERS = 2000
MOST_NODES = 400
MOST_DEPTH = 40

Scope: TypeAlias = Mapping[str, bool]
"""Names in sight, and whether each certainly holds a number."""

_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor),
)
_GUARDED: dict[type[ast.operator], str] = {ast.Mult: "mul!", ast.Pow: "pow!", ast.LShift: "shl!"}
_GROWING = (ast.Add, ast.BitOr, ast.BitXor)
_KEYWORDS = (
    *("key", "default", "reverse", "start", "rel_tol", "abs_tol", "strict", "ndigits", "repeat"),
    *("r", "p", "q"),
)
_NUMERIC = ("abs", "all", "any", "bool", "float", "int", "isinstance", "len", "round")
"""Functions that return numbers whatever they are given."""


class InvalidLambda(ValueError):
    """A text that is not a lambda expression of three numbers, or one that uses what it may not."""


class Expression:
    """A function of three numbers.

    Attributes:
        source: Its text.
    """

    __slots__ = ("_function", "_guards", "source")

    def __init__(self, source: str, function: Callable[..., Any], guards: Guards) -> None:
        self.source = source
        self._function = function
        self._guards = guards

    def __call__(self, x: float, y: float, z: float) -> Any:
        """Its value, usually a bool.

        Raises:
            Exception: any, for what it cannot compute; `guards.TooMuch` where it wants too much.
        """
        self._guards.left = MOST_WORK
        return self._function(x, y, z)

    @property
    def work(self) -> int:
        """The effort of the last call, in items walked over."""
        return MOST_WORK - self._guards.left


def compile_lambda(source: str) -> Expression:
    """The function that `source`, e.g. `lambda x, y, z: x < y < z`, stands for.

    Raises:
        InvalidLambda: in one line, what is wrong with it.
    """
    source = source.strip()
    tree = _parse(source)
    guards = Guards()
    functions = guards.functions()
    writer = _Writer(functions, guards.modules())
    function = ast.Expression(writer.function(tree, {}, numbers=True))
    scope: dict[str, Any] = {"__builtins__": {}, **functions, **guards.operations(), **writer.named}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(ast.fix_missing_locations(function), "<guess>", "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidLambda(f"not a usable function: {error}") from None
    return Expression(source, eval(code, scope), guards)


def _parse(source: str) -> ast.Lambda:
    if len(source) > MOST_CHARACTERS:
        _refuse(f"a function of more than {MOST_CHARACTERS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidLambda(f"not a Python expression: {error}") from None
    level: list[ast.AST] = [tree]
    nodes = depth = 0
    while level:
        nodes += len(level)
        depth += 1
        if nodes > MOST_NODES or depth > MOST_DEPTH:
            _refuse(f"a function of more than {MOST_NODES} parts or {MOST_DEPTH} levels")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if not isinstance(tree, ast.Lambda):
        _refuse("anything but a lambda expression")
    return tree


def _refuse(what: str) -> NoReturn:
    raise InvalidLambda(f"{what} is not allowed here")


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


_Display: TypeAlias = ast.Tuple | ast.List | ast.Set
_Comprehension: TypeAlias = ast.GeneratorExp | ast.ListComp | ast.SetComp


class _Writer:
    """Checks expressions and writes their guarded form."""

    def __init__(self, functions: Mapping[str, Any], modules: Mapping[str, Mapping[str, Any]]) -> None:
        self._functions = functions
        self._modules = modules
        self.named: dict[str, Any] = {}
        """The members of modules that the expression names, by the name the compiled code uses."""

    def expression(self, node: ast.expr, scope: Scope) -> ast.expr:
        """The guarded form of any expression."""
        match node:
            case ast.Constant(value=bool() | None | float()):
                return node
            case ast.Constant(value=int() as number) if number.bit_length() <= MOST_BITS:
                return node
            case ast.Name(id=name):
                return node if name in scope or name in self._functions else _refuse(f"the name {name!r}")
            case ast.UnaryOp(op, operand):
                return ast.UnaryOp(op, self.expression(operand, scope))
            case ast.BoolOp(op, values):
                return ast.BoolOp(op, self.all(values, scope))
            case ast.Compare(left, ops, comparators):
                return ast.Compare(self.expression(left, scope), ops, self.all(comparators, scope))
            case ast.IfExp(test, body, orelse):
                parts = self.all([test, body, orelse], scope)
                return ast.IfExp(parts[0], parts[1], parts[2])
            case ast.BinOp():
                return self.binary(node, scope)
            case ast.Lambda():
                return self.function(node, scope)
            case ast.Call():
                return self.call(node, scope)
            case ast.Attribute():
                return self.member(node, scope)
            case ast.Tuple(elts) | ast.List(elts) | ast.Set(elts):
                return self.display(node, elts, scope)
            case ast.Starred(value):
                return ast.Starred(_call("walk!", self.expression(value, scope)), ast.Load())
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
                return self.comprehension(node, scope)
            case ast.Subscript(value, ast.Slice(lower, upper, step)):
                ends = [None if end is None else self.expression(end, scope) for end in (lower, upper, step)]
                return ast.Subscript(self.expression(value, scope), ast.Slice(*ends), ast.Load())
            case ast.Subscript(value, index):
                return ast.Subscript(self.expression(value, scope), self.expression(index, scope), ast.Load())
            case _:
                return _refuse(_named(node))

    def all(self, nodes: Sequence[ast.expr], scope: Scope) -> list[ast.expr]:
        """The guarded forms of several expressions."""
        return [self.expression(node, scope) for node in nodes]

    def function(self, node: ast.Lambda, scope: Scope, *, numbers: bool = False) -> ast.Lambda:
        """A lambda expression; its parameters are `numbers` where nothing else can be given to them."""
        given = node.args
        if given.kwonlyargs or given.kwarg:
            _refuse("a keyword-only parameter")
        inner = {**scope}
        for parameter in (*given.posonlyargs, *given.args):
            inner[_variable(parameter.arg)] = numbers
        if given.vararg is not None:
            inner[_variable(given.vararg.arg)] = False
        given.defaults = self.all(given.defaults, scope)
        if numbers and not all(_is_number(default, scope) for default in given.defaults):
            _refuse("a default value that is not a number")
        return ast.Lambda(given, self.expression(node.body, inner))

    def binary(self, node: ast.BinOp, scope: Scope) -> ast.expr:
        """An operation on two values."""
        if not isinstance(node.op, _OPERATORS):
            _refuse(_named(node.op))
        left, right = self.all([node.left, node.right], scope)
        guard = _GUARDED.get(type(node.op))
        if guard is not None:
            return _call(guard, left, right)
        written = ast.BinOp(left, node.op, right)
        if isinstance(node.op, _GROWING) and not _is_number(node, scope):
            return _call("hold!", written)
        return written

    def display(self, node: _Display, elements: list[ast.expr], scope: Scope) -> ast.expr:
        """A tuple, list or set that is written out."""
        items = self.all(elements, scope)
        written = ast.Set(items) if isinstance(node, ast.Set) else type(node)(items, ast.Load())
        flat = all(_is_number(element, scope) for element in elements)
        return written if flat else _call("hold!", written)

    def comprehension(self, node: _Comprehension, scope: Scope) -> ast.expr:
        """A comprehension or generator expression."""
        bound = [name for part in node.generators for name in _targets(part.target)]
        # A variable may still hold what an earlier round gave it, so it counts as a number only where it is
        # bound once, and only from there on.
        inner = {**scope, **dict.fromkeys(bound, False)}
        generators: list[ast.comprehension] = []
        for number, part in enumerate(node.generators):
            if part.is_async:
                _refuse("async")
            around = inner if number else scope
            items = _call("walk!", self.expression(part.iter, around))
            if isinstance(part.target, ast.Name) and bound.count(part.target.id) == 1:
                inner[part.target.id] = _holds_numbers(part.iter, around)
            generators.append(ast.comprehension(part.target, items, self.all(part.ifs, inner), 0))
        written = type(node)(self.expression(node.elt, inner), generators)
        return written if isinstance(node, ast.GeneratorExp) else _call("hold!", written)

    def call(self, node: ast.Call, scope: Scope) -> ast.expr:
        """A call of a known function, of a method of numbers or containers, or of a lambda on the spot."""
        arguments = self.all(node.args, scope)
        keywords: list[ast.keyword] = []
        for given in node.keywords:
            if given.arg not in _KEYWORDS:
                _refuse(f"the keyword argument {given.arg or '**'}")
            keywords.append(ast.keyword(given.arg, self.expression(given.value, scope)))
        function = node.func
        if isinstance(function, ast.Lambda):
            return ast.Call(self.function(function, scope), arguments, keywords)
        if isinstance(function, ast.Name):
            if function.id in scope or function.id not in self._functions:
                _refuse(f"calling {function.id!r}")
            return ast.Call(function, arguments, keywords)
        if isinstance(function, ast.Attribute):
            if self._module(function, scope) is None and function.attr in METHODS:
                return _call(f".{function.attr}!", self.expression(function.value, scope), *arguments)
            return ast.Call(self.member(function, scope), arguments, keywords)
        return _refuse(f"calling {_named(function)}")

    def member(self, node: ast.Attribute, scope: Scope) -> ast.expr:
        """A function or constant of a module."""
        module = self._module(node, scope)
        if module is None:
            return _refuse(f"the attribute {node.attr!r}")
        if node.attr not in self._modules[module]:
            _refuse(f"{module}.{node.attr}")
        name = f"{module}.{node.attr}"
        self.named[name] = self._modules[module][node.attr]
        return ast.Name(name, ast.Load())

    def _module(self, node: ast.Attribute, scope: Scope) -> str | None:
        match node.value:
            case ast.Name(id=name) if name not in scope and name in self._modules:
                return name
            case _:
                return None


def _variable(name: str) -> str:
    """A name that a parameter or loop variable may have."""
    return _refuse(f"the name {name!r}") if name.startswith("__") else name


def _targets(target: ast.expr) -> list[str]:
    """The names a loop binds: one, or a flat tuple of them."""
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    if not all(isinstance(one, ast.Name) for one in targets):
        _refuse("a loop variable that is not a name")
    return [_variable(one.id) for one in cast("list[ast.Name]", targets)]


def _is_number(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression can only be a number (or fail)."""
    match node:
        case ast.Constant() | ast.UnaryOp() | ast.Compare():
            return True
        case ast.Name(id=name):
            return scope.get(name, False)
        case ast.BinOp(left, _, right) | ast.IfExp(_, left, right):
            return _is_number(left, scope) and _is_number(right, scope)
        case ast.BoolOp(_, values):
            return all(_is_number(value, scope) for value in values)
        case ast.Call(ast.Name(id=name)):
            return name in _NUMERIC and name not in scope
        case ast.Attribute(ast.Name(id="math"), name):
            return name in MATH_VALUES and "math" not in scope
        case _:
            return False


def _holds_numbers(node: ast.expr, scope: Scope) -> bool:
    """Whether what is walked over can only hold numbers."""
    match node:
        case ast.Tuple(elts) | ast.List(elts) | ast.Set(elts):
            return all(_is_number(element, scope) for element in elts)
        case ast.Call(ast.Name(id="range")):
            return "range" not in scope
        case _:
            return False


def _named(node: ast.AST) -> str:
    """What kind of thing a node is, for an error message."""
    if isinstance(node, ast.Constant):
        return f"the constant {str(node.value)[:20]!r}"
    return f"the construct {type(node).__name__}"
