"""The shop: users, products with their variants, and orders, which can be cancelled, changed, sent back.

The rules are those that the published tools enforce; what the policy asks beyond them (to confirm, to
authenticate) is left to the agent. Where the two published versions differ, `RetailOne` and `RetailTwo` do.

What `published=True` does as the official code and `corrected` does not: a price difference of changed items
keeps the noise of floating point, so that the order in which items are named shows in the database; and in
version 2, all changed items get price and options of the last one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

from turnwise.environments.service.tau_bench.counter import Counter
from turnwise.errors import ToolError
from turnwise.tools.function import tool
from turnwise.tools.tables import Base, Record

Reason = Literal["no longer needed", "ordered by mistake"]


class Retail(Counter):
    """What both versions have in common.

    Args:
        base: Tables `users`, `products`, `orders`.
        published: Whether the official code's errors are kept.
    """

    name: ClassVar[str] = "shop"

    # Looking things up --------------------------------------------------------------------------------

    @tool(kind="read")
    def find_user_id_by_email(self, email: str) -> str:
        """Find a user by e-mail address; the first way to find out who somebody is.

        Args:
            email: Such as 'something@example.com'.
        """
        found = _by_email(self.tables.base).get(email.lower())
        if found is None:
            raise ToolError("user not found")
        return found

    @tool(kind="read")
    def find_user_id_by_name_zip(self, first_name: str, last_name: str, zip: str) -> str:  # noqa: A002
        """Find a user by name and zip code, where the e-mail address is not known or leads nowhere.

        Args:
            first_name: Such as 'John'.
            last_name: Such as 'Doe'.
            zip: Zip code, such as '12345'.
        """
        for user_id in _by_name(self.tables.base).get((first_name.lower(), last_name.lower()), ()):
            if self.tables["users"][user_id]["address"]["zip"] == zip:
                return user_id
        raise ToolError("user not found")

    @tool(kind="read")
    def get_user_details(self, user_id: str) -> Record:
        """Everything about a user: name, address, e-mail, ways to pay, orders.

        Args:
            user_id: Such as 'sara_doe_496'.
        """
        return self._found("users", user_id)

    @tool(kind="read")
    def get_order_details(self, order_id: str) -> Record:
        """Everything about an order: its status, items, address, payments.

        Args:
            order_id: Such as '#W0000000', with the '#'.
        """
        return self._found("orders", order_id)

    @tool(kind="read")
    def get_product_details(self, product_id: str) -> Record:
        """All variants of a product, with price, options and whether they are available.

        Args:
            product_id: Such as '6086499569'; not an item id.
        """
        return self._found("products", product_id)

    @tool(kind="read")
    def list_all_product_types(self) -> Record:
        """Names of all products, and their product ids; each comes in several variants, the items."""
        products = self.tables["products"].values()
        return dict(sorted((product["name"], product["product_id"]) for product in products))

    # Pending orders -----------------------------------------------------------------------------------

    @tool
    def cancel_pending_order(self, order_id: str, reason: Reason) -> Record:
        """Cancel a pending order and refund it: a gift card at once, others in 5 to 7 business days.

        Explain it and get an explicit yes first.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            reason: Why.
        """
        order = self._order(order_id, "pending", "non-pending order cannot be cancelled")
        refunds: list[Record] = []
        for payment in order["payment_history"]:
            method = payment["payment_method_id"]
            refunds.append(_payment("refund", payment["amount"], method))
            if "gift_card" in method:
                self._pay(order["user_id"], method, -payment["amount"])
        order = self.tables["orders"].edit(order_id)
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        order["payment_history"] += refunds
        return order

    @tool
    def modify_pending_order_address(
        self,
        order_id: str,
        address1: str,
        address2: str,
        city: str,
        state: str,
        country: str,
        zip: str,  # noqa: A002
    ) -> Record:
        """Change where a pending order goes. Explain it and get an explicit yes first.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            address1: First line, such as '123 Main St'.
            address2: Second line, such as 'Apt 1', or ''.
            city: Such as 'San Francisco'.
            state: Such as 'CA'.
            country: Such as 'USA'.
            zip: Such as '12345'.
        """
        self._pending(order_id)
        order = self.tables["orders"].edit(order_id)
        order["address"] = _address(address1, address2, city, state, country, zip)
        return order

    @tool
    def modify_pending_order_payment(self, order_id: str, payment_method_id: str) -> Record:
        """Pay a pending order in another way; the first payment is refunded. Get an explicit yes first.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            payment_method_id: Such as 'gift_card_0000000' or 'credit_card_0000000', of the user's.
        """
        order = self._pending(order_id)
        user_id, history = order["user_id"], order["payment_history"]
        method = self._method(user_id, payment_method_id)
        if len(history) != 1 or history[0]["transaction_type"] != "payment":
            raise ToolError("there should be exactly one payment for a pending order")
        before, amount = history[0]["payment_method_id"], history[0]["amount"]
        if before == payment_method_id:
            raise ToolError("the new payment method should be different from the current one")
        if method["source"] == "gift_card":
            if method["balance"] < amount:
                raise ToolError("insufficient gift card balance to pay for the order")
            self._pay(user_id, payment_method_id, amount)
        if "gift_card" in before:
            self._pay(user_id, before, -amount)
        order = self.tables["orders"].edit(order_id)
        order["payment_history"] += [
            _payment("payment", amount, payment_method_id),
            _payment("refund", amount, before),
        ]
        return order

    @tool
    def modify_pending_order_items(
        self, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> Record:
        """Change items of a pending order to other variants of the same products; only once an order.

        Explain it and get an explicit yes first.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            item_ids: The items to change, each such as '1008292230'; one may be there twice.
            new_item_ids: What they become, each in the same place as the item it stands for.
            payment_method_id: Pays the difference, or gets it back.
        """
        order = self._order(order_id, "pending", "non-pending order cannot be modified")
        pairs = self._pairs(order, item_ids, new_item_ids, "the number of items to be modified should match")
        difference = self._difference(order, pairs)
        if not self._published:
            difference = round(difference, 2)
        method = self._method(order["user_id"], payment_method_id)
        if method["source"] == "gift_card":
            if method["balance"] < difference:
                raise ToolError("insufficient gift card balance to pay for the new item")
            self._pay(order["user_id"], payment_method_id, difference)
        order = self.tables["orders"].edit(order_id)
        kind = "payment" if difference > 0 else "refund"
        order["payment_history"].append(_payment(kind, abs(difference), payment_method_id))
        variants = self._variants(order, pairs)
        for (item_id, new_item_id), variant in zip(pairs, variants, strict=True):
            item = _item(order, item_id)
            item.update(item_id=new_item_id, price=variant["price"], options=dict(variant["options"]))
        order["status"] = "pending (item modified)"
        return order

    # Delivered orders ---------------------------------------------------------------------------------

    @tool
    def exchange_delivered_order_items(
        self, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> Record:
        """Exchange items of a delivered order for other variants of the same products.

        An order can be exchanged or returned only once. Explain it and get an explicit yes first.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            item_ids: The items to exchange, each such as '1008292230'; one may be there twice.
            new_item_ids: What they are exchanged for, each in the same place as the item it stands for.
            payment_method_id: Pays the difference, or gets it back.
        """
        order = self._order(order_id, "delivered", "non-delivered order cannot be exchanged")
        pairs = self._pairs(order, item_ids, new_item_ids, "the number of items to be exchanged should match")
        difference = round(self._difference(order, pairs), 2)
        method = self._method(order["user_id"], payment_method_id)
        if method["source"] == "gift_card" and method["balance"] < difference:
            raise ToolError("insufficient gift card balance to pay for the price difference")
        order = self.tables["orders"].edit(order_id)
        order["status"] = "exchange requested"
        order["exchange_items"] = sorted(item_ids)
        order["exchange_new_items"] = sorted(new_item_ids)
        order["exchange_payment_method_id"] = payment_method_id
        order["exchange_price_difference"] = difference
        return order

    @tool
    def return_delivered_order_items(
        self, order_id: str, item_ids: list[str], payment_method_id: str
    ) -> Record:
        """Take back items of a delivered order; the user gets an e-mail on how to send them.

        An order can be exchanged or returned only once. Explain it and get an explicit yes first.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            item_ids: The items, each such as '1008292230'; one may be there twice.
            payment_method_id: Gets the refund: the one the order was paid by, or a gift card.
        """
        order = self._order(order_id, "delivered", "non-delivered order cannot be returned")
        self._method(order["user_id"], payment_method_id)
        paid_by = order["payment_history"][0]["payment_method_id"]
        if "gift_card" not in payment_method_id and payment_method_id != paid_by:
            raise ToolError("the refund goes to the original payment method or to a gift card")
        _all_there(order, item_ids)
        order = self.tables["orders"].edit(order_id)
        order["status"] = "return requested"
        order["return_items"] = sorted(item_ids)
        order["return_payment_method_id"] = payment_method_id
        return order

    # Users --------------------------------------------------------------------------------------------

    @tool
    def modify_user_address(
        self,
        user_id: str,
        address1: str,
        address2: str,
        city: str,
        state: str,
        country: str,
        zip: str,  # noqa: A002
    ) -> Record:
        """Change a user's own address. Explain it and get an explicit yes first.

        Args:
            user_id: Such as 'sara_doe_496'.
            address1: First line, such as '123 Main St'.
            address2: Second line, such as 'Apt 1', or ''.
            city: Such as 'San Francisco'.
            state: Such as 'CA'.
            country: Such as 'USA'.
            zip: Such as '12345'.
        """
        self._found("users", user_id)
        user = self.tables["users"].edit(user_id)
        user["address"] = _address(address1, address2, city, state, country, zip)
        return user

    # Steps --------------------------------------------------------------------------------------------

    def _found(self, table: str, name: str) -> Record:
        try:
            return self.tables[table][name]
        except KeyError:
            raise ToolError(f"{table.removesuffix('s')} not found") from None

    def _order(self, order_id: str, status: str, refusal: str) -> Record:
        """An order, to be read, if it has exactly this status."""
        order = self._found("orders", order_id)
        if order["status"] != status:
            raise ToolError(refusal)
        return order

    def _pending(self, order_id: str) -> Record:
        """An order whose address and payment may be changed."""
        return self._order(order_id, "pending", "non-pending order cannot be modified")

    def _method(self, user_id: str, payment_method_id: str) -> Record:
        methods = self._found("users", user_id)["payment_methods"]
        if payment_method_id not in methods:
            raise ToolError("payment method not found")
        return methods[payment_method_id]

    def _pay(self, user_id: str, gift_card: str, amount: float) -> None:
        """Take an amount off a gift card, or put a negative one on it."""
        self._method(user_id, gift_card)
        method = self.tables["users"].edit(user_id)["payment_methods"][gift_card]
        method["balance"] = round(method["balance"] - amount, 2)

    def _pairs(
        self, order: Record, item_ids: list[str], new_item_ids: list[str], uneven: str
    ) -> list[tuple[str, str]]:
        """Items with what they become, all of which there are."""
        _all_there(order, item_ids)
        if len(item_ids) != len(new_item_ids):
            raise ToolError(uneven)
        return list(zip(item_ids, new_item_ids, strict=True))

    def _difference(self, order: Record, pairs: list[tuple[str, str]]) -> float:
        """What the new items cost more."""
        found: float = 0
        for item_id, new_item_id in pairs:
            item = _item(order, item_id)
            variants = self._found("products", item["product_id"])["variants"]
            if new_item_id not in variants or not variants[new_item_id]["available"]:
                raise ToolError(f"new item {new_item_id} not found or available")
            found += variants[new_item_id]["price"] - item["price"]
        return found

    def _variants(self, order: Record, pairs: list[tuple[str, str]]) -> list[Record]:
        """What each pair's item becomes."""
        products = self.tables["products"]
        return [
            products[_item(order, item_id)["product_id"]]["variants"][new_item_id]
            for item_id, new_item_id in pairs
        ]


