"""The APIs of BFCL that stand here: what each tool does, and that none is broken by any arguments."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnwise.environments.service.bfcl.apis import DESKS
from turnwise.errors import ToolError
from turnwise.tools.desk import Desk


def make(name: str, **config: Any) -> Desk:
    return DESKS[name](config, None, None)


def do(desk: Desk, tool: str, /, **arguments: Any) -> Any:
    return msgspec.json.decode(str(asyncio.run(desk.do(tool, **arguments))))


def refuses(desk: Desk, why: str, tool: str, /, **arguments: Any) -> None:
    before = desk.key()
    with pytest.raises(ToolError, match=why):
        do(desk, tool, **arguments)
    assert desk.key() == before


TREE = {
    "home": {
        "type": "directory",
        "contents": {
            "a.txt": {"type": "file", "content": "two\none\nthree"},
            "b.txt": {"type": "file", "content": "two\nfour\nfive\nsix"},
            ".hidden": {"type": "file", "content": ""},
            "docs": {
                "type": "directory",
                "contents": {
                    "deep": {"type": "directory", "contents": {"c.txt": {"type": "file", "content": "ü"}}}
                },
            },
        },
    }
}


def files() -> Desk:
    return make("GorillaFileSystem", root=TREE)


def test_going_about() -> None:
    desk = files()
    assert do(desk, "pwd") == {"current_working_directory": "/home"}
    assert do(desk, "ls") == {"current_directory_content": ["a.txt", "b.txt", "docs"]}
    assert ".hidden" in do(desk, "ls", a=True)["current_directory_content"]
    assert do(desk, "cd", folder="docs/") == {"current_working_directory": "docs"}
    refuses(desk, "only one level", "cd", folder="deep/x")
    refuses(desk, "no such directory", "cd", folder="nowhere")
    do(desk, "cd", folder="deep")
    assert do(desk, "pwd") == {"current_working_directory": "/home/docs/deep"}
    do(desk, "cd", folder="..")
    do(desk, "cd", folder="/")
    refuses(desk, "topmost", "cd", folder="..")
    assert do(desk, "find", name="txt")["matches"] == ["./a.txt", "./b.txt", "./docs/deep/c.txt"]
    assert do(desk, "find", path="docs/deep") == {"matches": ["docs/deep/c.txt"]}
    refuses(desk, "no such directory", "find", path="a.txt")


def test_reading() -> None:
    desk = files()
    assert do(desk, "cat", file_name="a.txt") == {"file_content": "two\none\nthree"}
    assert do(desk, "wc", file_name="a.txt") == {"count": 3, "type": "lines"}
    assert do(desk, "wc", file_name="a.txt", mode="c") == {"count": 13, "type": "characters"}
    assert do(desk, "sort", file_name="a.txt") == {"sorted_content": "one\nthree\ntwo"}
    assert do(desk, "grep", file_name="a.txt", pattern="t") == {"matching_lines": ["two", "three"]}
    assert do(desk, "tail", file_name="b.txt", lines=2) == {"last_lines": "five\nsix"}
    assert do(desk, "tail", file_name="b.txt", lines=99) == {"last_lines": "two\nfour\nfive\nsix"}
    assert do(desk, "diff", file_name1="a.txt", file_name2="b.txt") == {
        "diff_lines": "- one\n+ four\n- three\n+ five"
    }
    # 13 + 17 bytes, and two of the ü.
    assert do(desk, "du") == {"disk_usage": "32 bytes"}
    assert do(desk, "du", human_readable=True) == {"disk_usage": "32.00 B"}
    refuses(desk, "that is a directory", "cat", file_name="docs")
    refuses(desk, "no such file", "wc", file_name="x")
    refuses(desk, "expected one of 'c', 'l', 'w'|invalid enum", "wc", file_name="a.txt", mode="q")


def test_writing() -> None:
    desk = files()
    do(desk, "touch", file_name="new.txt")
    assert do(desk, "echo", content="hello", file_name="new.txt") is None
    assert do(desk, "cat", file_name="new.txt") == {"file_content": "hello"}
    assert do(desk, "echo", content="shown") == {"terminal_output": "shown"}
    refuses(desk, "there is no such file", "echo", content="x", file_name="nowhere")
    refuses(desk, "there already", "touch", file_name="new.txt")
    refuses(desk, "a name must not", "mkdir", dir_name="a/b")
    do(desk, "mkdir", dir_name="old")
    do(desk, "mv", source="new.txt", destination="old")
    do(desk, "cp", source="docs", destination="copy")
    do(desk, "mv", source="a.txt", destination="z.txt")
    refuses(desk, "is in old already|that is in old", "mv", source="old", destination="old")
    refuses(desk, "no directory", "cp", source="docs", destination="b.txt")
    refuses(desk, "expected a name", "mv", source="b.txt", destination="docs/b.txt")
    refuses(desk, "it is not empty", "rmdir", dir_name="docs")
    do(desk, "rm", file_name="docs")
    refuses(desk, "no such file or directory", "rm", file_name="docs")
    root = desk.state()["root"]
    assert root == {
        "b.txt": "two\nfour\nfive\nsix",
        ".hidden": "",
        "old": {"new.txt": "hello"},
        "copy": {"deep": {"c.txt": "ü"}},
        "z.txt": "two\none\nthree",
    }
    assert files().state()["root"]["docs"], "the configuration is as it was"


def test_bulky_files() -> None:
    long = {"content": " and more", "files": ["x1", "c.txt"], "spared": ["a.txt"]}
    root = DESKS["GorillaFileSystem"]({"root": TREE}, long, None).state()["root"]
    assert root["a.txt"] == "two\none\nthree"
    assert root["b.txt"].endswith("six and more")
    assert root["docs"] == {"deep": {"c.txt": "ü and more", "x1": ""}}


def test_tickets() -> None:
    desk = make("TicketAPI")
    refuses(desk, "log in first", "create_ticket", title="x")
    assert do(desk, "ticket_login", username="", password="x") == {"success": False}
    do(desk, "ticket_login", username="mira", password="x")
    assert do(desk, "create_ticket", title="x", priority=5)["id"] == 1
    refuses(desk, "from 1 to 5", "create_ticket", title="x", priority=6)
    do(desk, "edit_ticket", ticket_id=1, updates={"status": "In Work", "priority": None})
    refuses(desk, "created_by cannot be changed", "edit_ticket", ticket_id=1, updates={"created_by": "me"})
    assert do(desk, "get_ticket", ticket_id=1)["priority"] == 5
    do(desk, "resolve_ticket", ticket_id=1, resolution="done")
    refuses(desk, "resolved already", "resolve_ticket", ticket_id=1, resolution="done")
    assert [ticket["id"] for ticket in do(desk, "get_user_tickets", status="RESOLVED")] == [1]
    do(desk, "close_ticket", ticket_id=1)
    refuses(desk, "closed already", "close_ticket", ticket_id=1)
    refuses(desk, "no ticket 2", "get_ticket", ticket_id=2)
    assert do(desk, "logout") == {"success": True}
    assert do(desk, "ticket_get_login_status") == {"login_status": False}
    assert desk.state()["ticket_counter"] == 2


def test_messages() -> None:
    desk = make("MessageAPI")
    refuses(desk, "log in first", "send_message", receiver_id="USR002", message="x")
    assert do(desk, "message_login", user_id="USR009")["login_status"] is False
    do(desk, "message_login", user_id="USR001")
    sent = do(desk, "send_message", receiver_id="USR002", message="Hi")
    assert desk.state()["generated_ids"] == [sent["message_id"]]
    refuses(desk, "no user 'USR9'", "send_message", receiver_id="USR9", message="Hi")
    assert do(desk, "view_messages_sent")["messages"]["USR002"][-1] == "Hi"
    assert do(desk, "search_messages", keyword="hI")["results"][-1] == {
        "receiver_id": "USR002",
        "message": "Hi",
    }
    assert do(desk, "get_message_stats") == {"stats": {"received_count": 4, "total_contacts": 3}}
    do(desk, "delete_message", receiver_id="USR002")
    refuses(desk, "no message to 'USR001'", "delete_message", receiver_id="USR001")
    assert do(desk, "add_contact", user_name="Eve")["user_id"] == "USR005"
    assert do(desk, "get_user_id", user="Eve") == {"user_id": "USR005"}
    refuses(desk, "already", "add_contact", user_name="Eve")
    assert do(desk, "list_users")["user_list"][-1] == "Eve"


def test_posts() -> None:
    desk = make("TwitterAPI")
    refuses(desk, "log in first", "post_tweet", content="x")
    assert do(desk, "authenticate_twitter", username="john", password="?") == {"authentication_status": False}
    do(desk, "authenticate_twitter", username="john", password="john123")
    do(desk, "post_tweet", content="Rain", tags=["#Sky"])
    assert do(desk, "search_tweets", keyword="#sky") == [do(desk, "get_tweet", tweet_id=0)]
    do(desk, "mention", tweet_id=0, mentioned_usernames=["@bob"])
    do(desk, "comment", tweet_id=0, comment_content="Yes")
    assert do(desk, "get_tweet_comments", tweet_id=0) == [{"username": "john", "content": "Yes"}]
    assert do(desk, "retweet", tweet_id=0) != do(desk, "retweet", tweet_id=0)
    assert do(desk, "follow_user", username_to_follow="bob") == {"follow_status": False}
    assert do(desk, "unfollow_user", username_to_unfollow="bob") == {"unfollow_status": True}
    stats = {"tweet_count": 1, "following_count": 1, "retweet_count": 1}
    assert do(desk, "get_user_stats", username="john") == stats
    refuses(desk, "no post 7", "get_tweet", tweet_id=7)
    assert do(desk, "get_user_tweets", username="john")[0]["mentions"] == ["@bob"]
    assert do(desk, "list_all_following") == {"following_list": ["alice"]}


def test_sums() -> None:
    desk = make("MathAPI")
    assert do(desk, "mean", numbers=[30, 45, 60]) == {"result": 45}
    assert do(desk, "standard_deviation", numbers=[2, 4, 4, 4, 5, 5, 7, 9]) == {"result": 2}
    # log10 20 = 1.30102999566398…
    assert do(desk, "logarithm", value=20, base=10, precision=6) == {"result": "1.30103"}
    assert do(desk, "logarithm", value=8, base=2, precision=3) == {"result": "3"}
    assert do(desk, "square_root", number=2, precision=10) == {"result": "1.414213562"}
    assert do(desk, "imperial_si_conversion", value=100, unit_in="celsius", unit_out="fahrenheit") == {
        "result": 212
    }
    assert do(desk, "si_unit_conversion", value=2, unit_in="km", unit_out="m") == {"result": 2000}
    assert do(desk, "percentage", part=1, whole=8) == {"result": 12.5}
    assert do(desk, "round_number", number=2.567, decimal_places=1) == {"result": 2.6}
    assert do(desk, "power", base=2, exponent=10) == {"result": 1024}
    for tool, arguments in (
        ("divide", {"a": 1, "b": 0}),
        ("power", {"base": -8, "exponent": 0.5}),
        ("power", {"base": 10, "exponent": 999}),
        ("multiply", {"a": 1e300, "b": 1e300}),
    ):
        refuses(desk, f"{tool}: ", tool, **arguments)
    refuses(desk, "a base above 0", "logarithm", value=1, base=1, precision=2)
    refuses(desk, "expected two of", "si_unit_conversion", value=1, unit_in="m", unit_out="mile")
    refuses(desk, "numbers", "mean", numbers=[])


def test_a_car() -> None:
    desk = make("VehicleControlAPI", fuelLevel=2.0)
    refuses(desk, "unlocked: driver, passenger", "startEngine", ignitionMode="START")
    doors = ["driver", "passenger", "rear_left", "rear_right"]
    assert do(desk, "lockDoors", unlock=False, door=doors)["remainingUnlockedDoors"] == 0
    do(desk, "pressBrakePedal", pedalPosition=0.9)
    refuses(desk, "press the brake pedal fully", "startEngine", ignitionMode="START")
    refuses(
        desk, "start the engine first", "setCruiseControl", speed=60, activate=True, distanceToNextVehicle=9
    )
    do(desk, "pressBrakePedal", pedalPosition=1)
    assert do(desk, "startEngine", ignitionMode="START")["engineState"] == "running"
    assert "error" in do(desk, "setCruiseControl", speed=61, activate=True, distanceToNextVehicle=9)
    assert (desk.state()["next_vehicle"], desk.state()["cruise"]) == (9, "inactive")
    do(desk, "setCruiseControl", speed=60, activate=True, distanceToNextVehicle=9)
    assert desk.state()["cruise"] == "active"
    do(desk, "releaseBrakePedal")
    assert do(desk, "displayCarStatus", option="brakePedal") == {
        "brakePedalStatus": "released",
        "brakePedalForce": 0,
    }
    refuses(desk, "holds 50 gallons, and 2 are", "fillFuelTank", fuelAmount=48.5)
    assert do(desk, "fillFuelTank", fuelAmount=48)["fuelLevel"] == 50
    assert do(desk, "estimate_drive_feasibility_by_mileage", distance=1000) == {"canDrive": True}
    assert do(desk, "estimate_drive_feasibility_by_mileage", distance=1001) == {"canDrive": False}
    do(desk, "adjustClimateControl", temperature=212, unit="fahrenheit", mode="heat")
    assert do(desk, "displayCarStatus", option="climate")["currentACTemperature"] == 100
    do(desk, "activateParkingBrake", mode="engage")
    assert do(desk, "displayCarStatus", option="parkingBrake")["parkingBrakeForce"] == 500
    assert do(desk, "setHeadlights", mode="auto") == {"headlightStatus": "off"}
    assert do(desk, "check_tire_pressure")["healthy_tire_pressure"] is True
    assert do(desk, "estimate_distance", cityA="10200", cityB="10100") == {"distance": 27}
    refuses(desk, "is not known", "estimate_distance", cityA="1", cityB="2")
    assert do(desk, "get_zipcode_based_on_city", city="Nowhere") == {"zipcode": "00000"}
    assert do(desk, "gallon_to_liter", gallon=2)["liter"] == pytest.approx(7.57082)
    assert do(desk, "startEngine", ignitionMode="STOP")["engineState"] == "stopped"


def test_stocks() -> None:
    desk = make("TradingBot", market_status="Open")
    refuses(desk, "log in first", "get_watchlist")
    do(desk, "trading_login", username="a", password="b")
    assert do(desk, "place_order", order_type="Buy", symbol="QUAY", price=41.5, amount=2)["order_id"] == 1
    dear = {"order_type": "buy", "symbol": "QUAY", "price": 41.5, "amount": 100}
    refuses(desk, "it costs 4150.00, and the account has 1000.00", "place_order", **dear)
    assert do(desk, "get_order_details", order_id=1)["status"] == "Open"
    assert do(desk, "cancel_order", order_id=1)["status"] == "Cancelled"
    refuses(desk, "no order 2; there are 1", "cancel_order", order_id=2)
    assert do(desk, "fund_account", amount=10)["new_balance"] == 1010
    assert do(desk, "withdraw_funds", amount=20)["new_balance"] == 990
    refuses(desk, "has not enough", "withdraw_funds", amount=991)
    moved = do(desk, "get_transaction_history", start_date="2024-09-01", end_date="2024-09-03")
    assert [one["type"] for one in moved["transaction_history"]] == ["deposit", "withdrawal"]
    assert do(desk, "get_transaction_history", start_date="2024-09-04") == {"transaction_history": []}
    refuses(desk, "no day 'soon'", "get_transaction_history", start_date="soon")
    do(desk, "add_to_watchlist", stock="TIDE")
    assert do(desk, "add_to_watchlist", stock="NONE") == {"watchlist": ["TIDE"]}
    do(desk, "remove_stock_from_watchlist", symbol="TIDE")
    refuses(desk, "is not watched", "remove_stock_from_watchlist", symbol="TIDE")
    stocks = ["QUAY", "TIDE", "LIND", "NONE"]
    assert do(desk, "filter_stocks_by_price", stocks=stocks, min_price=9.25, max_price=50) == {
        "filtered_stocks": ["QUAY", "LIND"]
    }
    assert do(desk, "notify_price_change", stocks=stocks, threshold=1) == {
        "notification": "Changed a lot: TIDE"
    }
    assert do(desk, "get_available_stocks", sector="Energy") == {"stock_list": ["TIDE"]}
    assert do(desk, "get_symbol_by_name", name="?") == {"symbol": "Stock not found"}
    assert do(desk, "get_current_time") == {"current_time": "10:30 AM"}
    assert do(desk, "trading_logout") != do(desk, "trading_logout")


def test_flights() -> None:
    desk = make("TravelAPI", budget_limit=100.0)
    numbers = {"card_number": "4", "expiration_date": "1/30", "card_verification_number": 1}
    mine = {**numbers, "cardholder_name": "A"}
    refuses(desk, "get a token first", "register_credit_card", access_token="", **mine)
    who = {"client_id": "", "client_secret": "", "refresh_token": "", "grant_type": "read"}
    token = do(desk, "authenticate_travel", **who, user_first_name="A", user_last_name="B")["access_token"]
    card = do(desk, "register_credit_card", access_token=token, **mine)["card_id"]
    had = do(desk, "get_credit_card_balance", access_token=token, card_id=card)["card_balance"]
    flight = {"travel_from": "ARN", "travel_to": "CRV", "travel_date": "2026-05-09"}
    # 2+0+2+6+0+5+0+9 = 24 is even: twice 120, and twice for business.
    assert do(desk, "get_flight_cost", **flight, travel_class="business") == {"travel_cost_list": [480]}
    odd = {**flight, "travel_date": "2026-05-10"}
    assert do(desk, "get_flight_cost", **{**odd, "travel_date": "2026-05-10"}, travel_class="first") == {
        "travel_cost_list": [1200]
    }
    assert do(desk, "get_flight_cost", **{**odd, "travel_date": "2026-05-11"}, travel_class="first") == {
        "travel_cost_list": [600]
    }
    paying = {"access_token": token, "card_id": card}
    refuses(
        desk,
        "not the token",
        "book_flight",
        **{**paying, "access_token": "?"},
        **flight,
        travel_class="first",
    )
    refuses(
        desk,
        "no flight from",
        "book_flight",
        **paying,
        **{**flight, "travel_to": "ARN"},
        travel_class="first",
    )
    refuses(
        desk, "no day", "book_flight", **paying, **{**flight, "travel_date": "soon"}, travel_class="first"
    )
    booking = do(desk, "book_flight", **paying, **flight, travel_class="business")["booking_id"]
    assert do(desk, "get_credit_card_balance", **paying) == {"card_balance": had - 480}
    assert (
        do(desk, "retrieve_invoice", access_token=token, booking_id=booking)["invoice"]["travel_cost"] == 480
    )
    insured = {"insurance_type": "all", "booking_id": booking}
    refuses(desk, "more than the budget", "purchase_insurance", **paying, **insured, insurance_cost=101)
    do(desk, "purchase_insurance", **paying, **insured, insurance_cost=100)
    do(desk, "cancel_booking", access_token=token, booking_id=booking)
    assert do(desk, "get_credit_card_balance", **paying) == {"card_balance": had - 100}
    refuses(desk, "no booking", "contact_customer_support", booking_id=booking, message="?")
    do(desk, "set_budget_limit", access_token=token, budget_limit=1e6)
    refuses(desk, "less than the budget", "book_flight", **paying, **flight, travel_class="economy")
    rate = {"base_currency": "USD", "target_currency": "EUR"}
    assert do(desk, "compute_exchange_rate", **rate, value=10) == {"exchanged_value": 8}
    back = {"base_currency": "EUR", "target_currency": "USD"}
    assert do(desk, "compute_exchange_rate", **back, value=10) == {"exchanged_value": 12.5}
    refuses(desk, "no rate", "compute_exchange_rate", base_currency="EUR", target_currency="JPY", value=1)
    person = {"first_name": "A", "last_name": "B", "passport_number": "US1"}
    assert do(desk, "verify_traveler_information", **person, date_of_birth="2006-09-01")[
        "verification_status"
    ]
    young = do(desk, "verify_traveler_information", **person, date_of_birth="2006-09-02")
    assert young == {"verification_status": False, "verification_failure": "they are not 18 yet"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
SENSIBLE = st.sampled_from(
    [
        "a.txt",
        "docs",
        "..",
        "/",
        "USR002",
        "john",
        "km",
        "QUAY",
        "ARN",
        "CRV",
        "first",
        "START",
        "driver",
        0,
        1,
        3,
        1e300,
        True,
        ["#a"],
        [1, 2],
    ]
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_no_arguments_are_too_strange(data: st.DataObject) -> None:
    """A refusal is a `ToolError` of one line and changes nothing; a state always has a JSON form."""
    name = data.draw(st.sampled_from(sorted(DESKS)))
    logged_in = {"current_user": "USR001", "authenticated": True, "root": TREE, "token_expires_in": 2}
    desk = make(name, **logged_in)
    specs = {tool.spec.name: tool.spec for tool in desk.tools()}

    async def play() -> None:
        for _ in range(data.draw(st.integers(1, 6))):
            spec = specs[data.draw(st.sampled_from(sorted(specs)))]
            keys = st.sampled_from(sorted(spec.parameters["properties"]) or ["x"])
            arguments = data.draw(st.dictionaries(keys, SENSIBLE | JSON, max_size=5))
            before = desk.key()
            try:
                await desk.do(spec.name, **arguments)
            except ToolError as error:
                assert "\n" not in str(error)  # noqa: PT017
                assert desk.key() == before
            with suppress(ToolError):
                await desk.do("pwd")
            msgspec.json.encode(desk.state())

    asyncio.run(play())
