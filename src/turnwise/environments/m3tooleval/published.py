"""The tools of M3ToolEval's five published families, written anew: what each does, in our own words and code.

What they know (flights, hotels, pages) comes with the task. Names and arguments are the published ones. Where
the published function takes any number of arguments, ours takes a list, which code and text may give loose.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, TypeAlias

from turnwise.environments.m3tooleval.calculator import evaluate
from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Number: TypeAlias = int | float


class MessageDecoder(Desk):
    """Codes, lengths, least and greatest."""

    @tool(kind="read")
    def convert_hex_to_ascii(self, hex_string: str) -> str:
        """The text of bytes in hexadecimal."""
        try:
            return bytes.fromhex(hex_string).decode()
        except ValueError:
            raise ToolError(f"{hex_string[:40]!r} is no text in hexadecimal") from None

    @tool(kind="read")
    def reverse_string(self, string: str) -> str:
        """A text from its end to its beginning."""
        return string[::-1]

    @tool(kind="read")
    def caesar_decode(self, message: str, shift: int) -> str:
        """Undo a Caesar cipher: each letter moves back by the shift, round the alphabet."""
        return "".join(_moved_back(mark, shift) for mark in message)

    @tool(kind="read")
    def string_length(self, string: str) -> int:
        """How many characters a text has."""
        return len(string)

    @tool(kind="read")
    def minimum_value(self, values: list[Any]) -> Any:
        """The least of some values."""
        return _extreme(min, values)

    @tool(kind="read")
    def maximum_value(self, values: list[Any]) -> Any:
        """The greatest of some values."""
        return _extreme(max, values)


class DnaSequencer(Desk):
    """Strands of DNA and mRNA."""

    _TO_MRNA = str.maketrans("ACGT", "UGCA")
    _TO_DNA = str.maketrans("UGCA", "ACGT")
    _AMINO_ACIDS = {"AUG": "Methionine", "UUU": "Phenylalanine", "UUC": "Phenylalanine"}

    @tool(kind="read")
    def count_nucleotides(self, dna_sequence: str) -> dict[str, int]:
        """How often each nucleotide occurs in a DNA sequence."""
        return dict(Counter(dna_sequence))

    @tool(kind="read")
    def transcribe_dna_to_mrna(self, dna_sequence: str) -> str:
        """The mRNA of a DNA sequence."""
        return dna_sequence.translate(self._TO_MRNA)

    @tool(kind="read")
    def translate_mrna_to_amino_acid(self, mrna_sequence: str) -> str:
        """The chain of amino acids of an mRNA sequence, with '-' between them; X is one that is not known."""
        codons = (mrna_sequence[place : place + 3] for place in range(0, len(mrna_sequence), 3))
        return "-".join(self._AMINO_ACIDS.get(codon, "X") for codon in codons)

    @tool(kind="read")
    def find_max_nucleotide(self, nucleotide_counts: list[Any]) -> tuple[Any, Any]:
        """The most frequent nucleotide and its count, of names and counts in turn: k1, v1, k2, v2, ..."""
        counts: dict[Any, Any] = {}
        for name, count in zip(nucleotide_counts[::2], nucleotide_counts[1::2], strict=False):
            if not isinstance(name, (str, int, float)):
                raise ToolError("give names and counts in turn: k1, v1, k2, v2")
            counts[name] = count
        most = _extreme(max, list(counts.values()))
        return next((name, count) for name, count in counts.items() if count == most)

    @tool(kind="read")
    def is_valid_dna_sequence(self, dna_sequence: str) -> bool:
        """Whether a DNA sequence is made of A, C, G and T alone."""
        return not dna_sequence.strip("ACGT")

    @tool(kind="read")
    def reverse_transcribe_mrna_to_dna(self, mrna_sequence: str) -> str:
        """The DNA that an mRNA sequence was made from."""
        return mrna_sequence.translate(self._TO_DNA)


class Calculating(Desk):
    """A desk with a calculator."""

    @tool(kind="read")
    def calculator(self, expression: str) -> Any:
        """The value of an arithmetic expression such as "2 + (3 * 4)", which is 14."""
        try:
            return evaluate(expression)
        except ValueError as error:
            raise ToolError(f"this cannot be calculated: {error}") from None


class TradeCalculator(Calculating):
    """Prices, tariffs, and what they come to."""

    @tool(kind="read")
    def convert_currency(self, base_price: Number, conversion_rate: Number) -> Number:
        """A price in the local currency."""
        return _finite(lambda: base_price * conversion_rate)

    @tool(kind="read")
    def calculate_tariff(self, price: Number, tariff_rate: Number) -> Number:
        """The tariff on a converted price, by its rate in percent."""
        return _finite(lambda: price * tariff_rate / 100)

    @tool(kind="read")
    def estimate_final_value(self, price: Number, tariff: Number) -> Number:
        """What a trade comes to: its price with the tariff on top."""
        return _finite(lambda: price + tariff)

    @tool(kind="read")
    def find_minimum(self, values: list[Any]) -> Any:
        """The least of some numbers."""
        return _extreme(min, values)

    @tool(kind="read")
    def find_maximum(self, values: list[Any]) -> Any:
        """The greatest of some numbers."""
        return _extreme(max, values)


class TravelPlanning(Desk):
    """Flights and hotels to choose from, and what a trip costs.

    Args:
        places: Where one can be.
        flights: From where to where, when, and for how much.
        hotels: Where, with what, for how much a night, and how good.
    """

    def __init__(
        self, places: list[str], flights: list[dict[str, Any]], hotels: list[dict[str, Any]]
    ) -> None:
        self._places = [_bare(place) for place in places]
        self._flights = flights
        self._hotels = hotels

    @tool(kind="read")
    def find_flights(self, from_location: str, to_location: str, date: str) -> list[dict[str, Any]]:
        """Flights from one place to another on a day, which is written YYYY-MM-DD.

        Each has "from_location", "to_location", "date" and "price".
        """
        ends = (self._known(from_location), self._known(to_location))
        return [
            flight
            for flight in self._flights
            if (_bare(flight["from_location"]), _bare(flight["to_location"])) == ends
            and flight["date"] == date
        ]

    @tool(kind="read")
    def book_hotel(self, location: str, preferences: list[str] = []) -> list[dict[str, Any]]:  # noqa: B006 - each call has its own
        """Hotels of a place that have all that is preferred, such as "wifi".

        Each has "location", "preferences", "price_per_night" and "rating".
        """
        place = self._known(location)
        return [
            hotel
            for hotel in self._hotels
            if _bare(hotel["location"]) == place and set(preferences) <= set(hotel["preferences"])
        ]

    @tool(kind="read")
    def budget_calculator(
        self, flight_price: Number, hotel_price_per_night: Number, num_nights: Number
    ) -> Number:
        """What a flight and some nights in a hotel cost together."""
        return _finite(lambda: flight_price + hotel_price_per_night * num_nights)

    @tool(name="max", kind="read")
    def greatest(self, values: list[Any]) -> Any:
        """The greatest of some numbers."""
        return _extreme(max, values)

    @tool(name="min", kind="read")
    def least(self, values: list[Any]) -> Any:
        """The least of some numbers."""
        return _extreme(min, values)

    @tool(name="sum", kind="read")
    def total(self, values: list[Number] = []) -> Number:  # noqa: B006 - each call has its own
        """Some numbers added up."""
        return _finite(lambda: sum(values))

    def _known(self, place: str) -> str:
        if (bare := _bare(place)) not in self._places:
            raise ToolError(f"there is no place {bare[:40]!r}; known: {', '.join(self._places)}")
        return bare


class WebBrowsing(Calculating):
    """A browser of text pages: the one at hand, those before it, and which part of it is in view.

    Of how many parts a page has, the published one tells one too many where the last is full.

    Args:
        pages: Their contents by name; "/" is where one begins.
    """

    page: str = "/"
    before: list[str]
    top: int = 0
    """The first line in view."""

    _VIEW = 5
    """Lines in view at a time."""

    def __init__(self, pages: dict[str, str]) -> None:
        self._pages = {name: content.split("\n") for name, content in pages.items()}
        self.before = []

    @tool
    def click_url(self, url: str) -> str:
        """Follow a link of the page, which shows it as [Clickable 'URL']; returns the page it leads to."""
        name = url.replace("'", "")
        if name not in self._pages:
            return "[There is no such URL.]"
        self.before.append(self.page)
        return self._open(name)

    @tool
    def go_to_previous_page(self) -> str:
        """Go back to the page before this one, and return it."""
        return self._open(self.before.pop()) if self.before else "[There is no page before this one.]"

    @tool
    def scroll_down(self) -> str:
        """Move on to the next part of the page, and return it."""
        if self.top + self._VIEW >= len(self._pages[self.page]):
            return "[This is the end of the page.]"
        self.top += self._VIEW
        return self._view()

    @tool
    def scroll_up(self) -> str:
        """Move back to the part before, and return it."""
        if self.top == 0:
            return "[This is the beginning of the page.]"
        self.top -= self._VIEW
        return self._view()

    @tool(kind="read")
    def view(self) -> str:
        """The part of the page that is in view."""
        return self._view()

    def _open(self, name: str) -> str:
        self.page, self.top = name, 0
        return f"[Opened {name}]\n{self._view()}"

    def _view(self) -> str:
        lines = self._pages[self.page]
        parts = -(-len(lines) // self._VIEW)
        shown = "\n".join(lines[self.top : self.top + self._VIEW])
        return f"[Page {self.page}, part {self.top // self._VIEW + 1} of {parts}]\n\n{shown}"


FAMILIES: dict[str, type[Desk]] = {
    "message_decoder": MessageDecoder,
    "dna_sequencer": DnaSequencer,
    "trade_calculator": TradeCalculator,
    "travel_itinerary_planning": TravelPlanning,
    "web_browsing": WebBrowsing,
}
"""In the published order."""


def _extreme(choose: Any, values: list[Any]) -> Any:
    try:
        return choose(values)
    except (TypeError, ValueError):
        raise ToolError("these values cannot be compared" if values else "give at least one value") from None


def _finite(calculate: Any) -> Number:
    try:
        value = calculate()
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ToolError("this is too large a number")
    return value


def _bare(place: str) -> str:
    """A place without the quotes that are put around some."""
    return place.strip('"')


def _moved_back(mark: str, shift: int) -> str:
    if not (mark.isupper() or mark.islower()):
        return mark
    first = 65 if mark.isupper() else 97
    return chr((ord(mark) - first - shift) % 26 + first)
