"""What a role saw, and two roles side by side."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from turnwise.view.server.shapes.base import Asked, Offset, Reply, Short
from turnwise.view.server.shapes.episode import MessageShape


class ViewQuery(Asked, frozen=True, kw_only=True):
    """What a role was shown in one of its calls."""

    call: Offset | None = None
    """The last one by default."""
    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


class Piece(Reply, frozen=True, kw_only=True):
    """A stretch of two texts laid side by side."""

    op: Literal["same", "cut", "new"]
    text: str


class ViewEntry(Reply, frozen=True, kw_only=True):
    """One line of history laid beside a view."""

    state: Literal["shown", "private", "hidden", "rewritten"]
    """`shown`: in both. `private`: for this role's model alone. `hidden`: it happened, and was not shown.
    `rewritten`: shown in other words than it happened."""
    turn: int | None
    message: MessageShape
    """As this role's model was (or would have been) told it: other roles' words as `user`."""
    diff: list[Piece]
    """For `rewritten`: what happened (`cut`) against what was shown (`new`); may be empty for long texts."""


class ViewCall(Reply, frozen=True, kw_only=True):
    """One call of a role and what became of its history."""

    n: int
    turn: int | None
    """The turn it became."""
    parent: int | None
    shown: int
    """Messages it was shown."""
    hidden: int
    """Turns of the role's history that it was not shown."""
    private: int
    """Messages that only this role's model saw."""


class ViewPage(Reply, frozen=True, kw_only=True):
    """A call of a role: the history laid beside what its model was shown."""

    role: str
    call: ViewCall
    calls: list[ViewCall]
    """All calls of the role; the last 2,000."""
    start: int
    total: int
    entries: list[ViewEntry]


class DiffQuery(Asked, frozen=True, kw_only=True):
    """Which two roles' views to lay side by side."""

    a: Short
    b: Short
    start: Offset = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=200)] = 100


class DiffRow(Reply, frozen=True, kw_only=True):
    """A moment, as each of two roles knows it."""

    turn: int | None
    """Null for a private message."""
    a: Literal["said", "told", "private", "unseen"]
    """`said` it, was `told` it, is its `private` message (a system prompt), or knows nothing of it."""
    b: Literal["said", "told", "private", "unseen"]
    role: str
    """Who spoke; of a private message, whose it is."""
    message: MessageShape


class DiffPage(Reply, frozen=True, kw_only=True):
    """Two roles' views side by side."""

    a: str
    b: str
    start: int
    total: int
    rows: list[DiffRow]
