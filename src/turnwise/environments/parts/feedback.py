"""Feedback in words: a role that comments on what another role does, and trying again until it is right.

Two things that many environments share. `comment` asks a critic role for feedback on a conversation: as
free text or as one of two fixed sentences, with the correct answer before its eyes or without (whoever builds
the prompt decides). `retry` makes any single-turn task a multi-turn one: ask, check, say what was wrong, ask
again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, TypeAlias

from turnwise.agent import Entry
from turnwise.environments.parts.staged import Report
from turnwise.errors import ConfigError, ModelError
from turnwise.log import Turn
from turnwise.role import Role, Says

Form: TypeAlias = Literal["textual", "binary"]

GOOD = "This is GOOD."
BAD = "This is BAD."

_FIRST_SENTENCE = re.compile(r"[^.]*\.")


def binary(answer: str) -> str:
    """`GOOD` or `BAD` as the critic's first sentence says; empty where it says neither.

    A sentence ends at a full stop. One that holds both words counts as good, as in MINT's official code.
    """
    sentence = _FIRST_SENTENCE.match(answer)
    if sentence is None:
        return ""
    return GOOD if "GOOD" in sentence[0] else BAD if "BAD" in sentence[0] else ""


async def comment(critic: Role, prompt: str, *, form: Form = "textual", stop: tuple[str, ...] = ()) -> str:
    """The critic's feedback on what `prompt` shows; each prompt stands alone, earlier ones are not seen.

    Empty where a binary critic says neither GOOD nor BAD, or where the prompt no longer fits its context:
    then there is no feedback, and the conversation goes on.

    Raises:
        ModelError: where the critic's model failed for any other reason.
    """
    turn = critic.tell(prompt)
    system = [entry for entry in critic.history[:1] if entry.message.role == "system"]
    try:
        call = await critic.sample([*system, Entry(turn.index, turn.message)], stop=stop)
    except ModelError as error:
        if error.kind != "context_length":
            raise
        return ""
    answer = critic.post(call).text
    return answer.strip() if form == "textual" else binary(answer)


class Attempt(NamedTuple):
    """One answer to a task that may be tried again."""

    reply: Turn
    report: Report
    number: int
    """Counted from 1."""


Observe: TypeAlias = Callable[[Attempt], Awaitable[str] | str]
"""What to tell the agent after an attempt that did not pass."""


def plain_feedback(attempt: Attempt) -> str:
    """What the failed stage says, or that the answer is wrong where it says nothing."""
    return attempt.report.feedback or "Your answer is wrong. Try again."


async def retry(
    role: Role,
    question: Says,
    check: Callable[[Turn], Awaitable[Report]],
    *,
    tries: int,
    observe: Observe = plain_feedback,
    stop: tuple[str, ...] = (),
) -> list[Attempt]:
    """Put a question until an answer passes or `tries` answers were given.

    Args:
        role: Who answers; it sees its earlier answers and what was said to them.
        question: Said first.
        check: Verifies an answer (see `turnwise.environments.parts.staged.verify`).
        tries: Most answers, at least 1.
        observe: What to say after a failed attempt that is not the last; may ask a critic (`comment`).
        stop: Strings that end a sample.

    Returns:
        The attempts in order; the last one passed, or none did.

    Raises:
        ConfigError: for less than one try.
    """
    if tries < 1:
        raise ConfigError(f"retry: expected at least one try, got {tries}")
    attempts: list[Attempt] = []
    says = question
    while True:
        reply = await role.respond(says, stop=stop)
        attempt = Attempt(reply, await check(reply), len(attempts) + 1)
        attempts.append(attempt)
        if attempt.report.passed or attempt.number == tries:
            return attempts
        observation = observe(attempt)
        says = observation if isinstance(observation, str) else await observation
