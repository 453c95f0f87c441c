"""Scripted dialogue: the other side's turns are written beforehand; only the agent's answers are open.

A `Dialogue` is a row of `Line`s. A line that is scored is put to the agent and its answer kept; a line that
is not scored brings its own stored answer, which the agent remembers as its own (an instruction it said
"OK" to, a part of the conversation that is given). With `history="gold"` the agent remembers the stored
answer after scored lines, too, so that its own errors cannot spread to later turns.

Half of all dialogue benchmarks are data for this: they bring lines, and a way to score an `Exchange`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from turnwise.agent import Entry
from turnwise.environments.parts.views import respond_to
from turnwise.errors import TaskError
from turnwise.log import Turn
from turnwise.message import assistant, system
from turnwise.role import Role
from turnwise.task import Task
from turnwise.wire import Record

History: TypeAlias = Literal["own", "gold"]


class Line(Record, frozen=True, kw_only=True):
    """One scripted turn: what is said to the agent, and what is known of the answer."""

    id: str
    """Within the dialogue; scored lines have distinct ids."""
    user: str
    """What is said to the agent."""
    reference: str = ""
    """The stored answer."""
    scored: bool = True
    """Whether the agent answers itself; otherwise the stored answer stands for it."""
    needs: str | None = None
    """Id of the earlier line that holds what this one is about; None where it stands for itself."""
    twin: str | None = None
    """Id of the dialogue that asks the same in a single turn."""


class Dialogue(Task, frozen=True, kw_only=True):
    """A scripted dialogue.

    Raises:
        TaskError: where two scored lines share an id, or a line needs one that does not stand before it.
    """

    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        before: set[str] = set()
        scored: set[str] = set()
        for line in self.lines:
            if line.scored and line.id in scored:
                raise TaskError(
                    f"dialogue {self.id!r}: the line id {line.id!r} occurs twice; ids must differ"
                )
            if line.needs is not None and line.needs not in before:
                raise TaskError(
                    f"dialogue {self.id!r}: line {line.id!r} needs {line.needs!r}, not said before it"
                )
            before.add(line.id)
            if line.scored:
                scored.add(line.id)

    def distance(self, index: int) -> int:
        """How many lines lie from the content a line needs to the line itself; 0 where it holds it itself."""
        needs = self.lines[index].needs
        if needs is None:
            return 0
        return next(index - at for at in range(index - 1, -1, -1) if self.lines[at].id == needs)


class Exchange(NamedTuple):
    """A scored line and what the agent answered."""

    line: Line
    at: int
    """Index of the line among the dialogue's lines, from 0."""
    position: int
    """Of the line among the scored ones, from 1."""
    reply: Turn
    before: str
    """What it had said to the line this one needs (stored, or its own); empty where it needs none."""


def scored(lines: Iterable[Line]) -> list[Line]:
    """The lines the agent answers itself."""
    return [line for line in lines if line.scored]


async def converse(
    role: Role, dialogue: Dialogue, *, history: History = "own", told: str | None = None
) -> None:
    """Lead `role` through a dialogue; `exchanges` then finds its answers among the episode's turns.

    Args:
        role: Who answers.
        dialogue: The script.
        history: Whether the role remembers its `own` answers or the stored `gold` ones.
        told: A system message to begin with.
    """
    view = role.history

    def said(turn: Turn) -> None:
        view.append(Entry(turn.index, turn.message))

    if told is not None:
        said(role.tell(system(told)))
    for line in dialogue.lines:
        said(role.tell(line.user))
        if not line.scored:
            said(role.post(line.reference))
        elif history == "own":
            await role.respond()
        else:
            await respond_to(role, view)
            gold = assistant(line.reference)
            view.append(Entry(gold, gold))


def exchanges(dialogue: Dialogue, turns: Sequence[Turn], role: str = "agent") -> list[Exchange]:
    """The scored lines that `role` answered, in order, found in the turns of an episode.

    A pure function of the log, so that any stored episode can be scored again. A line's answer is the last
    thing the role said to it that is not a call of tools; lines that got none are left out.
    """
    answers: list[Turn | None] = []
    for turn in turns:
        at = len(answers)
        if turn.role == role and answers:
            if not turn.message.tool_calls:
                answers[-1] = turn
        elif turn.message.role == "user" and turn.to in ((), (role,)):
            answers += [None for line in dialogue.lines[at : at + 1] if turn.text == line.user]
    found: list[Exchange] = []
    position = 0
    for index, (line, reply) in enumerate(zip(dialogue.lines, answers, strict=False)):
        position += line.scored
        if line.scored and reply is not None:
            needed = None if line.needs is None else answers[index - dialogue.distance(index)]
            found.append(Exchange(line, index, position, reply, "" if needed is None else needed.text))
    return found
