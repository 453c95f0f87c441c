"""VitaBench's tools: what each tells, makes and refuses, over a small town and over published worlds."""

from __future__ import annotations

import asyncio
import json
import os
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.environments.service.vitabench import VitaDelivery, VitaInstore, VitaTask, load, sample
from turnwise.environments.service.vitabench.counter import Counter, distance
from turnwise.environments.service.vitabench.delivery import Delivery, minutes
from turnwise.environments.service.vitabench.holidays import festivals, public_holiday
from turnwise.environments.service.vitabench.instore import Instore
from turnwise.environments.service.vitabench.likeness import partial_ratio, plain, ranked, ratio
from turnwise.environments.service.vitabench.players import random_player
from turnwise.environments.service.vitabench.town import Town, town
from turnwise.errors import TaskError, ToolError
from turnwise.message import Message

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"))
PUBLISHED = pytest.mark.skipif(
    not (DATA / "vitabench" / "instore_tasks_en.json").is_file(),
    reason="needs vitabench/*_tasks_en.json: set TURNWISE_DATA",
)
SUPPER, SWAP, NOTE = sample.tasks("delivery")
EVENING, REST, CHANGE = sample.tasks("instore")
USER = "U100001"
NOW = "2025-03-14 17:30:00"
HOME = "7 Willow Lane, Harbour Quarter, Lindau"


def do(desk: Counter, tool: str, **arguments: Any) -> Any:
    """What a tool answers, as JSON where it is."""
    answer = asyncio.run(desk.do(tool, **arguments))
    assert isinstance(answer, str)
    try:
        return json.loads(answer)
    except ValueError:
        return answer


def refused(desk: Counter, tool: str, **arguments: Any) -> str:
    key = desk.key()
    with pytest.raises(ToolError) as error:
        asyncio.run(desk.do(tool, **arguments))
    assert desk.key() == key, "what is refused changes nothing"
    return str(error.value)


def delivery(task: VitaTask = SUPPER) -> Delivery:
    return Delivery(town(task))


def instore(task: VitaTask = EVENING) -> Instore:
    return Instore(town(task))


def order(desk: Counter, **other: Any) -> Any:
    soup: dict[str, Any] = {
        "user_id": USER,
        "store_id": "S1",
        "product_ids": ["P11"],
        "product_cnts": [2],
        "address": HOME,
        "dispatch_time": NOW,
    }
    return do(desk, "create_delivery_order", **{**soup, **other})


# Likeness ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "whole", "part"),
    [
        # Worked by hand: 2 * (characters in common, in order) of all characters, in percent.
        ("abc", "abc", 100.0, 100.0),
        ("abc", "xabcx", 75.0, 100.0),
        ("abd", "abcd", 600 / 7, 80.0),  # the best part of "abcd" is "ab": 2 of 3 + 2
        ("a", "b", 0.0, 0.0),
        ("", "b", 0.0, 0.0),
        ("", "", 100.0, 100.0),
        ("ab", "ba", 50.0, 200 / 3),  # "ab" and the end "b" (or "a"): 1 of 2 + 1
    ],
)
def test_likeness_by_hand(one: str, other: str, whole: float, part: float) -> None:
    assert ratio(one, other) == pytest.approx(whole)
    assert partial_ratio(one, other) == partial_ratio(other, one) == pytest.approx(part)


def test_likeness_as_rapidfuzz_has_it() -> None:
    # Told by RapidFuzz 3.14.
    assert [name for name, _ in ranked("milk tea", TEAS)] == ["house", "milk", "noodles"]
    assert [fit for _, fit in ranked("milk tea", TEAS)] == [100, 100, 67]
    assert plain("  Café—No.7_x! ") == "café no 7 x"


TEAS = {"house": "Milk Tea House,sweet", "noodles": "Noodles,tea", "milk": "milk"}


@settings(max_examples=200, deadline=None)
@given(st.text("abc ", max_size=9), st.text("abc ", max_size=14))
def test_a_part_is_the_best_of_all_parts(one: str, other: str) -> None:
    short, long = sorted((one, other), key=len)
    if not short:
        return
    parts = {
        long[start:end]
        for start in range(len(long))
        for end in range(start + 1, len(long) + 1)
        if end - start == len(short) or (end - start < len(short) and (start == 0 or end == len(long)))
    }
    best = max(ratio(short, part) for part in parts)
    if len(short) == len(long):
        turned = {short[:end] for end in range(1, len(short))} | {short[at:] for at in range(len(short))}
        best = max(best, max(ratio(long, part) for part in turned))
    assert partial_ratio(one, other) == pytest.approx(best)


