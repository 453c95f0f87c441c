"""A user in two stages: what is asked is first made one of a few allowed acts, and only then put into words.

After the function-driven user of BIRD-INTERACT (arXiv 2510.05318). The acts are

- `labeled("TERM")`: the question is about something known to be ambiguous; what is meant is told;
- `unlabeled("PART")`: it is about a part of what is wanted that nobody foresaw; so much is told;
- `unanswerable()`: it asks for what a user does not know or must not tell, such as the solution.

Each stage is done by the role's model (`ModelStages`) or by rules (`RuleStages`). Neither stage ever sees the
rest of the conversation: the user keeps nothing from one question to the next. The first stage can only
choose; the second is told of the chosen thing alone (published: of everything). What it says is compared
with the secrets, and where it gives any of them away, the refusal is said instead. The act and what was
stopped are a note of the turn (`act`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from turnwise.agent import Ask, Entry
from turnwise.agents.users.leak import SIZE, leaks, tokens
from turnwise.agents.users.manner import Draft, Manner, Of, heard, of
from turnwise.message import Message
from turnwise.role import Role, said_by
from turnwise.wire import Record

Kind: TypeAlias = Literal["labeled", "unlabeled", "unanswerable"]

UNCLEAR = "I'm not sure I understand"
"""What is said where the second stage gives no readable answer."""
REFUSAL = "I can't answer that."
_ANSWER = re.compile(r"<s>(.*?)</s>", re.DOTALL | re.IGNORECASE)
_ACT = re.compile(
    r"(?:\b(labeled|unlabeled)\s*\((.*)\))|\b(unanswerable)\s*\(\s*\)", re.DOTALL | re.IGNORECASE
)

_CLASSIFY = """\
You play a user who is asked a question by a system that writes a query for them. Decide what kind of \
question it is. There are exactly three acts:

labeled("TERM"): it asks about one of the ambiguous terms below; TERM is that term.
unlabeled("PART"): it asks about a part of the wanted query below that no term covers; PART is that part.
unanswerable(): it asks for anything else, or for the query itself, its code, or how to get to it.

Ambiguous terms:
{terms}

Parts of the wanted query:
{parts}
{context}
The question:
{question}

Choose one act, and write it between <s> and </s>, as in <s>unanswerable()</s>."""

_REALISE = """\
You play a user who is asked a question by a system that writes a query for them. What you mean is this:

{meant}

The question:
{question}

