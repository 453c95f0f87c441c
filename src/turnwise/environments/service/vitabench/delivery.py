"""Delivery: stores, their products, and orders that are brought to an address."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal, TypeAlias

from turnwise.environments.service.vitabench.counter import Count, Counter, Metres, distance, moment
from turnwise.errors import ToolError
from turnwise.tools.function import tool
from turnwise.tools.tables import Record

Status: TypeAlias = Literal[
    "unpaid", "paid", "unconsumed", "consumed", "processed", "in-progress", "delivered", "cancelled"
]


class Delivery(Counter):
    """The desk of the delivery service."""

    name: ClassVar[str] = "delivery"

    # Looking things up --------------------------------------------------------------------------------

    @tool(kind="read")
    def delivery_distance_to_time(self, distance: Metres) -> float:
        """Minutes that a delivery takes. Precondition: the distance from the store to the user is known.

        Args:
            distance: In metres.
        """
        return minutes(distance)

    @tool(kind="read")
    def delivery_store_search_recommand(self, keywords: list[str]) -> list[Record]:
        """Stores that deliver, the likeliest first. Postcondition: the user chooses a store.

        Args:
            keywords: Words for the store.
        """
        return self._search_stores(keywords)

    @tool(kind="read")
    def delivery_product_search_recommand(self, keywords: list[str]) -> list[Record]:
        """Products that are delivered, the likeliest first. Postcondition: the user chooses what to order.

        Args:
            keywords: Words for the product.
        """
        return self._search_products(keywords)

    @tool(kind="read")
    def get_delivery_store_info(self, store_id: str) -> Record:
        """All about a store: rating, place, tags, products.

        Args:
            store_id: The store's id.
        """
        return self._store(store_id)

    @tool(kind="read")
    def get_delivery_product_info(self, product_id: str) -> Record:
        """All about a product: store, price, attributes to choose from, tags.

        Args:
            product_id: The product's id.
        """
        product = self._town.product(product_id)
        if product is None:
            raise ToolError(f"there is no product {product_id!r}")
        return product

    # Orders -------------------------------------------------------------------------------------------

    @tool
    def create_delivery_order(
        self,
        user_id: str,
        store_id: str,
        product_ids: list[str],
        product_cnts: list[Count],
        address: str,
        dispatch_time: str,
        attributes: list[str] | None = None,
        note: str = "",
    ) -> Record:
        """Order one or several products of one store. Precondition: store and products are settled, and it is
        known what the user must not eat, which the order minds. Postcondition: the order is unpaid; the user
        is asked to confirm the payment.

        Args:
            user_id: Who orders.
            store_id: The store's id.
            product_ids: Ids of its products.
            product_cnts: How many of each.
            address: Where it is brought.
            dispatch_time: When it leaves the store, as YYYY-MM-DD HH:MM:SS.
            attributes: The variant of each product.
            note: Wishes, such as what to leave out; no times.
        """
        self._check_user(user_id)
        store = self._store(store_id)
        if not product_ids or len(product_ids) != len(product_cnts):
            raise ToolError("expected product_ids and product_cnts of the same length, at least one")
        products = [self._sold(store_id, product_id) for product_id in product_ids]
        if not address:
            raise ToolError("the address is empty")
        if moment(dispatch_time) < moment(self._town.time):
            raise ToolError(f"dispatch_time {dispatch_time} is over; it is {self._town.time}")
        longitude, latitude = self._located(address)
        place = store["location"]
        shipping = minutes(distance((longitude, latitude), (place["longitude"], place["latitude"])))
        variants = [*(attributes or ()), *[""] * len(products)]
        ordered = [
            {**product, "attributes": variant, "quantity": count}
            for product, count, variant in zip(products, product_cnts, variants, strict=False)
        ]
        order_id = self._new_id("OT", "orders")
        self.tables["orders"][order_id] = {
            "order_id": order_id,
            "order_type": "delivery",
            "user_id": user_id,
            "store_id": store_id,
            "location": {"address": address, "longitude": longitude, "latitude": latitude},
            "dispatch_time": dispatch_time,
            "shipping_time": shipping,
            "delivery_time": _later(dispatch_time, shipping),
            "total_price": sum(
                product["price"] * count for product, count in zip(products, product_cnts, strict=True)
            ),
            "create_time": self._town.time,
            "update_time": self._town.time,
            "note": note,
            "status": "unpaid",
            "products": ordered,
        }
        return self.tables["orders"][order_id]

    @tool
    def pay_delivery_order(self, order_id: str) -> str:
        """Pay an order. Precondition: the order is unpaid, and the user has confirmed the payment.

        Args:
            order_id: The order's id.
        """
        return self._pay("orders", self._order(order_id, "delivery"), order_id)

    @tool
    def cancel_delivery_order(self, order_id: str) -> str:
        """Cancel an order. Precondition: it is not cancelled yet.

        Args:
            order_id: The order's id.
        """
        return self._cancel("orders", self._order(order_id, "delivery"), order_id)

    @tool
    def modify_delivery_order(self, order_id: str, note: str) -> str:
        """Change the note of an order. Precondition: it is clear which order it is. Postcondition: the user
        is told; one that is unpaid is still to be paid.

        Args:
            order_id: The order's id.
            note: The new note.
        """
        self._order(order_id, "delivery")
        self._change("orders", order_id, note=note)
        return f"{order_id} has been modified"

    @tool(kind="read")
    def get_delivery_order_status(self, order_id: str) -> str:
        """The status of an order.

        Args:
            order_id: The order's id.
        """
        return self._order(order_id, "delivery")["status"]

    @tool(kind="read")
    def get_delivery_order_detail(self, order_id: str) -> Record:
        """All about an order: times, price, note, status, products. Precondition: it is clear which it is.

        Args:
            order_id: The order's id.
        """
        return self._order(order_id, "delivery")

    @tool(kind="read")
    def search_delivery_orders(self, user_id: str, status: Status = "unpaid") -> list[Record]:
        """The user's orders with a status, without their products.

        Args:
            user_id: Whose.
            status: Unpaid ones by default.
        """
        self._check_user(user_id)
        names = self.tables["orders"].find(order_type="delivery", status=status, user_id=user_id)
        return [_brief(self.tables["orders"][name]) for name in names]

    # Steps --------------------------------------------------------------------------------------------

    def _sold(self, store_id: str, product_id: str) -> Record:
        product = self._town.product(product_id, store_id)
        if product is None:
            raise ToolError(f"the store {store_id} has no product {product_id!r}")
        return product

    def _words(self, product: Record) -> str:
        return f"{product['store_name']} {product['name']} {product['tags']}"


def minutes(metres: float) -> float:
    """Minutes that a delivery over a distance takes: 25, and one more for each 154 metres."""
    return float(round(25 + int(metres) * 0.00651))


def _later(start: str, minutes: float) -> str:
    try:
        return str(moment(start) + timedelta(minutes=minutes))
    except OverflowError:
        raise ToolError(f"dispatch_time {start} is too late") from None


def _brief(order: Record) -> Record:
    left_out = ("products", "note", "location", "dispatch_time", "shipping_time", "delivery_time")
    return {name: value for name, value in order.items() if name not in left_out}
