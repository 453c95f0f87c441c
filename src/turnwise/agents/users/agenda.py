"""An agenda-driven user, which needs no model: a goal, a stack of things to say, and rules that move it.

After Schatzmann, Thomson, Weilhammer, Ye & Young 2007, "Agenda-Based User Simulation for Bootstrapping a
POMDP Dialogue System" (NAACL-HLT): the goal is what the user knows (constraints) and wants to know
(requests); the agenda is a stack of acts that fulfil it. Each turn of the system pushes acts on top (an
answer to what it asks, a correction of what it got wrong) and takes off those no longer needed; then the
user pops a few and says them. Acts here are texts, and what the system says is read by patterns.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator, Sequence
from typing import Any

import msgspec

from turnwise.agents.users.marks import MARK
from turnwise.errors import ConfigError
from turnwise.message import Message


def _check(slot: str, says: Sequence[str], *patterns: str | None) -> None:
    """Refuse what could not be said, or not be looked for, once the conversation has come there."""
    if not says:
        raise ConfigError(f"goal: {slot!r}: expected at least one way to say it")
    for pattern in patterns:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ConfigError(f"goal: {slot!r}: {pattern!r} is no pattern: {error}") from None


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the user knows and the system needs.

    Raises:
        ConfigError: there is no way to say it, or a pattern is none.
    """

    slot: str
    value: str
    says: tuple[str, ...] = ("The {slot} is {value}.",)
    """Ways to say it; `{slot}` and `{value}` are filled in."""
    asked: str | None = None
    """Pattern of the system's question for it; by default the slot's name in a sentence with `?`."""
    wrong: str | None = None
    """Pattern of the system having it wrong; group 1, where there is one, is the value it has."""

    def __post_init__(self) -> None:
        _check(self.slot, self.says, self.asked, self.wrong)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the user wants to know.

    Raises:
        ConfigError: there is no way to say it, or a pattern is none.
    """

    slot: str
    says: tuple[str, ...] = ("What is the {slot}?",)
    told: str
    """Pattern of the system's telling it."""

    def __post_init__(self) -> None:
        _check(self.slot, self.says, self.told)


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What a user has in mind."""

    opening: str
    constraints: tuple[Constraint, ...] = ()
    requests: tuple[Wanted, ...] = ()
    closing: str = "Thank you, goodbye."


class _Act(msgspec.Struct, frozen=True):
    slot: str
    text: str


class Agenda:
    """The stack of one user in one conversation.

    Args:
        goal: What they have in mind.
        rng: Chooses words, and how much is said at once.
        most: Most acts in one turn.
        patience: Turns after which the user gives up.
        mark: What they say in the end.

    Raises:
        ConfigError: nothing would ever be said.
    """

    def __init__(
        self, goal: Goal, rng: random.Random, *, most: int = 2, patience: int = 20, mark: str = MARK
    ) -> None:
        if most < 1 or patience < 1:
            raise ConfigError(f"agenda: expected most and patience of 1 or more, got {most} and {patience}")
        self.goal = goal
        self.rng = rng
        self.most = most
        self.patience = patience
        self.mark = mark
        self.open = {wanted.slot for wanted in goal.requests}
        """What the user has not been told yet."""
        self._turns = 0
        # The top of the stack is its end: first what the user knows, in order, then what they want.
        self._stack = [
            *(_Act(wanted.slot, self._word(wanted.says, wanted.slot)) for wanted in reversed(goal.requests)),
            *(self._inform(constraint) for constraint in reversed(goal.constraints)),
        ]

    def first(self) -> str:
        """How the user begins."""
        return self._say([self.goal.opening])

    def next(self, heard: str) -> str:
        """What the user says to what the system said."""
        self._turns += 1
        self._update(heard)
        if not self._stack and not self.open:
            return f"{self.goal.closing} {self.mark}"
        if self._turns >= self.patience:
            return self.mark
        if not self._stack:
            # Still not told: ask again.
            self._stack = [
                _Act(wanted.slot, self._word(wanted.says, wanted.slot))
                for wanted in reversed(self.goal.requests)
                if wanted.slot in self.open
            ]
        return self._say([])

    def _update(self, heard: str) -> None:
        for wanted in self.goal.requests:
            if wanted.slot in self.open and re.search(wanted.told, heard, re.IGNORECASE):
                self.open.discard(wanted.slot)
                self._drop(wanted.slot)
        for constraint in reversed(self.goal.constraints):
            asked = constraint.asked or rf"\b{re.escape(constraint.slot)}\b[^.!?]*\?"
            if self._is_wrong(constraint, heard) or re.search(asked, heard, re.IGNORECASE):
                self._drop(constraint.slot)
                self._stack.append(self._inform(constraint))

    def _is_wrong(self, constraint: Constraint, heard: str) -> bool:
        if constraint.wrong is None:
            return False
        found = re.search(constraint.wrong, heard, re.IGNORECASE)
        if found is None:
            return False
        # A group that took no part has no value either: the pattern says wrong.
        return not found.groups() or (found[1] or "").strip().casefold() != constraint.value.casefold()

    def _drop(self, slot: str) -> None:
        self._stack = [act for act in self._stack if act.slot != slot]

    def _inform(self, constraint: Constraint) -> _Act:
        return _Act(constraint.slot, self._word(constraint.says, constraint.slot, constraint.value))

    def _word(self, ways: Sequence[str], slot: str, value: str = "") -> str:
        return self.rng.choice(ways).replace("{slot}", slot).replace("{value}", value)

    def _say(self, begun: list[str]) -> str:
        count = min(self.rng.randint(1, self.most), len(self._stack))
        return " ".join([*begun, *(self._stack.pop().text for _ in range(count))])


def agenda_user(
    goal_of: Callable[[Any], Goal], **options: Any
) -> Callable[..., Generator[Any, Message, None]]:
    """A scripted agent for `Environment.agents`: the user of each task, as `goal_of(task)` says.

    Its first message is what it says first; the first message it receives only starts it.
    """

    def user(task: Any, rng: random.Random) -> Generator[Any, Message, None]:
        agenda = Agenda(goal_of(task), rng, **options)
        heard = yield
        heard = yield agenda.first()
        while True:
            heard = yield agenda.next(heard.text)

    return user
