"""Criteria of rubrics and checklists: where they come from, how they are shown, how findings are read.

A judge's own settings may give criteria for every episode; those of one task live with the task and are
found there by a path (`evaluation_criteria.overall_rubrics`). Findings are read by id: an answer that leaves
one out, or names one that is not there, is no answer, since a list that slipped by one would judge
everything wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from turnwise.errors import ConfigError
from turnwise.judges.transcript import Line
from turnwise.log import EpisodeLog
from turnwise.verdict import Criterion, Finding, json_objects


def numbered(criteria: Iterable[Criterion | str]) -> tuple[Criterion, ...]:
    """Criteria with ids, each text once.

    Raises:
        ConfigError: two share an id.
    """
    found: dict[tuple[str, int | None], Criterion] = {}
    for one in criteria:
        made = Criterion(text=one) if isinstance(one, str) else one
        found.setdefault((made.text, made.turn), made)
    named = [
        made if made.id else msgspec.structs.replace(made, id=f"rubric_{number}")
        for number, made in enumerate(found.values())
    ]
    ids = [made.id for made in named]
    for name in ids:
        if ids.count(name) > 1:
            raise ConfigError(f"two criteria have the id {name!r}: give each its own, or none")
    return tuple(named)


def criteria_of(
    log: EpisodeLog, paths: Sequence[str], fixed: Sequence[Criterion | str] = ()
) -> tuple[Criterion, ...]:
    """The fixed criteria, and those that the episode's task holds at `paths`.

    Args:
        log: The episode.
        paths: Each the way to a list of texts or of criteria within the task: keys with dots between them; a
            list on the way means all its members.
        fixed: For every episode.

    Raises:
        ConfigError: what stands there is no list of criteria, or two share an id.
    """
    found: list[Criterion | str] = list(fixed)
    for path in paths:
        for value in at_path(log.task, path):
            if isinstance(value, str):
                found.append(value)
                continue
            try:
                found.append(msgspec.convert(value, Criterion))
            except msgspec.ValidationError as error:
                raise ConfigError(f"task {log.task.get('id')!r}: {path}: no criterion: {error}") from None
    try:
        return numbered(found)
    except ConfigError as error:
        raise ConfigError(f"task {log.task.get('id')!r}: {error}") from None


def at_path(task: Mapping[str, Any], path: str) -> list[Any]:
    """All values at a path of a task: of {"a": [{"b": [1]}, {"b": 2}]} those at `a.b` are 1 and 2."""
    values: list[Any] = [task]
    for key in path.split("."):
        step = [cast("dict[str, Any]", value).get(key) for value in values if isinstance(value, dict)]
        values = [inner for value in step for inner in _members(value)]
    return values


def listed(criteria: Sequence[Criterion]) -> str:
    """Criteria as a judge is shown them, one a line."""
    return "\n".join(f"- {one.id}: {one.text}" for one in criteria)


def findings_in(
    answer: str, criteria: Sequence[Criterion], shown: Sequence[Line]
) -> tuple[Finding, ...] | str:
    """What a judge's answer says of each criterion; or, where it does not say it of exactly these, why not.

    Read are JSON objects with `id`, `met` (true or false, yes or no), and perhaps `reason` and `turns`:
    alone, in a list, or in one under `findings`. A turn that was not `shown` is no evidence.
    """
    said: dict[str, Finding] = {}
    by_id = {one.id: one for one in criteria}
    for item in _items(json_objects(answer)):
        name, met = item.get("id"), truth(item.get("met"))
        if not isinstance(name, str) or name not in by_id:
            return f"{str(name)[:40]!r} is none of the criteria {', '.join(by_id)}"
        if met is None:
            return f"{name}: 'met' is {str(item.get('met'))[:40]!r}, not true or false"
        if name in said:
            return f"{name} is judged twice"
        reason = item.get("reason")
        said[name] = Finding(
            criterion=by_id[name],
            met=met,
            reason=None if reason is None else str(reason),
            evidence=turns_in(item.get("turns"), shown),
        )
    left = [name for name in by_id if name not in said]
    if left:
        return f"nothing is said of {', '.join(left)}"
    return tuple(said[name] for name in by_id)


def truth(value: Any) -> bool | None:
    """A yes or no, however it is put; None where it is neither."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "y": True, "met": True, "false": False, "no": False, "n": False}
    return words.get(value.strip().lower()) if isinstance(value, str) else None


def turns_in(value: Any, shown: Sequence[Line]) -> tuple[int, ...]:
    """Indices of turns in a judge's words; what is the index of none that it was shown is left out."""
    given = cast("list[Any]", value) if isinstance(value, list) else [value]
    known = {line.turn for line in shown}
    return tuple(sorted({n for n in given if isinstance(n, int) and not isinstance(n, bool) and n in known}))


def _items(objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in objects:
        inside = one.get("findings")
        if isinstance(inside, list):
            found += [item for item in cast("list[Any]", inside) if isinstance(item, dict)]
        elif "id" in one and "met" in one:
            found.append(one)
    return found


def _members(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]
