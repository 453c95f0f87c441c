"""The airline: users, flights with seats and prices by day, and reservations.

The rules are those that the published tools enforce; what the policy asks beyond them (who may cancel, what a
bag costs) is left to the agent. Where the two published versions differ, `AirlineOne` and `AirlineTwo` do: in
version 2, a booking takes its seats, and money is a whole number.

What `published=True` does as the official code and `corrected` does not: in version 1, a reservation keeps
its cabin when its flights are changed to another one, and a connection on the next day is told with seats and
prices of the first day; and the day after the 4th is the "5th", which is on no calendar.
"""

from __future__ import annotations

from datetime import date as calendar
from datetime import timedelta
from typing import Any, ClassVar, Literal, TypedDict

from turnwise.environments.service.tau_bench.counter import Counter
from turnwise.errors import ToolError
from turnwise.tools.function import tool
from turnwise.tools.tables import Record

Cabin = Literal["basic_economy", "economy", "business"]
NOW = "2024-05-15T15:00:00"
"""When it is, always."""
AIRPORTS = {
    "SFO": "San Francisco",
    "JFK": "New York",
    "LAX": "Los Angeles",
    "ORD": "Chicago",
    "DFW": "Dallas",
    "DEN": "Denver",
    "SEA": "Seattle",
    "ATL": "Atlanta",
    "MIA": "Miami",
    "BOS": "Boston",
    "PHX": "Phoenix",
    "IAH": "Houston",
    "LAS": "Las Vegas",
    "MCO": "Orlando",
    "EWR": "Newark",
    "CLT": "Charlotte",
    "MSP": "Minneapolis",
    "DTW": "Detroit",
    "PHL": "Philadelphia",
    "LGA": "LaGuardia",
}
_RESERVATIONS = ("HATHAT", "HATHAU", "HATHAV")
"""Ids of new reservations."""
_CERTIFICATES = ("certificate_3221322", "certificate_3221323", "certificate_3221324")
_INSURANCE, _BAG = 30, 50
"""Dollars: insurance for each passenger, and a bag that is not free."""


class Leg(TypedDict):
    """A flight on a day."""

    flight_number: str
    date: str


class Passenger(TypedDict):
    """Who flies."""

    first_name: str
    last_name: str
    dob: str


class Payment(TypedDict):
    """What is paid by what."""

    payment_id: str
    amount: int | float


