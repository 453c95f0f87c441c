"""The user protocols of tau-bench (Yao et al. 2024, arXiv 2406.12045), by their published names.

`llm`: the model's words are said. `react`: it thinks first, and only its "User Response" is said. `verify`: a
supervisor (the same model) approves each draft; after three that it does not, the last is said. `reflection`:
a draft that is not approved is reflected upon, and the reply proposed there is approved, or else the first
draft is said. `human` is `--agent user=human`; the others are `--agent user=react_user:openai/MODEL`,
`verify_user:…` and `reflection_user:…`.

What `variant="published"` does as the official code and `corrected` does not: `react` says all that follows
"Thought:", the thought and the words "User Response:" included; the supervisor reads a transcript in which
the customer is called Agent and the agent Customer; and a reply that reflection proposes is not said, but
shown to the user's model as if the agent had said it, whose answer is then the draft. In both, a draft that
was not said does not stay in the user's history, as it does there; and an answer of no readable form is taken
for plain words, where the official run dies of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from turnwise.agent import Ask, Entry
from turnwise.agents.users.briefs import REACT_FORM
from turnwise.agents.users.manner import Draft, Manner, Plain, User, Wrapper, transcript
from turnwise.agents.users.marks import ASIDE, STOP
from turnwise.errors import ConfigError, did_you_mean
from turnwise.message import Message, system
from turnwise.model import Model
from turnwise.role import Role, said_by

Variant: TypeAlias = Literal["published", "corrected"]

GREETING = "Hi! How can I help you today?"
"""What an agent is taken to have said first."""
THOUGHT, RESPONSE = "Thought:", "User Response:"
ATTEMPTS = 3
"""Drafts that `verify` makes at most."""

_VERIFY = """\
You watch over a conversation between a Customer and an Agent. Below is its transcript, and the Response \
that the Customer is about to give. Decide whether that Response is satisfactory (true) or is not \
(false). Your answer is read by a program: write true or false, and nothing else.

# Transcript:
{transcript}

# Response:
{response}

-----

Classification:"""
_REFLECT = """\
You watch over a conversation between a simulated Customer and an Agent. Below is its transcript, and the \
Response the Customer was about to give, which you did not find satisfactory. Reflect on what is wrong with \
it, and write a Response that is free of that.

# Transcript:
{transcript}

# Response:
{response}

# Format:

Reflection:
<what went wrong>

