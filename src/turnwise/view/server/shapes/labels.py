"""What people say, and how far they agree."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from turnwise.view.server.shapes.base import Asked, Interval, Limit, Offset, Reply, Short


class LabelAsk(Asked, frozen=True, kw_only=True):
    """What somebody thinks of a run, an episode or a turn. Nothing is overwritten: the last word holds."""

    kind: Literal["thumb", "score", "choice", "note", "tag"]
    target: Short
    """`RUN`, `RUN/NUMBER` or `RUN/NUMBER@TURN`; of a choice, the first of the two."""
    annotator: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """What is judged: a criterion of a rubric (`helpful`), for a score; what the choice is about; the tag
    itself, for a tag."""
    value: float | None = None
    """Of a thumb: 1 up, -1 down; of a score: the score; of a choice: -1 the first, 1 the second, 0 a tie."""
    other: Short | None = None
    """Of a choice: the second."""
    text: Annotated[str, msgspec.Meta(max_length=20_000)] | None = None
    """Of a note; or why."""
    part: Offset | None = None
    """Of a note on some words: which part of the message they are in."""
    start: Offset | None = None
    """Where the words begin, in UTF-16 code units."""
    end: Offset | None = None


class Label(Reply, frozen=True, kw_only=True):
    """A word of somebody's; see `LabelAsk`."""

    id: int
    created: float
    kind: Literal["thumb", "score", "choice", "note", "tag"]
    target: str
    annotator: str
    name: str
    value: float | None
    other: str | None
    text: str | None
    part: int | None
    start: int | None
    end: int | None


class LabelsQuery(Asked, frozen=True, kw_only=True):
    """Which labels: those that hold now, newest first."""

    target: Short | None = None
    """A run, an episode or a turn; with all that is below it."""
    kind: Literal["thumb", "score", "choice", "note", "tag"] | None = None
    annotator: Short | None = None
    name: Short | None = None
    offset: Offset = 0
    limit: Limit = 200


class LabelsPage(Reply, frozen=True, kw_only=True):
    """Some labels."""

    rows: list[Label]
    total: int
    offset: int


class RetractAsk(Asked, frozen=True, kw_only=True):
    """Take a label back."""

    annotator: Short


class Criterion(Reply, frozen=True, kw_only=True):
    """Something that was judged, and by whom."""

    kind: Literal["thumb", "score", "choice"]
    name: str
    labels: int
    annotators: list[str]


class AgreementQuery(Asked, frozen=True, kw_only=True):
    """Whose agreement on what."""

    kind: Literal["thumb", "score", "choice"]
    name: Short = ""
    run: Short | None = None
    """Only within this run."""


class AgreementPair(Reply, frozen=True, kw_only=True):
    """How far two people agree on what both judged."""

    a: str
    b: str
    items: int
    agreement: float | None
    """Share of equal judgements."""
    kappa: Interval
    """Cohen's: 1 is all, 0 is what chance would bring. For scores, weighted by squared distance."""
    disagree: list[str]
    """Targets on which they differ; 50 at most."""


class AgreementPage(Reply, frozen=True, kw_only=True):
    """How far people agree."""

    criteria: list[Criterion]
    """All there is to ask about."""
    pairs: list[AgreementPair]
    alpha: Interval
    """Krippendorff's alpha over all of them."""


class ExportQuery(Asked, frozen=True, kw_only=True):
    """What to export."""

    run: Short | None = None
    annotator: Short | None = None
    name: Short | None = None
    """The criterion."""
