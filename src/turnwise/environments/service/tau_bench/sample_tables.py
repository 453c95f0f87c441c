"""The tables of the sample cases, in the published form; everything in them is made up."""

from __future__ import annotations

from typing import Any


def shop() -> dict[str, Any]:
    """Two buyers, two products, three orders."""
    return {
        "users": {
            "ada_brook_1001": _buyer(
                "ada_brook_1001",
                "Ada Brook",
                "ada.brook@example.com",
                "30301",
                {
                    "credit_card_1111": {
                        "source": "credit_card",
                        "id": "credit_card_1111",
                        "last_four": "1111",
                    },
                    "gift_card_2222": {"source": "gift_card", "id": "gift_card_2222", "balance": 40},
                },
                ["#W1000001", "#W1000002"],
            ),
            "ben_castle_1002": _buyer(
                "ben_castle_1002",
                "Ben Castle",
                "ben.castle@example.com",
                "60601",
                {
                    "paypal_3333": {"source": "paypal", "id": "paypal_3333"},
                    "gift_card_4444": {"source": "gift_card", "id": "gift_card_4444", "balance": 5.5},
                },
                ["#W1000003"],
            ),
        },
        "products": {
            "7001": _product(
                "7001",
                "Teapot",
                [("8001", 25.0, {"colour": "blue"}), ("8002", 32.5, {"colour": "red"}), ("8003", 28.0, {})],
                gone=("8003",),
            ),
            "7002": _product(
                "7002", "Desk Lamp", [("8101", 60.25, {"arm": "short"}), ("8102", 71.75, {"arm": "long"})]
            ),
        },
        "orders": {
            "#W1000001": _order(
                "#W1000001",
                "ada_brook_1001",
                "pending",
                [("7001", "Teapot", "8001", 25.0), ("7002", "Desk Lamp", "8101", 60.25)],
                "credit_card_1111",
            ),
            "#W1000002": _order(
                "#W1000002",
                "ada_brook_1001",
                "delivered",
                [("7002", "Desk Lamp", "8102", 71.75)],
                "gift_card_2222",
            ),
            "#W1000003": _order(
                "#W1000003", "ben_castle_1002", "pending", [("7001", "Teapot", "8002", 32.5)], "paypal_3333"
            ),
        },
    }


def _buyer(
    user_id: str, name: str, email: str, zip_code: str, methods: dict[str, Any], orders: list[str]
) -> dict[str, Any]:
    first, last = name.split()
    return {
        "user_id": user_id,
        "name": {"first_name": first, "last_name": last},
        "address": _home(zip_code),
        "email": email,
        "payment_methods": methods,
        "orders": orders,
    }


def _home(zip_code: str) -> dict[str, str]:
    return {
        "address1": "1 Mill Lane",
        "address2": "",
        "city": "Ashford",
        "state": "GA",
        "country": "USA",
        "zip": zip_code,
    }


def _product(
    product_id: str, name: str, variants: list[tuple[str, float, dict[str, str]]], gone: tuple[str, ...] = ()
) -> dict[str, Any]:
    made = {
        item: {"item_id": item, "price": price, "options": options, "available": item not in gone}
        for item, price, options in variants
    }
    return {"product_id": product_id, "name": name, "variants": made}


def _order(
    order_id: str, user_id: str, status: str, items: list[tuple[str, str, str, float]], method: str
) -> dict[str, Any]:
    payment = {
        "transaction_type": "payment",
        "amount": sum(price for *_, price in items),
        "payment_method_id": method,
    }
    return {
        "order_id": order_id,
        "user_id": user_id,
        "status": status,
        "address": _home("30301"),
        "items": [
            {"product_id": product, "name": name, "item_id": item, "price": price, "options": {}}
            for product, name, item, price in items
        ],
        "fulfillments": [],
        "payment_history": [payment],
    }


def airline() -> dict[str, Any]:
    """One traveller, five flights on nine days, two reservations."""
    cora = {"first_name": "Cora", "last_name": "Dale", "dob": "1980-02-03"}
    return {
        "users": {
            "cora_dale_2001": {
                "user_id": "cora_dale_2001",
                "name": {"first_name": "Cora", "last_name": "Dale"},
                "address": _home("94101"),
                "email": "cora.dale@example.com",
                "dob": "1980-02-03",
                "payment_methods": {
                    "credit_card_5555": {
                        "source": "credit_card",
                        "id": "credit_card_5555",
                        "last_four": "5555",
                    },
                    "gift_card_6666": {"source": "gift_card", "id": "gift_card_6666", "amount": 120},
                    "certificate_7777": {"source": "certificate", "id": "certificate_7777", "amount": 100},
                },
                "saved_passengers": [],
                "membership": "regular",
                "reservations": ["RES001", "RES002"],
            },
        },
        "flights": {
            "HAT901": _flight("HAT901", "SFO", "JFK", "06:00:00", "14:30:00", 210),
            "HAT902": _flight("HAT902", "SFO", "DEN", "07:00:00", "10:00:00", 80),
            "HAT903": _flight("HAT903", "DEN", "JFK", "11:00:00", "17:00:00", 90),
            "HAT904": _flight("HAT904", "JFK", "SFO", "21:00:00", "00:30:00+1", 150),
            "HAT905": _flight("HAT905", "SFO", "LAX", "06:00:00", "07:30:00", 60),
        },
        "reservations": {
            "RES001": _reservation("RES001", "economy", ("HAT901", "2024-05-20"), 210, cora, "yes"),
            "RES002": _reservation("RES002", "basic_economy", ("HAT903", "2024-05-22"), 60, cora, "no"),
        },
    }


def _flight(
    number: str, origin: str, destination: str, leaves: str, arrives: str, price: int
) -> dict[str, Any]:
    days = {
        f"2024-05-{day}": {
            "status": "available",
            "available_seats": {"basic_economy": 3, "economy": 9, "business": 1},
            "prices": {"basic_economy": price * 2 // 3, "economy": price, "business": price * 3},
        }
        for day in range(16, 25)
    }
    return {
        "flight_number": number,
        "origin": origin,
        "destination": destination,
        "scheduled_departure_time_est": leaves,
        "scheduled_arrival_time_est": arrives,
        "dates": {"2024-05-15": {"status": "delayed"}, **days},
    }


def _reservation(
    name: str, cabin: str, leg: tuple[str, str], price: int, who: dict[str, str], insurance: str
) -> dict[str, Any]:
    number, day = leg
    origin = {"HAT901": "SFO", "HAT903": "DEN"}[number]
    flight = {"flight_number": number, "date": day, "price": price, "origin": origin, "destination": "JFK"}
    return {
        "reservation_id": name,
        "user_id": "cora_dale_2001",
        "origin": origin,
        "destination": "JFK",
        "flight_type": "one_way",
        "cabin": cabin,
        "flights": [flight],
        "passengers": [who],
        "payment_history": [{"payment_id": "credit_card_5555", "amount": price}],
        "created_at": "2024-05-01T09:00:00",
        "total_baggages": 1,
        "nonfree_baggages": 0,
        "insurance": insurance,
    }
