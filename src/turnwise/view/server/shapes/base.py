"""What all requests and replies share: bounds, problems, intervals."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

Offset: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=500)]
Short: TypeAlias = Annotated[str, msgspec.Meta(max_length=500)]
"""Text that a person types into a field."""
Long: TypeAlias = Annotated[str, msgspec.Meta(max_length=200_000)]
Numbers: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=20_000, pattern=r"^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$")
]
Order: TypeAlias = Literal["asc", "desc"]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all that is answered."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all that is asked, in a query or a body."""


class Nothing(Asked, frozen=True, kw_only=True):
    """A request that takes no parameters."""


class Problem(Reply, frozen=True, kw_only=True):
    """Why a request was not answered."""

    code: Literal[
        "bad_request", "unauthorized", "forbidden", "not_found", "conflict", "too_large", "store", "failed"
    ]
    message: str
    """One line, to be shown as it is."""


class Interval(Reply, frozen=True, kw_only=True):
    """A mean with its 95 % interval; null where there is nothing to tell it from."""

    mean: float | None
    low: float | None
    high: float | None
    n: int
    """Values it is told from."""
    missing: int
    """Values that are missing."""


class CreditMethod(Reply, frozen=True, kw_only=True):
    """A published way to say what a turn, or a token, was worth."""

    name: str
    summary: str
    per: Literal["turn", "token"]


class About(Reply, frozen=True, kw_only=True):
    """What is being viewed."""

    version: str
    store: str
    """Its place, without a password."""
    credit: list[CreditMethod]
    """Credit methods that tokens can be shaded by."""
    annotators: list[str]
    """Who has labelled anything so far."""
    tags: list[str]
    """All tags in use."""
