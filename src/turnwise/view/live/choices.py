"""Legal actions as buttons: those that make a whole reply by themselves."""

from __future__ import annotations

import re

from turnwise.action import ActionSpace
from turnwise.view.server import shapes as s

_MOST = 500
_TAG = re.compile(r"</?\w+>")


def listed(space: ActionSpace | None) -> list[s.Choice]:
    """The actions one may choose from; none where they are too many, or no reply by themselves."""
    if space is None:
        return []
    actions = space.offer(()).actions
    if not 0 < len(actions) <= _MOST or whole(space, actions[0].id) is None:
        return []
    return [s.Choice(id=one.id, text=one.text, label=_label(one.text)) for one in actions]


def whole(space: ActionSpace, action: int) -> tuple[int, ...] | None:
    """The reply that is this action and nothing else, or None where more has to follow.

    Raises:
        ValueError: it is not legal.
    """
    after = space.offer((action,))
    if not after.actions:
        return (action,)
    for end in after.actions:
        # One that only ends the reply has no text of its own.
        if not end.text and not space.offer((action, end.id)).actions:
            return action, end.id
    return None


def _label(text: str) -> str:
    """What stands between the marks of a reply."""
    return " ".join(_TAG.sub(" ", text).split()) or text
