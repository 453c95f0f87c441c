"""Rows of the ferry line: harbours, vessels, routes, sailings, bookings, complaints."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Tables = dict[str, list[tuple[Any, ...]]]

_HARBOURS = (
    ("Nordvik", "Mainland"),
    ("Skarholm", "Skar"),
    ("Lysø", "Lysø"),
    ("Tangen", "Mainland"),
    ("Hellevåg", "Helle"),
    ("Brattøy", "Brattøy"),
)
_VESSELS = (
    ("Marsvin", 120, 20, 1987),
    ("Havørn", 300, 75, 2004),
    ("Terne", 80, 8, 1979),
    ("Skarv", 220, 60, 2012),
    ("Alke", 350, 95, 2021),
)
_LEGS = ((1, 2), (2, 1), (1, 3), (3, 1), (4, 5), (5, 4), (4, 6), (6, 4))
_DEPARTURES = ("06:40", "09:15", "12:00", "16:30", "20:10")
_TOPICS = ("delay", "refund", "cleanliness", "staff", "food")
_FIRST_DAY = date(2025, 3, 1)


def tables(rng: random.Random) -> Tables:
    """All rows, by table, in an order in which they can be inserted."""
    routes = [
        (n + 1, start, end, rng.randrange(25, 130, 5), rng.randrange(60, 260, 10) / 10)
        for n, (start, end) in enumerate(_LEGS)
    ]
    sailings = [
        (
            n + 1,
            rng.randrange(8) + 1,
            rng.randrange(5) + 1,
            str(_FIRST_DAY + timedelta(days=n // 3)),
            rng.choice(_DEPARTURES),
            max(0, int(rng.gauss(4, 14))),
            int(rng.random() < 0.07),
        )
        for n in range(300)
    ]
    bookings = _bookings(rng, routes, sailings)
    complaints = [
        (
            n + 1,
            (booking := rng.randrange(len(bookings))) + 1,
            rng.choice(_TOPICS),
            opened := str(date.fromisoformat(bookings[booking][6]) + timedelta(days=rng.randrange(20, 40))),
            None
            if rng.random() < 0.3
            else str(date.fromisoformat(opened) + timedelta(days=rng.randrange(1, 25))),
        )
        for n in range(90)
    ]
    return {
        "harbours": [(n + 1, name, island) for n, (name, island) in enumerate(_HARBOURS)],
        "vessels": [(n + 1, *vessel) for n, vessel in enumerate(_VESSELS)],
        "routes": routes,
        "sailings": sailings,
        "bookings": bookings,
        "complaints": complaints,
    }


def _bookings(
    rng: random.Random, routes: list[tuple[Any, ...]], sailings: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    bookings: list[tuple[Any, ...]] = []
    fares: dict[int, float] = {route[0]: route[4] for route in routes}
    for n in range(900):
        sailing = sailings[rng.randrange(len(sailings))]
        passengers, cars = rng.randrange(1, 7), rng.choice((0, 0, 1, 1, 2))
        booked = date.fromisoformat(sailing[3]) - timedelta(days=rng.randrange(0, 45))
        status = "refunded" if sailing[6] and rng.random() < 0.7 else rng.choice(("paid",) * 9 + ("open",))
        price = round(fares[sailing[1]] * passengers + 14.5 * cars, 2)
        bookings.append((n + 1, sailing[0], passengers, cars, price, status, str(booked)))
    return bookings
