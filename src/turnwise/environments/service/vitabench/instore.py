"""In-store: shops, vouchers for what they offer, tables that are booked, and services that are reserved."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from turnwise.environments.service.vitabench.counter import Count, Counter, moment
from turnwise.errors import ToolError
from turnwise.tools.function import tool
from turnwise.tools.tables import Record

People = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Instore(Counter):
    """The desk of the shops."""

    name: ClassVar[str] = "instore"
    _place = "shop"

    # Looking things up --------------------------------------------------------------------------------

    @tool(kind="read")
    def instore_shop_search_recommend(self, keywords: list[str]) -> list[Record]:
        """Shops, the likeliest first, where no certain one is named. Postcondition: the user chooses a shop,
        then one of its products.

        Args:
            keywords: Words for the shop.
        """
        return self._search_stores(keywords)

    @tool(kind="read")
    def instore_product_search_recommend(self, keywords: list[str]) -> list[Record]:
        """Products of shops, the likeliest first. Postcondition: the user chooses what to buy.

        Args:
            keywords: Words for the product.
        """
        return self._search_products(keywords)

    # Vouchers -----------------------------------------------------------------------------------------

    @tool
    def create_instore_product_order(
        self, user_id: str, shop_id: str, product_id: str, quantity: Count = 1
    ) -> Record:
        """Order a product of a shop. Precondition: shop and product are settled. Postcondition: the order is
        unpaid; the user is asked to confirm the payment.

        Args:
            user_id: Who orders.
            shop_id: The shop's id.
            product_id: The product's id.
            quantity: How many.
        """
        self._check_user(user_id)
        self._store(shop_id)
        product = self._town.product(product_id, shop_id)
        if product is None:
            raise ToolError(f"the shop {shop_id} has no product {product_id!r}")
        order_id = self._new_id("OI", "orders")
        self.tables["orders"][order_id] = {
            "order_id": order_id,
            "order_type": "instore",
            "user_id": user_id,
            "shop_id": shop_id,
            "total_price": quantity * product["price"],
            "create_time": self._town.time,
            "update_time": self._town.time,
            "status": "unpaid",
            "products": [{**product, "quantity": quantity}],
        }
        return self.tables["orders"][order_id]

    @tool
    def pay_instore_order(self, order_id: str) -> str:
        """Pay an order. Precondition: the order is unpaid, and the user has confirmed the payment.

        Args:
            order_id: The order's id.
        """
        return self._pay("orders", self._order(order_id, "instore"), order_id)

    @tool
    def instore_cancel_order(self, order_id: str) -> str:
        """Cancel an order. Precondition: it is not cancelled yet.

        Args:
            order_id: The order's id.
        """
        return self._cancel("orders", self._order(order_id, "instore"), order_id)

    @tool(kind="read")
    def get_instore_orders(self, user_id: str) -> list[Record]:
        """All in-store orders of the user.

        Args:
            user_id: Whose.
        """
        self._check_user(user_id)
        orders = self.tables["orders"]
        return [orders[name] for name in orders.find(order_type="instore", user_id=user_id)]

    # Tables that are booked ---------------------------------------------------------------------------

    @tool
    def instore_book(self, user_id: str, shop_id: str, time: str, customer_count: Count = 1) -> Record:
        """Book seats or a table. Precondition: the shop is settled and lets them be booked (enable_book).
        Postcondition: where booking has a price, the user is asked to confirm the payment.

        Args:
            user_id: Who books.
            shop_id: The shop's id.
            time: As YYYY-MM-DD HH:MM:SS.
            customer_count: How many people.
        """
        self._check_user(user_id)
        moment(time)
        shop = self._store(shop_id)
        if not shop["enable_book"]:
            raise ToolError(f"the shop {shop_id} does not let tables be booked")
        price = shop["book_price"]
        status = "unpaid" if price > 0 else "paid"
        fields = {"book_time": time, "book_price": price, "status": status}
        return self._appoint("books", "book_id", shop_id, customer_count, fields)

    @tool
    def pay_instore_book(self, book_id: str) -> str:
        """Pay a booking. Precondition: it is unpaid, and the user has confirmed the payment.

        Args:
            book_id: The booking's id.
        """
        return self._pay("books", self._one("books", book_id), book_id)

    @tool
    def instore_cancel_book(self, book_id: str) -> str:
        """Cancel a booking. Precondition: it is not cancelled yet.

        Args:
            book_id: The booking's id.
        """
        return self._cancel("books", self._one("books", book_id), book_id)

    @tool(kind="read")
    def get_instore_books(self, user_id: str) -> list[Record]:
        """All bookings of the user.

        Args:
            user_id: Whose.
        """
        return self._appointments("books", user_id)

    @tool(kind="read")
    def search_instore_book(self, user_id: str, book_id: str | None = None) -> list[Record]:
        """The bookings of the user, or one of them.

        Args:
            user_id: Whose.
            book_id: Which; all by default.
        """
        return self._appointments("books", user_id, book_id)

    # Services that are reserved -----------------------------------------------------------------------

    @tool
    def instore_reservation(self, user_id: str, shop_id: str, time: str, customer_count: Count = 1) -> Record:
        """Reserve a time for a service. Precondition: the shop is settled and takes reservations
        (enable_reservation). Postcondition: the user is told to be there at that time.

        Args:
            user_id: Who reserves.
            shop_id: The shop's id.
            time: As YYYY-MM-DD HH:MM:SS.
            customer_count: How many people.
        """
        self._check_user(user_id)
        moment(time)
        if not self._store(shop_id)["enable_reservation"]:
            raise ToolError(f"the shop {shop_id} takes no reservations")
        fields = {"reservation_time": time, "status": "unconsumed"}
        return self._appoint("reservations", "reservation_id", shop_id, customer_count, fields)

    @tool
    def instore_modify_reservation(
        self, reservation_id: str, time: str, customer_count: People = 0
    ) -> Record:
        """Change a reservation. Precondition: it is clear which one it is, and it is open. Postcondition: the
        user is told to be there at the new time.

        Args:
            reservation_id: The reservation's id.
            time: The new one, as YYYY-MM-DD HH:MM:SS.
            customer_count: How many people then; 0 leaves it as it is.
        """
        reservation = self._one("reservations", reservation_id)
        if reservation["status"] in ("consumed", "cancelled"):
            raise ToolError(f"{reservation_id} is {reservation['status']}")
        moment(time)
        count = customer_count or reservation["customer_count"]
        return self._change("reservations", reservation_id, reservation_time=time, customer_count=count)

    @tool
    def instore_cancel_reservation(self, reservation_id: str) -> str:
        """Cancel a reservation. Precondition: it is not cancelled yet.

        Args:
            reservation_id: The reservation's id.
        """
        return self._cancel("reservations", self._one("reservations", reservation_id), reservation_id)

    @tool(kind="read")
    def get_instore_reservations(self, user_id: str) -> list[Record]:
        """All reservations of the user.

        Args:
            user_id: Whose.
        """
        return self._appointments("reservations", user_id)

    @tool(kind="read")
    def search_instore_reservation(self, user_id: str, reservation_id: str | None = None) -> list[Record]:
        """The reservations of the user, or one of them.

        Args:
            user_id: Whose.
            reservation_id: Which; all by default.
        """
        return self._appointments("reservations", user_id, reservation_id)

    # Steps --------------------------------------------------------------------------------------------

    def _appoint(self, table: str, key: str, shop_id: str, count: int, fields: dict[str, Any]) -> Record:
        """Put an appointment in a table."""
        name = self._new_id("OI", table)
        self.tables[table][name] = {
            key: name,
            "shop_id": shop_id,
            "customer_id": self._town.user_id,
            "customer_count": count,
            "update_time": self._town.time,
            **fields,
        }
        return self.tables[table][name]

    def _appointments(self, table: str, user_id: str, name: str | None = None) -> list[Record]:
        """Those of a user."""
        self._check_user(user_id)
        if name is not None:
            return [self._one(table, name, customer_id=user_id)]
        records = self.tables[table]
        return [records[one] for one in records.find(customer_id=user_id)]

    def _words(self, product: Record) -> str:
        return product["name"] + "," + ",".join(product["tags"])
