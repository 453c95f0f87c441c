"""What changed."""

from __future__ import annotations

from typing import Literal

from turnwise.view.server.shapes.base import Asked, Reply, Short


class EventsQuery(Asked, frozen=True, kw_only=True):
    """What one is looking at: then changes of it are told, too. Changes of runs always are."""

    episode: Short | None = None
    """`RUN/NUMBER`."""
    play: Short | None = None


class Event(Reply, frozen=True, kw_only=True):
    """That something changed. The page asks again for what it shows of it."""

    kind: Literal["hello", "run", "gone", "episode", "play", "index", "labels"]
    """`run`: it is new or went on. `gone`: it was deleted. `episode`, `play`: what is looked at went on.
    `index`: the search index went on. `labels`: somebody labelled something."""
    run: str | None
    episode: int | None
    play: str | None
    status: str | None
    """Of a run."""
    done: int | None
    """Episodes of a run that ended; of the index, that are in it."""
    of: int | None
    """Planned episodes of a run; of the index, all there are."""
    failed: int | None
    turns: int | None
    """Turns of the episode so far; of a run, of its ended episodes."""
    version: int | None
    """Of a play."""
