"""Cases of our own, for tests, examples and a first look, in the published form: two small towns."""

from __future__ import annotations

from functools import cache
from typing import Any

from turnwise.environments.service.vitabench.load import task_of
from turnwise.environments.service.vitabench.rows import Domain, VitaTask

Json = dict[str, Any]
_NOW = "2025-03-14 17:30:00"
_HOME = {"address": "7 Willow Lane, Harbour Quarter, Lindau", "longitude": 9.684, "latitude": 47.546}
_WORK = {"address": "Boat Works, 2 Pier Road, Lindau", "longitude": 9.698, "latitude": 47.551}
_USER = "U100001"


@cache
def tasks(domain: Domain) -> tuple[VitaTask, ...]:
    """The tasks."""
    return _delivery() if domain == "delivery" else _instore()


# Delivery ---------------------------------------------------------------------------------------------


def _delivery() -> tuple[VitaTask, ...]:
    supper = _to(_HOME, "S1", ("P11", 2))
    old = _to(_WORK, "S2", ("P21", 1), name="T2", made="2025-03-14 17:20:00", status="unpaid")
    lunch = _to(_WORK, "S1", ("P12", 1), name="T3", made="2025-03-14 17:25:00", status="paid")
    return (
        _case(
            "supper",
            "delivery",
            "You come home from the boat yard, tired. Your sister is with you, and does not eat meat. "
            "You want two bowls of the same soup, brought home. "
            "It should be from a store with a rating above 4.5.",
            {"stores": _stores(), "orders": {}},
            (supper,),
            'An order is placed at the store "S1", whose rating is above 4.5.',
            'The order holds two bowls of "Mushroom Soup", without meat.',
        ),
        _case(
            "swap",
            "delivery",
            "You have just ordered dumplings to the yard, and now you learn that you may go home. "
            "Please cancel them. Order the same dumplings to your home instead, and a lemonade with them.",
            {"stores": _stores(), "orders": {"T2": old}},
            ({**old, "status": "cancelled"}, _to(_HOME, "S2", ("P21", 1), ("P22", 1))),
            'The order "T2" is cancelled: "T2 has been cancelled".',
            'The new order holds "Lemonade".',
        ),
        _case(
            "note",
            "delivery",
            "You have ordered a stew and forgot to say that you want no onions: have it noted. "
            "You also want three lemonades for your mates at the yard.",
            {"stores": _stores(), "orders": {"T3": lunch}},
            ({**lunch, "note": "No onions"}, _to(_WORK, "S2", ("P22", 3))),
            'The order "T3" is noted anew: "T3 has been modified".',
            'Three are ordered of "Lemonade".',
        ),
    )


def _stores() -> Json:
    return {
        "S1": _store(
            "S1",
            "The Ladle",
            4.7,
            (9.686, 47.548),
            _dish("S1", "P11", "Mushroom Soup", 8.5, "vegetarian", "mild"),
            _dish("S1", "P12", "Beef Stew", 12, "hearty"),
        ),
        "S2": _store(
            "S2",
            "Steam and Sons",
            4.2,
            (9.691, 47.549),
            _dish("S2", "P21", "Cabbage Dumplings", 9, "vegetarian"),
            _dish("S2", "P22", "Lemonade", 3.5, "cold", attributes=["With Ice", "Without Ice"]),
        ),
    }


def _store(name: str, called: str, score: float, place: tuple[float, float], *dishes: Json) -> Json:
    address = {"address": f"{called}, Market Street, Lindau", "longitude": place[0], "latitude": place[1]}
    products = [{**dish, "store_name": called} for dish in dishes]
    tags = ["Dine-in available", "Fresh"]
    return {"store_id": name, "name": called, "score": score, "location": address, "tags": tags} | {
        "products": products
    }


def _dish(store: str, name: str, called: str, price: float, *tags: str, attributes: Any = ()) -> Json:
    return {
        "product_id": name,
        "name": called,
        "store_id": store,
        "price": price,
        "attributes": list(attributes),
        "tags": list(tags),
    }


def _to(
    place: Json,
    store: str,
    *lines: tuple[str, int],
    name: str = "",
    made: str = _NOW,
    status: str = "processed",
) -> Json:
    """An order to a place."""
    prices = {dish["product_id"]: dish["price"] for dish in _stores()[store]["products"]}
    return {
        "order_id": name or f"NEW-{store}",
        "order_type": "delivery",
        "user_id": _USER,
        "store_id": store,
        "note": "",
        "location": place,
        "dispatch_time": "",
        "shipping_time": None,
        "delivery_time": "",
        "total_price": sum(prices[product] * count for product, count in lines),
        "create_time": made,
        "update_time": made,
        "status": status,
        "products": [
            {"product_id": product, "price": prices[product], "quantity": count, "attributes": ""}
            for product, count in lines
        ],
    }


# In-store ---------------------------------------------------------------------------------------------


