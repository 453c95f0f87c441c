"""What the desks of VitaBench share: the map, the weather, the calendar, what is known of the user.

Refusals are errors of tools; the published tools give some of them as plain results. Results are JSON. What a
tool needs before it is called, and what it leads to, stands in its description, which is all the policy there
is: the agent is told to heed it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

import msgspec

from turnwise.environments.service.vitabench.holidays import festivals, public_holiday
from turnwise.environments.service.vitabench.likeness import ranked
from turnwise.environments.service.vitabench.town import Town
from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.tables import Record, Tables

Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Metres = Annotated[float, msgspec.Meta(ge=0, le=50_000_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
NEAR_ENOUGH = 80
"""Percent at which a festival's name is understood."""
_EARTH = 6_371_000


class Counter(Desk):
    """A desk in a task's world.

    Args:
        town: The world.
    """

    tables: Tables

    def __init__(self, town: Town) -> None:
        self._town = town
        self.tables = Tables(town.base)

    # The map ------------------------------------------------------------------------------------------

    @tool(kind="read")
    def longitude_latitude_to_distance(
        self, longitude1: Longitude, latitude1: Latitude, longitude2: Longitude, latitude2: Latitude
    ) -> float:
        """Distance between two points, in whole metres. Precondition: the coordinates of both are known.

        Args:
            longitude1: Of the first point, in degrees.
            latitude1: Of the first point, in degrees.
            longitude2: Of the second point, in degrees.
            latitude2: Of the second point, in degrees.
        """
        return distance((longitude1, latitude1), (longitude2, latitude2))

    @tool(kind="read")
    def address_to_longitude_latitude(self, address: str) -> tuple[float, float]:
        """Longitude and latitude of an address. Precondition: the address is known.

        Args:
            address: As complete as it is known.
        """
        return self._located(address)

    @tool(kind="read")
    def get_nearby(
        self,
        longitude: Longitude,
        latitude: Latitude,
        range: Metres,  # noqa: A002 (its published name)
    ) -> list[Record]:
        """All businesses within a distance of a point. Precondition: the point's coordinates are known.

        Args:
            longitude: Of the point, in degrees.
            latitude: Of the point, in degrees.
            range: In metres.
        """
        return [
            told(store)
            for store in self.tables["stores"].values()
            if distance((longitude, latitude), _point(store)) <= range
        ]

    # Weather and calendar -----------------------------------------------------------------------------

    @tool(kind="read")
    def weather(self, address: str, date_start: str, date_end: str) -> list[Record]:
        """Weather at an address, day by day. Precondition: the place and the days are known.

        Args:
            address: Any within the city.
            date_start: First day, as YYYY-MM-DD.
            date_end: Last day, as YYYY-MM-DD.
        """
        first, last = _day(date_start), _day(date_end)
        city = self._town.city(address)
        if city is None:
            raise ToolError(f"there is no weather for {address!r}")
        days = [day for day in self._town.weather if day["city"] == city]
        found = [day for day in days if first <= date.fromisoformat(day["datetime"]) <= last]
        return sorted(found, key=lambda day: day["datetime"])

    @tool(kind="read")
    def get_date_holiday_info(self, date: str) -> str:
        """Which Chinese public holiday a day is, if it is one.

        Args:
            date: As YYYY-MM-DD.
        """
        return public_holiday(_day(date)) or f"{date} is not a holiday"

    @tool(kind="read")
    def get_holiday_date(self, year: str, holiday_name: str) -> str:
        """The date of a holiday or festival in a year.

        Args:
            year: Such as '2025'.
            holiday_name: In English, such as 'Mid-Autumn Festival'.
        """
        known = festivals(int(year) if year.isascii() and year.isdigit() and len(year) == 4 else 0)
        if not known:
            raise ToolError(f"there is no calendar of the year {year[:20]!r}")
        name, fit = ranked(holiday_name, {name: name for name in known})[0]
        if fit < NEAR_ENOUGH:
            raise ToolError(f"there is no holiday {holiday_name!r} in {year}")
        return known[name].isoformat()

    # The user -----------------------------------------------------------------------------------------

    @tool(kind="read")
    def get_user_historical_behaviors(self) -> Record:
        """What is known of the user: addresses, and for each occasion tastes, prices and past orders."""
        return self._town.behaviours

    @tool(kind="read")
    def get_user_all_orders(self) -> list[Record]:
        """All orders of the user."""
        return list(self.tables["orders"].values())

    # Steps --------------------------------------------------------------------------------------------

    def _located(self, address: str) -> tuple[float, float]:
        found = self._town.locate(address)
        if found is None:
            raise ToolError(f"there is no place like {address!r} on the map")
        return found

    def _check_user(self, user_id: str) -> None:
        if user_id != self._town.user_id:
            raise ToolError("the user id does not match")

    def _store(self, store_id: str) -> Record:
        try:
            return self.tables["stores"][store_id]
        except KeyError:
            raise ToolError(f"there is no {self._place} {store_id!r}") from None

    def _search_stores(self, keywords: Iterable[str]) -> list[Record]:
        """All of them, the likeliest first."""
        stores = self.tables["stores"]
        texts = {name: _name(store) + "," + ",".join(store["tags"]) for name, store in stores.items()}
        return [told(stores[name]) for name, _ in ranked("".join(keywords), texts)]

    def _search_products(self, keywords: Iterable[str]) -> list[Record]:
        """All of them, the likeliest first."""
        products = [product for store in self.tables["stores"].values() for product in store["products"]]
        texts = {str(at): self._words(product) for at, product in enumerate(products)}
        return [products[int(at)] for at, _ in ranked("".join(keywords), texts)]

    def _new_id(self, prefix: str, table: str) -> str:
        """The id of a new record; the published one hashes the clock."""
        seed = f"{table}/{self._town.user_id}/{len(self.tables[table])}"
        return prefix + hashlib.sha256(seed.encode()).hexdigest()[:10]

    def _order(self, order_id: str, kind: str) -> Record:
        return self._one("orders", order_id, order_type=kind)

    def _one(self, table: str, name: str, **fields: str) -> Record:
        """A record that is there and has these fields."""
        found = self.tables[table].get(name)
        if found is None or any(found[key] != value for key, value in fields.items()):
            raise ToolError(f"there is no such record: {name!r}")
        return found

    def _change(self, table: str, name: str, **fields: object) -> Record:
        """Change a record, which notes when."""
        record = self.tables[table].edit(name)
        record.update(fields, update_time=self._town.time)
        return record

    def _pay(self, table: str, record: Record, name: str) -> str:
        if record["status"] != "unpaid":
            raise ToolError(f"{name} is {record['status']}, not unpaid")
        self._change(table, name, status="paid")
        return "Payment successful"

    def _cancel(self, table: str, record: Record, name: str) -> str:
        if record["status"] == "cancelled":
            raise ToolError(f"{name} is cancelled already")
        self._change(table, name, status="cancelled")
        return f"{name} has been cancelled"

    _place = "store"

    def _words(self, product: Record) -> str:
        """What a search for products looks at."""
        raise NotImplementedError


def told(store: Record) -> Record:
    """A store without its products."""
    return {name: value for name, value in store.items() if name != "products"}


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two points (longitude, latitude) on a ball of 6371 km, rounded."""
    if one == other:
        return 0.0
    (lon1, lat1), (lon2, lat2) = ((math.radians(x), math.radians(y)) for x, y in (one, other))
    bow = math.sin((lat2 - lat1) / 2) ** 2
    bow += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return float(round(_EARTH * 2 * math.asin(min(1.0, math.sqrt(bow)))))


def moment(text: str) -> datetime:
    """A time as tools want it.

    Raises:
        ToolError: it has another form.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 (the town has one clock)
    except ValueError:
        raise ToolError(f"expected a time as YYYY-MM-DD HH:MM:SS, got {text[:40]!r}") from None


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise ToolError(f"expected a day as YYYY-MM-DD, got {text[:40]!r}") from None


def _name(store: Record) -> str:
    return store["name"] if "name" in store else store["shop_name"]


def _point(store: Record) -> tuple[float, float]:
    place = store["location"]
    return place["longitude"], place["latitude"]
