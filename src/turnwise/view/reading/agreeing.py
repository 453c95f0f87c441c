"""How far people agree on what they labelled: kappa for each two of them, alpha over all, with intervals."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Any

from turnwise.metrics.agreement import cohen_kappa, krippendorff_alpha
from turnwise.store.annotations import Annotation
from turnwise.view.reading import runs
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s

_NAMED = 50
_RESAMPLES = 2_000
_JUDGED = ("thumb", "score", "choice")


def page(source: Source, query: s.AgreementQuery) -> s.AgreementPage:
    """Agreement on one criterion, and what else there is to ask about."""
    held = [word for word in source.annotations.held() if word.kind in _JUDGED and word.value is not None]
    if query.run is not None:
        held = [word for word in held if word.target.run == query.run]
    mine = [word for word in held if word.kind == query.kind and word.name == query.name]
    key = ("agreement", source.annotations.last, query.kind, query.name, query.run)
    pairs, alpha = source.cache.get(key, lambda: _agreement(mine, query.kind))
    return s.AgreementPage(criteria=_criteria(held), pairs=pairs, alpha=alpha)


def _criteria(held: list[Annotation]) -> list[s.Criterion]:
    found: dict[tuple[Any, str], list[str]] = defaultdict(list)
    for word in held:
        found[word.kind, word.name].append(word.annotator)
    return [
        s.Criterion(kind=kind, name=name, labels=len(who), annotators=sorted(set(who)))
        for (kind, name), who in sorted(found.items())
    ]


def _agreement(words: list[Annotation], kind: str) -> tuple[list[s.AgreementPair], s.Interval]:
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    groups: dict[str, str] = {}
    for word in words:
        item, value = _judgement(word)
        judged[item][word.annotator] = value
        groups[item] = f"{word.target.run}/{word.target.episode}"
    people = sorted({word.annotator for word in words})
    pairs = [_pair(judged, groups, a, b, kind) for a, b in combinations(people, 2)]
    items = list(judged)
    alpha = krippendorff_alpha(
        [list(judged[item].values()) for item in items],
        scale="interval" if kind == "score" else "nominal",
        clusters=[groups[item] for item in items],
        resamples=_RESAMPLES,
    )
    return [pair for pair in pairs if pair.items], runs.interval(alpha.value)


def _judgement(word: Annotation) -> tuple[str, float]:
    """What was judged and how; a choice reads the same whichever of the two was named first."""
    value = word.value or 0.0
    first, second = str(word.target), str(word.other or "")
    if word.other is None:
        return first, value
    return (f"{first} | {second}", value) if first <= second else (f"{second} | {first}", -value)


def _pair(
    judged: dict[str, dict[str, float]], groups: dict[str, str], a: str, b: str, kind: str
) -> s.AgreementPair:
    items = [item for item, who in judged.items() if a in who and b in who]
    first, second = [judged[item][a] for item in items], [judged[item][b] for item in items]
    found = cohen_kappa(
        first,
        second,
        weights="quadratic" if kind == "score" else "none",
        clusters=[groups[item] for item in items],
        resamples=_RESAMPLES,
    )
    apart = [item for item in items if judged[item][a] != judged[item][b]]
    return s.AgreementPair(
        a=a,
        b=b,
        items=len(items),
        agreement=(len(items) - len(apart)) / len(items) if items else None,
        kappa=runs.interval(found.value),
        disagree=apart[:_NAMED],
    )