def _instore() -> tuple[VitaTask, ...]:
    voucher = _voucher("H3", ("Q31", 1), name="V1", made="2025-03-10 09:00:00")
    table = {
        "book_id": "B1",
        "shop_id": "H1",
        "book_time": "2025-03-15 19:00:00",
        "update_time": "2025-03-12 12:00:00",
        "customer_id": _USER,
        "customer_count": 2,
        "book_price": 10,
        "status": "paid",
    }
    return (
        _case(
            "evening",
            "in-store consumption",
            "Tomorrow three friends come to town. You want to eat fish together, and you want the set for "
            "four. Have a table booked for all four at 19:30 as well.",
            _shops(),
            (
                _voucher("H1", ("Q11", 1)),
                {**table, "book_id": "B9", "book_time": "2025-03-15 19:30:00"} | _FOUR,
            ),
            'The set "Fish Supper for Four" is ordered.',
            'The table is booked for "2025-03-15 19:30:00".',
        ),
        _case(
            "rest",
            "in-store consumption",
            "Your back hurts. You want two single massages of an hour at the bath house. "
            "You reserve the first for tomorrow at 10 in the morning, for yourself.",
            _shops(),
            (_voucher("H2", ("Q21", 2)), _reserved("H2", "2025-03-15 10:00", 1)),
            'Two of "Massage, One Hour" are ordered.',
            'The bath house is reserved for "2025-03-15 10:00:00".',
        ),
        _case(
            "change of mind",
            "in-store consumption",
            "You have a voucher for the cinema and a table at the fish restaurant tomorrow, and want "
            "neither. Give the voucher back and cancel the table. Buy one massage of an hour instead.",
            _shops(orders={"V1": voucher}, books={"B1": table}),
            (
                {**voucher, "status": "cancelled"},
                {**table, "status": "cancelled"},
                _voucher("H2", ("Q21", 1)),
            ),
            'The voucher is given back: "V1 has been cancelled".',
            'The table is cancelled: "B1 has been cancelled".',
        ),
    )


_FOUR = {"customer_count": 4}


def _shops(**records: Json) -> Json:
    shops = {
        "H1": _shop("H1", "The Pike", (9.689, 47.545), True, 10, ("Q11", "Fish Supper for Four", 96)),
        "H2": _shop("H2", "Old Bath House", (9.693, 47.547), False, 0, ("Q21", "Massage, One Hour", 45)),
        "H3": _shop("H3", "Lantern Cinema", (9.695, 47.55), False, 0, ("Q31", "Evening Ticket", 14)),
    }
    return {"orders": {}, "books": {}, "reservations": {}, "shops": shops, **records}


def _shop(
    name: str,
    called: str,
    place: tuple[float, float],
    books: bool,
    price: float,
    *products: tuple[str, str, float],
) -> Json:
    return {
        "shop_id": name,
        "shop_name": called,
        "score": 4.6,
        "location": {"address": f"{called}, Lindau", "longitude": place[0], "latitude": place[1]},
        "tags": ["Near the harbour"],
        "enable_book": books,
        "book_price": price,
        "enable_reservation": not books,
        "products": [
            {"product_id": one, "name": what, "price": cost, "shop_id": name, "tags": [], "quantity": 20}
            for one, what, cost in products
        ],
    }


def _voucher(shop: str, *lines: tuple[str, int], name: str = "", made: str = _NOW) -> Json:
    return {
        "order_id": name or f"NEW-{shop}",
        "order_type": "instore",
        "user_id": _USER,
        "store_id": shop,
        "total_price": 0,
        "create_time": made,
        "update_time": made,
        "status": "paid",
        "products": [{"product_id": product, "quantity": count} for product, count in lines],
    }


def _reserved(shop: str, time: str, people: int) -> Json:
    return {
        "reservation_id": f"NEW-{shop}-R",
        "shop_id": shop,
        "reservation_time": time,
        "update_time": _NOW,
        "customer_id": _USER,
        "customer_count": people,
        "status": "unconsumed",
    }


# Both -------------------------------------------------------------------------------------------------


def _case(name: str, domain: str, told: str, world: Json, gold: tuple[Json, ...], *rubrics: str) -> VitaTask:
    profile = {"user id": _USER, "occupation": "Boat builder", "personality": "Dry, short of words, patient"}
    weather = [
        {"city": "Lindau", "category": sky, "datetime": day, "temperature": [4, 11], "humidity": 60}
        for day, sky in (("2025-03-14", "sunny"), ("2025-03-15", "overcast"))
    ]
    return task_of(
        {
            "id": name,
            "domain": domain,
            "instructions": told,
            "environment": {
                "time": _NOW,
                "user_id": _USER,
                "location": [_HOME, _WORK],
                "weather": weather,
                "user_historical_behaviors": {**profile, "home address": _HOME["address"]},
                **world,
            },
            "user_scenario": {"user_profile": {**profile, "home address": _HOME["address"]}},
            "evaluation_criteria": {
                "expected_states": [
                    {"required_orders": list(gold), "optional_orders": [], "state_rubrics": list(rubrics)}
                ],
                "overall_rubrics": list(rubrics),
            },
        }
    )
