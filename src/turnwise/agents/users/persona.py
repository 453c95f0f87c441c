"""A simulated user: a model with a persona and a goal, told to end the conversation with a mark."""

from __future__ import annotations

from typing import Any

from turnwise.agents.users.manner import Manner, User
from turnwise.agents.users.marks import MARK
from turnwise.model import Model

_BRIEF = """\
You are a person who uses an assistant; the messages you receive are the assistant's. You are no assistant \
yourself: never offer help, never speak for the other side.

Who you are: {persona}
What you want: {goal}

Speak as this person would, in one short message at a time. Tell what you know only when it is needed or \
asked for, and make nothing up that is not said here. When you have what you want, or it is clear that you \
will not get it, answer with {mark} and nothing else."""


def brief(persona: str, goal: str, *, mark: str = MARK) -> str:
    """What a user's model is told.

    Args:
        persona: Who they are and how they speak.
        goal: What they want, and all they know.
        mark: What they say in the end.
    """
    return _BRIEF.format(persona=persona.strip(), goal=goal.strip(), mark=mark)


class SimulatedUser(User):
    """A user played by a model, with a persona and a goal of its own.

    Where every task has another goal, the environment says it: it tells the role `brief(persona, goal)` as a
    system message, and any model may fill the role.

    Args:
        model: Who plays.
        persona: Who the user is.
        goal: What they want.
        mark: What they say in the end.
        manner: How they come to say something.
        **options: As for `Agent`.
    """

    def __init__(
        self,
        model: Model,
        *,
        persona: str,
        goal: str,
        mark: str = MARK,
        manner: Manner | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model, manner, system=brief(persona, goal, mark=mark), **options)
        self.mark = mark