# What both desks tell ----------------------------------------------------------------------------------


def test_distances_and_times() -> None:
    # A degree of latitude on a ball of 6371 km is 111195 m.
    assert distance((9.0, 47.0), (9.0, 48.0)) == 111195
    assert distance((9.0, 47.0), (9.0, 47.0)) == 0
    assert distance((0.0, 90.0), (180.0, -90.0)) == 20015087
    told = do(
        delivery(),
        "longitude_latitude_to_distance",
        longitude1=9,
        latitude1=47,
        longitude2="9.0",
        latitude2=48,
    )
    assert told == 111195
    assert [minutes(metres) for metres in (0, 154, 1000, 10000)] == [25, 26, 32, 90]
    assert do(delivery(), "delivery_distance_to_time", distance=1000) == 32


def test_addresses_are_found_by_likeness() -> None:
    desk = delivery()
    assert do(desk, "address_to_longitude_latitude", address=HOME) == [9.684, 47.546]
    assert do(desk, "address_to_longitude_latitude", address="7 willow lane, Lindau") == [9.684, 47.546]
    assert do(desk, "address_to_longitude_latitude", address="The Ladle, Market Street") == [9.686, 47.548]
    assert "no place like" in refused(desk, "address_to_longitude_latitude", address="???")


def test_what_is_near() -> None:
    desk = delivery()
    near = do(desk, "get_nearby", longitude=9.684, latitude=47.546, range=300)
    assert [store["store_id"] for store in near] == ["S1"]
    assert "products" not in near[0]
    assert len(do(desk, "get_nearby", longitude=9.684, latitude=47.546, range=1000)) == 2
    assert do(desk, "get_nearby", longitude=0, latitude=0, range=10) == []


def test_the_weather() -> None:
    desk = delivery()
    days = do(desk, "weather", address=HOME, date_start="2025-03-14", date_end="2025-03-20")
    assert [(day["datetime"], day["category"]) for day in days] == [
        ("2025-03-14", "sunny"),
        ("2025-03-15", "overcast"),
    ]
    assert do(desk, "weather", address="Lindau", date_start="2025-03-16", date_end="2025-03-20") == []
    assert "no weather" in refused(
        desk, "weather", address="Qx", date_start="2025-03-14", date_end="2025-03-14"
    )
    assert "YYYY-MM-DD" in refused(desk, "weather", address=HOME, date_start="today", date_end="2025-03-14")


def test_the_calendar() -> None:
    desk = delivery()
    assert do(desk, "get_holiday_date", year="2025", holiday_name="Mother's Day") == "2025-05-11"
    assert do(desk, "get_holiday_date", year="2025", holiday_name="mid autumn festival") == "2025-10-06"
    assert "no holiday" in refused(desk, "get_holiday_date", year="2025", holiday_name="Zorbing")
    for year in ("1066", "٢٠٢٥", "9" * 5000, ""):
        assert "no calendar" in refused(desk, "get_holiday_date", year=year, holiday_name="Mother's Day")
    assert do(desk, "get_date_holiday_info", date="2025-10-02") == "National Day"
    assert do(desk, "get_date_holiday_info", date="2025-03-14") == "2025-03-14 is not a holiday"


def test_festivals_fall_on_their_days() -> None:
    for year in range(2023, 2027):
        days = festivals(year)
        assert (days["Mother's Day"].weekday(), days["Mother's Day"].month) == (6, 5)
        assert 8 <= days["Mother's Day"].day <= 14
        assert (days["Father's Day"].weekday(), days["Father's Day"].month) == (6, 6)
        assert 15 <= days["Father's Day"].day <= 21
        # The first full moon comes a fortnight after the first new one.
        assert (days["Lantern Festival"] - days["Spring Festival"]).days == 14
    assert festivals(1999) == {}
    # As python-holidays tells of China.
    first = {2023: (1, 22, 24), 2024: (2, 10, 12), 2025: (1, 28, 31), 2026: (2, 16, 19)}
    for year, (month, start, end) in first.items():
        days_off = [day for day in range(1, 32) if _spring(year, month, day)]
        assert (days_off[0], days_off[-1]) == (start, end)
    assert public_holiday(date(2024, 5, 2)) is None
    assert public_holiday(date(2025, 5, 2)) == "Labor Day"


