"""Entries made here, over the APIs that stand here; the harder categories are made of the base by rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from turnwise.environments.parts.asks import Ask
from turnwise.environments.service.bfcl.entries import Entry
from turnwise.environments.service.bfcl.rows import BfclTask, Category


def _file(*lines: str) -> dict[str, Any]:
    return {"type": "file", "content": "\n".join(lines)}


def _folder(**contents: dict[str, Any]) -> dict[str, Any]:
    return {"type": "directory", "contents": {name.replace("__", "."): one for name, one in contents.items()}}


_LIBRARY = Entry(
    "library",
    {
        "GorillaFileSystem": {
            "root": {
                "library": _folder(
                    notes__txt=_file("Monday: twelve loans", "Tuesday: closed", "Wednesday: nine loans"),
                    returns=_folder(late__csv=_file("Ada,3", "Bo,11", "Cy,5")),
                )
            }
        },
        "TwitterAPI": {"username": "frontdesk", "password": "quill-7", "tweet_counter": 4},
    },
    (
        Ask(
            says="Put notes.txt into a new directory called 'archive'.",
            calls=("mkdir(dir_name='archive')", "mv(source='notes.txt', destination='archive')"),
        ),
        Ask(
            says="Go there, and tell me how many lines the notes have.",
            calls=("cd(folder='archive')", "wc(file_name='notes.txt', mode='l')"),
        ),
        Ask(
            says="Which lines mention loans?",
            calls=("grep(file_name='notes.txt', pattern='loans')",),
        ),
        Ask(
            says="Post 'We lent 21 books this week.' with the tag #library; I'm frontdesk, password quill-7.",
            calls=(
                "authenticate_twitter(username='frontdesk', password='quill-7')",
                "post_tweet(content='We lent 21 books this week.', tags=['#library'])",
            ),
        ),
    ),
    (2, ("grep",)),
    (
        3,
        "Post 'We lent 21 books this week.' with the tag #library; I'm frontdesk.",
        "The password is quill-7.",
    ),
)
_HELP_DESK = Entry(
    "help_desk",
    {
        "TicketAPI": {
            "ticket_queue": [
                {
                    "id": 11,
                    "title": "Printer",
                    "description": "It prints nothing but stars.",
                    "status": "Open",
                    "priority": 2,
                    "created_by": "mira",
                }
            ],
            "ticket_counter": 12,
        },
        "MathAPI": {},
    },
    (
        Ask(
            says="Our outages lasted 30, 45 and 60 minutes. What is the mean?",
            calls=("mean(numbers=[30, 45, 60])",),
        ),
        Ask(
            says="I'm mira, password tide. Open a ticket 'Outages', 'The mean is 45 minutes.', priority 4.",
            calls=(
                "ticket_login(username='mira', password='tide')",
                "create_ticket(title='Outages', description='The mean is 45 minutes.', priority=4)",
            ),
        ),
        Ask(
            says="The printer works again: ticket 11 is resolved, 'New toner'.",
            calls=("resolve_ticket(ticket_id=11, resolution='New toner')",),
        ),
        Ask(says="Show me ticket 11 as it is now.", calls=("get_ticket(11)",)),
    ),
    (2, ("resolve_ticket",)),
    (2, "The printer works again, you can resolve the ticket: 'New toner'.", "It is ticket 11."),
)
_TEAM = Entry(
    "team",
    {
        "MessageAPI": {
            "user_map": {"Ines": "USR001", "Jon": "USR002", "Kai": "USR003"},
            "user_count": 3,
            "inbox": [{"USR003": "The hall is booked."}],
            "message_count": 1,
            "current_user": "USR001",
        },
        "TicketAPI": {"current_user": "Ines", "ticket_counter": 5},
    },
    (
        Ask(
            says="Write to Jon: 'The van comes at six.'",
            calls=(
                "get_user_id(user='Jon')",
                "send_message(receiver_id='USR002', message='The van comes at six.')",
            ),
        ),
        Ask(says="What have I sent so far?", calls=("view_messages_sent()",)),
        Ask(
            says="The message to Kai is wrong, delete it; and open a ticket 'Hall', priority 2.",
            calls=("delete_message(receiver_id='USR003')", "create_ticket(title='Hall', priority=2)"),
        ),
    ),
    (2, ("delete_message", "create_ticket")),
    (0, "Write to Jon for me.", "Say: 'The van comes at six.'"),
)
_POSTS = Entry(
    "posts",
    {
        "TwitterAPI": {
            "username": "harbour",
            "password": "gull",
            "authenticated": True,
            "tweets": {
                "0": {
                    "id": 0,
                    "username": "ferry",
                    "content": "No boats today.",
                    "tags": ["#storm"],
                    "mentions": [],
                }
            },
            "tweet_counter": 1,
            "following_list": ["ferry"],
        },
        "MathAPI": {},
    },
    (
        Ask(says="Is there anything about a storm?", calls=("search_tweets(keyword='#storm')",)),
        Ask(
            says="Pass that one on, and comment 'Buses run instead.'",
            calls=("retweet(tweet_id=0)", "comment(tweet_id=0, comment_content='Buses run instead.')"),
        ),
        Ask(
            says="How far is 18 miles in kilometres? Post it as 'Bus: N km', N rounded to a whole number.",
            calls=(
                "imperial_si_conversion(value=18, unit_in='miles', unit_out='km')",
                "round_number(number=28.96812)",
                "post_tweet(content='Bus: 29 km')",
            ),
        ),
    ),
    (1, ("retweet",)),
    (2, "How far is it in kilometres? Post it as 'Bus: N km', N a whole number.", "It is 18 miles."),
)
_DRIVE = Entry(
    "drive",
    {"VehicleControlAPI": {"fuelLevel": 2.0, "parkingBrakeStatus": "engaged", "engineState": "stopped"}},
    (
        Ask(
            says="Is there enough fuel from Arnsee to Bredal and back? If not, fill in 5 gallons.",
            calls=(
                "get_zipcode_based_on_city(city='Arnsee')",
                "get_zipcode_based_on_city(city='Bredal')",
                "estimate_distance(cityA='10100', cityB='10200')",
                "estimate_drive_feasibility_by_mileage(distance=54)",
                "fillFuelTank(fuelAmount=5)",
            ),
        ),
        Ask(
            says="Lock all doors and start the engine.",
            calls=(
                "lockDoors(unlock=False, door=['driver', 'passenger', 'rear_left', 'rear_right'])",
                "pressBrakePedal(pedalPosition=1.0)",
                "startEngine(ignitionMode='START')",
            ),
        ),
        Ask(
            says="Take me to Oak Square 1, Bredal.",
            calls=("set_navigation(destination='Oak Square 1, Bredal')",),
        ),
    ),
    (2, ("set_navigation",)),
    (2, "Take me to Bredal.", "To Oak Square 1, Bredal."),
)
_SHARES = Entry(
    "shares",
    {
        "TradingBot": {
            "authenticated": True,
            "market_status": "Open",
            "order_counter": 8,
            "account_info": {"account_id": 3, "balance": 500.0, "binding_card": 99},
            "orders": {
                "7": {
                    "id": 7,
                    "order_type": "Buy",
                    "symbol": "LIND",
                    "price": 9.0,
                    "amount": 4,
                    "status": "Open",
                }
            },
            "watch_list": ["TIDE"],
        },
        "MathAPI": {},
    },
    (
        Ask(
            says="What does Quay Lines stand at? Watch it.",
            calls=(
                "get_symbol_by_name(name='Quay Lines')",
                "get_stock_info(symbol='QUAY')",
                "add_to_watchlist(stock='QUAY')",
            ),
        ),
        Ask(
            says="Buy ten at that price.",
            calls=("place_order(order_type='Buy', symbol='QUAY', price=41.5, amount=10)",),
        ),
        Ask(
            says="And cancel order 7, and take out 50.",
            calls=("cancel_order(order_id=7)", "withdraw_funds(amount=50)"),
        ),
    ),
    (2, ("cancel_order",)),
    (2, "And cancel an order, and take out 50.", "Order 7."),
)
_JOURNEY = Entry(
    "journey",
    {
        "TravelAPI": {
            "access_token": "t-1",
            "token_expires_in": 2,
            "credit_card_list": {"c-1": {"card_number": "4000", "balance": 1000}},
            "user_first_name": "Ines",
            "user_last_name": "Lind",
        },
        "TicketAPI": {"current_user": "ines"},
    },
    (
        Ask(
            says="What is business class from Arnsee to Corvik on 2026-05-09?",
            calls=(
                "get_nearest_airport_by_city(location='Arnsee')",
                "get_nearest_airport_by_city(location='Corvik')",
                "get_flight_cost('ARN', 'CRV', '2026-05-09', 'business')",
            ),
        ),
        Ask(
            says="Book it; the token is t-1, the card c-1.",
            calls=(
                "book_flight(access_token='t-1', card_id='c-1', travel_date='2026-05-09', "
                "travel_from='ARN', travel_to='CRV', travel_class='business')",
            ),
        ),
        Ask(
            says="Set my budget to 600, and open a ticket 'Expenses'.",
            calls=(
                "set_budget_limit(access_token='t-1', budget_limit=600)",
                "create_ticket(title='Expenses')",
            ),
        ),
    ),
    (1, ("book_flight",)),
    (1, "Book it.", "The token is t-1, the card c-1."),
)
_ENTRIES = (_LIBRARY, _HELP_DESK, _TEAM, _POSTS, _DRIVE, _SHARES, _JOURNEY)


@lru_cache(maxsize=4)
def tasks(category: Category) -> tuple[BfclTask, ...]:
    """The entries of a category."""
    return tuple(entry.task(category) for entry in _ENTRIES)
