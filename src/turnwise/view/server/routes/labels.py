"""Labels: what people say of runs, episodes and turns."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import StreamingResponse

from turnwise.errors import ConfigError
from turnwise.store.annotations import Annotation, Target
from turnwise.view.reading import agreeing, exporting, words
from turnwise.view.reading.errors import MissingError
from turnwise.view.server import shapes as s
from turnwise.view.server.asked import Ask, handles


@handles("labels")
def labels(ask: Ask) -> s.LabelsPage:
    """Those that hold, newest first."""
    query: s.LabelsQuery = ask.query
    within = None if query.target is None else Target.read(query.target)
    fitting = [
        word
        for word in reversed(ask.viewer.source.annotations.held())
        if (within is None or within.holds(word.target) or (word.other and within.holds(word.other)))
        and query.kind in (None, word.kind)
        and query.annotator in (None, word.annotator)
        and query.name in (None, word.name)
    ]
    shown = fitting[query.offset : query.offset + query.limit]
    return s.LabelsPage(rows=[words.label(word) for word in shown], total=len(fitting), offset=query.offset)


@handles("label")
def label(ask: Ask) -> s.Label:
    """Write one down."""
    body: s.LabelAsk = ask.body
    word = Annotation(
        kind=body.kind,
        target=Target.read(body.target),
        annotator=body.annotator.strip(),
        name=body.name.strip(),
        value=body.value,
        other=None if body.other is None else Target.read(body.other),
        text=body.text,
        part=body.part,
        start=body.start,
        end=body.end,
    )
    _check(word)
    for target in (word.target, word.other):
        if target is not None:
            _check_there(ask, target)
    return words.label(ask.viewer.source.annotations.add(word))


@handles("retract")
def retract(ask: Ask) -> s.Label:
    """Take one back."""
    number = ask.number("label")
    try:
        return words.label(ask.viewer.source.annotations.retract(number, ask.body.annotator))
    except KeyError:
        raise MissingError(f"there is no label {number} that holds") from None


@handles("agreement")
def agreement(ask: Ask) -> s.AgreementPage:
    """How far people agree."""
    return agreeing.page(ask.viewer.source, ask.query)


@handles("export_preferences")
def export_preferences(ask: Ask) -> StreamingResponse:
    """Choices as a preference data set."""
    return _lines(exporting.preferences(ask.viewer.source, ask.query), "preferences")


@handles("export_labels")
def export_labels(ask: Ask) -> StreamingResponse:
    """Everything else as a label data set."""
    return _lines(exporting.labels(ask.viewer.source, ask.query), "labels")


def _lines(lines: Iterator[bytes], name: str) -> StreamingResponse:
    headers = {"content-disposition": f'attachment; filename="{name}.jsonl"', "cache-control": "no-store"}
    return StreamingResponse(lines, media_type="application/jsonl", headers=headers)


def _check(word: Annotation) -> None:
    """Whether a word says what its kind says.

    Raises:
        ConfigError: it does not.
    """
    if not word.annotator:
        raise ConfigError("annotator: expected a name")
    allowed = {"thumb": (1.0, -1.0), "choice": (-1.0, 0.0, 1.0)}.get(word.kind)
    if allowed is not None and word.value not in allowed:
        raise ConfigError(f"value: a {word.kind} is one of {', '.join(f'{v:g}' for v in allowed)}")
    if word.kind == "score" and (word.value is None or not abs(word.value) < 1e12):
        raise ConfigError("value: a score is a number")
    if word.kind in ("score", "tag") and not word.name:
        raise ConfigError(f"name: a {word.kind} has a name")
    if word.kind == "note" and not (word.text or "").strip():
        raise ConfigError("text: a note has a text")
    if (word.kind == "choice") != (word.other is not None):
        raise ConfigError("other: a choice, and nothing else, is between two")
    if word.other == word.target:
        raise ConfigError("other: a choice is between two different things")
    if (word.start is None) != (word.end is None) or (word.start or 0) > (word.end or 0):
        raise ConfigError("start, end: expected both, in this order")


def _check_there(ask: Ask, target: Target) -> None:
    """Whether there is what a word is about.

    Raises:
        MissingError: there is not.
    """
    run = ask.viewer.source.run(target.run)
    if target.episode is not None:
        found = ask.viewer.source.episode(run, target.episode)
        if target.turn is not None and target.turn >= len(found.log.turns):
            raise MissingError(f"{found.name} has no turn {target.turn}")
