"""What people said of a run's episodes: their tags, and how many words each has."""

from __future__ import annotations

from typing import NamedTuple

from turnwise.store.annotations import Annotation
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s


class Words(NamedTuple):
    """Of one episode and its turns."""

    tags: tuple[str, ...] = ()
    labels: int = 0
    """Thumbs, scores, choices and notes."""


NONE = Words()


def by_episode(source: Source, run: str) -> dict[int, Words]:
    """The words on each episode of a run that has any."""
    return source.cache.get(("words", run, source.annotations.last), lambda: _gathered(source, run))


def _gathered(source: Source, run: str) -> dict[int, Words]:
    found: dict[int, Words] = {}
    for word in source.annotations.held():
        for target in (word.target, word.other):
            if target is None or target.run != run or target.episode is None:
                continue
            before = found.get(target.episode, NONE)
            if word.kind == "tag":
                tags = tuple(sorted({*before.tags, word.name}))
                found[target.episode] = before._replace(tags=tags)
            else:
                found[target.episode] = before._replace(labels=before.labels + 1)
    return found


def label(word: Annotation) -> s.Label:
    """A word as replies give it."""
    return s.Label(
        id=word.id,
        created=word.created,
        kind=word.kind,
        target=str(word.target),
        annotator=word.annotator,
        name=word.name,
        value=word.value,
        other=None if word.other is None else str(word.other),
        text=word.text,
        part=word.part,
        start=word.start,
        end=word.end,
    )
