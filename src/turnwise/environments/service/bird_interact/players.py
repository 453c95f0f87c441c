"""Agents that need no model: they show what the two settings measure.

`solver` knows the reference, and still asks about every ambiguity and looks round as it should; `stumbling`
submits something wrong first, in each phase; `deaf` never asks, and submits what the request seems to say;
`nothing` does nothing; `random` calls what comes to its mind.
"""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Iterator

from turnwise.environments.parts.calls import calling
from turnwise.environments.service.bird_interact.budget import ASK, COSTS, SUBMIT
from turnwise.environments.service.bird_interact.rows import BirdTask
from turnwise.message import Message

Player = Generator[str | Message | None, Message, None]
_AGENTIC = re.compile(r"\bcoins\b")
_WORD = re.compile(r"[A-Za-z_]{3,}")
_NOTHING = "SELECT 0"


def solver(task: BirdTask, rng: random.Random) -> Player:
    """Looks round where it can, asks about every ambiguity, and submits what is right."""
    yield from _saying([*_looks(), *_questions(task), *(part.reference for part in task.parts)])


def stumbling(task: BirdTask, rng: random.Random) -> Player:
    """Submits something wrong before what is right, in each phase."""
    yield from _saying([sql for part in task.parts for sql in (_NOTHING, part.reference)])


def deaf(task: BirdTask, rng: random.Random) -> Player:
    """Looks round and submits what the request seems to say, without a question; tries it twice."""
    first = task.first.guess or task.first.reference
    tries = [first, first] if task.first.guess else [first]
    later = [] if task.follow_up is None else [task.follow_up.reference]
    yield from _saying([*_looks(), *tries, *later])


def nothing(task: BirdTask, rng: random.Random) -> Player:
    """Regrets."""
    yield
    while True:
        yield "I am sorry, I cannot help you with that."


def random_player(task: BirdTask, rng: random.Random) -> Player:
    """Calls tools with words it has read, and now and then just talks."""
    heard = yield
    words = ["name"]
    number = 0
    while True:
        words = (words + _WORD.findall(heard.text))[-200:]
        number += 1
        one, other = rng.choice(words), rng.choice(words)
        arguments: dict[str, dict[str, object]] = {
            "execute_sql": {"sql": f"SELECT {one} FROM {other}"},
            "get_column_meaning": {"table_name": one, "column_name": other},
            "get_knowledge_definition": {"knowledge_name": one},
            ASK: {"question": f"What do you mean by {one} {other}?"},
            SUBMIT: {"sql": f"SELECT {one} FROM {other}"},
        }
        name = rng.choice(list(COSTS))
        if rng.random() < 0.05:
            heard = yield "Let me think."
        else:
            heard = yield calling(name, arguments.get(name, {}), number)


def _looks() -> Iterator[Message]:
    """What is looked at first, where there are coins for it."""
    yield calling("get_schema", {}, 1)
    yield calling("get_all_knowledge_definitions", {}, 2)


def _questions(task: BirdTask) -> Iterator[Message]:
    """A question about each counted ambiguity."""
    terms = [one.term for one in task.critical] + [one.term for one in task.masked]
    for number, term in enumerate(terms, start=3):
        yield calling(ASK, {"question": f"What exactly do you mean by {term!r}?"}, number)


def _saying(steps: list[Message | str]) -> Player:
    """Makes calls one after the other; a text is SQL to submit. Looking round is left out of c-Interact."""
    heard = yield
    tools = (ASK, SUBMIT) if not _AGENTIC.search(heard.text) else tuple(COSTS)
    for number, step in enumerate(steps):
        message = calling(SUBMIT, {"sql": step}, 100 + number) if isinstance(step, str) else step
        if message.tool_calls[0].name in tools:
            heard = yield message
    while True:
        heard = yield "That is all I can do."
