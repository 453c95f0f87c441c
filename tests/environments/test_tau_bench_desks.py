"""The desks of tau-bench: what their tools do to the database, in numbers worked by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.environments.service.tau_bench import sample
from turnwise.environments.service.tau_bench.airline import AIRLINE, Airline
from turnwise.environments.service.tau_bench.calculator import calculated
from turnwise.environments.service.tau_bench.retail import RETAIL, Retail
from turnwise.environments.service.tau_bench.sample_tables import shop as shop_tables
from turnwise.errors import ToolError
from turnwise.message import Content
from turnwise.tools.desk import Desk
from turnwise.tools.tables import Base

CHANGE = {
    "order_id": "#W1000001",
    "item_ids": ["8001", "8101"],
    "new_item_ids": ["8002", "8102"],
    "payment_method_id": "gift_card_2222",
}
MOVE = {
    "order_id": "#W1000001",
    "address1": "2 Elm Row",
    "address2": "",
    "city": "Ashford",
    "state": "GA",
    "country": "USA",
    "zip": "30302",
}


def shop(version: int = 1, *, published: bool = False, base: Base | None = None) -> Retail:
    return RETAIL[version](base or sample.base("retail"), published=published)


def airline(version: int = 1, *, published: bool = False) -> Airline:
    return AIRLINE[version](sample.base("airline"), published=published)


def call(desk: Desk, name: str, **arguments: Any) -> Any:
    told: Content = asyncio.run(desk.do(name, **arguments))
    assert isinstance(told, str)
    try:
        return msgspec.json.decode(told)
    except msgspec.DecodeError:
        return told


def refused(desk: Desk, name: str, **arguments: Any) -> str:
    before = desk.key()
    with pytest.raises(ToolError) as error:
        asyncio.run(desk.do(name, **arguments))
    assert desk.key() == before, "a refusal changes nothing"
    return str(error.value)


# The shop ----------------------------------------------------------------------------------------------


def test_who_somebody_is() -> None:
    desk = shop()
    assert call(desk, "find_user_id_by_email", email="Ada.Brook@Example.com") == "ada_brook_1001"
    who = {"first_name": "ben", "last_name": "CASTLE", "zip": "60601"}
    assert call(desk, "find_user_id_by_name_zip", **who) == "ben_castle_1002"
    assert refused(desk, "find_user_id_by_email", email="ada") == "user not found"
    assert refused(desk, "find_user_id_by_name_zip", **{**who, "zip": "1"}) == "user not found"
    # Who has moved is found at the new zip code, and no longer at the old one.
    home = {key: value for key, value in MOVE.items() if key != "order_id"}
    call(desk, "modify_user_address", user_id="ben_castle_1002", **home)
    assert call(desk, "find_user_id_by_name_zip", **{**who, "zip": "30302"}) == "ben_castle_1002"
    assert refused(desk, "find_user_id_by_name_zip", **who) == "user not found"


def test_items_of_a_pending_order_are_changed_once() -> None:
    desk = shop()
    order = call(desk, "modify_pending_order_items", **CHANGE)
    # 32.50 - 25.00 and 71.75 - 60.25 make 19.00, which leaves 21.00 of 40.00 on the gift card.
    assert order["payment_history"][-1] == {
        "transaction_type": "payment",
        "amount": 19.0,
        "payment_method_id": "gift_card_2222",
    }
    assert [(item["item_id"], item["price"]) for item in order["items"]] == [("8002", 32.5), ("8102", 71.75)]
    user = call(desk, "get_user_details", user_id="ada_brook_1001")
    assert user["payment_methods"]["gift_card_2222"]["balance"] == 21.0
    assert "non-pending" in refused(desk, "modify_pending_order_items", **CHANGE)


def test_the_published_second_version_gives_all_changed_items_the_last_ones_price() -> None:
    order = call(shop(2, published=True), "modify_pending_order_items", **CHANGE)
    assert [item["price"] for item in order["items"]] == [71.75, 71.75]
    order = call(shop(2), "modify_pending_order_items", **CHANGE)
    assert [item["price"] for item in order["items"]] == [32.5, 71.75]


def test_the_published_difference_keeps_the_noise_of_floating_point() -> None:
    tables = shop_tables()
    tables["products"]["7001"]["variants"]["8002"]["price"] = 25.3
    change = {**CHANGE, "item_ids": ["8001"], "new_item_ids": ["8002"]}
    amounts = [
        call(shop(published=published, base=Base(tables)), "modify_pending_order_items", **change)[
            "payment_history"
        ][-1]["amount"]
        for published in (True, False)
    ]
    assert amounts == [25.3 - 25.0, 0.3]
    assert amounts[0] != 0.3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"new_item_ids": ["8002"]}, "number of items"),
        ({"item_ids": ["8001", "8001"]}, "item 8001 not found"),
        ({"new_item_ids": ["8003", "8102"]}, "new item 8003 not found or available"),
        ({"new_item_ids": ["8101", "8102"]}, "new item 8101 not found or available"),
        ({"payment_method_id": "gift_card_4444"}, "payment method not found"),
        ({"order_id": "W1000001"}, "order not found"),
        ({"order_id": "#W1000002"}, "non-pending"),
        ({"item_ids": "8001"}, "item_ids"),
    ],
)
def test_changes_of_items_that_are_refused(changes: dict[str, Any], why: str) -> None:
    assert why in refused(shop(), "modify_pending_order_items", **{**CHANGE, **changes})


def test_what_the_versions_do_otherwise() -> None:
    same = {**CHANGE, "item_ids": ["8001"], "new_item_ids": ["8001"]}
    assert call(shop(1), "modify_pending_order_items", **same)["payment_history"][-1]["amount"] == 0
    assert "different" in refused(shop(2), "modify_pending_order_items", **same)
    for version in (1, 2):
        desk = shop(version)
        call(desk, "modify_pending_order_items", **CHANGE)
        if version == 1:
            assert "non-pending" in refused(desk, "modify_pending_order_address", **MOVE)
        else:
            assert call(desk, "modify_pending_order_address", **MOVE)["address"]["zip"] == "30302"
    assert call(shop(2), "get_item_details", item_id="8102")["price"] == 71.75
    assert "no tool" in refused(shop(1), "get_item_details", item_id="8102")
    assert call(shop(1), "think", thought="Hm.") == ""


def test_a_cancelled_order_pays_gift_cards_back_at_once() -> None:
    tables = shop_tables()
    tables["orders"]["#W1000003"]["payment_history"][0]["payment_method_id"] = "gift_card_4444"
    desk = shop(base=Base(tables))
    assert "reason" in refused(desk, "cancel_pending_order", order_id="#W1000003", reason="tired of it")
    order = call(desk, "cancel_pending_order", order_id="#W1000003", reason="no longer needed")
    assert (order["status"], order["cancel_reason"]) == ("cancelled", "no longer needed")
    assert [entry["transaction_type"] for entry in order["payment_history"]] == ["payment", "refund"]
    user = call(desk, "get_user_details", user_id="ben_castle_1002")
    assert user["payment_methods"]["gift_card_4444"]["balance"] == 38.0


def test_another_way_to_pay() -> None:
    desk = shop()
    ways = {"order_id": "#W1000001", "payment_method_id": "gift_card_2222"}
    assert "insufficient" in refused(desk, "modify_pending_order_payment", **ways)
    current = {**ways, "payment_method_id": "credit_card_1111"}
    assert "different" in refused(desk, "modify_pending_order_payment", **current)
    tables = shop_tables()
    tables["users"]["ada_brook_1001"]["payment_methods"]["gift_card_2222"]["balance"] = 100
    desk = shop(base=Base(tables))
    order = call(desk, "modify_pending_order_payment", **ways)
    assert [(entry["transaction_type"], entry["amount"]) for entry in order["payment_history"]] == [
        ("payment", 85.25),
        ("payment", 85.25),
        ("refund", 85.25),
    ]
    user = call(desk, "get_user_details", user_id="ada_brook_1001")
    assert user["payment_methods"]["gift_card_2222"]["balance"] == 14.75
    assert "exactly one payment" in refused(
        desk, "modify_pending_order_payment", **{**ways, "payment_method_id": "credit_card_1111"}
    )


def test_delivered_orders_go_back_once() -> None:
    desk = shop()
    lamp = {"order_id": "#W1000002", "item_ids": ["8102"]}
    assert "original payment" in refused(
        desk, "return_delivered_order_items", **lamp, payment_method_id="credit_card_1111"
    )
    exchange = {**lamp, "new_item_ids": ["8101"], "payment_method_id": "credit_card_1111"}
    order = call(desk, "exchange_delivered_order_items", **exchange)
    assert order["exchange_price_difference"] == -11.5
    assert order["exchange_new_items"] == ["8101"]
    assert order["items"][0]["item_id"] == "8102", "the exchange is only asked for"
    assert "non-delivered" in refused(
        desk, "return_delivered_order_items", **lamp, payment_method_id="gift_card_2222"
    )


# The airline -------------------------------------------------------------------------------------------

BOOKING: dict[str, Any] = dict(sample.tasks("airline")[1].actions[1].arguments)


@pytest.mark.parametrize(("version", "seats"), [(1, 9), (2, 8)])
def test_a_booking_is_paid_and_takes_seats_in_the_second_version(version: int, seats: int) -> None:
    desk = airline(version)
    booked = call(desk, "book_reservation", **BOOKING)
    assert booked["reservation_id"] == "HATHAT"
    assert [leg["price"] for leg in booked["flights"]] == [80, 90]
    user = call(desk, "get_user_details", user_id="cora_dale_2001")
    assert user["reservations"] == ["RES001", "RES002", "HATHAT"]
    assert "certificate_7777" not in user["payment_methods"], "a certificate is spent as a whole"
    (found,) = call(desk, "search_direct_flight", origin="SFO", destination="DEN", date="2024-05-21")
    assert found["available_seats"]["economy"] == seats
    assert "not found" in refused(desk, "book_reservation", **BOOKING), "the certificate is gone"
    again = {**BOOKING, "payment_methods": [{"payment_id": "credit_card_5555", "amount": 170}]}
    assert call(desk, "book_reservation", **again)["reservation_id"] == "HATHAU"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"payment_methods": [{"payment_id": "credit_card_5555", "amount": 99}]}, "total price is 170"),
        ({"insurance": "yes"}, "total price is 200"),
        ({"nonfree_baggages": 1}, "total price is 220"),
        ({"cabin": "business", "passengers": BOOKING["passengers"] * 2}, "not enough seats"),
        ({"flights": [{"flight_number": "HAT902", "date": "2024-05-15"}]}, "not available on date"),
        ({"flights": [{"flight_number": "HAT902", "date": "tomorrow"}]}, "not found on date"),
        ({"flights": [{"flight_number": "HAT9", "date": "2024-05-21"}]}, "flight HAT9 not found"),
        ({"payment_methods": [{"payment_id": "gift_card_6666", "amount": 170}]}, "not enough balance"),
        ({"cabin": "first"}, "expected one of"),
        ({"passengers": [{"first_name": "Cora"}]}, "missing"),
    ],
)
def test_bookings_that_are_refused(changes: dict[str, Any], why: str) -> None:
    assert why in refused(airline(2), "book_reservation", **{**BOOKING, **changes})


def test_money_is_whole_in_the_second_version() -> None:
    halves = [{"payment_id": "credit_card_5555", "amount": amount} for amount in (99.5, 70.5)]
    assert "whole number" in refused(airline(2), "book_reservation", **{**BOOKING, "payment_methods": halves})
    whole = [{"payment_id": "credit_card_5555", "amount": 170.0}]
    for version, amount in ((1, b"170.0"), (2, b"170")):
        desk = airline(version)
        call(desk, "book_reservation", **{**BOOKING, "payment_methods": whole})
        paid = desk.tables["reservations"]["HATHAT"]["payment_history"]
        assert msgspec.json.encode(paid[0]["amount"]) == amount


@pytest.mark.parametrize(
    ("version", "published", "cabin"),
    [(1, True, "economy"), (1, False, "business"), (2, True, "business")],
)
def test_another_cabin(version: int, published: bool, cabin: str) -> None:
    desk = airline(version, published=published)
    flights = [{"flight_number": "HAT901", "date": "2024-05-20"}]
    change = {"reservation_id": "RES001", "cabin": "business", "flights": flights}
    told = call(desk, "update_reservation_flights", **change, payment_id="credit_card_5555")
    # 630 for business, of which 210 were paid.
    assert told["payment_history"][-1] == {"payment_id": "credit_card_5555", "amount": 420}
    assert told["cabin"] == cabin
    assert "balance" in refused(
        airline(version), "update_reservation_flights", **change, payment_id="gift_card_6666"
    )
    assert "certificate" in refused(
        desk, "update_reservation_flights", **change, payment_id="certificate_7777"
    )


def test_a_flight_that_stays_keeps_its_price() -> None:
    # 60 was paid for what costs 90 in economy and 60 in basic economy; only the same cabin keeps it.
    flights = [{"flight_number": "HAT903", "date": "2024-05-22"}]
    change = {"reservation_id": "RES002", "flights": flights, "payment_id": "gift_card_6666"}
    kept = call(airline(), "update_reservation_flights", **change, cabin="basic_economy")
    assert len(kept["payment_history"]) == 1
    raised = call(airline(), "update_reservation_flights", **change, cabin="economy")
    assert raised["payment_history"][-1]["amount"] == 30


def test_bags_passengers_and_refunds() -> None:
    desk = airline()
    bags = {"reservation_id": "RES001", "total_baggages": 3, "nonfree_baggages": 2}
    call(desk, "update_reservation_baggages", **bags, payment_id="gift_card_6666")
    user = call(desk, "get_user_details", user_id="cora_dale_2001")
    assert user["payment_methods"]["gift_card_6666"]["amount"] == 20
    told = call(desk, "cancel_reservation", reservation_id="RES001")
    assert [paid["amount"] for paid in told["payment_history"]] == [210, 100, -210, -100]
    assert told["status"] == "cancelled"
    who = BOOKING["passengers"]
    assert "does not match" in refused(
        desk, "update_reservation_passengers", reservation_id="RES002", passengers=who * 2
    )


def test_connections_and_certificates() -> None:
    desk = airline()
    ((one, other),) = call(desk, "search_onestop_flight", origin="SFO", destination="JFK", date="2024-05-21")
    assert [one["flight_number"], other["flight_number"]] == ["HAT902", "HAT903"]
    # It lands at half past midnight, so that the connection is the next day's.
    ((one, other),) = call(desk, "search_onestop_flight", origin="JFK", destination="LAX", date="2024-05-16")
    assert [one["date"], other["date"]] == ["2024-05-16", "2024-05-17"]
    assert call(desk, "search_onestop_flight", origin="JFK", destination="LAX", date="soon") == []
    for number in (3221322, 3221323, 3221324):
        told = call(desk, "send_certificate", user_id="cora_dale_2001", amount=50)
        assert told == f"Certificate certificate_{number} added to user cora_dale_2001 with amount 50."
    assert "too many" in refused(desk, "send_certificate", user_id="cora_dale_2001", amount=50)
    status = {"flight_number": "HAT901", "date": "2024-05-15"}
    assert call(airline(2), "get_flight_status", **status) == "delayed"
    assert call(airline(1), "list_all_airports")["EWR"] == "Newark"
    assert call(airline(2), "list_all_airports")[0] == {"iata": "SFO", "city": "San Francisco"}


# All of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [("2 + 2", "4.0"), ("-(1.5 * 4) / 3", "-2.0"), ("10 / 3", "3.33"), ("2 ** 3 - 7 // 2", "5.0")],
)
def test_arithmetic(expression: str, value: str) -> None:
    assert calculated(expression) == value


@pytest.mark.parametrize(
    "expression", ["", "1 +", "1 / 0", "9 ** 9 ** 9", "(2)(3)", "(" * 900, "-" * 999, "import os", "9" * 2000]
)
def test_what_cannot_be_calculated_is_refused(expression: str) -> None:
    with pytest.raises(ToolError):
        calculated(expression)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    [
        *("#W1000001", "#W1000002", "ada_brook_1001", "ben_castle_1002", "8001", "8102", "7001"),
        *("gift_card_2222", "credit_card_1111", "no longer needed", "cora_dale_2001", "RES001", "RES002"),
        *("HAT901", "HAT903", "HAT904", "2024-05-20", "2024-05-15", "economy", "business", "SFO", "JFK"),
        *("gift_card_6666", "certificate_7777", "credit_card_5555", "yes", "one_way", ""),
    ]
)
LEGS = st.fixed_dictionaries({"flight_number": KNOWN, "date": KNOWN})
PAID = st.fixed_dictionaries({"payment_id": KNOWN, "amount": st.integers(-5, 900) | st.floats()})
VALUES = KNOWN | st.lists(KNOWN, max_size=3) | st.lists(LEGS | PAID, max_size=2) | st.integers(-3, 3) | JSON


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_arguments_make_a_tool_fail(data: st.DataObject) -> None:
    """Any JSON at all, most of it nearly right: an answer, or a refusal that changes nothing."""
    made = data.draw(st.sampled_from([shop, airline]))
    desk: Desk = made(data.draw(st.sampled_from([1, 2])), published=data.draw(st.booleans()))
    for _ in range(data.draw(st.integers(1, 4))):
        tool = data.draw(st.sampled_from(desk.tools()))
        near = st.fixed_dictionaries(dict.fromkeys(tool.spec.parameters["properties"], VALUES))
        arguments = data.draw(near | st.dictionaries(st.text(max_size=8), JSON, max_size=3))
        before, why = desk.key(), ""
        changes: list[Any] = []
        try:
            _, changes = asyncio.run(tool.invoke(arguments, None))
        except ToolError as error:
            why = str(error)
        assert "\n" not in why
        assert bool(changes) == (desk.key() != before)
