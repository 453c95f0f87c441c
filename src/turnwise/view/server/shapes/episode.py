"""One episode: outline, turns, messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from turnwise.view.server.shapes.base import Asked, Offset, Reply
from turnwise.view.server.shapes.grid import EpisodeLine


class RoleLine(Reply, frozen=True, kw_only=True):
    """A participant."""

    name: str
    agent: str | None
    score: float | None
    turns: int
    """Turns it said."""
    calls: int
    system: bool
    """Whether its model is told something that nobody else sees (a system prompt)."""
    rewritten: bool
    """Whether some call of it was shown something else than its history."""
    tokens: bool
    """Whether sampled token ids are stored."""


class RewardLine(Reply, frozen=True, kw_only=True):
    """One component of somebody's reward."""

    name: str
    role: str
    value: float | None
    """Null is a missing verdict."""
    turn: int | None
    """Null is the whole episode."""


class VerdictLine(Reply, frozen=True, kw_only=True):
    """A judgement of the episode."""

    name: str
    by: str | None
    """The episode in which a judge gave it later (`RUN/NUMBER`); null where it is stored with this one."""
    turn: int | None
    """What it is about; null is the whole episode."""
    score: float | None
    label: str | None
    reason: str | None
    evidence: list[int]
    """Turns it rests on."""
    missing: str | None
    """Why there is no judgement."""


class NoteLine(Reply, frozen=True, kw_only=True):
    """What the environment noted."""

    name: str
    turn: int | None
    value: Any
    """JSON; a text longer than 2,000 characters is cut."""


class TurnLine(Reply, frozen=True, kw_only=True):
    """A turn in the outline."""

    index: int
    parent: int | None
    """The turn it answers, where that is not the one before it."""
    role: str
    """A role, `environment` or `tool`."""
    kind: Literal["reply", "observation", "tool", "system"]
    to: list[str]
    """Whom it was addressed to; empty where that goes without saying."""
    head: str
    """The first 80 characters, on one line."""
    size: int
    """Characters of all its text."""
    media: int
    """Pictures, sounds, films and files."""
    tools: list[str]
    """Tools it calls, or the one that answers."""
    reward: float | None
    """Sum of what its speaker got for it; null where nothing was given."""
    calls: list[int]
    """Its speaker's calls that made it."""
    start: float | None
    """Seconds since the episode began (of a resumed part: since it resumed)."""
    model: float | None
    """Seconds its calls took."""
    tool: float | None
    """Seconds of effects (recorded tools, searches) that led to it."""
    wait: float | None
    """Seconds before its calls in which nothing was asked for: the environment's own work, queues."""
    input: int
    """Tokens, as `output`."""
    output: int
    cost: float


class BranchLine(Reply, frozen=True, kw_only=True):
    """Where this episode left its parent (or a forebear its own)."""

    turns: int
    """Turns that are shared."""
    seed: str | None


class EpisodePage(Reply, frozen=True, kw_only=True):
    """An episode in outline: everything but what was said."""

    run: str
    number: int
    environment: str
    settings: Any
    task: Any
    """The task's row, as JSON."""
    epoch: int
    seed: str
    """A 63-bit number, as text: JavaScript's numbers would round it."""
    line: EpisodeLine
    live: bool
    """Whether it is being played."""
    roles: list[RoleLine]
    turns: list[TurnLine]
    rewards: list[RewardLine]
    metrics: dict[str, float]
    verdicts: list[VerdictLine]
    notes: list[NoteLine]
    failure: Failure | None
    parent: str | None
    """For a fork: `RUN/NUMBER@TURN`."""
    branches: list[BranchLine]
    forks: int
    """Runs that were forked from it."""
    pictures: bool
    """Whether the environment may show how things stand."""
    tools: list[ToolShape]
    """All tools that were offered in it."""
    spent: Spent
    previous: int | None
    """The episode before it in the run."""
    next: int | None


class Failure(Reply, frozen=True, kw_only=True):
    """What went wrong."""

    type: str
    message: str
    traceback: str


class Spent(Reply, frozen=True, kw_only=True):
    """Tokens and money."""

    input: int
    output: int
    cached: int
    reasoning: int
    cost: float


class ToolShape(Reply, frozen=True, kw_only=True):
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Any
    """JSON Schema of its arguments."""


class TurnsQuery(Asked, frozen=True, kw_only=True):
    """Which turns."""

    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class PartShape(Reply, frozen=True, kw_only=True):
    """A part of a message's content."""

    kind: Literal["text", "image", "audio", "video", "file"]
    text: str | None
    """Of a text: its first 60,000 characters."""
    size: int
    """Characters of a text, bytes of the rest. What a text has beyond what is here is at
    `/turns/{turn}/text`."""
    sha256: str | None
    media_type: str | None
    name: str | None
    url: str | None
    """Where the bytes are; null for a text, and where the store has not got them."""


class ToolCallShape(Reply, frozen=True, kw_only=True):
    """A model's wish to call a tool."""

    id: str
    name: str
    arguments: str
    """Exactly as the model wrote it; JSON text where it is well-formed."""
    size: int
    valid: bool
    """Whether the arguments are a JSON object."""


class MessageShape(Reply, frozen=True, kw_only=True):
    """A message."""

    role: Literal["system", "user", "assistant", "tool"]
    name: str | None
    parts: list[PartShape]
    reasoning: str | None
    """Thoughts apart from the answer; the first 60,000 characters."""
    tool_calls: list[ToolCallShape]
    tool_call_id: str | None


class CallShape(Reply, frozen=True, kw_only=True):
    """One model call."""

    role: str
    n: int
    parent: int | None
    """The call whose prompt and sample this one's prompt extends."""
    turn: int | None
    """The turn it became."""
    finish: str
    model: str | None
    version: str | None
    """Policy version that sampled."""
    spent: Spent | None
    sampling: Any
    """Where it differs from the agent's; null where it does not."""
    tools: list[str]
    """Offered."""
    error: str | None
    error_kind: str | None
    start: float | None
    seconds: float | None
    tokens: int | None
    """Sampled token ids that are stored."""
    logprob: float | None
    """Sum of the log-probabilities of what was sampled."""
    said: MessageShape | None
    """What was sampled, where no turn says it (a thought of the scaffold's)."""


class TurnShape(Reply, frozen=True, kw_only=True):
    """A turn in full."""

    index: int
    parent: int | None
    role: str
    kind: Literal["reply", "observation", "tool", "system"]
    to: list[str]
    message: MessageShape
    calls: list[CallShape]
    rewards: list[RewardLine]
    notes: list[NoteLine]
    editable: bool
    """Whether a fork may put other words into its speaker's mouth."""


class TurnsPage(Reply, frozen=True, kw_only=True):
    """Turns in a range."""

    start: int
    total: int
    turns: list[TurnShape]


class TextQuery(Asked, frozen=True, kw_only=True):
    """Which piece of a long text."""

    part: Offset = 0
    """Place among the message's parts."""
    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200_000)] = 100_000


class TextPage(Reply, frozen=True, kw_only=True):
    """A piece of a long text."""

    start: int
    total: int
    text: str
