"""The knowledge base: answers for customers, and the rules of the company, with the numbers in them.

The rules are what records are checked against; `LIMITS` has their numbers, and texts are written with them.
"""

from __future__ import annotations

from typing import NamedTuple

from turnwise.environments.service.crmarena_pro.made.ledger import Ledger, Row
from turnwise.environments.service.crmarena_pro.made.words import PRODUCTS, STAGE_TASKS
from turnwise.environments.service.crmarena_pro.schema import OrgType


class Limits(NamedTuple):
    """The numbers in an organisation's rules."""

    refund: int
    """Most dollars an agent may refund alone."""
    replacement: int
    """Fewest days in which a replacement may be promised."""
    returns: int
    """Most days after a purchase within which goods are taken back."""
    discount: int
    """Greatest discount on a line of a quote, in per cent."""
    validity: int
    """Most days that a quote may hold."""
    budget: int
    """Least budget of a lead, in dollars."""
    timeline: int
    """Most months until a lead wants to have it."""
    most: int
    """Most pieces of the limited product in one quote."""


LIMITS: dict[OrgType, Limits] = {
    "b2b": Limits(
        refund=400, replacement=4, returns=30, discount=20, validity=60, budget=5000, timeline=6, most=8
    ),
    "b2c": Limits(
        refund=80, replacement=3, returns=45, discount=15, validity=30, budget=300, timeline=3, most=4
    ),
}


class Rules(NamedTuple):
    """The products that the rules on configurations are about."""

    asks: str
    """A product that needs another one."""
    needed: str
    limited: str
    """A product of which there can be only so many."""
    one: str
    """Two products that cannot be together."""
    other: str


def rules(org: OrgType) -> Rules:
    """The rules on what goes together."""
    first, second, third, fourth = ([name for name, _ in goods] for goods in PRODUCTS[org].values())
    return Rules(asks=first[1], needed=second[1], limited=third[2], one=fourth[0], other=first[2])


FAQ = {
    "b2b": (
        ("How do I reset a controller?", "Hold the green key for ten seconds until the lamp blinks twice."),
        ("Where do I find the serial number?", "It is engraved on the rear plate, below the power socket."),
        ("How often must a drive be oiled?", "Every four months, with the oil that came in the blue can."),
        ("Can sensors be used outdoors?", "Yes, down to minus twenty degrees, if the rubber cap is on."),
    ),
    "b2c": (
        ("How do I clean my helmet?", "Use lukewarm water and a soft cloth, and let it dry in the shade."),
        ("How long does a battery take to charge?", "Six hours the first time, and four hours after that."),
        ("Can I change my lamp's bulb?", "Yes, turn the ring to the left and pull the bulb out gently."),
        ("Where is the frame number?", "It stands under the bottom bracket, between the two pedals."),
    ),
}


def make(ledger: Ledger) -> None:
    """Adds all articles."""
    org, limit, rule = ledger.org, LIMITS[ledger.org], rules(ledger.org)
    for question, answer in FAQ[org]:
        _add(ledger, question, "An answer for customers", answer, internal=False)
    service = "A rule for service agents"
    _add(
        ledger,
        "Refunds",
        service,
        f"An agent alone refunds at most {limit.refund} dollars; more needs a supervisor.",
    )
    _add(ledger, "Passwords", service, "An agent never asks customers for their passwords.")
    _add(
        ledger,
        "Replacements",
        service,
        f"An agent promises no replacement in fewer than {limit.replacement} days.",
    )
    _add(
        ledger,
        "Returns",
        service,
        f"Goods are taken back within {limit.returns} days of their purchase, not later.",
    )
    quotes = "A rule for quotes"
    _add(
        ledger,
        "Discounts",
        quotes,
        f"No line of a quote has a discount of more than {limit.discount} per cent.",
    )
    _add(ledger, "Validity", quotes, f"A quote expires at most {limit.validity} days after it was made.")
    _add(ledger, "Side agreements", quotes, "The description of a quote promises no price guarantee.")
    goods = "A rule on what goes together in a quote"
    _add(ledger, f"{rule.asks}: needs", goods, f"A quote with a {rule.asks} also has a {rule.needed}.")
    _add(
        ledger,
        f"{rule.limited}: number",
        goods,
        f"A quote has at most {limit.most} pieces of the {rule.limited}.",
    )
    _add(
        ledger,
        f"{rule.one}: conflicts",
        goods,
        f"The {rule.one} and the {rule.other} do not stand in one quote.",
    )
    _add(
        ledger,
        "Lead qualification",
        "What makes a lead qualified (BANT)",
        f"Budget: at least {limit.budget} dollars are set aside. Authority: the lead decides alone. "
        f"Need: there is a use for it now. Timeline: it is wanted within {limit.timeline} months.",
    )
    stages = " ".join(f"{stage}: {', '.join(tasks)}." for stage, tasks in STAGE_TASKS.items())
    _add(ledger, "Tasks of each stage", "What is done in which stage of an opportunity", stages)
    _add(
        ledger,
        "Prices against competitors",
        "How we set prices",
        "Where a competitor is in the talks, sales agents may go down by twelve per cent. It is secret.",
    )


def _add(ledger: Ledger, title: str, summary: str, text: str, *, internal: bool = True) -> Row:
    return ledger.add(
        "Knowledge__kav", Title=title, Summary=summary, FAQ_Answer__c=text, IsInternal__c=internal
    )


def article(tables: dict[str, list[Row]], title: str) -> Row:
    """The article of a title."""
    return next(row for row in tables["Knowledge__kav"] if row["Title"] == title)
