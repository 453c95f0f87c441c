"""Single-turn twins: a query of a dialogue, asked again so that it stands alone.

The pair separates what a model cannot do from what it cannot do *in conversation*. A line names its twin by
the id of a dialogue of one scored line (`Line.twin`); several lines may share one twin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from turnwise.environments.parts.scripted import Dialogue, Line, scored
from turnwise.environments.parts.views import ask_alone
from turnwise.errors import TaskError, did_you_mean
from turnwise.log import Turn
from turnwise.role import Role


class Pair(NamedTuple):
    """A scored line of a dialogue, and the dialogue that asks it alone."""

    dialogue: Dialogue
    line: Line
    twin: Dialogue


def pairs(dialogues: Iterable[Dialogue], twins: Iterable[Dialogue]) -> list[Pair]:
    """Every scored line that has a twin, with it.

    Raises:
        TaskError: where a line names a twin that is not there, or a twin has not exactly one scored line.
    """
    by_id = {twin.id: twin for twin in twins}
    for twin in by_id.values():
        if len(scored(twin.lines)) != 1:
            raise TaskError(f"twin {twin.id!r} has {len(scored(twin.lines))} scored lines; a twin has one")
    found: list[Pair] = []
    for dialogue in dialogues:
        for line in scored(dialogue.lines):
            if line.twin is None:
                continue
            if line.twin not in by_id:
                near = did_you_mean(line.twin, by_id)
                raise TaskError(f"dialogue {dialogue.id!r}: line {line.id!r} has no twin {line.twin!r}{near}")
            found.append(Pair(dialogue, line, by_id[line.twin]))
    return found


def stand_alone(dialogue: Dialogue, line: Line, merge: Callable[[str, str], str]) -> Line:
    """A line that asks the same with its content in front: `merge(content, query)` makes the text.

    For benchmarks that bring no twins of their own. A line that needs nothing is its own twin.
    """
    content = next((other for other in dialogue.lines if other.id == line.needs), None)
    text = line.user if content is None else merge(content.user, line.user)
    return Line(id=line.id, user=text, reference=line.reference)


async def answer_alone(role: Role, pair: Pair) -> Turn:
    """Ask the twin of a pair of a role as if nothing had been said before, and return the answer.

    Inside the episode of the dialogue itself this gives both sides of the pair; an environment that plays
    twins as tasks of their own needs only their dialogues.
    """
    return await ask_alone(role, scored(pair.twin.lines)[0].user)
