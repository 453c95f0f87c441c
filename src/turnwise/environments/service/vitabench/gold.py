"""Gold orders: what a task's rows ask for, as what is to be done and as what must stand in the end.

The published gold is the final state that a person wrote down: old records with a new status or note, and
new ones, which by and large the tools can make. Where they cannot, it is read for what it means:

- a gold record that shares its id with an old one but is about something else replaces it: the old one is to
  be cancelled (in some rows two records even swapped ids, which contents tell);
- an order that lies among the products of another one is an order of its own;
- a product belongs to the store that has it, if the store named has not; one that no store has is left out,
  and where nothing is left, any product of the store will do;
- an appointment is a booking or a reservation by what its shop offers;
- times without seconds or leading zeros mean what they say, and blanks round an id nothing.

The user is always the task's own, and prices are the stores'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from turnwise.environments.service.vitabench.counter import moment
from turnwise.environments.service.vitabench.rows import ExpectedState, VitaTask
from turnwise.environments.service.vitabench.town import Town, town
from turnwise.errors import TaskError, ToolError
from turnwise.tools.tables import Record

Kind: TypeAlias = Literal["delivery", "instore", "book", "reservation"]
TABLES: dict[Kind, str] = {
    "delivery": "orders",
    "instore": "orders",
    "book": "books",
    "reservation": "reservations",
}


class Deal(NamedTuple):
    """An order, a booking or a reservation, by what matters of it."""

    kind: Kind
    store: str
    products: tuple[tuple[str, int], ...] = ()
    """Ids and how many; none in an order means any."""
    address: str = ""
    time: str = ""
    people: int = 0


class Line(NamedTuple):
    """One line of an order."""

    product: str
    number: int
    attribute: str


class New(NamedTuple):
    """A deal to be made, and in which words."""

    deal: Deal
    lines: tuple[Line, ...]
    paid: bool
    dispatch: str
    note: str


class Gold(NamedTuple):
    """What is to be done in a task."""

    cancel: tuple[tuple[Kind, str], ...] = ()
    """Old records."""
    pay: tuple[str, ...] = ()
    """Old orders that are unpaid."""
    note: tuple[tuple[str, str], ...] = ()
    """Old orders, and their new notes."""
    new: tuple[New, ...] = ()


def gold(task: VitaTask) -> Gold:
    """What is to be done in a task.

    Raises:
        TaskError: a gold record has no readable form.
    """
    return _gold(task.id, town(task), msgspec.json.encode(task.criteria.expected_states or ()))


def kind_of(record: Mapping[str, Any], town: Town) -> Kind:
    """What a record is; an appointment goes by what its shop offers, where that is one thing."""
    if "order_type" in record:
        return "delivery" if record["order_type"] == "delivery" else "instore"
    shop = town.stores.get(_store(record), {})
    books, reserves = shop.get("enable_book", False), shop.get("enable_reservation", False)
    if books == reserves:
        return "book" if "book_id" in record else "reservation"
    return "book" if books else "reservation"


def deal_of(record: Mapping[str, Any], kind: Kind) -> Deal:
    """What matters of a record."""
    if kind in ("book", "reservation"):
        when = _second(record.get("book_time") or record["reservation_time"])
        return Deal(kind, _store(record), time=when, people=record["customer_count"])
    counts: Counter[str] = Counter()
    for product in record["products"]:
        counts[product["product_id"]] += int(product["quantity"] or 1)
    address = record["location"]["address"] if kind == "delivery" else ""
    return Deal(kind, _store(record), tuple(sorted(counts.items())), address)


# Reading ----------------------------------------------------------------------------------------------


def _unfolded(record: Record) -> Iterator[Record]:
    """A record, and those that lie among its products."""
    products = record.get("products")
    if products is None:
        yield record
        return
    yield {**record, "products": [product for product in products if "order_id" not in product]}
    for product in products:
        if "order_id" in product:
            yield from _unfolded(product)


@lru_cache(maxsize=1024)
def _gold(name: str, town: Town, states: bytes) -> Gold:
    found: dict[bytes, Record] = {}
    try:
        for state in msgspec.json.decode(states, type=list[ExpectedState]):
            for given in state.required_orders:
                for record in _unfolded(given):
                    found[msgspec.json.encode(record, order="sorted")] = record
        return _Reader(town).read(list(found.values()))
    except (KeyError, TypeError, ValueError, ToolError) as error:
        raise TaskError(f"VitaBench task {name}: a gold order lacks its form: {error!r}") from None


class _Old(NamedTuple):
    kind: Kind
    name: str
    record: Record
    deal: Deal


class _Reader:
    """Reads the gold of one world."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.old = [
            _Old(kind, name, record, deal_of(record, kind))
            for kind, name, record in records_of(town.base.tables)
            if record["status"] != "cancelled"
        ]

    def read(self, records: list[Record]) -> Gold:
        """Match gold with old records, by id and then by content; what is left is new."""
        left = [(record, self._mended(deal_of(record, kind_of(record, self.town)))) for record in records]
        pairs: list[tuple[_Old, Record]] = []
        for fits in (_same, _alike):
            rest: list[tuple[Record, Deal]] = []
            for record, deal in left:
                old = next((one for one in self.old if fits(one, record, deal)), None)
                if old is None:
                    rest.append((record, deal))
                else:
                    self.old.remove(old)
                    pairs.append((old, record))
            left = rest
        names = {_name(record) for record in records}
        cancelled = [old for old, gold in pairs if gold["status"] == "cancelled"]
        replaced = [old for old in self.old if old.name in names]
        return Gold(
            cancel=tuple((old.kind, old.name) for old in (*cancelled, *replaced)),
            pay=tuple(old.name for old, gold in pairs if old.record["status"] == "unpaid" and _is_paid(gold)),
            note=tuple(
                (old.name, gold["note"])
                for old, gold in pairs
                if old.kind == "delivery" and gold["note"] not in ("", old.record["note"])
            ),
            new=tuple(self._new(record, deal) for record, deal in left if record["status"] != "cancelled"),
        )

    def _mended(self, deal: Deal) -> Deal:
        """A deal over stores and products as they are."""
        stores = [self.town.sellers(product) for product, _ in deal.products]
        known = [here for here in stores if here]
        store = deal.store
        if known and not any(store in here for here in known) and len(known[0]) == 1:
            store = known[0][0]
        sold = tuple(pair for pair, here in zip(deal.products, stores, strict=True) if store in here)
        return deal._replace(store=store, products=sold)

    def _new(self, record: Record, deal: Deal) -> New:
        sold = dict(deal.products)
        lines = tuple(
            Line(product["product_id"], int(product["quantity"] or 1), product.get("attributes") or "")
            for product in record.get("products", ())
            if product["product_id"] in sold
        )
        dispatch = (record.get("dispatch_time") or "").strip()
        note = record.get("note") or ""
        return New(deal, lines, _is_paid(record), max(dispatch, self.town.time), note)


