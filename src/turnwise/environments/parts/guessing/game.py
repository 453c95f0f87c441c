"""The game: questions in, answers out, until one guesses the thing or none is left."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Annotated, Any, ClassVar

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts.guessing.oracle import Oracle, the_question
from turnwise.environments.parts.guessing.table import Thing
from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.message import Message

FIRST = "Questions:\n"
"""The first thing said in LMRL-Gym's environments."""
_ASKS, _END = 'Somebody who does not know that asks: "', '"\nAnswer '


class Guessing(Environment, kw_only=True, frozen=True):
    """Base of guessing games: each question costs a point, but the one that guesses right.

    A subclass says what the things are (`thing`, `oracle`), how the rules are told (`RULES`, with
    `{questions}`), and how a model in the role `oracle` is told what to do (`SECRET`, with `{name}`, and
    `ANSWER`). Where nobody fills that role, the table answers.
    """

    roles: ClassVar[tuple[str, ...]] = ("agent",)
    optional_roles: ClassVar[tuple[str, ...]] = ("oracle",)
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)
    RULES: ClassVar[str]
    SECRET: ClassVar[str]
    ANSWER: ClassVar[str]

    max_questions: Annotated[int, msgspec.Meta(ge=1)] = 20
    instructions: bool = True
    """Whether the rules are told first; the published environment, made for trained agents, says nothing but
    its first line."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """All questions in vain, or the first one right."""
        return (-float(self.max_questions), 0.0)

    @property
    def max_replies(self) -> int:
        """As many answers as questions, where somebody plays the oracle."""
        return 2 * self.max_questions

    def thing(self, task: Any) -> Thing:
        """What is to be found out."""
        raise NotImplementedError

    def oracle(self) -> Oracle:
        """Who answers from the table."""
        raise NotImplementedError

    def look_up(self, question: str, task: Any) -> str:
        """The table's answer."""
        return "Yes." if self.oracle().answer(question, self.thing(task)) else "No."

    def heard(self, said: str, task: Any) -> str:
        """What the agent is told when an oracle said this."""
        return "Yes." if said.strip().lower().startswith("yes") else "No."

    def found(self, question: str, answer: str, task: Any) -> bool:
        """Whether this question and its answer end the game."""
        return answer.startswith("Yes") and self.oracle().guessed(question) is self.thing(task)

    async def run(self, task: Any, episode: Episode) -> None:
        """Answer questions until one guesses right."""
        says = FIRST
        if self.instructions:
            says = self.RULES.format(questions=self.max_questions) + FIRST
        for asked in range(1, self.max_questions + 1):
            reply = await episode.agent.respond(says)
            question = the_question(reply.text)
            says = await self._answer(question, task, episode)
            found = self.found(question, says, task)
            episode.metric("questions", asked)
            episode.reward(0 if found else -1, reply, name="question")
            if found:
                episode.metric("success", 1)
                episode.tell("agent", says)
                episode.end("success")
        episode.metric("success", 0)
        episode.tell("agent", says)
        episode.end("max_questions")

    async def score(self, task: Any, episode: Episode) -> None:
        """What was cut off by a limit of the run scores as if all questions had been asked."""
        if "success" not in episode.metrics:
            episode.metric("success", 0)
            asked = episode.metrics.get("questions", 0)
            episode.reward(asked - self.max_questions, name="unasked")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`oracle/table` answers from the table, as happens where nobody plays the oracle."""

        def oracle(task: Any, rng: random.Random) -> Generator[str | None, Message, None]:
            heard = yield
            while True:
                question = heard.text.partition(_ASKS)[2].rpartition(_END)[0]
                heard = yield self.look_up(question, task)

        return {"oracle/table": oracle}

    async def _answer(self, question: str, task: Any, episode: Episode) -> str:
        """What the oracle says: somebody in that role, if there is one, else the table."""
        if not episode.has("oracle"):
            return self.look_up(question, task)
        secret = self.SECRET.format(name=self.thing(task).name)
        said = await ask_alone(episode.oracle, f"{secret} {_ASKS}{question}{_END}{self.ANSWER}")
        return self.heard(said.text, task)