class Airline(Counter):
    """What both versions have in common.

    Args:
        base: Tables `users`, `flights`, `reservations`.
        published: Whether the official code's errors are kept.
    """

    name: ClassVar[str] = "airline"

    # Looking things up --------------------------------------------------------------------------------

    @tool(kind="read")
    def get_user_details(self, user_id: str) -> Record:
        """Everything about a user: ways to pay, passengers, membership, reservations.

        Args:
            user_id: Such as 'sara_doe_496'.
        """
        return self._found("users", user_id)

    @tool(kind="read")
    def get_reservation_details(self, reservation_id: str) -> Record:
        """Everything about a reservation.

        Args:
            reservation_id: Such as '8JX2WO'.
        """
        return self._found("reservations", reservation_id)

    @tool(kind="read")
    def search_direct_flight(self, origin: str, destination: str, date: str) -> list[Record]:
        """Flights from one airport to another on a day, with seats and prices.

        Args:
            origin: Airport code, such as 'JFK'.
            destination: Airport code, such as 'LAX'.
            date: As YYYY-MM-DD, such as '2024-01-01'.
        """
        flights = self.tables["flights"]
        found = (flights[name] for name in flights.find(origin=origin, destination=destination))
        return [_told(flight, date) for flight in found if _available(flight, date)]

    @tool(kind="read")
    def search_onestop_flight(self, origin: str, destination: str, date: str) -> list[list[Record]]:
        """Pairs of flights from one airport to another by way of a third, with seats and prices.

        Args:
            origin: Airport code, such as 'JFK'.
            destination: Airport code, such as 'LAX'.
            date: Of the first flight, as YYYY-MM-DD, such as '2024-05-01'.
        """
        flights = self.tables["flights"]
        found: list[list[Record]] = []
        for first in (flights[name] for name in flights.find(origin=origin)):
            if not _available(first, date):
                continue
            arrival = first["scheduled_arrival_time_est"]
            day = self._day_after(date) if "+1" in arrival else date
            for name in flights.find(origin=first["destination"], destination=destination):
                second = flights[name]
                if arrival <= second["scheduled_departure_time_est"] and _available(second, day):
                    found.append([{**_told(first, date), "date": date}, self._onward(second, date, day)])
        return found

    # Reservations -------------------------------------------------------------------------------------

    @tool
    def book_reservation(
        self,
        user_id: str,
        origin: str,
        destination: str,
        flight_type: Literal["one_way", "round_trip"],
        cabin: Cabin,
        flights: list[Leg],
        passengers: list[Passenger],
        payment_methods: list[Payment],
        total_baggages: int,
        nonfree_baggages: int,
        insurance: Literal["yes", "no"],
    ) -> Record:
        """Book flights for one or several passengers.

        Args:
            user_id: Who books, such as 'sara_doe_496'.
            origin: Airport code of where the trip begins, such as 'SFO'.
            destination: Airport code of where it goes, such as 'JFK'.
            flight_type: There, or there and back.
            cabin: The same for all flights.
            flights: Each with its number, such as 'HAT001', and its day, such as '2024-05-01'.
            passengers: Each with first and last name, and date of birth as YYYY-MM-DD.
            payment_methods: Each with the id in the user's profile, such as 'gift_card_7815826', and amount.
            total_baggages: Bags in all.
            nonfree_baggages: Bags that are paid for.
            insurance: Whether there is travel insurance.
        """
        user = self._found("users", user_id)
        reservation_id = self._new_reservation()
        legs = [self._leg(leg, cabin, len(passengers)) for leg in flights]
        price = sum(leg["price"] for leg in legs) * len(passengers) + _BAG * nonfree_baggages
        if insurance == "yes":
            price += _INSURANCE * len(passengers)
        payments = [self._exact(payment) for payment in payment_methods]
        _covers(user, payments, price)
        self._charge(user_id, payments)
        self._take_seats(legs, cabin, len(passengers))
        self.tables["users"].edit(user_id)["reservations"].append(reservation_id)
        self.tables["reservations"][reservation_id] = {
            "reservation_id": reservation_id,
            "user_id": user_id,
            "origin": origin,
            "destination": destination,
            "flight_type": flight_type,
            "cabin": cabin,
            "flights": legs,
            "passengers": passengers,
            "payment_history": payments,
            "created_at": NOW,
            "total_baggages": total_baggages,
            "nonfree_baggages": nonfree_baggages,
            "insurance": insurance,
        }
        return self.tables["reservations"][reservation_id]

    @tool
    def cancel_reservation(self, reservation_id: str) -> Record:
        """Cancel a whole reservation, and pay back all that was paid.

        Args:
            reservation_id: Such as 'ZFA04Y'.
        """
        self._found("reservations", reservation_id)
        reservation = self.tables["reservations"].edit(reservation_id)
        history = reservation["payment_history"]
        history += [{"payment_id": paid["payment_id"], "amount": -paid["amount"]} for paid in history]
        reservation["status"] = "cancelled"
        return reservation

    @tool
    def update_reservation_flights(
        self, reservation_id: str, cabin: Cabin, flights: list[Leg], payment_id: str
    ) -> Record:
        """Change flights, or the cabin, of a reservation.

        Args:
            reservation_id: Such as 'ZFA04Y'.
            cabin: The same for all flights.
            flights: All flights of the new reservation, those that stay as they are included.
            payment_id: Pays the difference, or gets it back, such as 'credit_card_7815826'.
        """
        reservation = self._found("reservations", reservation_id)
        people = len(reservation["passengers"])
        kept = {
            (leg["flight_number"], leg["date"]): leg
            for leg in reversed(reservation["flights"])
            if cabin == reservation["cabin"]
        }
        legs = [
            dict(kept[place])
            if (place := (leg["flight_number"], leg["date"])) in kept
            else self._leg(leg, cabin, people)
            for leg in flights
        ]
        price = (
            sum(leg["price"] for leg in legs) - sum(leg["price"] for leg in reservation["flights"])
        ) * people
        self._pay_update(reservation_id, payment_id, price)
        reservation = self.tables["reservations"].edit(reservation_id)
        reservation["flights"] = legs
        if self._changes_cabin:
            reservation["cabin"] = cabin
        return reservation

    @tool
    def update_reservation_baggages(
        self, reservation_id: str, total_baggages: int, nonfree_baggages: int, payment_id: str
    ) -> Record:
        """Change how many bags a reservation has.

        Args:
            reservation_id: Such as 'ZFA04Y'.
            total_baggages: Bags in all, then.
            nonfree_baggages: Bags that are paid for, then.
            payment_id: Pays for further ones, such as 'credit_card_7815826'.
        """
        reservation = self._found("reservations", reservation_id)
        price = _BAG * max(0, nonfree_baggages - reservation["nonfree_baggages"])
        self._pay_update(reservation_id, payment_id, price)
        reservation = self.tables["reservations"].edit(reservation_id)
        reservation["total_baggages"] = total_baggages
        reservation["nonfree_baggages"] = nonfree_baggages
        return reservation

    @tool
    def update_reservation_passengers(self, reservation_id: str, passengers: list[Passenger]) -> Record:
        """Change who flies, but not how many.

        Args:
            reservation_id: Such as 'ZFA04Y'.
            passengers: Each with first and last name, and date of birth as YYYY-MM-DD.
        """
        if len(passengers) != len(self._found("reservations", reservation_id)["passengers"]):
            raise ToolError("number of passengers does not match")
        reservation = self.tables["reservations"].edit(reservation_id)
        reservation["passengers"] = [dict(passenger) for passenger in passengers]
        return reservation

    # Users --------------------------------------------------------------------------------------------

    @tool
    def send_certificate(self, user_id: str, amount: int) -> str:
        """Give a user a certificate; mind what the policy says of it.

        Args:
            user_id: Such as 'sara_doe_496'.
            amount: In dollars.
        """
        known = self._found("users", user_id)["payment_methods"]
        name = next((name for name in _CERTIFICATES if name not in known), None)
        if name is None:
            raise ToolError("too many certificates")
        methods = self.tables["users"].edit(user_id)["payment_methods"]
        methods[name] = {"source": "certificate", "amount": amount, "id": name}
        return f"Certificate {name} added to user {user_id} with amount {amount}."

    # Steps --------------------------------------------------------------------------------------------

    def _found(self, table: str, name: str) -> Record:
        try:
            return self.tables[table][name]
        except KeyError:
            raise ToolError(f"{table.removesuffix('s')} {name} not found") from None

    def _leg(self, leg: Leg, cabin: Cabin, people: int) -> Record:
        """A flight as a reservation holds it, if there are seats for so many people."""
        number, day = leg["flight_number"], leg["date"]
        flight = self._found("flights", number)
        if day not in flight["dates"]:
            raise ToolError(f"flight {number} not found on date {day}")
        on_day = flight["dates"][day]
        if on_day["status"] != "available":
            raise ToolError(f"flight {number} not available on date {day}")
        if on_day["available_seats"][cabin] < people:
            raise ToolError(f"not enough seats on flight {number}")
        return {
            "flight_number": number,
            "date": day,
            "price": on_day["prices"][cabin],
            "origin": flight["origin"],
            "destination": flight["destination"],
        }

    def _charge(self, user_id: str, payments: list[Record]) -> None:
        """Take the payments of a booking from the user's gift cards and certificates."""
        methods = self.tables["users"].edit(user_id)["payment_methods"]
        for payment in payments:
            name = payment["payment_id"]
            if name not in methods:
                raise ToolError(f"certificate {name} cannot be used twice")
            if methods[name]["source"] == "gift_card":
                methods[name]["amount"] -= payment["amount"]
            elif methods[name]["source"] == "certificate":
                del methods[name]

    def _pay_update(self, reservation_id: str, payment_id: str, price: float) -> None:
        """Pay for a change of a reservation."""
        user_id = self._found("reservations", reservation_id)["user_id"]
        methods = self._found("users", user_id)["payment_methods"]
        if payment_id not in methods:
            raise ToolError("payment method not found")
        if methods[payment_id]["source"] == "certificate":
            raise ToolError("certificate cannot be used to update reservation")
        if methods[payment_id]["source"] == "gift_card":
            if methods[payment_id]["amount"] < price:
                raise ToolError("gift card balance is not enough")
            self.tables["users"].edit(user_id)["payment_methods"][payment_id]["amount"] -= price
        if price != 0:
            history = self.tables["reservations"].edit(reservation_id)["payment_history"]
            history.append({"payment_id": payment_id, "amount": price})

    def _day_after(self, date: str) -> str:
        if self._published:
            return f"2024-05-{int(date[-2:]) + 1}"
        return str(calendar.fromisoformat(date) + timedelta(days=1))

    # Where the versions differ ------------------------------------------------------------------------

    @property
    def _changes_cabin(self) -> bool:
        return True

    def _new_reservation(self) -> str:
        """The id of a new reservation."""
        known = self.tables["reservations"]
        name = next((name for name in _RESERVATIONS if name not in known), None)
        if name is None:
            raise ToolError("too many reservations")
        return name

    def _exact(self, payment: Payment) -> Record:
        """A payment as the reservation holds it."""
        return dict(payment)

    def _take_seats(self, legs: list[Record], cabin: Cabin, people: int) -> None:
        """What a booking does to its flights."""

    def _onward(self, flight: Record, date: str, day: str) -> Record:
        """A connecting flight on `day`, as it is told."""
        return {**_told(flight, day), "date": day}


