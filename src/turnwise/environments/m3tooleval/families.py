"""Tasks of our own, in the shape of M3ToolEval's families: each needs several tools, and some of them often.

A family is a desk of tools. A task's `steps` are calls that lead to its answer one at a time, its `code` does
the same at once; both are what the scripted agents act out.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any

from turnwise.environments.m3tooleval.rows import ToolTask
from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool


class Trade(Desk):
    """Prices, exchange rates, tariffs."""

    _PRICES = {"tea": 12.5, "copper": 8400.0, "silk": 96.0, "pepper": 31.0}
    _RATES = {"EUR": 1.0, "CHF": 0.9375, "USD": 1.25}
    _TARIFFS = {"CH": 0.04, "US": 0.1, "JP": 0.25}

    @tool(kind="read")
    def get_price(self, item: str) -> float:
        """The price of one unit, in EUR."""
        return _found(self._PRICES, item, "price")

    @tool(kind="read")
    def convert(self, amount: float, source: str, target: str) -> float:
        """Change an amount from one currency to another: EUR, CHF, USD."""
        rate = _found(self._RATES, target, "rate") / _found(self._RATES, source, "rate")
        return round(amount * rate, 2)

    @tool(kind="read")
    def add_tariff(self, amount: float, country: str) -> float:
        """An amount with a country's tariff on top: CH, US, JP."""
        return round(amount * (1 + _found(self._TARIFFS, country, "tariff")), 2)


class Messages(Desk):
    """Codes."""

    @tool(kind="read")
    def hex_to_text(self, code: str) -> str:
        """Text of its bytes in hexadecimal."""
        try:
            return binascii.unhexlify(code).decode()
        except (binascii.Error, ValueError):
            raise ToolError("this is no text in hexadecimal") from None

    @tool(kind="read")
    def shift_letters(self, text: str, by: int) -> str:
        """Move each letter of the alphabet by so many places, round the end."""
        return "".join(_shifted(mark, by % 26) for mark in text)

    @tool(kind="read")
    def reverse_words(self, text: str) -> str:
        """The words in the other order."""
        return " ".join(reversed(text.split()))


class Dna(Desk):
    """Strands of DNA."""

    _PAIRS = {"A": "T", "T": "A", "C": "G", "G": "C"}

    @tool(kind="read")
    def complement(self, strand: str) -> str:
        """The other strand, read from its own beginning."""
        return "".join(_found(self._PAIRS, base, "pair") for base in reversed(strand))

    @tool(kind="read")
    def count_base(self, strand: str, base: str) -> int:
        """How often a base occurs."""
        return strand.count(base) if base else 0

    @tool(kind="read")
    def find_all(self, strand: str, piece: str) -> list[int]:
        """Where a piece begins, counted from 0."""
        places = range(len(strand) - len(piece) + 1)
        return [place for place in places if piece and strand.startswith(piece, place)]


class Travel(Desk):
    """Flights and hotels; a booking lasts."""

    booked: list[str]

    _FLIGHTS = {
        ("Bern", "Rome"): [("B1", 120), ("B2", 95)],
        ("Rome", "Oslo"): [("R1", 210), ("R2", 260)],
        ("Bern", "Oslo"): [("B9", 340)],
    }
    _HOTELS = {"Rome": [("Alba", 80), ("Luna", 64)], "Oslo": [("Fjord", 110), ("Nord", 150)]}

    def __init__(self) -> None:
        self.booked = []

    @tool(kind="read")
    def find_flights(self, start: str, end: str) -> list[dict[str, Any]]:
        """Flights from one city to another, with their prices."""
        return [{"flight": name, "price": price} for name, price in self._FLIGHTS.get((start, end), [])]

    @tool(kind="read")
    def find_hotels(self, city: str) -> list[dict[str, Any]]:
        """Hotels of a city, with their prices a night."""
        return [{"hotel": name, "price": price} for name, price in _found(self._HOTELS, city, "hotel")]

    @tool
    def book(self, name: str) -> str:
        """Book a flight or a hotel; gives the number of the booking."""
        known = [*self._FLIGHTS.values(), *self._HOTELS.values()]
        if all(name != one for offers in known for one, _ in offers):
            raise ToolError(f"there is nothing called {name!r}")
        self.booked.append(name)
        return f"{name}-{len(self.booked)}"


class Pages(Desk):
    """A small web of pages, and where the reader is."""

    at: str = "/"

    _PAGES = {
        "/": ("Museum of Tides", {"Visit": "/visit", "Boats": "/boats"}),
        "/visit": ("Open from 9 to 17, tickets 14 francs, half for children.", {"Home": "/"}),
        "/boats": ("Our boats", {"The Heron": "/boats/heron", "The Gull": "/boats/gull", "Home": "/"}),
        "/boats/heron": ("The Heron was built in 1911 and carries 48 people.", {"Boats": "/boats"}),
        "/boats/gull": ("The Gull was built in 1936 and carries 61 people.", {"Boats": "/boats"}),
    }

    @tool(kind="read")
    def view(self) -> str:
        """The page at hand: its text and its links."""
        text, links = self._PAGES[self.at]
        return f"{text} Links: {', '.join(links)}."

    @tool
    def click(self, link: str) -> str:
        """Follow a link of the page at hand."""
        self.at = _found(self._PAGES[self.at][1], link, "link")
        return self.view()


