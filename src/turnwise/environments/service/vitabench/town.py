"""The world of one task: its stores or shops, places on the map, the weather, and what the user has ordered.

VitaBench gives every task a database of its own. What of it can change (orders, bookings, reservations)
becomes tables over a base that all episodes of the task share; the rest is read only, and made once. Only
what the published tools tell is kept: rows also hold notes of their makers, which would give answers away
(which shop is the target, which a distraction). A record is known by the key under which the row has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec

from turnwise.environments.service.vitabench.likeness import partial_ratio, plain, ranked, ratio
from turnwise.environments.service.vitabench.rows import VitaTask
from turnwise.errors import TaskError
from turnwise.tools.tables import Base, Record

_STORE = ("name", "score", "location", "tags")
_SHOP = ("shop_name", "score", "location", "tags", "enable_book", "book_price", "enable_reservation")
_ORDER = ("user_id", "total_price", "create_time", "update_time", "status", "products")
_DELIVERY = (*_ORDER, "store_id", "note", "location", "dispatch_time", "shipping_time", "delivery_time")
_BOOK = ("shop_id", "book_time", "customer_id", "customer_count", "book_price", "status", "update_time")
_RESERVATION = ("shop_id", "reservation_time", "customer_id", "customer_count", "status", "update_time")
_PLACED, _LIKE = 30, 20
"""How well an address must fit a known one: its best part, and the whole, in percent."""


class Town:
    """One task's world.

    Args:
        environment: As its row has it.

    Raises:
        TaskError: something is not in its place.
    """

    def __init__(self, environment: Mapping[str, Any]) -> None:
        try:
            self.time: str = environment["time"]
            self.user_id: str = environment["user_id"]
            self.weather: list[Record] = environment.get("weather") or []
            self.behaviours: Record = environment.get("user_historical_behaviors") or {}
            self.base = Base(_tables(environment))
            places = self._places(environment)
        except (KeyError, TypeError, AttributeError) as error:
            raise TaskError(f"VitaBench: the environment of a task lacks its form: {error!r}") from None
        self.locations: dict[str, tuple[float, float]] = places
        """Longitude and latitude by address."""
        self._found: dict[str, tuple[float, float] | None] = {}

    @property
    def stores(self) -> dict[str, Record]:
        """Stores (shops) by id, with their products."""
        return self.base.tables["stores"]

    def product(self, product_id: str, store_id: str | None = None) -> Record | None:
        """A product, of this store if it is named; None where there is none."""
        stores = self.stores.values() if store_id is None else [self.stores.get(store_id, {})]
        every = (product for store in stores for product in store.get("products", ()))
        return next((product for product in every if product["product_id"] == product_id), None)

    def sellers(self, product_id: str) -> list[str]:
        """Ids of the stores that have a product."""
        return [store_id for store_id in self.stores if self.product(product_id, store_id)]

    def locate(self, address: str) -> tuple[float, float] | None:
        """Longitude and latitude of the known address that is most like this one; None where none is."""
        if address in self.locations:
            return self.locations[address]
        if address not in self._found:
            self._found[address] = self._nearest(address)
        return self._found[address]

    def _nearest(self, address: str) -> tuple[float, float] | None:
        found = ranked(address, {known: known for known in self.locations})
        if not found or found[0][1] < _PLACED or round(ratio(address, found[0][0])) < _LIKE:
            return None
        return self.locations[found[0][0]]

    def city(self, address: str) -> str | None:
        """The city with a forecast whose name is in an address, or nearly; None where there is none."""
        fits = {day["city"]: partial_ratio(plain(address), plain(day["city"])) for day in self.weather}
        best = max(fits, key=lambda name: fits[name], default=None)
        return best if best is not None and fits[best] >= 50 else None

    def _places(self, environment: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        orders = self.base.tables["orders"].values()
        known: Iterable[Record | None] = (
            *(environment.get("location") or ()),
            *(store["location"] for store in self.stores.values()),
            *(order.get("location") for order in orders),
        )
        return {place["address"]: (place["longitude"], place["latitude"]) for place in known if place}


def town(task: VitaTask) -> Town:
    """The world of a task; made once, as long as it is used."""
    return _town(msgspec.json.encode(task.environment))


@lru_cache(maxsize=512)
def _town(environment: bytes) -> Town:
    return Town(msgspec.json.decode(environment))


def _tables(environment: Mapping[str, Any]) -> dict[str, dict[str, Record]]:
    """What can be ordered, and what was."""
    orders: dict[str, Record] = environment.get("orders") or {}
    found = {"orders": {key: _order(key, order) for key, order in orders.items()}}
    if "shops" not in environment:
        stores: dict[str, Record] = environment["stores"]
        return {**found, "stores": {key: _store(key, store) for key, store in stores.items()}}
    books: dict[str, Record] = environment.get("books") or {}
    reservations: dict[str, Record] = environment.get("reservations") or {}
    return {
        **found,
        "stores": {key: _shop(key, shop) for key, shop in environment["shops"].items()},
        "books": {key: {"book_id": key, **_kept(one, _BOOK)} for key, one in books.items()},
        "reservations": {
            key: {"reservation_id": key, **_kept(one, _RESERVATION)} for key, one in reservations.items()
        },
    }


def _kept(record: Mapping[str, Any], names: Iterable[str]) -> Record:
    """Those fields that a record has; no text where it has none."""
    return {name: "" if record[name] is None else record[name] for name in names if name in record}


def _store(key: str, store: Mapping[str, Any]) -> Record:
    products = [
        {
            "product_id": product["product_id"],
            "name": product["name"],
            "store_id": key,
            "store_name": store["name"],
            "price": product["price"],
            "attributes": options(product.get("attributes")),
            "tags": product["tags"],
        }
        for product in store["products"]
    ]
    return {"store_id": key, **_kept(store, _STORE), "products": products}


def _shop(key: str, shop: Mapping[str, Any]) -> Record:
    names = ("product_id", "name", "price", "quantity", "tags")
    products = [{"shop_id": key, **_kept(product, names)} for product in shop["products"]]
    return {"shop_id": key, **_kept(shop, _SHOP), "products": products}


def _order(key: str, order: Mapping[str, Any]) -> Record:
    if order["order_type"] == "delivery":
        return {"order_id": key, "order_type": "delivery", **_kept(order, _DELIVERY)}
    return {"order_id": key, "order_type": "instore", "shop_id": order["store_id"], **_kept(order, _ORDER)}


def options(attributes: Any) -> str:
    """The ways in which a product can be had, as one text."""
    if isinstance(attributes, list):
        return ", ".join(str(one) for one in cast("list[Any]", attributes))
    return str(attributes or "")
