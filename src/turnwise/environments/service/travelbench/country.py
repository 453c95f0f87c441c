"""A country made here: three towns, what is in them, how to get from one to the other, and its weather.

Coordinates are degrees; whatever the tools tell follows from these tables alone.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import lru_cache
from math import cos, hypot, radians
from typing import NamedTuple

TODAY = date(2026, 5, 4)
"""The day on which all is asked."""
DAYS = 15
"""How far ahead weather and timetables are known."""


class Point(NamedTuple):
    """Where something is."""

    latitude: float
    longitude: float

    def __str__(self) -> str:
        return f"{self.latitude:.4f},{self.longitude:.4f}"


class Place(NamedTuple):
    """Somewhere to go."""

    place_id: str
    name: str
    category: str
    town: str
    address: str
    at: Point
    rating: float
    cost: int | None
    """Per head, or a night or ticket (`price`)."""
    kind: str
    """`average_cost` or `price`."""
    hours: str
    tags: str


class Journey(NamedTuple):
    """One flight or train a day."""

    number: str
    origin: str
    destination: str
    leaves: str
    arrives: str
    minutes: int
    price: int
    """On the first day; see `fare`."""


TOWNS = {"Arnsee": Point(54.10, 10.20), "Bredal": Point(54.32, 10.61), "Corvik": Point(55.85, 12.40)}
_AREAS = {"a": "Arnsee", "b": "Bredal", "r": "Lindal Road", "c": "Corvik"}
_ROWS = """
a1|Quay Charging|charging station|Harbour Road 3|54.1031|10.2040|8.6|24|price|00:00-24:00|fast charging, cafe
a2|Northgate Charging|charging station|Ring 41|54.1250|10.2110|7.9|19|price|00:00-24:00|charging
a3|Green Table|restaurant|Mill Lane 8|54.1012|10.1975|9.1|18|average_cost|11:30-22:00|vegetarian, vegan, quiet
a4|Harbour Grill|restaurant|Harbour Road 11|54.1040|10.2065|8.8|34|average_cost|12:00-23:00|fish, terrace
a5|Noodle House Lin|restaurant|Market 2|54.0995|10.2010|8.2|12|average_cost|11:00-21:00|noodles, quick
a6|Museum of Tides|museum|Quay 1|54.1055|10.2095|9.0|9|price|10:00-18:00|indoor, children
a7|Dune Park|park|Beach Road|54.1140|10.1850|8.4|0|price|00:00-24:00|outdoor, children
a8|Hotel Seeblick|hotel|Quay 7|54.1060|10.2080|8.9|118|price|00:00-24:00|sea view, parking
a9|Pension Anker|hotel|Mill Lane 20|54.1000|10.1950|8.1|64|price|00:00-24:00|quiet, breakfast
a10|Coast Garage|car repair|Ring 12|54.0900|10.2200|8.0|80|average_cost|08:00-18:00|tyres, toll badge
a11|Arnsee Central|railway station|Station Square|54.0970|10.1920|7.5|0|price|04:30-00:30|trains
b1|Bredal East Charging|charging station|East Street 5|54.3222|10.6188|8.3|21|price|00:00-24:00|charging
b2|Old Oak|restaurant|Oak Square 1|54.3209|10.6090|8.7|27|average_cost|12:00-22:00|local, terrace
b3|Lotus|restaurant|School Lane 14|54.3190|10.6055|9.2|16|average_cost|11:30-21:30|vegetarian, noodles
b4|Bredal Swimming Hall|swimming pool|Lake Road 9|54.3260|10.6150|8.5|7|price|07:00-21:00|indoor, children
b5|Castle Hotel|hotel|Castle 1|54.3301|10.6003|9.3|142|price|00:00-24:00|parking, spa
b6|Bredal Station|railway station|Rail Lane 1|54.3175|10.6125|7.2|0|price|05:00-00:00|trains
r1|Halfway Services|fuel station|Lindal Road km 22|54.2150|10.4130|7.6|0|price|00:00-24:00|fuel, toilets
r2|Halfway Charging|charging station|Lindal Road km 23|54.2200|10.4230|8.1|26|price|00:00-24:00|fast charging
r3|Lake Inn|restaurant|Lake Shore 2|54.2090|10.4080|8.9|22|average_cost|11:00-20:00|local, lake
c1|Corvik Airport|airport|Runway Road|55.8400|12.4400|7.8|0|price|00:00-24:00|flights
c2|Island Noodles|restaurant|Pier 4|55.8520|12.4030|8.6|14|average_cost|11:00-22:00|noodles, quick
c3|Pier House|hotel|Pier 9|55.8530|12.4050|8.7|97|price|00:00-24:00|sea view
"""


def _place(row: str) -> Place:
    name, title, category, address, north, east, rating, cost, kind, hours, tags = row.split("|")
    at = Point(float(north), float(east))
    town = _AREAS[name[0]]
    return Place(name, title, category, town, address, at, float(rating), int(cost), kind, hours, tags)


PLACES = tuple(_place(row) for row in _ROWS.strip().splitlines())

FLIGHTS = (
    Journey("LN210", "Arnsee", "Corvik", "07:15", "08:25", 70, 189),
    Journey("LN214", "Arnsee", "Corvik", "18:40", "19:50", 70, 149),
    Journey("KB77", "Arnsee", "Corvik", "12:05", "13:20", 75, 168),
    Journey("LN211", "Corvik", "Arnsee", "09:10", "10:20", 70, 175),
    Journey("KB78", "Corvik", "Arnsee", "14:00", "15:15", 75, 139),
)
TRAINS = (
    Journey("R1", "Arnsee", "Bredal", "06:32", "07:14", 42, 12),
    Journey("R3", "Arnsee", "Bredal", "09:32", "10:14", 42, 12),
    Journey("E5", "Arnsee", "Bredal", "17:02", "17:31", 29, 19),
    Journey("R2", "Bredal", "Arnsee", "08:05", "08:47", 42, 12),
    Journey("E6", "Bredal", "Arnsee", "20:10", "20:39", 29, 19),
)
PAGES = (
    (
        "Tide Festival",
        "The Tide Festival of Arnsee is on 9 and 10 May 2026 on the quay, from noon. Entry is free.",
    ),
    (
        "Lindal Road toll",
        "The Lindal motorway between Arnsee and Bredal costs 6 a car; the old road along the lake is free.",
    ),
    (
        "Ferries",
        "There is no ferry to Corvik in 2026: the harbour is being rebuilt. Flights go three times a day.",
    ),
    (
        "Bredal castle",
        "Bredal's castle is open from Tuesday to Sunday, 10:00 to 17:00; on Mondays it is closed.",
    ),
)
_SKIES = ("clear", "cloudy", "rain", "showers", "fog")


class Weather(NamedTuple):
    """One day's weather in one town."""

    sky: str
    low: int
    high: int
    wind: str
    air: str


