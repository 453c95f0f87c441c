"""Agents that play MINT without a model: they show what its measures measure.

`solver` proposes the reference at once; `random` guesses; `tool_user` runs four cells first, so that it
succeeds with a budget of five steps and not with four; `listener` answers wrongly until the expert tells it
the answer. `oracle` is an expert for it: it knows what is good, and gives the answer away where it is given.
"""

from __future__ import annotations

import random
import re
from collections.abc import Generator

from turnwise.environments.mint.prompts import NOT_GIVEN
from turnwise.environments.mint.protocol import WRONG
from turnwise.environments.mint.rows import MintTask
from turnwise.message import Message

Script = Generator[str | None, Message, None]

_ANSWER = re.compile(r"^Correct solution \(.*?\): (.*?)\n\nComment on", re.DOTALL | re.MULTILINE)
_TOLD = re.compile(r"the right answer is: (.*)", re.DOTALL)


def propose(answer: str) -> str:
    """An answer as the protocol wants it."""
    return f"<thought> This is my answer. </thought>\n<solution>\n{answer}\n</solution>"


def solver(task: MintTask, rng: random.Random) -> Script:
    """Proposes a right answer at once."""
    yield
    while True:
        yield propose(task.solution)


def random_agent(task: MintTask, rng: random.Random) -> Script:
    """Runs a line of code or guesses, as a coin falls."""
    yield
    while True:
        if rng.random() < 0.5:
            yield f"<execute>\n{rng.randint(1, 9)} * {rng.randint(1, 9)}\n</execute>"
        else:
            yield propose(_guess(task, rng))


def _guess(task: MintTask, rng: random.Random) -> str:
    if task.is_code:
        return "def guess(*arguments):\n    return None"
    if task.options:
        return rng.choice(sorted(task.options))
    return rng.choice([str(rng.randint(0, 100)), "yes", "no"])


def tool_user(task: MintTask, rng: random.Random) -> Script:
    """Runs four cells, one after the other, and then proposes a right answer."""
    yield
    yield "<execute>\ncount = 0\n</execute>"
    for _ in range(3):
        yield "<execute>\ncount += 1\ncount\n</execute>"
    while True:
        yield propose(task.solution)


def listener(task: MintTask, rng: random.Random) -> Script:
    """Proposes nonsense, and then what the expert says is right, if it says so."""
    observed = yield
    answer = "I do not know"
    while True:
        told = _TOLD.search(observed.text.partition("\nExpert feedback:\n")[2])
        answer = told[1].strip() if told else answer
        observed = yield propose(answer)


def oracle(task: MintTask, rng: random.Random) -> Script:
    """Calls a wrong answer bad and anything else good; tells the right answer where it was given one."""
    prompt = yield
    while True:
        shown = prompt.text.rpartition("\nObservation:\n")[2]
        verdict = "This is BAD." if shown.startswith(WRONG) else "This is GOOD."
        given = _ANSWER.search(prompt.text)
        if given is None or given[1] == NOT_GIVEN:
            prompt = yield verdict
        else:
            prompt = yield f"{verdict} By the way, the right answer is: {given[1]}"
