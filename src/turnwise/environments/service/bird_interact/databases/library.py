"""Rows of the library: branches, members, titles, copies, loans, fines."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Tables = dict[str, list[tuple[Any, ...]]]

_TOWNS = ("Arnholt", "Bellmere", "Cawley", "Arnholt", "Dunmoor", "Bellmere")
_BRANCHES = ("Riverside", "Old Mill", "Station Road", "Castle", "Harbour", "Parkside")
_FIRST = ("Ada", "Bela", "Cleo", "Dario", "Edith", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Leon")
_LAST = ("Ahlgren", "Bosko", "Cardew", "Dravec", "Ellory", "Fenwick", "Grahn", "Holub", "Iversen", "Jarvis")
_GENRES = ("crime", "history", "poetry", "science", "travel", "children")
_NOUNS = ("Lantern", "Orchard", "Tide", "Compass", "Winter", "Mirror", "Bridge", "Garden", "Signal", "Letter")
_ADJECTIVES = ("Silent", "Last", "Hidden", "Blue", "Distant")
_START, _TODAY = date(2024, 1, 2), date(2025, 6, 30)


def tables(rng: random.Random) -> Tables:
    """All rows, by table, in an order in which they can be inserted."""
    branches = [(n + 1, name, _TOWNS[n], 1931 + 13 * n) for n, name in enumerate(_BRANCHES)]
    members = [
        (
            n + 1,
            f"{_FIRST[n % 12]} {_LAST[(n * 7 + n // 12) % 10]}",
            str(date(2019, 1, 1) + timedelta(days=rng.randrange(1900))),
            rng.choice(("adult", "adult", "student", "senior")),
            rng.randrange(6) + 1,
            int(rng.random() < 0.8),
        )
        for n in range(60)
    ]
    titles = [
        (
            n + 1,
            f"The {_ADJECTIVES[n % 5]} {_NOUNS[n // 5]}",
            f"{_FIRST[rng.randrange(12)][0]}. {_LAST[rng.randrange(10)]}",
            rng.choice(_GENRES),
            rng.randrange(1950, 2025),
            rng.randrange(80, 640),
        )
        for n in range(50)
    ]
    copies = [
        (
            n + 1,
            rng.randrange(50) + 1,
            rng.randrange(6) + 1,
            rng.choice(("new", "good", "good", "worn", "damaged")),
            rng.randrange(500, 4500) / 100,
        )
        for n in range(140)
    ]
    loans, fines = _loans(rng, len(copies), len(members))
    return {
        "branches": branches,
        "members": members,
        "titles": titles,
        "copies": copies,
        "loans": loans,
        "fines": fines,
    }


def _loans(
    rng: random.Random, copies: int, members: int
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Loans, some of them late, and fines for most of those."""
    loans: list[tuple[Any, ...]] = []
    fines: list[tuple[Any, ...]] = []
    for n in range(420):
        out = _START + timedelta(days=rng.randrange((_TODAY - _START).days))
        due = out + timedelta(days=28)
        back = out + timedelta(days=rng.randrange(3, 60))
        returned = None if back > _TODAY or rng.random() < 0.08 else back
        # A few members borrow most.
        member = int(members * rng.random() ** 1.8) + 1
        copy = rng.randrange(copies) + 1
        loans.append(
            (n + 1, copy, member, str(out), str(due), returned and str(returned), rng.choice((0, 0, 0, 1, 2)))
        )
        if returned is not None and returned > due and rng.random() < 0.7:
            amount = 0.25 * (returned - due).days
            paid = rng.choice((amount, amount, 0.0, round(amount / 2, 2)))
            fines.append((len(fines) + 1, n + 1, amount, paid, str(returned)))
    return loans, fines