def _spring(year: int, month: int, day: int) -> bool:
    try:
        return public_holiday(date(year, month, day)) == "Spring Festival"
    except ValueError:
        return False


def test_what_is_known_of_the_user() -> None:
    assert do(delivery(), "get_user_historical_behaviors")["home address"] == HOME
    assert [one["order_id"] for one in do(delivery(SWAP), "get_user_all_orders")] == ["T2"]
    assert do(delivery(), "get_user_all_orders") == []


def test_the_makers_notes_are_not_told() -> None:
    shops = EVENING.environment["shops"]
    first = {**shops["H1"], "shop_type": "target", "target_reason": "the answer"}
    first["products"] = [{**first["products"][0], "product_type": "target"}]
    desk = Instore(Town({**EVENING.environment, "shops": {**shops, "H1": first}}))
    for told in (
        do(desk, "instore_shop_search_recommend", keywords=["fish"]),
        do(desk, "instore_product_search_recommend", keywords=["fish"]),
        do(desk, "get_nearby", longitude=9.689, latitude=47.545, range=10),
    ):
        assert told
        assert "target" not in json.dumps(told)


def test_a_world_without_its_form_is_refused() -> None:
    with pytest.raises(TaskError, match="lacks its form"):
        Town({"time": NOW, "user_id": USER})
    with pytest.raises(TaskError, match="lacks its form"):
        Town({**SUPPER.environment, "stores": {"S1": {"name": "x"}}})


# Delivery ----------------------------------------------------------------------------------------------


def test_searching_stores_and_dishes() -> None:
    desk = delivery()
    stores = do(desk, "delivery_store_search_recommand", keywords=["Steam"])
    assert [store["store_id"] for store in stores] == ["S2", "S1"], "all of them, the likeliest first"
    dishes = do(desk, "delivery_product_search_recommand", keywords=["lemon", "ade"])
    assert dishes[0]["product_id"] == "P22"
    assert dishes[0]["attributes"] == "With Ice, Without Ice"
    assert len(dishes) == 4
    assert [
        dish["product_id"] for dish in do(desk, "get_delivery_store_info", store_id="S1")["products"]
    ] == [
        "P11",
        "P12",
    ]
    assert do(desk, "get_delivery_product_info", product_id="P12")["price"] == 12
    assert "no store" in refused(desk, "get_delivery_store_info", store_id="S9")
    assert "no product" in refused(desk, "get_delivery_product_info", product_id="S1")


def test_an_order_from_making_to_cancelling() -> None:
    desk = delivery()
    made = order(desk, note="No salt", attributes=["Large"])
    # 276 m from the store: 25 + 276 * 0.00651 = 26.8 minutes.
    assert made["location"] == {"address": HOME, "longitude": 9.684, "latitude": 47.546}
    assert (made["shipping_time"], made["delivery_time"]) == (27, "2025-03-14 17:57:00")
    assert (made["total_price"], made["status"], made["note"]) == (17.0, "unpaid", "No salt")
    (line,) = made["products"]
    assert (line["quantity"], line["attributes"], line["name"]) == (2, "Large", "Mushroom Soup")
    name = made["order_id"]
    assert do(desk, "get_delivery_order_status", order_id=name) == "unpaid"
    (brief,) = do(desk, "search_delivery_orders", user_id=USER)
    assert (brief["order_id"], "products" in brief) == (name, False)
    assert do(desk, "pay_delivery_order", order_id=name) == "Payment successful"
    assert "not unpaid" in refused(desk, "pay_delivery_order", order_id=name)
    assert do(desk, "search_delivery_orders", user_id=USER) == []
    do(desk, "modify_delivery_order", order_id=name, note="No pepper")
    assert do(desk, "get_delivery_order_detail", order_id=name)["note"] == "No pepper"
    do(desk, "cancel_delivery_order", order_id=name)
    assert "cancelled already" in refused(desk, "cancel_delivery_order", order_id=name)
    assert "not unpaid" in refused(desk, "pay_delivery_order", order_id=name)
    assert do(desk, "get_user_all_orders")[0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"user_id": "U2"}, "user id"),
        ({"store_id": "S9"}, "no store"),
        ({"product_ids": ["P21"]}, "has no product 'P21'"),
        ({"product_ids": [], "product_cnts": []}, "at least one"),
        ({"product_cnts": [1, 1]}, "same length"),
        ({"product_cnts": [0]}, "product_cnts"),
        ({"product_cnts": [10**30]}, "product_cnts"),
        ({"address": ""}, "empty"),
        ({"address": "@"}, "no place like"),
        ({"dispatch_time": "2025-03-14 17:29:59"}, "is over"),
        ({"dispatch_time": "soon"}, "YYYY-MM-DD HH:MM:SS"),
        ({"dispatch_time": "9999-12-31 23:59:59"}, "too late"),
    ],
)
def test_orders_that_are_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ToolError, match=why):
        order(delivery(), **wrong)


