"""Rows of tau-bench: what a customer wants, the reference calls, and what the agent has to say."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from turnwise.task import Task
from turnwise.wire import Record

Domain: TypeAlias = Literal["retail", "airline"]
Version: TypeAlias = Literal[1, 2]
Basis: TypeAlias = Literal["DB", "COMMUNICATE", "ACTION", "NL_ASSERTION"]
"""Parts of a reward, which is their product."""


class Action(Record, frozen=True, kw_only=True):
    """One reference call."""

    name: str
    arguments: dict[str, Any] = {}
    compare: tuple[str, ...] | None = None
    """Arguments that matter where calls are compared; all, where it is None."""


class TauTask(Task, frozen=True, kw_only=True):
    """One customer's case."""

    instruction: str
    """What the customer is told, in the second person."""
    says: tuple[str, ...]
    """The same in pieces, in the order in which it comes up: for a customer without a model."""
    persona: str = ""
    actions: tuple[Action, ...] = ()
    """One way to do it; what counts is the database that it leaves."""
    outputs: tuple[str, ...] = ()
    """What the agent has to say."""
    assertions: tuple[str, ...] = ()
    """What must hold of the conversation, in words, for a judge."""
    basis: tuple[Basis, ...] = ("DB", "COMMUNICATE")
