"""Why an episode did not go well: lines for people, in one note of the episode, where all look for them.

Reports, `turnwise show`, the pytest plug-in and the viewer show the note `reasons`. Lines are made where
something is wrong, and only there, so that what goes well costs nothing. They name what should have been, and
so are for nobody who plays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turnwise import wire
from turnwise.episode import Episode
from turnwise.tools.desk import Desk
from turnwise.verdict import Verdict

REASONS = "reasons"
"""Name of the note."""
NOTHING: Any = object()
"""In the place of a value where there is none."""
_NONE = "nothing"
_MOST = 5
"""Lines on one state, or of one kind."""
_LONGEST = 80
"""Characters of a value."""


def tell(episode: Episode, lines: Sequence[str]) -> None:
    """Write lines down; where there is none, nothing."""
    if lines:
        episode.note([*lines], name=REASONS)


def state(found: Desk, wanted: Desk) -> list[str]:
    """How a desk differs from the one it should be like, place by place."""
    return shortened(
        [
            place(change["at"], change.get("now", NOTHING), change.get("was", NOTHING))
            for change in found.apart(wanted)
        ],
        "differences",
    )


def place(at: Sequence[str], found: Any, wanted: Any) -> str:
    """What is at a place, and what should be; of long values, from where they part."""
    texts = [_NONE if value is NOTHING else wire.encode(value).decode() for value in (found, wanted)]
    alike = next((n for n, (one, other) in enumerate(zip(*texts, strict=False)) if one != other), 0)
    if max(map(len, texts)) > _LONGEST and alike > _LONGEST // 2:
        texts = [f"…{text[alike - _LONGEST // 4 :]}" for text in texts]
    return f"{'/'.join(at)}: {_cut(texts[0])}, expected {_cut(texts[1])}"


def call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call of a tool as it is written."""
    given = (f"{key}={_cut(wire.encode(value).decode())}" for key, value in arguments.items())
    return f"{name}({', '.join(given)})"


def judged(verdict: Verdict) -> list[str]:
    """What a judge found wrong, criterion by criterion where it has some; or why there is no verdict."""
    if verdict.missing is not None:
        return [f"the judge gave no verdict: {verdict.missing}"]
    if not verdict.findings and verdict.passed is False and verdict.reason:
        return [f"judge: {verdict.reason}"]
    return [
        f"judge: {one.criterion.text}: {one.reason or ('found' if one.criterion.fault else 'not met')}"
        for one in verdict.findings
        if one.met is one.criterion.fault
    ]


def shortened(lines: Sequence[str], what: str) -> list[str]:
    """The first lines, and how many more `what` there are."""
    return [*lines] if len(lines) <= _MOST else [*lines[:_MOST], f"... {len(lines) - _MOST} more {what}"]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