def test_orders_of_one_user_have_ids_of_their_own() -> None:
    first, second = delivery(), delivery()
    names = [order(first)["order_id"], order(first)["order_id"]]
    assert names[0] != names[1]
    assert names == [order(second)["order_id"], order(second)["order_id"]], "not by the clock"
    assert first.key() == second.key()


def test_in_store_orders_are_none_of_the_delivery() -> None:
    desk = instore(CHANGE)
    assert do(desk, "get_instore_orders", user_id=USER)[0]["order_id"] == "V1"
    assert "no such record" in refused(desk, "instore_cancel_order", order_id="B1")
    assert "no such record" in refused(delivery(SWAP), "cancel_delivery_order", order_id="V1")


# In-store ----------------------------------------------------------------------------------------------


def test_a_voucher() -> None:
    desk = instore()
    one: dict[str, Any] = {"user_id": USER, "shop_id": "H2", "product_id": "Q21"}
    made = do(desk, "create_instore_product_order", **one, quantity=3)
    assert (made["total_price"], made["status"], made["products"][0]["quantity"]) == (135, "unpaid", 3)
    again = do(desk, "create_instore_product_order", **one)
    assert (again["total_price"], again["products"][0]["quantity"]) == (45, 1)
    first = do(desk, "get_instore_orders", user_id=USER)[0]
    assert first["products"][0]["quantity"] == 3, "another order does not change the one before"
    shown = do(desk, "instore_product_search_recommend", keywords=["Massage"])[0]
    assert shown["quantity"] == 20, "nor what the shop has"
    assert do(desk, "pay_instore_order", order_id=made["order_id"]) == "Payment successful"
    do(desk, "instore_cancel_order", order_id=made["order_id"])
    assert "has no product" in refused(desk, "create_instore_product_order", **{**one, "product_id": "Q11"})
    assert "no shop" in refused(desk, "create_instore_product_order", **{**one, "shop_id": "S1"})
    assert "user id" in refused(desk, "create_instore_product_order", **{**one, "user_id": ""})


def test_a_table() -> None:
    desk = instore()
    one: dict[str, Any] = {"user_id": USER, "shop_id": "H1", "time": "2025-03-15 19:30:00"}
    made = do(desk, "instore_book", **one, customer_count=4)
    assert (made["status"], made["book_price"], made["customer_count"]) == ("unpaid", 10, 4)
    assert do(desk, "pay_instore_book", book_id=made["book_id"]) == "Payment successful"
    assert do(desk, "search_instore_book", user_id=USER) == do(desk, "get_instore_books", user_id=USER)
    (found,) = do(desk, "search_instore_book", user_id=USER, book_id=made["book_id"])
    assert found["status"] == "paid"
    do(desk, "instore_cancel_book", book_id=made["book_id"])
    assert "cancelled already" in refused(desk, "instore_cancel_book", book_id=made["book_id"])
    assert "does not let tables" in refused(desk, "instore_book", **{**one, "shop_id": "H2"})
    assert "HH:MM:SS" in refused(desk, "instore_book", **{**one, "time": "19:30"})
    assert "customer_count" in refused(desk, "instore_book", **one, customer_count=0)


def test_a_table_that_costs_nothing_is_paid() -> None:
    shops = EVENING.environment["shops"]
    free = {**shops["H1"], "book_price": 0}
    desk = Instore(Town({**EVENING.environment, "shops": {"H1": free}}))
    made = do(desk, "instore_book", user_id=USER, shop_id="H1", time="2025-03-15 19:30:00")
    assert (made["status"], made["customer_count"]) == ("paid", 1)


