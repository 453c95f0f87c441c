"""Rows of TravelBench: what is asked, when and where; who asks; why it cannot be done, where it cannot."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from turnwise.task import Task
from turnwise.wire import Record

Form: TypeAlias = Literal["single", "multi", "unsolvable"]
Reason: TypeAlias = Literal["missing_info", "missing_tool", "no_actionable"]
REASONS: tuple[Reason, ...] = ("missing_info", "missing_tool", "no_actionable")


class ToolUse(Record, frozen=True, kw_only=True):
    """One reference call."""

    name: str
    arguments: dict[str, Any]


class TravelTask(Task, frozen=True, kw_only=True):
    """One request.

    What follows `average_calls` is known of the requests made here only; it needs no judge.
    """

    query: str
    """The user's own words."""
    time: str
    """When it is asked."""
    context: str = ""
    """Where the user is, and on the way to where."""
    intent: str = ""
    """What the user means."""
    label: str = ""
    """Kind of request, dotted."""
    profile: str = ""
    """Who asks, and what they like: all that the user knows of itself."""
    reason: Reason | None = None
    """Why it cannot be done; None where it can."""
    average_calls: float | None = None
    """Calls of tools it took on average when it was published."""

    calls: tuple[ToolUse, ...] = ()
    """One way to find out."""
    answer: str = ""
    """What can be said then."""
    facts: tuple[str, ...] = ()
    """What must be said, whatever else is."""
    reveals: tuple[str, ...] = ()
    """What a user without a model says of itself when asked, in order."""
