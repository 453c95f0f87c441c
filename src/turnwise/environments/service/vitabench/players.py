"""Agents that need no model: they show what the checks measure.

`solver` places the gold orders; `nothing` regrets; `random` looks things up, orders and cancels as the dice
fall. `user/scripted` is an agenda: it says the instructions sentence by sentence, and leaves when it hears
that all is done. `judge/clerk` goes by the words: a criterion is met where what it puts in quotation marks
was said or done.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator, Iterator
from typing import Any

from turnwise.agents.users.agenda import Constraint, Goal, Wanted, agenda_user
from turnwise.agents.users.marks import STOP
from turnwise.agents.users.piecewise import first_person
from turnwise.environments.judging.agents import Taste, answered
from turnwise.environments.parts.calls import calling
from turnwise.environments.service.vitabench.conversation import NOBODY
from turnwise.environments.service.vitabench.gold import Gold, Kind, New, gold
from turnwise.environments.service.vitabench.rows import Domain, VitaTask
from turnwise.environments.service.vitabench.town import town
from turnwise.message import Message

Player = Generator[str | Message | None, Message, None]
DONE = "All of it is done. Is there anything else?"
SORRY = "I am sorry, I cannot help you with that."
_ID = re.compile(r'"(?:order|book)_id":"([^"]+)"')
_CANCEL: dict[Kind, tuple[str, str]] = {
    "delivery": ("cancel_delivery_order", "order_id"),
    "instore": ("instore_cancel_order", "order_id"),
    "book": ("instore_cancel_book", "book_id"),
    "reservation": ("instore_cancel_reservation", "reservation_id"),
}
_PAY: dict[Kind, tuple[str, str]] = {
    "delivery": ("pay_delivery_order", "order_id"),
    "instore": ("pay_instore_order", "order_id"),
    "book": ("pay_instore_book", "book_id"),
}


def solver(task: VitaTask, rng: random.Random) -> Player:
    """Places the gold orders, cancels and changes old ones, pays; then says that it is done."""
    yield
    wanted = gold(task)
    number = 0
    for name, arguments in _old(task, wanted):
        number += 1
        yield calling(name, arguments, number)
    for new in wanted.new:
        for name, arguments in _made(task, new):
            number += 1
            heard = yield calling(name, arguments, number)
            found = _ID.search(heard.text)
            if found and new.paid and new.deal.kind in _PAY and '"status":"unpaid"' in heard.text:
                pay, key = _PAY[new.deal.kind]
                number += 1
                yield calling(pay, {key: found[1]}, number)
    heard = yield DONE
    while True:
        heard = yield STOP if heard.text == NOBODY else DONE


def nothing(task: VitaTask, rng: random.Random) -> Player:
    """Regrets."""
    yield
    while True:
        yield SORRY


def random_player(domain: Domain) -> Callable[[VitaTask, random.Random], Player]:
    """An agent that searches, orders, pays, cancels and talks, as the dice fall."""
    search, create = {
        "delivery": ("delivery_product_search_recommand", _any_delivery),
        "instore": ("instore_product_search_recommend", _any_voucher),
    }[domain]

    def play(task: VitaTask, rng: random.Random) -> Player:
        heard = yield
        orders: list[str] = []
        for number in range(1, 1_000_000):
            found = _ID.search(heard.text)
            orders += [found[1]] if found else []
            draw = rng.random()
            if draw < 0.3:
                heard = yield rng.choice(("One moment.", "What would you like?", DONE))
            elif draw < 0.5:
                words = re.findall(r"\w{3,}", heard.text)[:50] or ["food"]
                heard = yield calling(search, {"keywords": [rng.choice(words)]}, number)
            elif draw < 0.8 or not orders:
                heard = yield calling(*create(task, rng), number)
            else:
                tool, key = rng.choice((_PAY, _CANCEL))[domain]
                heard = yield calling(tool, {key: rng.choice(orders)}, number)

    return play


def clerk(task: VitaTask, rng: random.Random) -> Player:
    """A judge that goes by the words in quotation marks."""
    taste = Taste(_said, _neither, lambda: 0.0)
    asked = yield
    while True:
        asked = yield answered(asked.text, taste)


# The user ---------------------------------------------------------------------------------------------


def goal_of(task: VitaTask) -> Goal:
    """What the user has in mind: the instructions, sentence by sentence, and that all is done."""
    sentences = re.split(r"(?<=[.!?;])\s+", first_person(task.instructions.strip()))
    return Goal(
        opening=f"Hello, my user id is {task.environment['user_id']}.",
        constraints=tuple(
            Constraint(slot=f"point {number}", value=sentence, says=("{value}",), asked=r"(?!)")
            for number, sentence in enumerate(sentences)
            if sentence
        ),
        requests=(Wanted(slot="end", says=("Is all of that done?",), told=r"\bis done\b|\banything else\b"),),
    )


customer = agenda_user(goal_of)


# Calls ------------------------------------------------------------------------------------------------


def _old(task: VitaTask, wanted: Gold) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is to be done to old records."""
    for kind, name in wanted.cancel:
        tool, key = _CANCEL[kind]
        yield tool, {key: name}
    for name, note in wanted.note:
        yield "modify_delivery_order", {"order_id": name, "note": note}
    orders = town(task).base.tables["orders"]
    for name in wanted.pay:
        tool, key = _PAY["delivery" if orders[name]["order_type"] == "delivery" else "instore"]
        yield tool, {key: name}