def test_a_reservation() -> None:
    desk = instore()
    one: dict[str, Any] = {"user_id": USER, "shop_id": "H2", "time": "2025-03-15 10:00:00"}
    made = do(desk, "instore_reservation", **one, customer_count=2)
    name = made["reservation_id"]
    assert (made["status"], made["customer_count"]) == ("unconsumed", 2)
    moved = do(desk, "instore_modify_reservation", reservation_id=name, time="2025-03-15 11:00:00")
    assert (moved["reservation_time"], moved["customer_count"]) == ("2025-03-15 11:00:00", 2)
    more = do(
        desk, "instore_modify_reservation", reservation_id=name, time="2025-03-15 11:00:00", customer_count=3
    )
    assert more["customer_count"] == 3
    assert do(desk, "search_instore_reservation", user_id=USER, reservation_id=name) == [more]
    assert do(desk, "get_instore_reservations", user_id=USER) == [more]
    do(desk, "instore_cancel_reservation", reservation_id=name)
    assert "is cancelled" in refused(desk, "instore_modify_reservation", reservation_id=name, time=NOW)
    assert "takes no reservations" in refused(desk, "instore_reservation", **{**one, "shop_id": "H1"})
    assert "no such record" in refused(desk, "instore_cancel_reservation", reservation_id="R9")


# Any arguments -----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([USER, "S1", "P11", "T2", "H1", "Q11", "V1", "B1", NOW, HOME]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(task=st.sampled_from([SUPPER, SWAP, EVENING, CHANGE]), data=st.data())
def test_tools_answer_or_refuse_whatever_they_are_given(task: VitaTask, data: st.DataObject) -> None:
    desk = (VitaInstore() if "shops" in task.environment else VitaDelivery()).desk(task)
    tool = data.draw(st.sampled_from(desk.tools("agent")))
    names = list(tool.spec.parameters["properties"])
    arguments = {name: data.draw(JSON, name) for name in names if data.draw(st.booleans())}
    key, base = desk.key(), town(task).base.digest
    try:
        asyncio.run(desk.do(tool.spec.name, **arguments))
    except ToolError:
        assert desk.key() == key
    assert tool.terms.kind == "write" or desk.key() == key
    assert town(task).base.digest == base


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), calls=st.integers(1, 12), task=st.sampled_from([SWAP, CHANGE]))
def test_a_snapshot_brings_the_state_back(seed: int, calls: int, task: VitaTask) -> None:
    environment = VitaInstore() if task is CHANGE else VitaDelivery()
    desk, twin = environment.desk(task), environment.desk(task)
    begun = desk.snapshot()
    asyncio.run(some_calls(desk, task, seed, calls))
    asyncio.run(some_calls(twin, task, seed, calls))
    assert desk.key() == twin.key()
    desk.restore(begun)
    assert desk.key() == environment.desk(task).key()


async def some_calls(desk: Counter, task: VitaTask, seed: int, count: int) -> None:
    """What the random agent does, who hears what came of it."""
    player = random_player("instore" if task is CHANGE else "delivery")(task, random.Random(seed))
    next(player)
    heard = "Hello"
    for _ in range(count):
        said = player.send(Message(role="user", content=heard))
        if isinstance(said, Message):
            call = said.tool_calls[0]
            try:
                heard = str(await desk.do(call.name, **json.loads(call.arguments)))
            except ToolError as error:
                heard = str(error)


# Published worlds --------------------------------------------------------------------------------------


@PUBLISHED
@pytest.mark.parametrize(("domain", "count", "tools"), [("delivery", 788, 20), ("instore", 3283, 24)])
def test_published_worlds(domain: Any, count: int, tools: int) -> None:
    environment = VitaDelivery() if domain == "delivery" else VitaInstore()
    tasks = load.tasks(domain)
    worlds = [town(task) for task in tasks]
    assert sum(len(store["products"]) for world in worlds for store in world.stores.values()) == count
    desk = environment.desk(tasks[0])
    assert len(desk.tools()) == tools, "12 (16) of the domain's own, and 8 for all"
    for world in worlds[:20]:
        for address, place in world.locations.items():
            assert world.locate(address) == place
        assert world.city(world.weather[0]["city"]) == world.weather[0]["city"]
    told = json.dumps([store for world in worlds for store in world.stores.values()])
    assert "distraction" not in told
    assert "target_reason" not in told
