"""The state check: whether the orders, bookings and reservations that stand in the end are the gold ones.

Compared are the store, the products and how many of each, the address (as a place on the map), the time and
the people of an appointment, and whether it stands or is cancelled. What one buys in a shop counts in sum, as
an in-store order holds one product; each delivery counts for itself. Of old orders it is compared, too,
whether their notes were changed, and whether those that should be were paid. What else there is to an order
(variant, note, time of delivery) is put in words that differ from the stores': the rubrics ask for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from turnwise.environments.service.vitabench.gold import TABLES, Deal, Gold, deal_of, records_of
from turnwise.environments.service.vitabench.town import Town
from turnwise.tools.tables import Record


class Difference(NamedTuple):
    """How a state differs from the gold one."""

    missing: tuple[str, ...] = ()
    """What should be and is not."""
    extra: tuple[str, ...] = ()
    """What is and should not be."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)

    def lines(self) -> list[str]:
        """For people."""
        return [
            *(f"missing: {one}" for one in self.missing),
            *(f"not asked for: {one}" for one in self.extra),
        ]


def difference(town: Town, gold: Gold, tables: Mapping[str, Mapping[str, Record]]) -> Difference:
    """How the records in `tables` differ from what the gold orders make of those in the beginning."""
    wanted, found = _wanted(town, gold), _found(town, gold, tables)
    missing, extra = wanted - found, found - wanted
    for one in [one for one in missing if one[0] == "any"]:
        other = next((it for it in extra if _stands_for(it, one)), None)
        if other is not None:
            missing[one] -= 1
            extra[other] -= 1
    return Difference(_told(missing), _told(extra))


def _wanted(town: Town, gold: Gold) -> Counter[Any]:
    """What should stand."""
    gone = {(TABLES[kind], name) for kind, name in gold.cancel}
    old = [
        deal_of(record, kind)
        for kind, name, record in records_of(town.base.tables)
        if record["status"] != "cancelled" and (TABLES[kind], name) not in gone
    ]
    marks = [*(("paid", name) for name in gold.pay), *(("note", name) for name, _ in gold.note)]
    return _counted(town, [*old, *(new.deal for new in gold.new)]) + Counter(marks)


def _found(town: Town, gold: Gold, tables: Mapping[str, Mapping[str, Record]]) -> Counter[Any]:
    """What stands."""
    deals: list[Deal] = []
    marks: list[tuple[str, str]] = []
    before = town.base.tables["orders"]
    for kind, name, record in records_of(tables):
        if record["status"] != "cancelled":
            deals.append(deal_of(record, kind))
        if TABLES[kind] == "orders" and name in before:
            if record["status"] == "paid" and name in gold.pay:
                marks.append(("paid", name))
            if record.get("note") != before[name].get("note"):
                marks.append(("note", name))
    return _counted(town, deals) + Counter(marks)


def _counted(town: Town, deals: Iterable[Deal]) -> Counter[Any]:
    """Deals as what can be counted."""
    found: Counter[Any] = Counter()
    for deal in deals:
        if deal.kind in ("book", "reservation"):
            found[deal.kind, deal.store, deal.time, deal.people] += 1
            continue
        place = (town.locate(deal.address) or deal.address) if deal.kind == "delivery" else ""
        if not deal.products:
            found["any", deal.store, place, deal.kind] += 1
        elif deal.kind == "delivery":
            found[deal.kind, deal.store, place, deal.products] += 1
        else:
            for product, number in deal.products:
                found[deal.kind, deal.store, place, product] += number
    return found


def _stands_for(order: Any, wanted: Any) -> bool:
    """Whether an order is one where any of the store will do, brought to the same place."""
    return order[0] == wanted[3] and order[1:3] == wanted[1:3]


def _told(found: Counter[Any]) -> tuple[str, ...]:
    """For people."""
    every = sorted((number, " ".join(map(str, one))) for one, number in found.items() if number > 0)
    return tuple(f"{number} x {told}" for number, told in every)
