"""TravelBench's ten tools, with the published names and arguments, over the country made here.

What they tell has a form of our own. Each is made once for a process: none has a state.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec

from turnwise.environments.service.travelbench import country
from turnwise.environments.service.travelbench.country import Journey, Place, Point
from turnwise.errors import ToolError
from turnwise.tools.function import FunctionTool, tool

Coordinates = Annotated[
    str, msgspec.Meta(pattern=r"^\s*-?[0-9]{1,3}(\.[0-9]{1,12})?\s*,\s*-?[0-9]{1,3}(\.[0-9]{1,12})?\s*\Z")
]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Rating = Annotated[float, msgspec.Meta(ge=0, le=10)]
Radius = Annotated[float, msgspec.Meta(ge=100, le=20000)]
Limit = Annotated[float, msgspec.Meta(ge=1, le=50)]
Days = Annotated[float, msgspec.Meta(ge=0, le=15)]
Price = Annotated[float, msgspec.Meta(ge=0)]
PriceKind = Literal["average_cost", "price"]
Travel = Literal["driving", "walking", "bicycling", "transit", "motorcycle", "truck"]
Preference = Literal[
    "prefer_highways", "avoid_highways", "avoid_tolls", "prefer_main_roads", "avoid_highways+avoid_tolls"
]
_SPEED: dict[Travel, float] = {
    "driving": 70.0,
    "walking": 4.8,
    "bicycling": 15.0,
    "transit": 45.0,
    "motorcycle": 70.0,
    "truck": 55.0,
}
"""Kilometres an hour."""


@tool(kind="read")
def map_search_places(
    query: str,
    center: Coordinates | None = None,
    radius: Radius = 5000,
    region: str | None = None,
    sort_by: Literal["weight", "distance", "rating:d", "price:a", "price:d"] = "weight",
    min_rating: Rating | None = None,
    price_min: Price = 0,
    price_max: Price | None = None,
    price_category: PriceKind | None = None,
    limit: Limit = 10,
) -> dict[str, Any]:
    """Search for places by keyword, category or address, around a point or within a region.

    Args:
        query: What to search for.
        center: The point to search around, as "latitude,longitude".
        radius: How far from it, in metres; 5000 by default.
        region: A town, to search in it alone.
        sort_by: weight (the default), distance, rating:d, price:a or price:d.
        min_rating: The lowest rating, from 0 to 10.
        price_min: The lowest price.
        price_max: The highest price.
        price_category: Which price: average_cost (restaurants) or price (hotels, tickets).
        limit: Most results; 10 by default.
    """
    middle = None if center is None else _point(center)
    town = None if region is None else country.town_of(region)
    if region is not None and town is None:
        raise ToolError(f"map_search_places: the region {region[:40]!r} is not known")
    found = [
        (place, None if middle is None else country.metres(place.at, middle))
        for place in _fitting(query, min_rating, price_min, price_max, price_category)
        if town in (None, place.town)
    ]
    near = [(place, far) for place, far in found if far is None or far <= radius]
    orders: dict[str, Callable[[tuple[Place, float | None]], Any]] = {
        "weight": lambda one: -one[0].rating,
        "rating:d": lambda one: -one[0].rating,
        "distance": lambda one: one[1] or 0.0,
        "price:a": lambda one: one[0].cost or 0,
        "price:d": lambda one: -(one[0].cost or 0),
    }
    near.sort(key=orders[sort_by])
    return {"places": [_told(place, far) for place, far in near[: int(limit)]]}


@tool(kind="read")
def map_search_central_places(
    query: str,
    origins: Annotated[list[Coordinates], msgspec.Meta(min_length=2, max_length=20)],
    radius: Radius = 10000,
    sort_by: Literal["balanced", "min_max_distance", "total_distance"] = "balanced",
    min_rating: Rating | None = None,
    price_min: Price = 0,
    price_max: Price | None = None,
    price_category: PriceKind | None = None,
    limit: Limit = 10,
) -> dict[str, Any]:
    """Find places that are handy for several people who come from different points.

    Args:
        query: What to search for.
        origins: Where they come from, each as "latitude,longitude"; at least two.
        radius: How far from each of them, in metres; 10000 by default.
        sort_by: balanced (distance and rating), min_max_distance or total_distance.
        min_rating: The lowest rating, from 0 to 10.
        price_min: The lowest price.
        price_max: The highest price.
        price_category: Which price: average_cost (restaurants) or price (hotels, tickets).
        limit: Most results; 10 by default.
    """
    points = [_point(origin) for origin in origins]
    found: list[tuple[Place, list[float]]] = []
    for place in _fitting(query, min_rating, price_min, price_max, price_category):
        ways = [country.metres(place.at, point) for point in points]
        if max(ways) <= radius:
            found.append((place, ways))
    orders: dict[str, Callable[[tuple[Place, list[float]]], float]] = {
        "balanced": lambda one: sum(one[1]) / len(one[1]) - 200 * one[0].rating,
        "min_max_distance": lambda one: max(one[1]),
        "total_distance": lambda one: sum(one[1]),
    }
    found.sort(key=orders[sort_by])
    return {
        "places": [
            {**_told(place, None), "distances": [round(way) for way in ways]}
            for place, ways in found[: int(limit)]
        ]
    }


@tool(kind="read")
def map_search_along_route(
    query: str,
    origin: Coordinates,
    destination: Coordinates,
    transport_mode: Literal["driving", "walking"] = "driving",
    buffer_radius: Price | None = None,
    limit: Limit = 10,
) -> dict[str, Any]:
    """Find places on the way from one point to another.

    Args:
        query: What to search for.
        origin: Where the way begins, as "latitude,longitude".
        destination: Where it ends.
        transport_mode: driving (the default) or walking.
        buffer_radius: How far off the way, in metres; 2000 by default when driving, 500 when walking.
        limit: Most results; 10 by default.
    """
    begin, end = _point(origin), _point(destination)
    most = buffer_radius if buffer_radius is not None else 2000 if transport_mode == "driving" else 500
    ways = [(place, country.off_route(place.at, begin, end)) for place in _fitting(query)]
    near = [(place, off) for place, off in ways if off <= most]
    near.sort(key=lambda one: country.metres(one[0].at, begin))
    return {"places": [{**_told(place, None), "off_route": round(off)} for place, off in near[: int(limit)]]}


@tool(kind="read")
def map_search_ranking_list(
    query: str,
    region: str,
    max_lists: Annotated[float, msgspec.Meta(ge=1, le=10)] = 5,
    max_items: Annotated[float, msgspec.Meta(ge=1, le=20)] = 3,
) -> dict[str, Any]:
    """The ranking lists of a town: what is rated best there.

    Args:
        query: The kind of list, such as "restaurant" or "hotel".
        region: The town.
        max_lists: Most lists; 5 by default.
        max_items: Most places of each; 3 by default.
    """
    town = country.town_of(region)
    if town is None:
        raise ToolError(f"map_search_ranking_list: the region {region[:40]!r} is not known")
    lists: dict[str, list[Place]] = {}
    for place in sorted(_fitting(query), key=lambda place: -place.rating):
        if place.town == town:
            lists.setdefault(place.category, []).append(place)
    return {
        "lists": [
            {
                "name": f"Best {category}s of {town}",
                "places": [
                    {"rank": rank, **_told(place, None)}
                    for rank, place in enumerate(ranked[: int(max_items)], start=1)
                ],
            }
            for category, ranked in list(lists.items())[: int(max_lists)]
        ]
    }


@tool(kind="read")
def map_compute_routes(
    origin: Coordinates,
    destination: Coordinates,
    intermediates: Annotated[list[Coordinates], msgspec.Meta(max_length=20)] | None = None,
    modes: Annotated[list[Travel], msgspec.Meta(min_length=1, max_length=6)] | None = None,
    departure_time: str | None = None,
    arrival_time: str | None = None,
    traffic_aware: bool = False,
    preference: Preference | None = None,
) -> dict[str, Any]:
    """Plan the way from one point to another.

    Args:
        origin: Where it begins, as "latitude,longitude".
        destination: Where it ends.
        intermediates: Points on the way, in order.
        modes: How to travel: driving (the default), walking, bicycling, transit, motorcycle, truck.
        departure_time: When to leave, as in "2026-05-04T09:00:00"; not together with arrival_time.
        arrival_time: When to be there.
        traffic_aware: Whether the traffic is considered.
        preference: Which roads, for driving, motorcycle and truck.
    """
    if departure_time is not None and arrival_time is not None:
        raise ToolError("map_compute_routes: departure_time and arrival_time cannot both be given")
    points = [_point(text) for text in (origin, *(intermediates or ()), destination)]
    straight = sum(country.metres(one, other) for one, other in pairwise(points)) / 1000
    return {
        "routes": [_route(straight, mode, traffic_aware, preference or "") for mode in modes or ("driving",)]
    }


@tool(kind="read")
def travel_search_flights(origin: str, destination: str, date: Day, days: Days = 0) -> dict[str, Any]:
    """Search for flights between towns.

    Args:
        origin: The town to leave from.
        destination: The town to go to.
        date: The first day, as in "2026-05-04".
        days: How many days after it besides; 0 by default.
    """
    return {"flights": _journeys("travel_search_flights", country.FLIGHTS, origin, destination, date, days)}


@tool(kind="read")
def travel_search_trains(origin: str, destination: str, date: Day, days: Days = 0) -> dict[str, Any]:
    """Search for trains between towns.

    Args:
        origin: The town to leave from.
        destination: The town to go to.
        date: The first day, as in "2026-05-04".
        days: How many days after it besides; 0 by default.
    """
    return {"trains": _journeys("travel_search_trains", country.TRAINS, origin, destination, date, days)}


@tool(kind="read")
def weather_current_conditions(location: str) -> dict[str, Any]:
    """The weather in a town now.

    Args:
        location: The town.
    """
    town = _town("weather_current_conditions", location)
    return {"location": town, **country.weather(town, country.TODAY)._asdict()}


@tool(kind="read")
def weather_forecast_days(
    location: str, date: Day, days: Annotated[float, msgspec.Meta(ge=1, le=15)] = 1
) -> dict[str, Any]:
    """The weather in a town on a day and those after it, for at most 15 days from today.

    Args:
        location: The town.
        date: The first day, as in "2026-05-04".
        days: How many days after it besides; 1 by default.
    """
    town = _town("weather_forecast_days", location)
    shown = country.days(_day("weather_forecast_days", date), int(days))
    if not shown:
        raise ToolError(f"weather_forecast_days: nothing is known of {date}; ask from {country.TODAY} on")
    return {
        "location": town,
        "days": [{"date": day.isoformat(), **country.weather(town, day)._asdict()} for day in shown],
    }


@tool(kind="read")
def web_search(query: str) -> dict[str, Any]:
    """Search the web for what the other tools do not know: events, rules, opening days.

    Args:
        query: What to search for.
    """
    words = set(_words(query))
    ranked = sorted(
        ((len(words & set(_words(f"{title} {text}"))), title, text) for title, text in country.PAGES),
        key=lambda one: -one[0],
    )
    return {"pages": [{"title": title, "text": text} for count, title, text in ranked if count][:3]}


TOOLS: tuple[FunctionTool, ...] = (
    map_search_places,
    map_search_central_places,
    map_search_along_route,
    map_search_ranking_list,
    map_compute_routes,
    travel_search_flights,
    travel_search_trains,
    weather_current_conditions,
    weather_forecast_days,
    web_search,
)
BY_NAME = {made.spec.name: made for made in TOOLS}


def _point(text: str) -> Point:
    north, east = (float(part) for part in text.split(","))
    return Point(north, east)


def _words(text: str) -> list[str]:
    return [word.strip(".,:;?!'\"()").removesuffix("s") for word in text[:500].casefold().split()]


def _fitting(
    query: str,
    min_rating: float | None = None,
    price_min: float = 0,
    price_max: float | None = None,
    price_category: PriceKind | None = None,
) -> list[Place]:
    """Places whose name, kind or tags hold all words of a query, within the bounds."""
    wanted = _words(query)
    return [
        place
        for place in country.PLACES
        if all(word in _HAY[place.place_id] for word in wanted)
        and (min_rating is None or place.rating >= min_rating)
        and (price_category is None or place.kind == price_category)
        and (place.cost or 0) >= price_min
        and (price_max is None or (place.cost or 0) <= price_max)
    ]


_HAY = {
    place.place_id: f"{place.name} {place.category} {place.tags} {place.address}".casefold()
    for place in country.PLACES
}


def _told(place: Place, far: float | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "place_id": place.place_id,
        "name": place.name,
        "category": place.category,
        "address": f"{place.address}, {place.town}",
        "location": str(place.at),
        "rating": place.rating,
        place.kind: place.cost,
        "hours": place.hours,
        "tags": place.tags,
    }
    return told if far is None else {**told, "distance": round(far)}


def _route(straight: float, mode: Travel, traffic_aware: bool, preference: str) -> dict[str, Any]:
    """A route, 1.2 times as long as the crow flies; it is a fifth longer, and slower, off the motorway."""
    motor = mode in ("driving", "motorcycle", "truck")
    small = motor and "avoid" in preference
    kilometres = straight * (1.44 if small else 1.2)
    speed = _SPEED[mode] * (0.8 if small else 1.0) * (0.9 if motor and traffic_aware else 1.0)
    toll = 6 if motor and not small and straight > 20 else 0
    return {
        "mode": mode,
        "kilometres": round(kilometres, 1),
        "minutes": round(60 * kilometres / speed),
        "toll": toll,
    }


def _journeys(
    name: str, known: Iterable[Journey], origin: str, destination: str, date: str, more: float
) -> list[dict[str, Any]]:
    begin, end = _town(name, origin), _town(name, destination)
    return [
        {
            "number": one.number,
            "date": day.isoformat(),
            "leaves": one.leaves,
            "arrives": one.arrives,
            "minutes": one.minutes,
            "price": country.fare(one, day),
        }
        for day in country.days(_day(name, date), int(more))
        for one in known
        if (one.origin, one.destination) == (begin, end)
    ]


def _town(name: str, text: str) -> str:
    town = country.town_of(text[:200])
    if town is None:
        raise ToolError(f"{name}: the place {text[:40]!r} is not known; towns: {', '.join(country.TOWNS)}")
    return town


def _day(name: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ToolError(f"{name}: there is no day {text!r}") from None
