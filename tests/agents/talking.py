"""Conversations to try users in: an environment whose user speaks in any manner, and models that babble."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st

from turnwise import wire
from turnwise.agent import Agent, Ask
from turnwise.agents.users import (
    Disclosure,
    Interruption,
    Manner,
    ModelStages,
    Patience,
    Plain,
    React,
    Reflection,
    RuleStages,
    Topic,
    TwoStage,
    Update,
    Verify,
    ended,
    respond,
)
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog, Segment
from turnwise.message import Message, ToolCall
from turnwise.model import Request, Sample
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.task import Task
from turnwise.tools.function import FunctionTool

FACTS = ("The order is W123.", "It is blue.", "I paid in cash.")
TOPICS = (
    Topic(name="tall", meant="More than two metres.", keys=("tall", "height")),
    Topic(name="WHERE city = 'Bern'", meant="Only people in Bern.", keys=("city",), foreseen=False),
)
UPDATES = (
    Update(kind="addition", text="And make it two.", at=1),
    Update(kind="retraction", text="Forget the blue one.", at=2),
)
WORDS = (
    *("I would like to return it.", "What is the height?", "Which city?", "###STOP###", "bye ###STOP###"),
    *("Thought: go on.\n\nUser Response:\nYes.", "true", "false", "Reflection:\nbad\n\nResponse:\nBetter."),
    *('<s>labeled("tall")</s>', "<s>unlabeled(\"WHERE city = 'Bern'\")</s>", "<s>Bern it is.</s>", ""),
)

bases = st.sampled_from(("plain", "react", "stages", "rules"))
wrappers = st.lists(
    st.sampled_from(("disclosure", "patience", "verify", "reflection", "instead", "after", "own_words")),
    max_size=4,
)
specs = st.tuples(bases, wrappers)
"""A manner as data: who speaks, and what is put round it, from the inside out."""


def made(spec: Sequence[Any]) -> Manner:
    """The manner that a spec means."""
    base, around = spec
    makers: dict[str, Callable[[], Manner]] = {
        "plain": Plain,
        "react": React,
        "stages": lambda: TwoStage(TOPICS, ModelStages(), secrets=("the order is w123",)),
        "rules": lambda: TwoStage(TOPICS, RuleStages()),
    }
    manner = makers[base]()
    for name in around:
        match name:
            case "disclosure":
                manner = Disclosure(FACTS, manner)
            case "patience":
                manner = Patience(manner, turns=6, stale=2, repeats=1)
            case "verify":
                manner = Verify(manner)
            case "reflection":
                manner = Reflection(manner)
            case channel:
                manner = Interruption(UPDATES, manner, channel=channel)
    return manner


def sensible(spec: Sequence[Any]) -> bool:
    """Whether the parts of a spec go together."""
    try:
        made(spec)
    except ConfigError:
        return False
    return True


class Babbler:
    """A model that says anything; what, follows from what it is shown. It counts what it is asked."""

    remote = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: Counter[int] = Counter()

    async def sample(self, request: Request) -> Sample:
        self.asked[request.ordinal] += 1
        await asyncio.sleep(0)
        shown = "|".join(f"{m.role}:{m.text}" for m in request.messages)
        digest = hashlib.blake2b(f"{request.rng_seed}|{shown}".encode(), digest_size=4).digest()
        if request.tools and digest[0] % 4 == 0:
            call = ToolCall(id=str(request.ordinal), name=request.tools[0].name, arguments="{}")
            return Sample(message=Message(role="assistant", tool_calls=(call,)))
        return Sample(message=Message(role="assistant", content=WORDS[digest[1] % len(WORDS)]))

    async def close(self) -> None:
        pass


class Talk(Environment, frozen=True, kw_only=True):
    """An agent and a user, who speaks in the manner of the settings, until the user ends it."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    spec: Any = ("plain", [])
    turns: int = 8

    async def run(self, task: Task, episode: Episode) -> None:
        manner = made(self.spec)
        looks = 0

        def look() -> str:
            nonlocal looks
            looks += 1
            return f"look {looks}"

        tools = (FunctionTool(look, callers="user"),)
        episode.user.tell("Hi! How can I help you today?")
        said = await respond(episode.user, manner, Ask(tools=tools), rounds=3)
        for _ in range(self.turns):
            if ended(said):
                break
            episode.user.tell(await episode.agent.respond(said))
            said = await respond(episode.user, manner, Ask(tools=tools), rounds=3)
        episode.metric("looks", looks)
        episode.reward(float(ended(said)))


class Journal:
    """Keeps every segment as the store would."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def changed(self, episode: Episode) -> None:
        self.segments.append(wire.decode(wire.encode(Segment(**episode.drain()[0])), Segment))


def play(
    environment: Environment,
    models: dict[str, Any],
    recorded: EpisodeLog | None = None,
    *,
    stored: bool = True,
    **options: Any,
) -> tuple[EpisodeLog, list[Segment]]:
    """One episode, to its end: its whole log, and the segments that were written."""
    journal = Journal()
    recording = None if recorded is None else Recording(recorded, live=True, stored=stored)
    agents = {role: model if isinstance(model, Agent) else Agent(model) for role, model in models.items()}
    episode = Episode(environment, Task(id="0"), agents, recording=recording, journal=journal, **options)
    asyncio.run(asyncio.wait_for(episode.play(), 20))
    journal.changed(episode)
    assert episode.error is None, episode.error.traceback
    header = episode.header()
    before = header if recorded is None or not stored else recorded
    whole = before.extended(journal.segments)
    return msgspec.structs.replace(whole, stop=episode.stop, detail=episode.detail), journal.segments


def emptied(log: EpisodeLog) -> EpisodeLog:
    """The header of a log, as it stood before anything was said."""
    nothing: dict[str, Any] = dict.fromkeys(("turns", "calls", "effects", "rewards", "notes", "toolsets"), ())
    return msgspec.structs.replace(log, **nothing, metrics={}, stop=None, detail=None)


def conversation(
    user: Any, agent: Sequence[str], *, manner: Manner | None = None, first: str | None = "Hi!"
) -> EpisodeLog:
    """What comes of a user (lines, a function, a model) in a manner, and an agent who says these lines.

    Args:
        user: Who is asked.
        agent: What the other side says, after its greeting.
        manner: The user's.
        first: The greeting; None where the user speaks first.
    """

    class Told(Environment, frozen=True, kw_only=True):
        roles: ClassVar[tuple[str, ...]] = ("agent", "user")

        async def run(self, task: Task, episode: Episode) -> None:
            if first is not None:
                episode.user.tell(first)
            said = await respond(episode.user, manner or Plain())
            for _ in agent:
                if ended(said):
                    break
                episode.user.tell(await episode.agent.respond(said))
                said = await respond(episode.user, manner or Plain())

    model = user if hasattr(user, "sample") else ScriptedModel(user)
    return play(Told(), {"agent": ScriptedModel(list(agent)), "user": model})[0]


def words_of(log: EpisodeLog, role: str = "user") -> list[str]:
    """What a role said."""
    return [turn.text for turn in log.turns if turn.role == role]
