"""The one error of queries."""

from __future__ import annotations

from typing import Literal, TypeAlias

from turnwise.errors import ToolError

Code: TypeAlias = Literal[
    "MALFORMED_QUERY", "MALFORMED_SEARCH", "INVALID_FIELD", "INVALID_TYPE", "QUERY_TOO_COMPLICATED"
]
"""Salesforce's own."""


class SoqlError(ToolError):
    """A query that cannot be run; its one line begins with a code, as Salesforce's errors do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {' '.join(message.split())}")
        self.code: Code = code


def malformed(message: str) -> SoqlError:
    """A query that cannot be read."""
    return SoqlError("MALFORMED_QUERY", message)
