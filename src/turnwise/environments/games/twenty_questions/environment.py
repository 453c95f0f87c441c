"""The environment: questions in, "Yes." or "No." out, until the object is guessed or 20 were asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.games.twenty_questions import agents, oracle
from turnwise.environments.games.twenty_questions.table import Thing, table
from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.errors import TaskError, did_you_mean
from turnwise.task import Task

FIRST = "Questions:\n"
"""The first thing said in the published environment."""

_RULES = (
    "I am thinking of an object. Find out which, by asking questions that can be answered with yes or no, "
    "one in each message. You have {questions} questions, and guessing the object is a question, too: "
    '"Is it a chair?" Each question costs a point.\n\n'
)
_TO_ORACLE = (
    'The object is: {name}. Somebody who does not know that asks: "{question}"\n'
    'Answer the question with "Yes." or "No." and nothing else. Answer "No." where neither is right.'
)


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


class TwentyQuestions(Environment, kw_only=True, frozen=True):
    """Find out an object by yes-or-no questions."""

    roles: ClassVar[tuple[str, ...]] = ("agent",)
    optional_roles: ClassVar[tuple[str, ...]] = ("oracle",)
    task_type: ClassVar[type[Task]] = TwentyQuestionsTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    max_questions: Annotated[int, msgspec.Meta(ge=1)] = 20
    instructions: bool = True
    """Whether the rules are told first; the published environment, made for trained agents, says nothing but
    its first line."""

    def tasks(self) -> Iterable[TwentyQuestionsTask]:
        """One for each object, in the table's order."""
        return [TwentyQuestionsTask(id=name.replace(" ", "_"), object=name) for name in table().things]

    async def run(self, task: TwentyQuestionsTask, episode: Episode) -> None:
        """Answer questions until one guesses the object."""
        says = FIRST
        if self.instructions:
            says = _RULES.format(questions=self.max_questions) + FIRST
        for asked in range(1, self.max_questions + 1):
            reply = await episode.agent.respond(says)
            question = oracle.the_question(reply.text)
            yes = await self._answer(question, task.thing, episode)
            found = yes and oracle.guessed(question) is task.thing
            episode.metric("questions", asked)
            episode.reward(0 if found else -1, reply, name="question")
            says = "Yes." if yes else "No."
            if found:
                episode.metric("success", 1)
                episode.tell("agent", says)
                episode.end("success")
        episode.metric("success", 0)
        episode.tell("agent", says)
        episode.end("max_questions")

    async def score(self, task: TwentyQuestionsTask, episode: Episode) -> None:
        """What was cut off by a limit of the run scores as if all questions had been asked."""
        if "success" not in episode.metrics:
            episode.metric("success", 0)
            asked = episode.metrics.get("questions", 0)
            episode.reward(asked - self.max_questions, name="unasked")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` halves the table, `random` asks and guesses blindly."""
        return {"solver": agents.solver, "random": agents.random_agent}

    async def _answer(self, question: str, thing: Thing, episode: Episode) -> bool:
        """What the oracle says: somebody in that role, if there is one, else the table."""
        if not episode.has("oracle"):
            return oracle.answer(question, thing)
        prompt = _TO_ORACLE.format(name=thing.name, question=question)
        said = (await ask_alone(episode.oracle, prompt)).text
        return said.strip().lower().startswith("yes")
