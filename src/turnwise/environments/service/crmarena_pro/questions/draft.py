"""What questions have in common: how they are put, times that they are about, and who is ahead."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

from turnwise.environments.service.crmarena_pro.made.ledger import Row
from turnwise.environments.service.crmarena_pro.made.org import Org
from turnwise.environments.service.crmarena_pro.schema import OrgType

T = TypeVar("T")


class Draft(NamedTuple):
    """A question."""

    opening: str
    """How it begins, and where it is said bit by bit, all that is said at first."""
    criteria: tuple[str, ...]
    """The rest of it, sentence by sentence."""
    answer: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def query(self) -> str:
        """The whole question."""
        return " ".join((self.opening, *self.criteria))


class Desk:
    """Where questions of one kind are made.

    Args:
        org: Whose records.
        kind: Which organisation.
        rng: Chooses what is asked.
    """

    def __init__(self, org: Org, kind: OrgType, rng: random.Random) -> None:
        self.org = org
        self.kind: OrgType = kind
        self.tables = org.tables
        self.rng = rng

    def shuffled(self, of: Iterable[T]) -> list[T]:
        """The same in some order."""
        found = list(of)
        self.rng.shuffle(found)
        return found

    def get(self, key: str) -> Row:
        """The record of an id."""
        return self.org.by_id[key]

    def title(self, title: str) -> Row:
        """The article of a title."""
        return next(row for row in self.tables["Knowledge__kav"] if row["Title"] == title)


class Period(NamedTuple):
    """Some months."""

    told: str
    first: date
    after: date
    """The day after the last."""

    def holds(self, moment: str | None) -> bool:
        """Whether a date or moment, as it is stored, is within."""
        return moment is not None and self.first.isoformat() <= moment[:10] < self.after.isoformat()

    @property
    def facts(self) -> dict[str, str]:
        """Its ends."""
        return {"first": self.first.isoformat(), "after": self.after.isoformat()}


def periods() -> list[Period]:
    """Quarters and halves of the time that the records are about."""
    found = [
        Period(
            f"in the {['first', 'second', 'third', 'fourth'][n]} quarter of {year}",
            *_span(year, 3 * n + 1, 3),
        )
        for year, quarters in ((2024, 4), (2025, 1))
        for n in range(quarters)
    ]
    found += [
        Period(f"in the {word} half of 2024", *_span(2024, start, 6))
        for word, start in (("first", 1), ("second", 7))
    ]
    return [
        *found,
        Period("in 2024", *_span(2024, 1, 12)),
        Period("from January to May 2025", *_span(2025, 1, 5)),
    ]


def _span(year: int, month: int, months: int) -> tuple[date, date]:
    last = month + months
    return date(year, month, 1), date(year + (last > 12), (last - 1) % 12 + 1, 1)


def ahead(values: Mapping[str, float], *, lowest: bool = False) -> str | None:
    """Whose value is greatest (or least); None where that is not one alone."""
    if len(values) < 2:
        return None
    best = (min if lowest else max)(values.values())
    who = [name for name, value in values.items() if abs(value - best) < 1e-9]
    return who[0] if len(who) == 1 else None