Response:
<the new response; it is read by a program and sent to the agent>"""
_CORRECTED = {"system": "System", "user": "Agent", "assistant": "Customer"}
_PUBLISHED = {"system": "System", "user": "Customer", "assistant": "Agent"}


class React(Manner):
    """A thought, then the words; the thought is kept with the turn (`reasoning`), and nobody else sees it.

    The user's own model goes on seeing what it wrote, thoughts included. Where nobody has told it the form,
    it is told in private.

    Args:
        variant: See the module.
    """

    def __init__(self, variant: Variant = "corrected") -> None:
        self.variant: Variant = variant

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """One call, whose sample is thought and words."""
        if all(RESPONSE not in entry.message.text for entry in role.history):
            role.tell(system(f"{ASIDE}Think before you speak. {REACT_FORM}"))
        history = role.history
        wrote: dict[int, Message] = role.memory.setdefault("react", {})
        view: list[Entry] = []
        own = 0
        for entry in history:
            if entry.message.role == "assistant":
                raw = wrote.get(own)
                if raw is not None and self._read(raw.text)[1] == entry.message.text:
                    entry = Entry(raw, raw)
                own += 1
            view.append(entry)
        call = await role.sample(view, tools=ask.tools, stop=ask.stop, actions=ask.actions)
        draft = Draft.of(call)
        if draft.message.tool_calls:
            return draft
        wrote[own] = said_by(call)
        thought, words = self._read(draft.text)
        return draft.saying(words, reasoning=thought or None)

    def _read(self, text: str) -> tuple[str, str]:
        """Thought and words."""
        if STOP in text:
            return "", STOP
        thought, marked, words = text.rpartition(RESPONSE)
        if self.variant == "published" and THOUGHT in text:
            return "", text.partition(THOUGHT)[2].strip()
        if marked:
            return thought.replace(THOUGHT, "").strip(), words.strip()
        return "", text.replace(THOUGHT, "").strip()


class Verify(Wrapper):
    """Drafts until a supervisor approves one.

    Args:
        inner: Who drafts.
        attempts: Most drafts; the last is said, approved or not.
        variant: See the module.
    """

    def __init__(
        self, inner: Manner | None = None, *, attempts: int = ATTEMPTS, variant: Variant = "corrected"
    ) -> None:
        super().__init__(inner)
        if attempts < 1:
            raise ConfigError(f"verify: expected at least 1 attempt, got {attempts}")
        self.attempts = attempts
        self.variant: Variant = variant

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """The first draft that is approved, or the last; noted where it is not the first."""
        draft: Draft | None = None
        for attempt in range(1, self.attempts + 1):
            draft = await self.inner.draft(role, ask)
            if draft.message.tool_calls or await approved(role, draft.text, self.variant):
                return draft if attempt == 1 else draft.noting("verify", {"drafts": attempt, "passed": True})
        assert draft is not None
        return draft.noting("verify", {"drafts": self.attempts, "passed": False})


class Reflection(Wrapper):
    """A draft that a supervisor does not approve is reflected upon.

    Args:
        inner: Who drafts.
        attempts: Drafts, the first included.
        variant: See the module.
    """

    def __init__(
        self, inner: Manner | None = None, *, attempts: int = 2, variant: Variant = "corrected"
    ) -> None:
        super().__init__(inner)
        if attempts < 1:
            raise ConfigError(f"reflection: expected at least 1 attempt, got {attempts}")
        self.attempts = attempts
        self.variant: Variant = variant

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """The draft, or the first better one that is approved."""
        first = await self.inner.draft(role, ask)
        if first.message.tool_calls or await approved(role, first.text, self.variant):
            return first
        current = first
        for attempt in range(2, self.attempts + 1):
            proposed = await self._proposal(role, current.text)
            if self.variant == "published":
                shown = Message(role="user", content=proposed)
                view = [*role.history, Entry(shown, shown)]
                proposed = said_by(await role.sample(view, stop=ask.stop)).text
            current = first.saying(proposed)
            if await approved(role, current.text, self.variant):
                return current.noting("reflection", {"drafts": attempt, "passed": True})
        return first.noting("reflection", {"drafts": self.attempts, "passed": False})

    async def _proposal(self, role: Role, response: str) -> str:
        answer = await _aside(role, _REFLECT, response, self.variant)
        found = re.split(r"(?<!User )Response:", answer)
        return (found[-1] if len(found) > 1 else response).strip()


async def approved(role: Role, response: str, variant: Variant = "corrected") -> bool:
    """Whether the supervisor finds what a user is about to say satisfactory."""
    return "true" in (await _aside(role, _VERIFY, response, variant)).lower()


async def _aside(role: Role, prompt: str, response: str, variant: Variant) -> str:
    """What the role's model says to a prompt that is no part of its conversation."""
    told = transcript(role, _CORRECTED if variant == "corrected" else _PUBLISHED)
    message = Message(role="user", content=prompt.format(transcript=told, response=response))
    return said_by(await role.sample([Entry(message, message)])).text


PROTOCOLS: dict[str, Callable[[Variant], Manner]] = {
    "llm": lambda variant: Plain(),
    "react": React,
    "verify": lambda variant: Verify(variant=variant),
    "reflection": lambda variant: Reflection(variant=variant),
}


def protocol(name: str, variant: Variant = "corrected") -> Manner:
    """The manner of a published name.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in PROTOCOLS:
        near = did_you_mean(name, PROTOCOLS) or f"; known: {', '.join(PROTOCOLS)}"
        raise ConfigError(f"unknown user protocol {name!r}{near}")
    return PROTOCOLS[name](variant)


def react_user(model: Model, **options: Any) -> User:
    """A user who thinks before it speaks; options as for `Agent`."""
    return User(model, React(), **options)


def verify_user(model: Model, **options: Any) -> User:
    """A user whose words a supervisor approves; options as for `Agent`."""
    return User(model, Verify(), **options)


def reflection_user(model: Model, **options: Any) -> User:
    """A user whose words are reflected upon where a supervisor does not approve; options as for `Agent`."""
    return User(model, Reflection(), **options)
