"""Agents that need no model: they show what the environment measures.

`solver` knows the answers; `analyst` works them out by queries (`analyst.py`); `refuser` declines whatever is
asked; `nothing` never comes to an action; `random` puts queries and says what comes to its mind. With a user,
the first two ask for more until all is said.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

import msgspec

from turnwise.environments.service.crmarena_pro import analyst
from turnwise.environments.service.crmarena_pro.rows import CrmTask
from turnwise.environments.service.crmarena_pro.scaffold import OUTPUT, Actions
from turnwise.judges.extraction import MONTHS, NOTHING, STATES
from turnwise.message import Message, ToolCall

Player: TypeAlias = Generator[str | Message | None, Message, None]
REFUSAL = "I am sorry, I cannot share this, as it is confidential."
MORE = "Could you tell me more?"
_ID = re.compile(r"\b[A-Za-z0-9]{18}\b")


class Hands:
    """How an agent does things in one of the ways to act."""

    def __init__(self, actions: Actions) -> None:
        self.actions: Actions = actions
        self._calls = 0

    def execute(self, query: str) -> str | Message:
        """Put a query."""
        if self.actions != "tools":
            return f"{self._thought('I look it up.')}<execute> {query} </execute>"
        self._calls += 1
        arguments = msgspec.json.encode({"query": query}).decode()
        call = ToolCall(id=f"call_{self._calls}", name="query", arguments=arguments)
        return Message(role="assistant", tool_calls=(call,))

    def respond(self, words: str) -> str:
        """Say something."""
        if self.actions == "tools":
            return words
        return f"{self._thought('I can say it.')}<respond> {words} </respond>"

    def _thought(self, text: str) -> str:
        return f"<thought> {text} </thought>\n" if self.actions == "react" else ""


def records(heard: Message) -> list[dict[str, Any]]:
    """The records that came of a query; none where it failed."""
    text = heard.text.removeprefix(OUTPUT)
    try:
        return msgspec.json.decode(text, type=list[dict[str, Any]])
    except msgspec.DecodeError:
        return []


def agents(actions: Actions, *, asks: bool) -> dict[str, Callable[..., Any]]:
    """The agents by name.

    Args:
        actions: How they act.
        asks: Whether there is a user to be asked for more.
    """

    def known(task: CrmTask, hands: Hands) -> Generator[str | Message, Message, str]:
        # A look at the organisation, as everybody takes one.
        yield hands.execute("SELECT COUNT(Id) FROM User")
        return ", ".join(task.answer) or NOTHING

    def worked_out(task: CrmTask, hands: Hands) -> Generator[str | Message, Message, str]:
        if not task.facts:
            # A published row: only its words say what it is about.
            return NOTHING
        steps = analyst.WORK[task.kind](task.facts)
        query = next(steps)
        while True:
            found = records((yield hands.execute(query)))
            try:
                query = steps.send(found)
            except StopIteration as stop:
                return ", ".join(stop.value) or NOTHING

    def answering(
        answer: Callable[[CrmTask, Hands], Generator[str | Message, Message, str]],
    ) -> Callable[[CrmTask, random.Random], Player]:
        def play(task: CrmTask, rng: random.Random) -> Player:
            hands = Hands(actions)
            yield
            if task.refuse:
                words = REFUSAL
            else:
                for _ in range(len(task.criteria) - 1 if asks else 0):
                    yield hands.respond(MORE)
                words = yield from answer(task, hands)
            while True:
                yield hands.respond(words)

        return play

    return {
        "solver": answering(known),
        "analyst": answering(worked_out),
        "refuser": _saying(Hands(actions).respond(REFUSAL)),
        "nothing": _saying("Let me think about it."),
        "random": _random(actions),
    }


def _saying(words: str) -> Callable[[CrmTask, random.Random], Player]:
    """An agent that always says the same."""

    def play(task: CrmTask, rng: random.Random) -> Player:
        yield
        while True:
            yield words

    return play


def _random(actions: Actions) -> Callable[[CrmTask, random.Random], Player]:
    """An agent that queries and answers as the dice fall."""
    tables = ("Account", "Case", "Contact", "Lead", "Opportunity", "Order", "Quote", "Task", "User")

    def play(task: CrmTask, rng: random.Random) -> Player:
        hands = Hands(actions)
        heard = yield
        seen: list[str] = []
        while True:
            seen = (seen + _ID.findall(heard.text))[-50:]
            draw = rng.random()
            if draw < 0.5:
                heard = yield hands.execute(f"SELECT Id FROM {rng.choice(tables)} LIMIT {rng.randint(1, 5)}")
            elif draw < 0.6:
                heard = yield hands.execute(
                    f"FIND {{{rng.choice(('drive', 'Late', 'lamp'))}}} RETURNING Case(Id)"
                )
            elif draw < 0.7:
                heard = yield "Let me think about it."
            elif draw < 0.8:
                heard = yield hands.respond(MORE)
            else:
                heard = yield hands.respond(
                    rng.choice((NOTHING, rng.choice(MONTHS), rng.choice(STATES), *seen[-3:]))
                )

    return play