class RetailOne(Retail):
    """The shop of tau-bench 1."""

    @tool(kind="read")
    def think(self, thought: str) -> str:
        """Think about something; nothing is found out by it and nothing changed.

        Args:
            thought: What you think.
        """
        return ""


class RetailTwo(Retail):
    """The shop of tau2-bench."""

    @tool(kind="read")
    def get_item_details(self, item_id: str) -> Record:
        """One variant of a product: price, options, whether it is available.

        Args:
            item_id: Such as '6086499569'; not a product id.
        """
        found = _by_item(self.tables.base).get(item_id)
        if found is None:
            raise ToolError("item not found")
        return self.tables["products"][found]["variants"][item_id]

    def _pending(self, order_id: str) -> Record:
        order = self._found("orders", order_id)
        if "pending" not in order["status"]:
            raise ToolError("non-pending order cannot be modified")
        return order

    def _difference(self, order: Record, pairs: list[tuple[str, str]]) -> float:
        if order["status"] == "pending" and any(item_id == new for item_id, new in pairs):
            raise ToolError("the new item id should be different from the old item id")
        return super()._difference(order, pairs)

    def _variants(self, order: Record, pairs: list[tuple[str, str]]) -> list[Record]:
        variants = super()._variants(order, pairs)
        return [variants[-1]] * len(variants) if self._published else variants