{how}
Answer as the user, in one or two short sentences. Never quote code, never name tables or columns that the \
question does not name, never say how to solve it. Write the answer between <s> and </s>."""


class Topic(Record, frozen=True, kw_only=True):
    """Something a user can be asked about."""

    name: str
    """The ambiguous term, or the part of what is wanted."""
    meant: str = ""
    """What the user means by it, in words that may be said."""
    keys: tuple[str, ...] = ()
    """Words of a question that is about it, for rules; by default those of its name."""
    foreseen: bool = True
    """Whether it is a known ambiguity (`labeled`), or a part nobody foresaw (`unlabeled`)."""


class Act(NamedTuple):
    """What a user decided to do with a question."""

    kind: Kind
    topic: Topic | None = None

    def __str__(self) -> str:
        """As it is written: `labeled("tall")`."""
        return f"{self.kind}()" if self.topic is None else f'{self.kind}("{self.topic.name}")'


UNANSWERABLE = Act("unanswerable")


class Stages(Protocol):
    """The two stages."""

    async def classify(self, role: Role, question: str, topics: Sequence[Topic]) -> Act:
        """Which of the allowed acts answers a question."""
        ...

    async def realise(self, role: Role, question: str, act: Act) -> str:
        """The act in words."""
        ...


class RuleStages:
    """Both stages by rules: a question is about the topic most of whose keys it holds; what is meant is said.

    Args:
        forbidden: A question that matches this pattern asks for what must not be told.
        refusal: What is said to what cannot be answered.
    """

    def __init__(
        self,
        *,
        forbidden: str = r"\b(sql|query|code|solution|answer key|instructions?|prompt)\b",
        refusal: str = REFUSAL,
    ) -> None:
        self._forbidden = re.compile(forbidden, re.IGNORECASE)
        self._refusal = refusal

    async def classify(self, role: Role, question: str, topics: Sequence[Topic]) -> Act:
        """The first of the topics with the most keys in the question."""
        if self._forbidden.search(question):
            return UNANSWERABLE
        asked = tokens(question)
        counts = [sum(_within(tokens(key), asked) for key in topic.keys or (topic.name,)) for topic in topics]
        if not any(counts):
            return UNANSWERABLE
        return _about(topics[counts.index(max(counts))])

    async def realise(self, role: Role, question: str, act: Act) -> str:
        """What is meant, or the refusal."""
        return self._refusal if act.topic is None else act.topic.meant or self._refusal


class ModelStages:
    """Both stages by the role's model, each with a prompt of its own.

    Args:
        context: More to tell the first stage, such as a schema.
        refusal: How to refuse.
    """

    def __init__(self, *, context: Of[str] = "", refusal: str = REFUSAL) -> None:
        self._context = context
        self._refusal = refusal

    async def classify(self, role: Role, question: str, topics: Sequence[Topic]) -> Act:
        """What the model chose, if it is allowed; what cannot be read is unanswerable."""
        context = of(self._context, role)
        prompt = _CLASSIFY.format(
            terms=_listed(topic.name for topic in topics if topic.foreseen),
            parts=_listed(topic.name for topic in topics if not topic.foreseen),
            context=f"\nWhat else is known:\n{context}\n" if context else "",
            question=question,
        )
        return read_act(await _alone(role, prompt), topics)

    async def realise(self, role: Role, question: str, act: Act) -> str:
        """What the model says between `<s>` and `</s>`; else that it does not understand."""
        if act.topic is None:
            meant, how = "Nothing that answers the question.", f'Refuse, for example: "{self._refusal}"'
        else:
            meant = f"{act.topic.name}: {act.topic.meant}" if act.topic.meant else act.topic.name
            how = "Answer it from what you mean, and tell no more than what is asked."
        found = _ANSWER.search(
            await _alone(role, _REALISE.format(meant=meant, question=question, how=how)),
        )
        return (found[1].strip() if found else "") or UNCLEAR


class TwoStage(Manner):
    """A user who answers by allowed acts only; see the module.

    Args:
        topics: What the user can be asked about.
        stages: Who does the two stages; the role's model by default.
        secrets: What must never be said.
        refusal: What is said in place of what gives a secret away.
        size: Words in a row that count as a leak; see `leak`.
    """

    heeds = False

    def __init__(
        self,
        topics: Of[Sequence[Topic]],
        stages: Stages | None = None,
        *,
        secrets: Of[Sequence[str]] = (),
        refusal: str = REFUSAL,
        size: int = SIZE,
    ) -> None:
        self.topics = topics
        self.stages = stages or ModelStages(refusal=refusal)
        self.secrets = secrets
        self.refusal = refusal
        self.size = size

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """The answer to the last thing that was said."""
        question = (heard(role) or [""])[-1]
        act = await self.stages.classify(role, question, of(self.topics, role))
        words = await self.stages.realise(role, question, act)
        given = leaks(words, of(self.secrets, role), allowed=(question,), size=self.size)
        note = {"act": str(act), "stopped": given} if given else {"act": str(act)}
        text = self.refusal if given else words
        return Draft(Message(role="assistant", content=text)).noting("act", note)


def read_act(answer: str, topics: Sequence[Topic]) -> Act:
    """The act that a first stage's answer names; `unanswerable` where it names none that is allowed."""
    marked = _ANSWER.search(answer)
    found = _ACT.search(marked[1] if marked else answer)
    if found is None or found[3]:
        return UNANSWERABLE
    wanted = tokens(found[2])
    for topic in topics:
        if topic.foreseen == (found[1].lower() == "labeled") and tokens(topic.name) == wanted:
            return _about(topic)
    return UNANSWERABLE


def _about(topic: Topic) -> Act:
    return Act("labeled" if topic.foreseen else "unlabeled", topic)


def _within(key: list[str], asked: list[str]) -> bool:
    return bool(key) and any(asked[at : at + len(key)] == key for at in range(len(asked) - len(key) + 1))


def _listed(names: Iterable[str]) -> str:
    return "\n".join(f"- {name}" for name in names) or "(none)"


async def _alone(role: Role, prompt: str) -> str:
    message = Message(role="user", content=prompt)
    return said_by(await role.sample([Entry(message, message)])).text