def records_of(tables: Mapping[str, Mapping[str, Record]]) -> Iterator[tuple[Kind, str, Record]]:
    """All orders, bookings and reservations of a database, with what they are and their ids."""
    for name, order in tables["orders"].items():
        yield ("delivery" if order["order_type"] == "delivery" else "instore"), name, order
    for name, book in tables.get("books", {}).items():
        yield "book", name, book
    for name, reservation in tables.get("reservations", {}).items():
        yield "reservation", name, reservation


def _same(old: _Old, record: Record, deal: Deal) -> bool:
    """Whether a gold record is an old one, by its id and what it is about."""
    if (old.name, old.deal.kind, old.deal.store) != (_name(record), deal.kind, deal.store):
        return False
    shared = dict(old.deal.products).keys() & dict(deal.products).keys()
    return bool(shared) or deal.kind in ("book", "reservation")


def _alike(old: _Old, record: Record, deal: Deal) -> bool:
    """Whether a gold record is an old one, by its content: made when the old one was, or cancelled."""
    when = record["status"] == "cancelled" or record.get("create_time", "") == old.record.get("create_time")
    return when and old.deal._replace(address="") == deal._replace(address="")


def _is_paid(record: Record) -> bool:
    return record["status"] not in ("unpaid", "cancelled")


def _name(record: Record) -> str:
    return record.get("order_id") or record.get("book_id") or record["reservation_id"]


def _store(record: Mapping[str, Any]) -> str:
    return (record.get("shop_id") or record["store_id"]).strip()


def _second(text: str) -> str:
    """A time to the second, as tools write it."""
    return str(moment(text if text.count(":") > 1 else f"{text}:00"))