@lru_cache(maxsize=256)
def weather(town: str, day: date) -> Weather:
    """The weather, which is the same whenever it is asked for."""
    rng = random.Random(f"{town}/{day.isoformat()}")
    low = rng.randint(4, 12)
    wind = f"{rng.choice(('north', 'east', 'south', 'west'))} {rng.randint(1, 6)}"
    return Weather(rng.choice(_SKIES), low, low + rng.randint(3, 10), wind, rng.choice(("good", "fair")))


def fare(journey: Journey, day: date) -> int:
    """Its price on a day: half as much again on the first day, less from day to day, for a week."""
    ahead = min((day - TODAY).days, 7)
    return round(journey.price * (1.5 - 0.1 * ahead))


def days(first: date, more: int) -> list[date]:
    """A day and those after it, as far as anything is known."""
    known = (TODAY + timedelta(days=n) for n in range(DAYS + 1))
    return [day for day in known if 0 <= (day - first).days <= more]


def metres(one: Point, other: Point) -> float:
    """As the crow flies; exact enough in a small country."""
    north = (one.latitude - other.latitude) * 111_195
    east = (one.longitude - other.longitude) * 111_195 * cos(radians((one.latitude + other.latitude) / 2))
    return hypot(north, east)


def off_route(place: Point, begin: Point, end: Point) -> float:
    """Metres from a place to the straight line between two points."""
    scale = cos(radians((begin.latitude + end.latitude) / 2))
    dx, dy = (end.longitude - begin.longitude) * scale, end.latitude - begin.latitude
    px, py = (place.longitude - begin.longitude) * scale, place.latitude - begin.latitude
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else min(1.0, max(0.0, (px * dx + py * dy) / length))
    near = Point(begin.latitude + share * dy, begin.longitude + share * dx / scale)
    return metres(place, near)


def town_of(region: str) -> str | None:
    """The town that a text names first; None where it names none."""
    words = region.casefold()
    found = [(words.find(town.casefold()), town) for town in TOWNS if town.casefold() in words]
    return min(found)[1] if found else None
