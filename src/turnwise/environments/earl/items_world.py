"""The world of EARL's hidden values: items in a row, tools that look at them and move them.

A call (` compare A and B`, ` swap A and B`) ends the reply, and its result is the next observation. The
sequence is handed in by `done` (or an empty reply: nothing more to say), a comparison by an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

from turnwise.environments.parts.modes import Call, Mode, Modes
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldTask
from turnwise.errors import TaskError

_BARS = ("#bae6fd", "#7dd3fc", "#38bdf8", "#0284c7", "#075985")


class ItemsTask(WorldTask, frozen=True, kw_only=True):
    """Items to compare or sort; what is not given is drawn from the seed.

    Raises:
        TaskError: the values are not 2 to 5 different ones.
    """

    seed: int = 0
    values: tuple[int, ...] = ()
    """The hidden values of A, B, C …"""
    descending: bool | None = None
    """Which order is asked for."""

    def __post_init__(self) -> None:
        if self.values and not (len(set(self.values)) == len(self.values) in range(2, 6)):
            raise TaskError(f"task {self.id!r}: expected 2 to 5 different values, got {list(self.values)}")


class Hidden(NamedTuple):
    """Items with values the player does not see."""

    values: dict[str, int]
    descending: bool
    conditions: tuple[str, ...] = ()
    """What the player is told of their order."""

    @property
    def goal(self) -> list[str]:
        """The items in the order that is asked for."""
        return sorted(self.values, key=self.values.__getitem__, reverse=self.descending)

    def relation(self, a: str, b: str) -> str:
        """How two of them stand to each other, as `A < B`."""
        x, y = self.values[a], self.values[b]
        return f"{a} {'<' if x < y else '>' if x > y else '='} {b}"


class ItemsWorld(World):
    """Items in a row, and the tools to look at them and move them.

    Args:
        hidden: The items.
        tools: What may be called.
        says: What the player is told first.
        pay: The reward for what was handed in (the body of an answer, or nothing): whether it is right, and
            its efficiency.
    """

    def __init__(
        self,
        hidden: Hidden,
        tools: Iterable[Mode],
        says: str,
        pay: Callable[[ItemsWorld, str], tuple[bool, float]],
        offered: Iterable[Mode] | None = None,
    ) -> None:
        self.hidden = hidden
        self.row = list(hidden.values)
        self.first = tuple(self.row)
        self.calls: dict[str, int] = {}
        self.compared: set[frozenset[str]] = set()
        self._pay = pay
        self._read = Modes(tuple(tools))
        self._modes = self._read if offered is None else Modes(tuple(offered))
        self._says = says

    def observe(self) -> str:
        """The task at first, then results."""
        return self._says

    def actions(self) -> Modes:
        """Language and the tools."""
        return self._modes

    def key(self) -> str:
        """The row, how often each tool was called, and what was compared."""
        calls = " ".join(f"{name}={count}" for name, count in sorted(self.calls.items()))
        return f"{''.join(self.row)} {calls} {' '.join(sorted(''.join(sorted(p)) for p in self.compared))}"

    def step(self, reply: str) -> Step:
        """Do the first call of the reply."""
        call = self._read.read(reply)
        if call is None and reply.strip():
            self._says = "There is no call in your reply. Write one of those you were told of."
            return Step(valid=False)
        if call is None or call.mode.name in ("done", "answer"):
            return self._hand_in("" if call is None else call.body)
        result = self._result(call)
        if result is None:
            known = ", ".join(self.first)
            different = " The two must differ." if call.mode.name == "swap" else ""
            self._says = f"You cannot {call.mode.name} these; the items are {known}.{different}"
            return Step(valid=False)
        self.calls[call.mode.name] = self.calls.get(call.mode.name, 0) + 1
        self._says = result
        return Step()

    def _result(self, call: Call) -> str | None:
        """What a tool says; None where it cannot be called so."""
        a, b = call.body[0], call.body.split()[-1][-1]
        tool = call.mode
        legal = {action.text.strip() for action in tool.legal(())}
        if a not in legal or (tool.name != "check" and b not in legal):
            return None
        values = self.hidden.values
        if tool.name == "check":
            return _check(values[a], call.body.split()[-1]) if a in values else _undefined("check", a)
        if tool.name == "swap":
            if a == b:
                return None
            if a in values and b in values:
                i, j = self.row.index(a), self.row.index(b)
                self.row[i], self.row[j] = b, a
            return ", ".join(self.row)
        if unknown := [letter for letter in (a, b) if letter not in values]:
            return _undefined("compare", *unknown)
        self.compared.add(frozenset((a, b)))
        return self.hidden.relation(a, b)

    def _hand_in(self, answer: str) -> Step:
        right, efficiency = self._pay(self, answer)
        self.over, self.outcome = True, "right" if right else "wrong"
        return Step((Gain(0.5 * right, "correct"), Gain(0.5 * efficiency if right else 0.0, "efficiency")))

    def proved(self) -> bool:
        """Whether the comparisons leave one order only: each two neighbours in it were compared."""
        return all(frozenset(two) in self.compared for two in pairwise(self.hidden.goal))

    def metrics(self) -> dict[str, float]:
        """How often the tools were called."""
        return {f"{name}s": self.calls.get(name, 0) for name in ("compare", "swap")}

    def picture(self) -> Board:
        """A bar for each item, as high as its hidden value."""
        ranks = {name: rank for rank, name in enumerate(sorted(self.row, key=self.hidden.values.__getitem__))}
        blank = Cell(" ", "#0f172a", "#f8fafc")
        rows = [
            tuple(Cell(" ", paper=_BARS[ranks[i]]) if ranks[i] >= level else blank for i in self.row)
            for level in range(len(self.row) - 1, -1, -1)
        ]
        names = tuple(Cell(item, "#f8fafc", "#334155") for item in self.row)
        order = "descending" if self.hidden.descending else "ascending"
        return Board((*rows, names), f"{order} order", ", ".join(f"{n}: {k}" for n, k in self.calls.items()))


def _undefined(what: str, *letters: str) -> str:
    return f"Cannot {what} undefined symbols: {', '.join(letters)}."


def _check(value: int, name: str) -> str:
    return str(
        {"negative": value < 0, "positive": value > 0, "even": value % 2 == 0}.get(name, value % 2 == 1)
    )