def _made(task: VitaTask, new: New) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls that make a deal."""
    deal, user_id = new.deal, task.environment["user_id"]
    if deal.kind == "delivery":
        lines = new.lines or ((_some_product(task, deal.store), 1, ""),)
        arguments: dict[str, Any] = {
            "product_ids": [product for product, _, _ in lines],
            "product_cnts": [number for _, number, _ in lines],
            "attributes": [attribute for _, _, attribute in lines],
            "address": deal.address,
            "dispatch_time": new.dispatch,
            "note": new.note,
        }
        yield "create_delivery_order", {"user_id": user_id, "store_id": deal.store, **arguments}
    elif deal.kind == "instore":
        for product, number, _ in new.lines or ((_some_product(task, deal.store), 1, ""),):
            arguments = {"shop_id": deal.store, "product_id": product, "quantity": number}
            yield "create_instore_product_order", {"user_id": user_id, **arguments}
    else:
        tool = "instore_book" if deal.kind == "book" else "instore_reservation"
        arguments = {"shop_id": deal.store, "time": deal.time, "customer_count": deal.people}
        yield tool, {"user_id": user_id, **arguments}


def _some_product(task: VitaTask, store_id: str) -> str:
    return town(task).stores[store_id]["products"][0]["product_id"]


def _any_delivery(task: VitaTask, rng: random.Random) -> tuple[str, dict[str, Any]]:
    world = town(task)
    store = rng.choice(list(world.stores))
    return "create_delivery_order", {
        "user_id": world.user_id,
        "store_id": store,
        "product_ids": [rng.choice(world.stores[store]["products"])["product_id"]],
        "product_cnts": [rng.randint(1, 3)],
        "address": rng.choice(list(world.locations)),
        "dispatch_time": world.time,
    }


def _any_voucher(task: VitaTask, rng: random.Random) -> tuple[str, dict[str, Any]]:
    world = town(task)
    shop = rng.choice(list(world.stores))
    product = rng.choice(world.stores[shop]["products"])["product_id"]
    arguments = {"user_id": world.user_id, "shop_id": shop, "product_id": product}
    return "create_instore_product_order", arguments


def _neither(one: str, other: str) -> float:
    return 0.0


def _said(criterion: str, shown: str) -> bool:
    quoted = re.findall(r'"([^"]+)"', criterion)
    return bool(quoted) and all(words in shown for words in quoted)
