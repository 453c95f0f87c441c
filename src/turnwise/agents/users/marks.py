"""Marks: words by which a user says that the conversation is over for them, exactly as published."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.log import Turn

STOP = "###STOP###"
"""tau-bench, VitaBench, CRMArena-Pro: what was wanted is done."""
TRANSFER = "###TRANSFER###"
"""tau2-bench, VitaBench: the user was handed to somebody else."""
OUT_OF_SCOPE = "###OUT-OF-SCOPE###"
"""tau2-bench, VitaBench: the user has no words for how the conversation goes."""
FINISH = "[Finish Conversation]"
"""TravelBench."""

MARK = STOP
ASIDE = "(Only you see this.) "
"""How private words begin, since some providers show them as if the other side had said them."""
TAU2_MARKS = (STOP, TRANSFER, OUT_OF_SCOPE)


def mark_in(text: str, marks: Sequence[str] = (MARK,)) -> str | None:
    """The first of these marks that a text holds; None where it holds none."""
    return next((mark for mark in marks if mark in text), None)


def ended(turn: Turn, marks: Sequence[str] = (MARK,)) -> bool:
    """Whether a user's turn ends the conversation."""
    return mark_in(turn.text, marks) is not None


def unmarked(text: str, marks: Sequence[str] = (MARK,)) -> str:
    """A text without its marks; models like to say goodbye."""
    for mark in marks:
        text = text.replace(mark, "")
    return text.strip()
