"""Plays: what can be played, seats and moves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from turnwise.view.server.shapes.base import Asked, Limit, Long, Offset, Reply, Short
from turnwise.view.server.shapes.episode import MessageShape, ToolShape


class AgentLine(Reply, frozen=True, kw_only=True):
    """Who can fill a role."""

    name: str
    summary: str


class SeatLine(Reply, frozen=True, kw_only=True):
    """A role of an environment."""

    role: str
    optional: bool
    default: str | None
    """Who plays where nobody is named."""
    agents: list[AgentLine]
    """The environment's own, and others that need no key."""


class SettingLine(Reply, frozen=True, kw_only=True):
    """A setting of an environment."""

    name: str
    type: str
    default: Any
    choices: list[Any]
    """All there are, where they are few."""


class EnvironmentLine(Reply, frozen=True, kw_only=True):
    """An environment that can be played."""

    name: str
    summary: str
    roles: list[str]
    pictures: bool


class EnvironmentsPage(Reply, frozen=True, kw_only=True):
    """What can be played here."""

    rows: list[EnvironmentLine]


class EnvironmentPage(Reply, frozen=True, kw_only=True):
    """All that one must know to play."""

    name: str
    summary: str
    about: str
    """Its whole description."""
    seats: list[SeatLine]
    settings: list[SettingLine]
    pictures: bool
    spoilers: bool
    """Whether its pictures give away what a player is not told."""
    tasks: int
    problem: str | None
    """Why it cannot be played here; one line."""


class TasksQuery(Asked, frozen=True, kw_only=True):
    """Which tasks."""

    text: Short | None = None
    """Part of the id."""
    offset: Offset = 0
    limit: Limit = 100


class TaskLine(Reply, frozen=True, kw_only=True):
    """A task to choose."""

    id: str
    head: str
    """Its inputs in a line."""


class TasksPage(Reply, frozen=True, kw_only=True):
    """Some of an environment's tasks."""

    rows: list[TaskLine]
    total: int
    offset: int


class PlayAsk(Asked, frozen=True, kw_only=True):
    """Play a task in one's own person."""

    environment: Short
    task: Short | None = None
    """Its id; by default the first."""
    roles: Annotated[list[Short], msgspec.Meta(max_length=16)]
    """The roles that people take; the first is who asks. The others get a link each."""
    agents: dict[str, Short] = {}
    """Who fills further roles."""
    settings: dict[str, Any] = {}
    seed: str | None = None
    peek: bool = False
    """Show pictures even where they give away what is hidden."""


class SeatShape(Reply, frozen=True, kw_only=True):
    """A role that a person takes."""

    role: str
    key: str
    """Whoever has it plays the role: `/play/{play}?seat=KEY`."""


class PlayStarted(Reply, frozen=True, kw_only=True):
    """A play that began."""

    play: str
    run: str
    episode: int
    seats: list[SeatShape]


class SeatQuery(Asked, frozen=True, kw_only=True):
    """Who looks."""

    seat: Short
    v: Offset | None = None
    """Of which version; it only keeps browsers from showing an old picture."""


class Choice(Reply, frozen=True, kw_only=True):
    """A legal action."""

    id: int
    text: str
    """As it is said."""
    label: str
    """The same without marks such as `<answer>`."""


class PlayPage(Reply, frozen=True, kw_only=True):
    """A play as one of its players sees it."""

    play: str
    run: str
    episode: int
    environment: str
    role: str
    version: int
    """Rises with each change; events name it."""
    state: Literal["starting", "waiting", "yours", "ended"]
    """`waiting`: for somebody else."""
    ordinal: int | None
    """Number of the move that is asked for: a move names it, so that none is made twice."""
    messages: list[MessageShape]
    """All that this role was told and said, the last 500."""
    earlier: int
    """Messages before these."""
    picture: str | None
    """URL of how things stand."""
    choices: list[Choice]
    """Legal actions, where the environment lists them; 500 at most."""
    text: bool
    """Whether words may be said; false where only `choices` count."""
    tools: list[ToolShape]
    """Tools that may be called instead of saying something."""
    stop: str | None
    detail: str | None
    score: float | None
    failure: str | None
    """Why it ended badly; one line."""
    people: dict[str, bool]
    """Whether each role that a person takes has somebody at it now."""


class MoveAsk(Asked, frozen=True, kw_only=True):
    """A player's move: words, an action by its id, or a tool call."""

    seat: Short
    ordinal: Offset
    """As `PlayPage.ordinal` asks."""
    text: Long | None = None
    action: int | None = None
    tool: Short | None = None
    arguments: Long = "{}"
    """JSON text, for `tool`."""


class SeatAsk(Asked, frozen=True, kw_only=True):
    """Who leaves."""

    seat: Short
