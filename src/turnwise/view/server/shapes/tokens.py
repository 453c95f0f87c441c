"""Tokens of a call, and what they were worth."""

from __future__ import annotations

from turnwise.view.server.shapes.base import Asked, Offset, Reply, Short


class TokensQuery(Asked, frozen=True, kw_only=True):
    """Which call's tokens, and by which method to credit them."""

    call: Offset | None = None
    """Number of the speaker's call; by default the one that said the turn."""
    credit: Short | None = None
    """A method of `About.credit`; the episodes of the same task in the run are its group."""
    prompt: bool = False
    """With the ids the prompt adds to what was fed before."""


class Alternative(Reply, frozen=True, kw_only=True):
    """Another token that might have come."""

    text: str
    logprob: float


class TokenShape(Reply, frozen=True, kw_only=True):
    """One token."""

    id: int | None
    """Null where the provider told its text alone."""
    text: str | None
    """Null where its tokenizer is not known."""
    sampled: bool
    """Whether the policy sampled it (the loss mask); false for the prompt."""
    logprob: float | None
    credit: float | None
    alternatives: list[Alternative]


class TokensPage(Reply, frozen=True, kw_only=True):
    """The tokens of a call, 20,000 at most."""

    role: str
    call: int
    turn: int | None
    tokenizer: str | None
    """Whose text pieces these are."""
    total: int
    prompt: int
    """How many tokens were fed before the sample, in all."""
    tokens: list[TokenShape]
    credit: str | None
    """The method that was used."""
    problem: str | None
    """Why a credit that was asked for is not here; one line."""


class CreditQuery(Asked, frozen=True, kw_only=True):
    """By which method to credit the turns."""

    method: Short


class TurnCredit(Reply, frozen=True, kw_only=True):
    """What a turn was worth."""

    turn: int
    role: str
    value: float | None


class CreditPage(Reply, frozen=True, kw_only=True):
    """What each turn of an episode was worth by a method."""

    method: str
    group: list[int]
    """Numbers of the episodes it was compared with, itself included."""
    turns: list[TurnCredit]
    problem: str | None
    """Why there is none; one line."""
