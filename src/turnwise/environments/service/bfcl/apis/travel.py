"""`TravelAPI`: flights that are booked with a credit card, under a token."""

# Arguments have the published names.
# ruff: noqa: N803

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Literal

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Class = Literal["economy", "business", "first"]
TODAY = date(2024, 9, 1)
_FACTORS: dict[str, int] = {"economy": 1, "business": 2, "first": 5}
_FACTS: dict[str, Any] = {
    "airports": ["ARN", "BRD", "CRV"],
    "cities": {"Arnsee": "ARN", "Bredal": "BRD", "Corvik": "CRV"},
    "fares": {("ARN", "CRV"): 120, ("CRV", "ARN"): 110, ("BRD", "CRV"): 150},
    "rates": {("USD", "EUR"): 0.8, ("USD", "JPY"): 110},
}


class TravelAPI(Desk):
    """One traveller's account.

    Args:
        config: The published attributes, where they are not the usual.
        long: What makes it bulky: more `cards` and `bookings`.
        facts: `airports`, those of `cities`, `fares` between two of them, `rates` between two currencies.
    """

    name: ClassVar[str] = "TravelAPI"

    credit_card_list: dict[str, dict[str, Any]]
    booking_record: dict[str, dict[str, Any]]
    access_token: str | None
    token_type: str | None
    token_expires_in: int | None
    token_scope: str | None
    user_first_name: str | None
    user_last_name: str | None
    budget_limit: float | None

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._long = long
        self._facts = facts or _FACTS
        self._random = random.Random(config.get("random_seed", 141053))
        more: Mapping[str, Any] = long or {"cards": {}, "bookings": {}}
        given = copy.deepcopy(dict(config))
        self.credit_card_list = {**copy.deepcopy(more["cards"]), **given.get("credit_card_list", {})}
        self.booking_record = {**copy.deepcopy(more["bookings"]), **given.get("booking_record", {})}
        self.access_token = given.get("access_token")
        self.token_type = given.get("token_type")
        self.token_expires_in = given.get("token_expires_in")
        self.token_scope = given.get("token_scope")
        self.user_first_name = given.get("user_first_name")
        self.user_last_name = given.get("user_last_name")
        self.budget_limit = given.get("budget_limit")

    @tool
    def authenticate_travel(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        grant_type: str,
        user_first_name: str,
        user_last_name: str,
    ) -> dict[str, Any]:
        """Get a token.

        Args:
            client_id: Of the program that asks.
            client_secret: Its secret.
            refresh_token: The one before.
            grant_type: What it is for: read_write, read or write.
            user_first_name: The user's first name.
            user_last_name: The user's last name.
        """
        self.access_token = str(self._random.randint(100_000, 999_999))
        self.token_type, self.token_expires_in, self.token_scope = "Bearer", 2, grant_type
        self.user_first_name, self.user_last_name = user_first_name, user_last_name
        token = {"access_token": self.access_token, "token_type": "Bearer"}
        return {"expires_in": 2, **token, "scope": grant_type}

    @tool(kind="read")
    def travel_get_login_status(self) -> dict[str, bool]:
        """Whether there is a token that holds."""
        return {"status": bool(self.token_expires_in)}

    @tool(kind="read")
    def get_budget_fiscal_year(
        self, lastModifiedAfter: str | None = None, includeRemoved: str | None = None
    ) -> dict[str, str]:
        """The fiscal year of the budget.

        Args:
            lastModifiedAfter: Only of those that were changed after this.
            includeRemoved: Also of those that were removed.
        """
        return {"budget_fiscal_year": "2018"}

    @tool
    def register_credit_card(
        self,
        access_token: str,
        card_number: str,
        expiration_date: str,
        cardholder_name: str,
        card_verification_number: int,
    ) -> dict[str, str]:
        """Register a credit card.

        Args:
            access_token: The token.
            card_number: The card's number.
            expiration_date: Until when it holds, as in "12/2028".
            cardholder_name: Whose it is.
            card_verification_number: The number on its back.
        """
        if self.token_expires_in is None:
            raise ToolError("register_credit_card: get a token first")
        self._token("register_credit_card", access_token)
        if card_number in self.credit_card_list:
            raise ToolError("register_credit_card: this card is registered already")
        number = str(self._random.randint(100_000_000_000, 999_999_999_999))
        self.credit_card_list[number] = {
            "card_number": card_number,
            "expiration_date": expiration_date,
            "cardholder_name": cardholder_name,
            "card_verification_number": card_verification_number,
            "balance": self._random.randint(10_000, 99_999),
        }
        return {"card_id": number}

    @tool(kind="read")
    def get_flight_cost(
        self, travel_from: str, travel_to: str, travel_date: str, travel_class: Class
    ) -> dict[str, list[float]]:
        """What a flight costs.

        Args:
            travel_from: The airport to leave from.
            travel_to: The airport to go to.
            travel_date: The day, as in "2024-09-01".
            travel_class: economy, business or first.
        """
        cost = self._cost("get_flight_cost", travel_from, travel_to, travel_date, travel_class)
        if self._long is None:
            return {"travel_cost_list": [cost]}
        rate = cost / self._facts["fares"][travel_from, travel_to]
        return {"travel_cost_list": [fare * rate for fare in self._facts["fares"].values()]}

    @tool(kind="read")
    def get_credit_card_balance(self, access_token: str, card_id: str) -> dict[str, float]:
        """The balance of a card.

        Args:
            access_token: The token.
            card_id: Which card.
        """
        self._token("get_credit_card_balance", access_token)
        return {"card_balance": self._card("get_credit_card_balance", card_id)["balance"]}

    @tool
    def book_flight(
        self,
        access_token: str,
        card_id: str,
        travel_date: str,
        travel_from: str,
        travel_to: str,
        travel_class: Class,
    ) -> dict[str, Any]:
        """Book a flight.

        Args:
            access_token: The token.
            card_id: The card that pays.
            travel_date: The day, as in "2024-09-01".
            travel_from: The airport to leave from.
            travel_to: The airport to go to.
            travel_class: economy, business or first.
        """
        self._token("book_flight", access_token)
        card = self._card("book_flight", card_id)
        _day("book_flight", travel_date)
        cost = self._cost("book_flight", travel_from, travel_to, travel_date, travel_class)
        if "balance" not in card or card["balance"] < cost:
            raise ToolError("book_flight: the card has not enough")
        if self.budget_limit is not None and card["balance"] < self.budget_limit:
            raise ToolError("book_flight: the card has less than the budget's limit")
        card["balance"] -= cost
        booking = str(self._random.randint(1_000_000, 9_999_999))
        transaction = str(self._random.randint(10_000_000, 99_999_999))
        self.booking_record[booking] = {
            "card_id": card_id,
            "travel_date": travel_date,
            "travel_from": travel_from,
            "travel_to": travel_to,
            "travel_class": travel_class,
            "travel_cost": cost,
            "transaction_id": transaction,
        }
        history = {} if self._long is None else self.booking_record
        made = {"booking_id": booking, "transaction_id": transaction, "booking_status": True}
        return {**made, "booking_history": history}

    @tool(kind="read")
    def retrieve_invoice(
        self, access_token: str, booking_id: str | None = None, insurance_id: str | None = None
    ) -> dict[str, Any]:
        """The invoice of a booking.

        Args:
            access_token: The token.
            booking_id: Which booking.
            insurance_id: Which insurance of it.
        """
        self._token("retrieve_invoice", access_token)
        booking = self._booking("retrieve_invoice", booking_id or "")
        invoice = {name: value for name, value in booking.items() if name != "card_id"}
        return {"invoice": {"booking_id": booking_id, **invoice}}

    @tool(kind="read")
    def get_booking_history(self, access_token: str) -> dict[str, Any]:
        """All bookings.

        Args:
            access_token: The token.
        """
        self._token("get_booking_history", access_token)
        return {"booking_history": self.booking_record}

    @tool(kind="read")
    def list_all_airports(self) -> list[str]:
        """The codes of all airports."""
        return list(self._facts["airports"])

    @tool
    def cancel_booking(self, access_token: str, booking_id: str) -> dict[str, bool]:
        """Cancel a booking; what it cost goes back to the card.

        Args:
            access_token: The token.
            booking_id: Which.
        """
        self._token("cancel_booking", access_token)
        booking = self._booking("cancel_booking", booking_id)
        card = self._card("cancel_booking", booking.get("card_id", ""))
        card["balance"] = card.get("balance", 0) + booking.get("travel_cost", 0)
        del self.booking_record[booking_id]
        return {"cancel_status": True}

    @tool(kind="read")
    def compute_exchange_rate(
        self, base_currency: str, target_currency: str, value: float
    ) -> dict[str, float]:
        """An amount in another currency.

        Args:
            base_currency: Its currency.
            target_currency: The other one.
            value: The amount.
        """
        rates = self._facts["rates"]
        if (base_currency, target_currency) in rates:
            return {"exchanged_value": value * rates[base_currency, target_currency]}
        if (target_currency, base_currency) in rates:
            return {"exchanged_value": round(value / rates[target_currency, base_currency], 2)}
        raise ToolError(
            f"compute_exchange_rate: no rate of {base_currency!r} to {target_currency!r} is known"
        )

    @tool(kind="read")
    def verify_traveler_information(
        self, first_name: str, last_name: str, date_of_birth: str, passport_number: str
    ) -> dict[str, Any]:
        """Whether a traveller may be booked for.

        Args:
            first_name: Their first name.
            last_name: Their last name.
            date_of_birth: As in "1990-05-04".
            passport_number: It begins with US.
        """
        born = _day("verify_traveler_information", date_of_birth)
        failure = None
        if (first_name, last_name) != (self.user_first_name, self.user_last_name):
            failure = "it is not the user who is logged in"
        elif TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day)) < 18:
            failure = "they are not 18 yet"
        elif not passport_number.startswith("US"):
            failure = "it is no passport of the United States"
        if failure is None:
            return {"verification_status": True}
        return {"verification_status": False, "verification_failure": failure}

    @tool
    def set_budget_limit(self, access_token: str, budget_limit: float) -> dict[str, float]:
        """Set the budget's limit.

        Args:
            access_token: The token.
            budget_limit: In dollars.
        """
        self._token("set_budget_limit", access_token)
        self.budget_limit = budget_limit
        return {"budget_limit": budget_limit}

    @tool(kind="read")
    def get_nearest_airport_by_city(self, location: str) -> dict[str, str]:
        """The airport of a city.

        Args:
            location: The city.
        """
        return {"nearest_airport": self._facts["cities"].get(location, "Unknown")}

    @tool
    def purchase_insurance(
        self, access_token: str, insurance_type: str, booking_id: str, insurance_cost: float, card_id: str
    ) -> dict[str, Any]:
        """Insure a booking.

        Args:
            access_token: The token.
            insurance_type: What kind of insurance.
            booking_id: Which booking.
            insurance_cost: What it costs.
            card_id: The card that pays.
        """
        self._token("purchase_insurance", access_token)
        if self.budget_limit is not None and self.budget_limit < insurance_cost:
            raise ToolError("purchase_insurance: it costs more than the budget's limit")
        self._booking("purchase_insurance", booking_id)
        card = self._card("purchase_insurance", card_id)
        card["balance"] = card.get("balance", 0) - insurance_cost
        number = str(self._random.randint(100_000_000, 999_999_999))
        return {"insurance_id": number, "insurance_status": True}

    @tool(kind="read")
    def contact_customer_support(self, booking_id: str, message: str) -> dict[str, str]:
        """Write to the customers' service about a booking.

        Args:
            booking_id: Which booking.
            message: What to say.
        """
        self._booking("contact_customer_support", booking_id)
        return {"customer_support_message": "Thank you for your message; you will hear from us soon."}

    @tool(kind="read")
    def get_all_credit_cards(self) -> dict[str, Any]:
        """All cards that are registered."""
        return {"credit_card_list": self.credit_card_list}

    def _cost(self, command: str, origin: str, destination: str, day: str, kind: str) -> float:
        """A fare: by route and class, and twice as much on days whose digits have an even sum."""
        fare = self._facts["fares"].get((origin, destination))
        if fare is None:
            raise ToolError(f"{command}: there is no flight from {origin!r} to {destination!r}")
        digits = sum(int(sign) for sign in day if sign in "0123456789")
        return float(fare * _FACTORS[kind] * (2 if digits % 2 == 0 else 1))

    def _token(self, command: str, access_token: str) -> None:
        if self.token_expires_in == 0:
            raise ToolError(f"{command}: the token holds no more")
        if access_token != self.access_token:
            raise ToolError(f"{command}: this is not the token")

    def _card(self, command: str, card_id: str) -> dict[str, Any]:
        card = self.credit_card_list.get(card_id)
        if card is None:
            raise ToolError(f"{command}: the card {card_id!r} is not registered")
        return card

    def _booking(self, command: str, booking_id: str) -> dict[str, Any]:
        booking = self.booking_record.get(booking_id)
        if booking is None:
            raise ToolError(f"{command}: there is no booking {booking_id!r}")
        return booking


def _day(command: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise ToolError(f"{command}: there is no day {text[:30]!r}; expected one as in 2024-09-01") from None
