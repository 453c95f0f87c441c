"""Forks and their tree."""

from __future__ import annotations

from typing import Annotated

import msgspec

from turnwise.view.server.shapes.base import Asked, Long, Offset, Reply, Short


class ForkAsk(Asked, frozen=True, kw_only=True):
    """Go on another way from a turn of an episode."""

    episode: Short
    """`RUN/NUMBER`."""
    at: Offset
    """The first turn to make anew, or with `says` the one that says something else."""
    says: Long | None = None
    """What its speaker says there instead."""
    agents: dict[str, Short] = {}
    """Who takes over from there on, by role."""
    seed: str | None = None
    """Of all draws from there on; a number as text. By default one that follows from the episode's own."""
    count: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """How many ways to go on."""


class Started(Reply, frozen=True, kw_only=True):
    """A run that this server began to play."""

    run: str
    numbers: list[int]


class Stopped(Reply, frozen=True, kw_only=True):
    """Whether a run was stopped."""

    run: str
    stopped: bool


class TreeNode(Reply, frozen=True, kw_only=True):
    """An episode in a tree of forks."""

    episode: str
    """`RUN/NUMBER`."""
    parent: str | None
    """The episode it left."""
    at: int
    """The first turn that is its own; 0 for the root."""
    turns: int
    score: float | None
    stop: str | None
    live: bool
    agents: dict[str, str]
    says: str | None
    """The first words of turn `at`."""
    edited: bool
    """Whether these were put into its speaker's mouth by hand."""


class TreePage(Reply, frozen=True, kw_only=True):
    """All that was forked from one episode, directly or not; the root first."""

    root: str
    nodes: list[TreeNode]
