"""Agents that play MT-Eval without a model: they show what its measures measure.

`solver` gives the stored answers and obeys the instructions; `random` draws a label; `forgetful` is a solver
that loses what lies more than a window of messages back; `copycat` repeats its last answer. `overlap` fills
the judge's seat: it rates by the words an answer shares with the stored one, enough to try things out.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Generator, Sequence

import msgspec

from turnwise.environments.dialogue.mt_eval.rows import TOPICS, MTEvalTask
from turnwise.environments.parts.scripted import Line, scored
from turnwise.message import Message

Script = Generator[str | None, Message, None]

_WORDS = "I would say yes to that"
_FIRST_GUESS = "sports"


def answer(task: MTEvalTask, line: Line) -> str:
    """What a perfect agent says to a line."""
    return line.reference if task.instruction is None else task.instruction.obey(_WORDS)


def solver(task: MTEvalTask, rng: random.Random) -> Script:
    """Gives every stored answer and obeys every instruction."""
    yield
    for line in scored(task.lines):
        yield answer(task, line)


def random_agent(task: MTEvalTask, rng: random.Random) -> Script:
    """Answers everything with a label drawn at random."""
    yield
    while True:
        yield rng.choice(TOPICS)


def forgetful(window: int = 10) -> Callable[[MTEvalTask, random.Random], Script]:
    """A solver that knows only the last `window` messages, the one it answers included.

    What line k after its content asks is then solved for 2k + 1 <= window only: a step in the curve over
    turns at window / 2, and none where each query stands alone.
    """

    def script(task: MTEvalTask, rng: random.Random) -> Script:
        yield
        for index, line in enumerate(task.lines):
            if line.scored:
                remembers = 2 * task.distance(index) + 1 <= window
                yield answer(task, line) if remembers else "I do not Know, what was I told?"

    return script


def copycat(messages: Sequence[Message]) -> str:
    """Repeats the last answer it remembers, after a first guess: an error spreads as far as memory does."""
    for message in reversed(messages):
        if message.role == "assistant" and message.text.strip(".").lower() != "ok":
            return message.text
    return _FIRST_GUESS


def overlap_judge(task: MTEvalTask, rng: random.Random) -> Script:
    """Rates 1 to 10 by the F1 of the words an answer shares with the stored one. Not a measure of quality."""
    prompt = yield
    for line in scored(task.lines):
        score = 1 + round(9 * _f1(_rated(prompt.text), line.reference))
        rating = {"Rationale": "words shared with the stored answer", "Score": score}
        prompt = yield msgspec.json.encode(rating).decode()


def _rated(prompt: str) -> str:
    """The response that a judge's prompt shows."""
    tail = re.split(r"\nResponse to rate:\n|\nAssistant: ", prompt)[-1]
    return re.split(r"\n\nNumber of words in the response: |\n\nAnswer in JSON of exactly", tail)[0]


def _f1(answer: str, reference: str) -> float:
    ours, theirs = (Counter(re.findall(r"\w+", text.lower())) for text in (answer, reference))
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0
