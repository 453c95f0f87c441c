"""Rows of the greenhouses: houses, plants, beds, readings, harvests, treatments."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Tables = dict[str, list[tuple[Any, ...]]]

_HOUSES = (
    ("North", 420.0, 1),
    ("South", 610.5, 1),
    ("Glass", 260.0, 0),
    ("Tunnel", 180.0, 0),
    ("Dome", 330.0, 1),
)
_PLANTS = (
    ("tomato", "nightshade", 14, 30),
    ("pepper", "nightshade", 16, 32),
    ("aubergine", "nightshade", 17, 31),
    ("cucumber", "gourd", 15, 30),
    ("courgette", "gourd", 13, 29),
    ("basil", "mint", 12, 28),
    ("thyme", "mint", 6, 27),
    ("lettuce", "daisy", 4, 22),
)
_KINDS = ("copper", "soap", "neem", "sulphur")
_SPRING = date(2025, 2, 1)


def tables(rng: random.Random) -> Tables:
    """All rows, by table, in an order in which they can be inserted."""
    beds = [
        (
            n + 1,
            rng.randrange(5) + 1,
            rng.randrange(8) + 1,
            str(_SPRING + timedelta(days=rng.randrange(60))),
            rng.randrange(40, 320) / 10,
            rng.randrange(20, 180),
        )
        for n in range(45)
    ]
    readings = [
        (
            len(_HOUSES) * (2 * day + late) + house + 1,
            house + 1,
            str(_SPRING + timedelta(days=day)),
            (5, 14)[late],
            round(rng.gauss(13 + 0.06 * day + 8 * late + 3 * _HOUSES[house][2], 2.6), 1),
            round(min(99.0, max(20.0, rng.gauss(68 - 9 * late, 9))), 1),
            rng.randrange(380, 950),
        )
        for day in range(100)
        for late in (0, 1)
        for house in range(len(_HOUSES))
    ]
    harvests = [
        (
            n + 1,
            (bed := rng.randrange(45)) + 1,
            str(date.fromisoformat(beds[bed][3]) + timedelta(days=rng.randrange(45, 140))),
            round(beds[bed][4] * rng.uniform(0.2, 1.4), 1),
            rng.choice(("A", "A", "B", "B", "C")),
        )
        for n in range(380)
    ]
    treatments = [
        (
            n + 1,
            (bed := rng.randrange(45)) + 1,
            rng.choice(_KINDS),
            str(date.fromisoformat(beds[bed][3]) + timedelta(days=rng.randrange(5, 110))),
            rng.randrange(5, 60) / 10,
            rng.randrange(150, 2600) / 100,
        )
        for n in range(160)
    ]
    return {
        "houses": [(n + 1, *house) for n, house in enumerate(_HOUSES)],
        "plants": [(n + 1, *plant) for n, plant in enumerate(_PLANTS)],
        "beds": beds,
        "readings": readings,
        "harvests": harvests,
        "treatments": treatments,
    }
