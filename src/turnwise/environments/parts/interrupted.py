"""Interruptions in a world where nobody but the agent speaks: any world, with updates put into what it tells.

An environment of worlds makes one in `world(task, rng)`, as below. What counts as done in the end stays the
world's business: it is made for the goal as it is after all updates.

    class Hurried(Keydoor, kw_only=True, frozen=True):
        def world(self, task, rng):
            return InterruptedWorld(super().world(task, rng), [Update(kind="addition", text="Hurry!", at=3)])

A prefix of actions can be replayed first (InterruptBench's second stage): the agent is then told all of it,
and goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from turnwise.action import ActionSpace
from turnwise.agents.users.interruption import Schedule, Update, tagged
from turnwise.environments.parts.picture import Picture
from turnwise.environments.parts.world import Step, World
from turnwise.errors import ConfigError
from turnwise.message import Part, Text
from turnwise.role import Says

Mode: TypeAlias = Literal["append", "replace"]


class InterruptedWorld(World):
    """A world, and a user who changes their mind.

    Each interruption is a note (`interrupt`) of the reply that follows it, and the metrics `actions`,
    `replayed` and `interrupted` count what was done and said. What is paid for replayed actions was paid
    before.

    Args:
        world: At its start; the first to move is the one who is interrupted.
        schedule: The updates by their points, in order; those that are due at once are told at once.
        prefix: Actions to replay before anybody is asked; those beyond the first interruption are left out.
        mode: Whether an update is added to the goal (as published, with its tag), or told as the goal.
    """

    def __init__(
        self,
        world: World,
        schedule: Schedule,
        *,
        prefix: Sequence[str] = (),
        mode: Mode = "append",
    ) -> None:
        if any(one.at > other.at for one, other in pairwise(schedule)):
            raise ConfigError("an interruption schedule must be in the order of its points")
        self.inner = world
        self.role = world.mover
        self.schedule = tuple(schedule)
        self.mode: Mode = mode
        self.done = 0
        """Actions of the interrupted role."""
        self.replayed = 0
        self.told = 0
        """Updates that were told."""
        self._past = ""
        self._news = ""
        self._note: dict[str, Any] | None = None
        stop = schedule[0].at if schedule else len(prefix)
        for action in prefix[:stop]:
            if world.over:
                break
            self._past += f"{_text(world.observe())}\n> {action.strip()}\n"
            world.step(action)
            self.done += 1
        self.replayed = self.done
        self._share()
        self._interrupt()

    def observe(self) -> Says:
        """What the world tells, what was replayed before it, and the update that is due after it."""
        says = self.inner.observe()
        past, self._past = self._past, ""
        news, self._news = self._news, ""
        if not (past or news):
            return says
        if isinstance(says, str):
            return f"{past}{says}{news}"
        return (Text(text=past), *_parts(says), Text(text=news))

    def step(self, reply: str) -> Step:
        """Take a reply, and count it if it is the interrupted role's."""
        mine = self.inner.mover == self.role
        took = self.inner.step(reply)
        note, self._note = (self._note, None) if mine else (None, self._note)
        self.done += mine
        self._share()
        self._interrupt()
        return took if note is None else took._replace(notes={**took.notes, "interrupt": note})

    def _share(self) -> None:
        self.mover, self.over, self.outcome = self.inner.mover, self.inner.over, self.inner.outcome

    def _interrupt(self) -> None:
        """Have told what is due."""
        due = [update for update in self.schedule[self.told :] if update.at <= self.done]
        if self.over or not due or self.mover != self.role:
            return
        texts = "\n".join(update.text for update in due)
        whole = Update(kind=due[0].kind, text=texts, at=due[0].at)
        self._news = f"\n\n{tagged(whole, self.done) if self.mode == 'append' else f'Your task now: {texts}'}"
        self._note = {"number": self.told, "kind": whole.kind, "text": texts, "actions": self.done}
        self.told += len(due)

    # As the world has it -------------------------------------------------------------------------------

    def actions(self) -> ActionSpace | None:
        """The world's."""
        return self.inner.actions()

    def key(self) -> str | None:
        """The world's key, what is told by now, and the clock while something is still to be told."""
        key = self.inner.key()
        if key is None:
            return None
        clock = "" if self.told == len(self.schedule) else str(self.done)
        return f"{key}|{self.told}{'!' if self._note else ''}{clock}"

    def closing(self) -> Says | None:
        """The world's."""
        return self.inner.closing()

    def metrics(self) -> Mapping[str, float]:
        """The world's, and what was done and told."""
        counts = {"actions": self.done, "replayed": self.replayed, "interrupted": self.told}
        return {**self.inner.metrics(), **counts}

    def picture(self) -> Picture | None:
        """The world's."""
        return self.inner.picture()


def _text(says: Says) -> str:
    """An observation as text; what is no text is left out."""
    if isinstance(says, str):
        return says
    return "".join(part.text for part in _parts(says) if isinstance(part, Text))


def _parts(says: Says) -> Sequence[Part]:
    if isinstance(says, str) or not isinstance(says, Sequence):
        raise ConfigError("an interrupted world tells text or content parts, not whole messages")
    return says
