"""What the assistant can do: each method of the desk is a tool, told by its signature and docstring.

The annotated attributes of the desk are its state, by which a conversation is graded. A refusal is a
`ToolError`: the assistant reads its one line, and the state stays as it was.
"""

from typing import Literal

import msgspec
from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool


class Order(msgspec.Struct, kw_only=True):
    """One order."""

    email: str
    title: str
    price: float
    address: str
    arrives: str
    status: Literal["open", "shipped", "cancelled"] = "open"


def orders() -> dict[str, Order]:
    """The orders, as every conversation finds them."""
    return {
        "L-1001": Order(
            email="mira@holt.example",
            title="The Salt Road",
            price=18.5,
            address="4 Mill Lane, Ashby",
            arrives="2 June",
        ),
        "L-1002": Order(
            email="mira@holt.example",
            title="A Field Guide to Fog",
            price=24.0,
            address="4 Mill Lane, Ashby",
            arrives="28 May",
            status="shipped",
        ),
        "L-1003": Order(
            email="tomas@reed.example",
            title="Knots",
            price=9.9,
            address="77 Harbour Street, Wick",
            arrives="5 June",
        ),
    }


class LanternDesk(Desk):
    """The order desk."""

    orders: dict[str, Order]

    def __init__(self) -> None:
        self.orders = orders()

    @tool(kind="read")
    def find_orders(self, email: str) -> dict[str, Order]:
        """All orders of a customer, by number.

        Args:
            email: The customer's e-mail address.
        """
        return {number: order for number, order in self.orders.items() if order.email == email}

    @tool
    def cancel_order(self, number: str) -> str:
        """Cancel an order that has not been shipped.

        Args:
            number: Such as L-1001.
        """
        order = self._open(number)
        order.status = "cancelled"
        return f"{number} is cancelled; {order.price:.2f} will be paid back within 5 days."

    @tool
    def change_address(self, number: str, address: str) -> str:
        """Send an order that has not been shipped to another address.

        Args:
            number: Such as L-1001.
            address: Street and town.
        """
        self._open(number).address = address
        return f"{number} will be sent to {address}."

    def _open(self, number: str) -> Order:
        """An order that can still be changed."""
        if number not in self.orders:
            raise ToolError(f"there is no order {number!r}")
        order = self.orders[number]
        if order.status != "open":
            raise ToolError(f"{number} is {order.status}, and cannot be changed")
        return order
