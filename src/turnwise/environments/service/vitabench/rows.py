"""Rows of VitaBench as published: what a user wants, a small world of their own, and what is expected."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from turnwise.task import Task
from turnwise.wire import Record

Domain: TypeAlias = Literal["delivery", "instore"]


class ExpectedState(Record, frozen=True, kw_only=True):
    """What one of the user's requests should come to."""

    required_orders: tuple[dict[str, Any], ...] = ()
    """Gold orders, bookings and reservations; in the published rows always those of the whole task."""
    optional_orders: tuple[dict[str, Any], ...] | None = ()
    state_rubrics: tuple[str, ...] | None = ()


class Criteria(Record, frozen=True, kw_only=True):
    """How a task is judged."""

    expected_states: tuple[ExpectedState, ...] | None = ()
    overall_rubrics: tuple[str, ...] | None = ()

    @property
    def rubrics(self) -> tuple[str, ...]:
        """All rubrics in order, those of the states first, each once."""
        states = [rubric for state in self.expected_states or () for rubric in state.state_rubrics or ()]
        return tuple(dict.fromkeys((*states, *(self.overall_rubrics or ()))))


class VitaTask(Task, frozen=True, kw_only=True):
    """One user's case."""

    domain: str
    instructions: str
    """What the user wants, told to them."""
    environment: dict[str, Any]
    """Their world: `time`, `user_id`, `location`, `weather`, `user_historical_behaviors`, `orders`, and
    `stores`; in-store `shops`, `books` and `reservations`."""
    user_scenario: dict[str, Any] = {}
    """`user_profile`: who they are, and their temper."""
    evaluation_criteria: Criteria | None = None

    @property
    def criteria(self) -> Criteria:
        """How it is judged; by nothing, where the row has no criteria."""
        return self.evaluation_criteria or Criteria()