class AirlineOne(Airline):
    """The airline of tau-bench 1."""

    @tool(kind="read")
    def list_all_airports(self) -> dict[str, str]:
        """Airport codes, and their cities."""
        return AIRPORTS

    @tool(kind="read")
    def think(self, thought: str) -> str:
        """Think about something; nothing is found out by it and nothing changed.

        Args:
            thought: What you think.
        """
        return ""

    @property
    def _changes_cabin(self) -> bool:
        return not self._published

    def _onward(self, flight: Record, date: str, day: str) -> Record:
        shown = date if self._published and date in flight["dates"] else day
        return {**_told(flight, shown), "date": day}


class AirlineTwo(Airline):
    """The airline of tau2-bench."""

    @tool(kind="read")
    def list_all_airports(self) -> list[Record]:
        """Airport codes, and their cities."""
        return [{"iata": code, "city": city} for code, city in AIRPORTS.items()]

    @tool(kind="read")
    def get_flight_status(self, flight_number: str, date: str) -> str:
        """How a flight stands on a day: available, on time, delayed, flying, landed or cancelled.

        Args:
            flight_number: Such as 'HAT001'.
            date: As YYYY-MM-DD.
        """
        dates: dict[str, Any] = self._found("flights", flight_number)["dates"]
        if date not in dates:
            raise ToolError(f"flight {flight_number} not found on date {date}")
        return dates[date]["status"]

    def _exact(self, payment: Payment) -> Record:
        amount = payment["amount"]
        if amount != amount // 1:
            raise ToolError(f"the amount of {payment['payment_id']} must be a whole number of dollars")
        return {"payment_id": payment["payment_id"], "amount": int(amount)}

    def _take_seats(self, legs: list[Record], cabin: Cabin, people: int) -> None:
        for leg in legs:
            flight = self.tables["flights"].edit(leg["flight_number"])
            flight["dates"][leg["date"]]["available_seats"][cabin] -= people


AIRLINE: dict[int, type[Airline]] = {1: AirlineOne, 2: AirlineTwo}
"""By version."""


def _available(flight: Record, date: str) -> bool:
    return date in flight["dates"] and flight["dates"][date]["status"] == "available"


def _told(flight: Record, date: str) -> Record:
    """A flight with what holds on one day."""
    return {**{key: value for key, value in flight.items() if key != "dates"}, **flight["dates"][date]}


def _covers(user: Record, payments: list[Record], price: float) -> None:
    """Refuse payments that the user does not have, or that do not come to the price."""
    for payment in payments:
        name = payment["payment_id"]
        if name not in user["payment_methods"]:
            raise ToolError(f"payment method {name} not found")
        method = user["payment_methods"][name]
        if method["source"] in ("gift_card", "certificate") and method["amount"] < payment["amount"]:
            raise ToolError(f"not enough balance in payment method {name}")
    paid = sum(payment["amount"] for payment in payments)
    if paid != price:
        raise ToolError(f"payment amount does not add up, total price is {price}, but paid {paid}")
