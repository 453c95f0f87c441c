"""A user who needs no model: asks by and by, says the next thing when asked, and takes what is given.

It works through an agenda (`turnwise.agents.users.agenda`): the opening, then each criterion. Whatever looks
like an answer satisfies it, right or wrong, early or late, as it cannot know better: who answers before all
was said, answers another question.
"""

from __future__ import annotations

import random
from collections.abc import Generator

from turnwise.agents.users.agenda import Agenda, Constraint, Goal, Wanted
from turnwise.environments.service.crmarena_pro.rows import CrmTask
from turnwise.judges.extraction import NOTHING, by_rule, stripped
from turnwise.judges.refusal import by_phrase
from turnwise.message import Message

_NEVER = r"(?!)"
"""A pattern that nothing fits."""
_PATIENCE = 1_000
"""It is the environment that ends what goes on for ever."""


def goal(task: CrmTask) -> Goal:
    """What the user of a task has in mind."""
    return Goal(
        opening=task.opening or task.query,
        constraints=tuple(
            Constraint(slot=f"point {number}", value=said, says=("{value}",), asked=_NEVER)
            for number, said in enumerate(task.criteria)
        ),
        requests=(Wanted(slot="answer", says=("I have told you all I know; please answer.",), told=_NEVER),),
    )


def satisfied(task: CrmTask, heard: str) -> bool:
    """Whether words look like an answer to a task."""
    if by_phrase(heard):
        return True
    if "?" in heard:
        return False
    if task.metric != "exact_match" or stripped(heard).casefold() == NOTHING.casefold():
        return True
    return bool(by_rule(heard, task.form))


def customer(task: CrmTask, rng: random.Random) -> Generator[str | None, Message, None]:
    """The user of a task."""
    agenda = Agenda(goal(task), rng, most=1, patience=_PATIENCE)
    heard = yield
    heard = yield agenda.first()
    while True:
        heard = yield agenda.mark if satisfied(task, heard.text) else agenda.next(heard.text)