# Users and products do not change in what these are made of, so that one of each serves all episodes.


@lru_cache(maxsize=8)
def _by_email(base: Base) -> dict[str, str]:
    return {user["email"].lower(): user_id for user_id, user in reversed(base.tables["users"].items())}


@lru_cache(maxsize=8)
def _by_name(base: Base) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for user_id, user in base.tables["users"].items():
        name = user["name"]
        found.setdefault((name["first_name"].lower(), name["last_name"].lower()), []).append(user_id)
    return found


@lru_cache(maxsize=8)
def _by_item(base: Base) -> dict[str, str]:
    """Product by item."""
    products = reversed(base.tables["products"].items())
    return {item: product_id for product_id, product in products for item in product["variants"]}


def _all_there(order: Record, item_ids: list[str]) -> None:
    there = [item["item_id"] for item in order["items"]]
    for item_id in item_ids:
        if item_ids.count(item_id) > there.count(item_id):
            raise ToolError(f"item {item_id} not found")


def _item(order: Record, item_id: str) -> Record:
    """The first item of an order with this id."""
    for item in order["items"]:
        if item["item_id"] == item_id:
            return item
    raise ToolError(f"item {item_id} not found")


def _payment(kind: str, amount: float, method: str) -> Record:
    return {"transaction_type": kind, "amount": amount, "payment_method_id": method}


def _address(address1: str, address2: str, city: str, state: str, country: str, zip_code: str) -> Record:
    return {
        "address1": address1,
        "address2": address2,
        "city": city,
        "state": state,
        "country": country,
        "zip": zip_code,
    }


RETAIL: dict[int, type[Retail]] = {1: RetailOne, 2: RetailTwo}
"""By version."""
