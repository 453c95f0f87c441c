"""Chat templates of which one can tell that an exchange is written the same however much came before it.

A conversation's text has to be made anew in each turn only because a template is a program, which might count
its messages. Most do not: they go through the messages once and write each by itself and its neighbours. That
can be read from the template, and then a turn costs what it adds, not what the conversation holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from jinja2 import Environment, TemplateSyntaxError, nodes

Item = TypeVar("Item")

_STATEFUL = {"namespace", "cycler", "joiner"}
"""What carries something from one message to a later one; names that are set within a loop do not."""
_ELSEWHERE = (nodes.Break, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)
_NEIGHBOURS = {"first", "last", "previtem", "nextitem"}


def is_steady(source: object) -> bool:
    """Whether a message's text follows from the message, its two neighbours, the first message of all, and
    whether it is the first or the last; in doubt, not.

    Args:
        source: The template. What is no text (several templates by name) is not.
    """
    if not isinstance(source, str):
        return False
    try:
        tree = Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"]).parse(source)
    except TemplateSyntaxError:
        # Extensions of transformers' own, such as `generation`.
        return False
    return _steady(tree, 0)


def shortened(messages: Sequence[Item], last: int) -> list[Item]:
    """Of a conversation, what the text from the message `last` on follows from, if the template is steady."""
    return list(messages) if last < 3 else [messages[0], *messages[last - 1 :]]


def _steady(node: nodes.Node, loops: int) -> bool:
    """Whether a part of a template keeps to what `is_steady` says, `loops` deep in loops."""
    if isinstance(node, _ELSEWHERE):
        return False
    if isinstance(node, nodes.Name):
        # Names that are fine are not come by here.
        return node.name not in _STATEFUL | {"messages", "loop"}
    if isinstance(node, nodes.For) and _is(node.iter, "messages"):
        parts = [*node.body, *node.else_]
        plain = loops == 0 and node.test is None and not node.recursive and not _is(node.target, "messages")
        return plain and all(_steady(part, 1) for part in parts)
    if isinstance(node, nodes.For):
        return not node.recursive and all(_steady(part, loops + 1) for part in node.iter_child_nodes())
    if isinstance(node, nodes.Getattr) and _is(node.node, "loop"):
        # An inner loop goes through what one message holds.
        return node.attr in _NEIGHBOURS or (loops > 1 and node.attr not in {"changed", "cycle"})
    if isinstance(node, nodes.Getitem) and _is(node.node, "messages"):
        return _near(node.arg, loops)
    if isinstance(node, nodes.Compare) and _place(node.expr, loops):
        # `loop.index0 == 0` is `loop.first`.
        return [(one.op, _number(one.expr)) for one in node.ops] in ([("eq", 0)], [("ne", 0)], [("gt", 0)])
    return all(_steady(part, loops) for part in node.iter_child_nodes())


def _near(index: nodes.Node, loops: int) -> bool:
    """Whether an index is that of the first message, or of the one before or behind the loop's."""
    if isinstance(index, (nodes.Add, nodes.Sub)):
        return _place(index.left, loops) and _number(index.right) == 1
    return _number(index) == 0 or _place(index, loops)


def _place(node: nodes.Node, loops: int) -> bool:
    """Whether it is `loop.index0` of the loop through the messages."""
    return loops == 1 and isinstance(node, nodes.Getattr) and node.attr == "index0" and _is(node.node, "loop")


def _is(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == name


def _number(node: nodes.Node) -> object:
    return node.value if isinstance(node, nodes.Const) else None