class Parcels(Desk):
    """Twenty parcels on a scale, one at a time."""

    @tool(kind="read")
    def weigh(self, parcel: int) -> int:
        """The weight of a parcel, 1 to 20, in grams."""
        if not 1 <= parcel <= 20:
            raise ToolError(f"there is no parcel {parcel}")
        return 100 + parcel * parcel * 37 % 211

    @tool(kind="read")
    def postage(self, grams: int) -> int:
        """What it costs to send so many grams, in cents."""
        return 90 + 15 * (max(grams, 0) // 50)


FAMILIES: dict[str, type[Desk]] = {
    "trade": Trade,
    "messages": Messages,
    "dna": Dna,
    "travel": Travel,
    "pages": Pages,
    "parcels": Parcels,
}


def tasks() -> Iterator[ToolTask]:
    """All tasks, family by family."""
    strand = "ATTCGATTACAGGCATTA"
    yield ToolTask(
        id="trade-1",
        family="trade",
        instruction="What do 8 units of silk cost in USD, with the tariff of JP put on the price in EUR?",
        expected=1200.0,
        steps=(
            ("get_price", ("silk",)),
            ("add_tariff", (768.0, "JP")),
            ("convert", (960.0, "EUR", "USD")),
        ),
        code='print(convert(add_tariff(8 * get_price("silk"), "JP"), "EUR", "USD"))',
    )
    yield ToolTask(
        id="trade-2",
        family="trade",
        instruction="Which costs more in all, with the tariff of US: 3 units of pepper or 7 of tea?",
        expected="pepper",
        steps=(
            ("get_price", ("pepper",)),
            ("get_price", ("tea",)),
            ("add_tariff", (93.0, "US")),
            ("add_tariff", (87.5, "US")),
        ),
        code=(
            'cost = {item: add_tariff(count * get_price(item), "US") for item, count in '
            '[("pepper", 3), ("tea", 7)]}\nprint(max(cost, key=cost.get))'
        ),
    )
    yield ToolTask(
        id="messages-1",
        family="messages",
        instruction="Each letter of a message was moved by 8 places, then all was written in hexadecimal: "
        "756d6d622069622062706d206f637474. What was it, with its words in the other order?",
        expected="gull the at meet",
        steps=(
            ("hex_to_text", ("756d6d622069622062706d206f637474",)),
            ("shift_letters", ("ummb ib bpm octt", 18)),
            ("reverse_words", ("meet at the gull",)),
        ),
        code=(
            'secret = "756d6d622069622062706d206f637474"\n'
            "print(reverse_words(shift_letters(hex_to_text(secret), -8)))"
        ),
    )
    yield ToolTask(
        id="dna-1",
        family="dna",
        instruction=f"Where does ATT begin in {strand}? And how often is A in its complement? One list.",
        expected=[0, 5, 14, 6],
        steps=(
            ("find_all", (strand, "ATT")),
            ("complement", (strand,)),
            ("count_base", ("TAATGCCTGTAATCGAAT", "A")),
        ),
        code=f's = "{strand}"\nprint(find_all(s, "ATT") + [count_base(complement(s), "A")])',
    )
    yield ToolTask(
        id="travel-1",
        family="travel",
        instruction=(
            "Go from Bern to Oslo by way of Rome, by the cheapest flights, with one night in the cheapest "
            "hotel of Rome. Book all three, flights first. What do they cost together?"
        ),
        expected=369,
        steps=(
            ("find_flights", ("Bern", "Rome")),
            ("find_flights", ("Rome", "Oslo")),
            ("find_hotels", ("Rome",)),
            ("book", ("B2",)),
            ("book", ("R1",)),
            ("book", ("Luna",)),
        ),
        code=(
            'best = lambda offers: min(offers, key=lambda one: one["price"])\n'
            'trip = [best(find_flights("Bern", "Rome")), best(find_flights("Rome", "Oslo")), '
            'best(find_hotels("Rome"))]\n'
            'for one in trip:\n    book(one.get("flight") or one["hotel"])\n'
            'print(sum(one["price"] for one in trip))'
        ),
    )
    yield ToolTask(
        id="pages-1",
        family="pages",
        instruction="How many people do the museum's two boats carry together?",
        expected=109,
        steps=(
            ("click", ("Boats",)),
            ("click", ("The Heron",)),
            ("click", ("Boats",)),
            ("click", ("The Gull",)),
        ),
        code=(
            'import re\nclick("Boats")\ntotal = 0\nfor boat in ("The Heron", "The Gull"):\n'
            '    total += int(re.search(r"carries (\\d+)", click(boat))[1])\n    click("Boats")\nprint(total)'
        ),
    )
    yield ToolTask(
        id="parcels-1",
        family="parcels",
        instruction="What does it cost to send all twenty parcels, each by itself? In cents.",
        expected=2805,
        steps=tuple(
            step
            for parcel in range(1, 21)
            for step in (("weigh", (parcel,)), ("postage", (100 + parcel * parcel * 37 % 211,)))
        ),
        code="print(sum(postage(weigh(parcel)) for parcel in range(1, 21)))",
    )


def _found(known: Any, name: Any, what: str) -> Any:
    try:
        return known[name]
    except (KeyError, TypeError):
        raise ToolError(f"there is no {what} for {name!r}; known: {', '.join(map(str, known))}") from None


def _shifted(mark: str, by: int) -> str:
    for first in "aA":
        if first <= mark <= chr(ord(first) + 25):
            return chr((ord(mark) - ord(first) + by) % 26 + ord(first))
    return mark
