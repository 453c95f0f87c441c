"""Quotes, some of which break one of the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from turnwise.environments.service.crmarena_pro.made.articles import LIMITS, rules
from turnwise.environments.service.crmarena_pro.made.ledger import TODAY, Ledger, Row, read, stamp

QUOTES = 60
_BREAKS = ("Discounts", "Validity", "Side agreements", "needs", "number", "conflicts")


class _Line(NamedTuple):
    product: str
    number: int
    discount: int


def make(ledger: Ledger) -> None:
    """Adds quotes to opportunities that are past their discovery."""
    late = [
        row for row in ledger.tables["Opportunity"] if row["StageName"] in ("Quote", "Negotiation", "Closed")
    ]
    for number in range(QUOTES):
        # Of ten, six break a rule, each another one.
        broken = _BREAKS[number % 10] if number % 10 < len(_BREAKS) else None
        _quote(ledger, ledger.rng.choice(late), broken)


def _quote(ledger: Ledger, opportunity: Row, broken: str | None) -> None:
    rng, limit = ledger.rng, LIMITS[ledger.org]
    made = min(
        read(opportunity["CreatedDate"]) + timedelta(days=rng.randint(3, 20)),
        read(f"{TODAY}T08:00:00.000+0000"),
    )
    days = limit.validity + rng.randint(1, 40) if broken == "Validity" else rng.randint(10, limit.validity)
    told = rng.choice(("Delivery is to the door.", "It is sent in two parts.", "The carrier calls before."))
    if broken == "Side agreements":
        told += " We give a price guarantee for two years."
    quote = ledger.add(
        "Quote",
        Name=f"Quote for {opportunity['Name']}",
        OpportunityId=opportunity["Id"],
        AccountId=opportunity["AccountId"],
        Status=rng.choice(("Draft", "In Review", "Presented")),
        Description=told,
        CreatedDate=stamp(made),
        ExpirationDate=(made.date() + timedelta(days=days)).isoformat(),
    )
    for line in _lines(ledger, broken):
        _add(ledger, quote, line)


def _lines(ledger: Ledger, broken: str | None) -> list[_Line]:
    """What is offered; it breaks the one rule that it is to break."""
    rng, rule, limit = ledger.rng, rules(ledger.org), LIMITS[ledger.org]
    touched = {*rule}
    names = [row["Name"] for row in ledger.tables["Product2"]]
    plain = rng.sample([name for name in names if name not in touched], rng.randint(1, 2))
    counts = dict.fromkeys(plain, 0)
    if broken == "needs":
        counts[rule.asks] = 0
    elif broken == "conflicts":
        counts |= {rule.one: 0, rule.other: 0}
    elif broken != "number":
        counts |= rng.choice(({}, {rule.asks: 0, rule.needed: 0}, {rule.one: 0}, {rule.other: 0}))
    lines = [_Line(name, rng.randint(1, 6), rng.randint(0, limit.discount)) for name in counts]
    if broken == "number":
        lines.append(_Line(rule.limited, limit.most + rng.randint(1, 5), 0))
    elif rng.random() < 0.4:
        lines.append(_Line(rule.limited, rng.randint(1, limit.most), 0))
    if broken == "Discounts":
        lines[0] = lines[0]._replace(discount=limit.discount + rng.randint(1, 20))
    rng.shuffle(lines)
    return lines


def _add(ledger: Ledger, quote: Row, line: _Line) -> None:
    product = next(row for row in ledger.tables["Product2"] if row["Name"] == line.product)
    entry = next(row for row in ledger.tables["PricebookEntry"] if row["Product2Id"] == product["Id"])
    price = line.number * entry["UnitPrice"] * (100 - line.discount) / 100
    ledger.add(
        "QuoteLineItem",
        QuoteId=quote["Id"],
        Product2Id=product["Id"],
        Quantity=line.number,
        UnitPrice=entry["UnitPrice"],
        Discount=line.discount,
        TotalPrice=round(price, 2),
    )
