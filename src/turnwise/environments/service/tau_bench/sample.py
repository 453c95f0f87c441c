"""Cases of our own, for tests, examples and a first look: a small shop and a small airline, and their tasks.

The tables (`sample_tables.py`) have the published form, so that the same desks work over them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from turnwise.environments.service.tau_bench.rows import Action, Domain, TauTask
from turnwise.environments.service.tau_bench.sample_tables import airline, shop
from turnwise.tools.tables import Base

_POLICIES: dict[Domain, str] = {
    "retail": """\
# Service of the shop

- Find out who the customer is before anything else: by e-mail, or by name and zip code.
- Help only with that customer's own orders and address.
- Pending orders can be cancelled (because they are no longer needed, or were ordered by mistake) or changed:
  address, payment, and once the items, to other variants of the same product.
- Delivered orders can be returned, or exchanged for other variants, once. A refund goes to the original
  payment method or to a gift card.
- Before you change anything, say what it is, and go on only after a clear yes.
- Hand over to a human agent where none of this helps.
""",
    "airline": """\
# Service of the airline

It is 2024-05-15, 15:00 Eastern.

- Ask for the user id before anything else, and help only with that customer's own reservations.
- A reservation can be cancelled within 24 hours of booking, with insurance, or in business class; no other.
- Basic economy flights cannot be changed, but their cabin can. Bags can be added, never taken away; who
  flies can be changed, but not how many.
- A further bag costs 50 dollars, insurance 30 for each passenger. Certificates pay for bookings only.
- Before you change anything, say what it is, and go on only after a clear yes.
- Hand over to a human agent where none of this helps.
""",
}


@cache
def base(domain: Domain) -> Base:
    """The database."""
    return Base(shop() if domain == "retail" else airline())


def policy(domain: Domain) -> str:
    """What the agent is told."""
    return _POLICIES[domain]


@cache
def tasks(domain: Domain) -> tuple[TauTask, ...]:
    """The tasks."""
    return _RETAIL if domain == "retail" else _AIRLINE


def _case(name: str, *says: str, actions: tuple[Action, ...], outputs: tuple[str, ...] = ()) -> TauTask:
    return TauTask(id=name, instruction=" ".join(says), says=says, actions=actions, outputs=outputs)


def _call(name: str, **arguments: Any) -> Action:
    return Action(name=name, arguments=arguments)


_ADA = _call("find_user_id_by_email", email="ada.brook@example.com")
_RETAIL = (
    _case(
        "cancel",
        "You are Ben Castle, zip 60601.",
        "Please cancel order #W1000003, which you placed by mistake.",
        actions=(
            _call("find_user_id_by_name_zip", first_name="Ben", last_name="Castle", zip="60601"),
            _call("cancel_pending_order", order_id="#W1000003", reason="ordered by mistake"),
        ),
    ),
    _case(
        "modify",
        "You are Ada Brook, your e-mail is ada.brook@example.com.",
        "In order #W1000001 you want the red teapot and the lamp with the long arm instead.",
        "The difference goes to your gift card. What does that cost you?",
        actions=(
            _ADA,
            _call(
                "modify_pending_order_items",
                order_id="#W1000001",
                item_ids=["8001", "8101"],
                new_item_ids=["8002", "8102"],
                payment_method_id="gift_card_2222",
            ),
        ),
        outputs=("19.00",),
    ),
    _case(
        "return",
        "You are Ada Brook, ada.brook@example.com. You want to send back the lamp of order #W1000002.",
        "The refund should go to the gift card it was paid with.",
        "You have moved: order #W1000001 should go to 9 Hill Road, Ashford, GA 30309, USA.",
        actions=(
            _ADA,
            _call(
                "return_delivered_order_items",
                order_id="#W1000002",
                item_ids=["8102"],
                payment_method_id="gift_card_2222",
            ),
            _call(
                "modify_pending_order_address",
                order_id="#W1000001",
                address1="9 Hill Road",
                address2="",
                city="Ashford",
                state="GA",
                country="USA",
                zip="30309",
            ),
        ),
    ),
    _case(
        "refuse",
        "You are Ada Brook, ada.brook@example.com.",
        "You want to cancel order #W1000002, although it was delivered; you do not want to return it.",
        actions=(_ADA,),
    ),
)

_CORA = _call("get_user_details", user_id="cora_dale_2001")
_AIRLINE = (
    _case(
        "cancel",
        "Your user id is cora_dale_2001.",
        "You are ill and want to cancel reservation RES001, which is insured.",
        actions=(_CORA, _call("cancel_reservation", reservation_id="RES001")),
    ),
    _case(
        "book",
        "Your user id is cora_dale_2001.",
        "You want to fly from San Francisco to New York on May 21 in economy, over Denver, as it is cheaper.",
        "One bag, no insurance. Your certificate pays, and your card the rest. What is the price?",
        actions=(
            _call("search_onestop_flight", origin="SFO", destination="JFK", date="2024-05-21"),
            _call(
                "book_reservation",
                user_id="cora_dale_2001",
                origin="SFO",
                destination="JFK",
                flight_type="one_way",
                cabin="economy",
                flights=[
                    {"flight_number": "HAT902", "date": "2024-05-21"},
                    {"flight_number": "HAT903", "date": "2024-05-21"},
                ],
                passengers=[{"first_name": "Cora", "last_name": "Dale", "dob": "1980-02-03"}],
                payment_methods=[
                    {"payment_id": "certificate_7777", "amount": 100},
                    {"payment_id": "credit_card_5555", "amount": 70},
                ],
                total_baggages=1,
                nonfree_baggages=0,
                insurance="no",
            ),
        ),
        outputs=("170",),
    ),
    _case(
        "upgrade",
        "Your user id is cora_dale_2001.",
        "You want business class in reservation RES001, paid by credit card.",
        "And two more bags, paid with your gift card.",
        actions=(
            _call(
                "update_reservation_flights",
                reservation_id="RES001",
                cabin="business",
                flights=[{"flight_number": "HAT901", "date": "2024-05-20"}],
                payment_id="credit_card_5555",
            ),
            _call(
                "update_reservation_baggages",
                reservation_id="RES001",
                total_baggages=3,
                nonfree_baggages=2,
                payment_id="gift_card_6666",
            ),
        ),
    ),
    _case(
        "refuse",
        "Your user id is cora_dale_2001.",
        "You want to cancel reservation RES002, which is not insured.",
        actions=(_CORA,),
    ),
)
