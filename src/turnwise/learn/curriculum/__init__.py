"""Curricula: what a training plays next, decided by how it went so far. One file a published idea.

| name | what it plays |
| --- | --- |
| `uniform` | every task in its turn |
| `prioritised` | tasks by the variance of their outcomes, and fresh ones |
| `exit` | histories of the training itself, continued (ExIt) |
| `annealed` | ever shorter episodes (WMAct) |
| `dart` | fewer rollouts of what is solved, and stored successes for what is not (DART) |
| `cobalt` | prefixes of a stored run (Cobalt) |
| `ladder`, `setting_ladder` | harder tasks, or settings, once the easier are done |

`filters` then chooses which groups are learned from. A curriculum of one's own is a subclass of `Curriculum`
(`protocol.py`), a value whose JSON is its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.curriculum.annealed import Annealed
from turnwise.learn.curriculum.buffer import Prioritised
from turnwise.learn.curriculum.cobalt import Cobalt
from turnwise.learn.curriculum.course import Course
from turnwise.learn.curriculum.dart import Dart
from turnwise.learn.curriculum.exit import ExIt
from turnwise.learn.curriculum.ladder import Ladder, SettingLadder
from turnwise.learn.curriculum.protocol import Curriculum, Draw, Group, Seen, Slot, Start

__all__ = ["CURRICULA", "Course", "Curriculum", "Draw", "Group", "Seen", "Slot", "Start", "make"]

CURRICULA: Mapping[str, type[Curriculum]] = {
    "uniform": Curriculum,
    "prioritised": Prioritised,
    "exit": ExIt,
    "annealed": Annealed,
    "dart": Dart,
    "cobalt": Cobalt,
    "ladder": Ladder,
    "setting_ladder": SettingLadder,
}
_STATE = frozenset({"unknown", "buffer", "limit", "drawn", "history", "prompts", "climb"})
"""Fields that are no settings."""


def make(name: str, options: Mapping[str, Any] | None = None) -> Curriculum:
    """The curriculum of a name, with its settings.

    Raises:
        ConfigError: there is none of this name, or a setting that does not exist or does not fit.
    """
    if name not in CURRICULA:
        near = did_you_mean(name, CURRICULA) or f"; there are {', '.join(CURRICULA)}"
        raise ConfigError(f"curriculum: there is no {name!r}{near}")
    found = CURRICULA[name]
    known = [field.name for field in msgspec.structs.fields(found) if field.name not in _STATE]
    given = dict(options or {})
    for key in given:
        if key not in known:
            near = did_you_mean(key, known) or (f"; it has {', '.join(known)}" if known else "; it has none")
            raise ConfigError(f"curriculum.{key}: unknown key{near}")
    try:
        return msgspec.convert(given, found)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ConfigError):
            raise error.__cause__ from None
        raise ConfigError(f"curriculum {name!r}: {error}") from None
