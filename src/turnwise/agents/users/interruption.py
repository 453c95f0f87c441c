"""Interruptions: a user who changes their mind while somebody is at work (InterruptBench, arXiv 2604.00892).

An `Update` adds something to what is wanted, revises it or takes it back, once the other side has done `at`
things. A `Schedule` is several of them in order. `Interruption` is a user who says them, round any other
user; an environment without a user puts them into what it tells the agent (`tagged`). Either way the goal
stays versioned in the log: each update is a note (`interrupt`) of the turn that brought it.

Where a long task is interrupted is arithmetic of the published pipeline: after a share of what a run without
interruptions did (`point`), or half-way through what followed the interruption before (`halves`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from turnwise import wire
from turnwise.agent import Ask
from turnwise.agents.users.manner import Draft, Manner, Of, Wrapper, noted, of
from turnwise.agents.users.marks import ASIDE, MARK, mark_in, unmarked
from turnwise.errors import ConfigError, TaskError
from turnwise.message import Message, system
from turnwise.role import Role
from turnwise.task import Task
from turnwise.wire import Record

T = TypeVar("T", bound=Task)
Change: TypeAlias = Literal["addition", "revision", "retraction"]
Channel: TypeAlias = Literal["instead", "after", "own_words"]


class Update(Record, frozen=True, kw_only=True):
    """One change of mind.

    Raises:
        TaskError: it comes before the beginning, or says nothing.
    """

    kind: Change
    text: str
    at: int
    """How many actions the other side has done by then; a user says it as soon as it is asked after that."""

    def __post_init__(self) -> None:
        if self.at < 0 or not self.text.strip():
            raise TaskError(f"an update needs a text and a point >= 0, got {self.text!r} at {self.at}")


Schedule: TypeAlias = Sequence[Update]


UPDATES = "updates"
"""Where a row's `meta` brings its schedule, to any environment whose user heeds it (`scheduled`)."""


def scheduled(task: Task) -> Schedule:
    """The changes of mind that a row brings.

    Raises:
        TaskError: they are no updates, or not in the order of their points.
    """
    raw = task.meta.get(UPDATES)
    if raw is None:
        return ()
    place = f"task {task.id!r}, meta.{UPDATES}"
    try:
        found = wire.from_builtins(raw, tuple[Update, ...])
    except (msgspec.ValidationError, TaskError) as error:
        raise TaskError(f"{place}: {error}") from None
    if not _in_order(found):
        raise TaskError(f"{place}: expected them in the order of their points (at)")
    return found


def interrupted(task: T, schedule: Schedule) -> T:
    """A row that brings these changes of mind instead of its own."""
    meta: dict[str, Any] = {**task.meta, UPDATES: msgspec.to_builtins(list(schedule))}
    return msgspec.structs.replace(task, meta=meta)


def tagged(update: Update, actions: int) -> str:
    """An update as the published code appends it to an intent; `actions` were done by then."""
    return f"[User interrupt @action={actions}] {update.text}"


def point(actions: int, share: float) -> int:
    """After which action to interrupt: floor(share * actions).

    Raises:
        ConfigError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"an interruption comes after a share from 0 to 1 of the actions, got {share:g}")
    # Shares are written in decimals: 0.7 * 10 is 7, and not what binary fractions make of it.
    return int(round(share * actions, 9))


def halves(actions: int, before: int = 0) -> int:
    """Half-way through what was done after the interruption before: k + floor((N - k) / 2)."""
    return before + max(0, actions - before) // 2


class Interruption(Wrapper):
    """A user who interrupts.

    Args:
        schedule: The updates.
        inner: Who speaks otherwise.
        channel: `instead`: an update is all that is said, and nobody is asked; `after`: it follows what the
            user says anyway; `own_words`: the user's model is told it in private and says it its own way.
        tags: Whether updates are said as the published code writes them.
        hold: Whether a goodbye waits until every update was said; otherwise those left over are never said.
        marks: What ends the conversation.
        roles: Whose turns count as actions, calls of tools included; by default all but the user's own.

    Raises:
        ConfigError: the updates are not in the order of their points; or they would be told in private to a
            model that does not heed it.
    """

    def __init__(
        self,
        schedule: Of[Schedule],
        inner: Manner | None = None,
        *,
        channel: Channel = "after",
        tags: bool = False,
        hold: bool = True,
        marks: Sequence[str] = (MARK,),
        roles: Sequence[str] = (),
    ) -> None:
        super().__init__(inner)
        if channel == "own_words" and not all(layer.heeds for layer in self.inner.layers):
            raise ConfigError(
                "Interruption: channel 'own_words' tells the model in private, which a two-stage user never "
                "sees; use 'instead' or 'after'"
            )
        if not callable(schedule) and not _in_order(schedule):
            raise ConfigError("Interruption: expected the updates in the order of their points (at)")
        self.schedule = schedule
        self.channel: Channel = channel
        self.tags = tags
        self.hold = hold
        self.marks = tuple(marks)
        self.roles = tuple(roles)

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """What is said, with the update that is due."""
        schedule = of(self.schedule, role)
        done, number = actions(role, self.roles), len(noted(role, "interrupt"))
        update = schedule[number] if number < len(schedule) else None
        if update is not None and update.at <= done:
            return await self._interrupt(role, ask, update, done, number)
        draft = await self.inner.draft(role, ask)
        if update is None or not self.hold or mark_in(draft.text, self.marks) is None:
            return draft
        # The goodbye comes too early: there is something left to say.
        return self._say(draft, unmarked(draft.text, self.marks), update, done, number)

    async def _interrupt(self, role: Role, ask: Ask, update: Update, done: int, number: int) -> Draft:
        if self.channel == "instead":
            return self._say(Draft(Message(role="assistant")), "", update, done, number)
        if self.channel == "own_words":
            # Told once, even where a supervisor has the draft made again.
            private = system(f"{ASIDE}You change your mind now. Say so in your own words: {update.text}")
            if all(entry.message != private for entry in role.history):
                role.tell(private)
        draft = await self.inner.draft(role, ask)
        if draft.message.tool_calls:
            return draft
        if self.channel == "own_words":
            words = unmarked(draft.text, self.marks)
            return draft.saying(words or update.text).noting("interrupt", _note(update, done, number))
        return self._say(draft, unmarked(draft.text, self.marks), update, done, number)

    def _say(self, draft: Draft, words: str, update: Update, done: int, number: int) -> Draft:
        text = tagged(update, done) if self.tags else update.text
        whole = f"{words}\n\n{text}" if words else text
        return draft.saying(whole).noting("interrupt", _note(update, done, number))


def heeding(task: Task, manner: Manner | None = None, *, marks: Sequence[str] = (MARK,)) -> Manner | None:
    """`manner` with the changes of mind that a row brings; as it is, where it brings none."""
    schedule = scheduled(task)
    return Interruption(schedule, manner, marks=marks) if schedule else manner


def actions(role: Role, roles: Sequence[str] = ()) -> int:
    """Turns said so far by others than `role` (or by `roles`), calls of tools included."""
    episode = role.episode
    counted = roles or tuple(name for name in episode.roles if name != role.name)
    return sum(1 for turn in episode.turns if turn.role in counted)


def _in_order(schedule: Schedule) -> bool:
    return all(one.at <= other.at for one, other in pairwise(schedule))


def _note(update: Update, done: int, number: int) -> dict[str, object]:
    return {"number": number, "kind": update.kind, "text": update.text, "actions": done}
