"""Feedback in words, and trying again: any single-turn task becomes a multi-turn one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from stage import Scripted, play

from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.environments.parts.feedback import Attempt, binary, comment, retry
from turnwise.environments.parts.staged import Outcome, Report, Stage, verify
from turnwise.episode import Episode
from turnwise.errors import ModelError
from turnwise.log import Stop, Turn
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.task import Task


class Capital(Environment):
    """One question, three tries; the critic, where there is one, comments on each failed try but the last."""

    optional_roles: ClassVar[tuple[str, ...]] = ("critic",)
    tries: int = 3

    async def run(self, task: Task, episode: Episode) -> None:
        async def right(answer: str) -> Outcome:
            return Outcome(passed=answer == "Lima", feedback="" if answer else "Say something.")

        async def check(reply: Turn) -> Report:
            return await verify(reply.text, [Stage("right", right)])

        async def ask_critic(attempt: Attempt) -> str:
            said = await comment(episode.critic, f"Try {attempt.number}: {attempt.reply.text}")
            return f"Wrong. {said}"

        observe: Any = {"observe": ask_critic} if episode.has("critic") else {}
        attempts = await retry(
            episode.agent, "The capital of Peru?", check, tries=self.tries, stop=("\n",), **observe
        )
        episode.metric("tries", len(attempts))
        episode.reward(attempts[-1].report.score, attempts[-1].reply)


def answers(*said: str) -> Any:
    """The nth answer, by how many were given."""

    def model(messages: Sequence[Message]) -> str:
        return said[sum(message.role == "assistant" for message in messages)]

    return model


def told(episode: Episode) -> list[str]:
    return [turn.text for turn in episode.turns if turn.to in ((), ("agent",)) and turn.role == "environment"]


def test_it_asks_again_until_the_answer_passes() -> None:
    model = Scripted(answers("Quito", "", "Lima"))
    episode = play(Capital(), Task(id="t"), agent=model)
    assert (episode.score(), episode.metrics["tries"]) == (1.0, 3)
    assert told(episode) == [
        "The capital of Peru?",
        "Your answer is wrong. Try again.",
        "Say something.",
    ]
    assert len(model.seen[-1]) == 5


def test_it_stops_at_the_first_right_answer_and_at_the_last_try() -> None:
    assert play(Capital(), Task(id="t"), agent=answers("Lima")).metrics["tries"] == 1
    never = play(Capital(tries=2), Task(id="t"), agent=answers("Quito", "Quito"))
    assert (never.metrics["tries"], never.score(), len(told(never))) == (2, 0.0, 2)


def test_a_critic_sees_each_question_alone_and_its_words_go_to_the_agent() -> None:
    critic = Scripted(lambda messages: f"seen {len(messages)}: {messages[-1].text}\n")
    episode = play(Capital(), Task(id="t"), agent=answers("Quito", "Bogota", "Lima"), critic=critic)
    assert told(episode)[1:] == ["Wrong. seen 1: Try 1: Quito", "Wrong. seen 1: Try 2: Bogota"]


def test_no_tries_are_refused() -> None:
    episode = Episode(Capital(tries=0), Task(id="t"), {"agent": Agent(Scripted(answers("x")))})
    asyncio.run(episode.play())
    assert episode.error is not None
    assert episode.error.message == "retry: expected at least one try, got 0"


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("This is GOOD. Go on.", "This is GOOD."),
        ("BAD. It was GOOD.", "This is BAD."),
        ("GOOD\nBAD.", "This is GOOD."),
        ("good.", ""),
        ("Well. GOOD.", ""),
        ("GOOD", ""),
        ("", ""),
    ],
)
def test_a_binary_critic_is_read_by_its_first_sentence(answer: str, read: str) -> None:
    assert binary(answer) == read


class Broken:
    remote = False
    name = "broken"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    async def sample(self, request: Request) -> Sample:
        raise ModelError("no", kind=self.kind)

    async def close(self) -> None:
        pass


def test_a_question_too_long_for_the_critic_is_no_feedback_and_other_failures_fail() -> None:
    def played(kind: str) -> Episode:
        agents = {"agent": Agent(Scripted(answers("Quito", "Lima"))), "critic": Agent(Broken(kind))}
        episode = Episode(Capital(), Task(id="t"), agents)
        asyncio.run(episode.play())
        return episode

    assert told(played("context_length"))[1] == "Wrong. "
    assert played("server").stop is Stop.ERROR
