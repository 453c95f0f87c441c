"""Rows of M3ToolEval: what is asked, with which family's tools, and what the answer is."""

from __future__ import annotations

import ast
from typing import Any

import msgspec

from turnwise.task import Task


class ToolTask(Task, frozen=True, kw_only=True):
    """A task for several tools."""

    family: str
    instruction: str
    expected: Any
    """The answer: a number, text, list or object."""
    literal: str = ""
    """The answer as Python writes it, where it is something that JSON has not, such as a pair."""
    world: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """What the family's tools know, where that is published, too: flights, hotels, pages."""
    steps: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Calls that lead to the answer, tool and arguments; known of the tasks made here only."""
    code: str = ""
    """Python that prints it; the same."""

    @property
    def answer(self) -> Any:
        """What is expected, as Python has it."""
        return ast.literal_eval(self.literal) if self.literal else self.expected
