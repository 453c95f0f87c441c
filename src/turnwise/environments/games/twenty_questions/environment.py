"""The environment: questions in, "Yes." or "No." out, until the object is guessed or 20 were asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from turnwise.environments.games.twenty_questions import oracle
from turnwise.environments.games.twenty_questions.agents import AGENTS
from turnwise.environments.games.twenty_questions.table import table
from turnwise.environments.parts.guessing import Guessing, Oracle, Thing
from turnwise.errors import TaskError, did_you_mean
from turnwise.task import Task


class TwentyQuestionsTask(Task, frozen=True, kw_only=True):
    """One object to find out.

    Raises:
        TaskError: for an object that is not in the table, with the nearest that are.
    """

    object: str

    def __post_init__(self) -> None:
        if self.object not in table().things:
            near = did_you_mean(self.object, table().things)
            raise TaskError(
                f"twenty_questions task {self.id!r}: field 'object': no {self.object!r} in the table{near}"
            )

    @property
    def thing(self) -> Thing:
        """Its row of the table."""
        return table().things[self.object]


class TwentyQuestions(Guessing, kw_only=True, frozen=True):
    """Find out an object by yes-or-no questions."""

    task_type: ClassVar[type[Task]] = TwentyQuestionsTask
    RULES: ClassVar[str] = (
        "I am thinking of an object. Find out which, by asking questions that can be answered with yes or "
        "no, one in each message. You have {questions} questions, and guessing the object is a question, "
        'too: "Is it a chair?" Each question costs a point.\n\n'
    )
    SECRET: ClassVar[str] = "The object is: {name}."
    ANSWER: ClassVar[str] = (
        'the question with "Yes." or "No." and nothing else. Answer "No." where neither is right.'
    )

    def tasks(self) -> Iterable[TwentyQuestionsTask]:
        """One for each object, in the table's order."""
        return [TwentyQuestionsTask(id=name.replace(" ", "_"), object=name) for name in table().things]

    def thing(self, task: TwentyQuestionsTask) -> Thing:
        """The object's row of the table."""
        return task.thing

    def oracle(self) -> Oracle:
        """Who answers from the table."""
        return oracle.oracle()

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` halves the table, `random` asks and guesses blindly, `skill50` does either."""
        return {**AGENTS, **super().agents()}
