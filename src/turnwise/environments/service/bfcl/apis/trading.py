"""`TradingBot`: stocks, orders and an account."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

NOW = datetime(2024, 9, 1, 10, 30)  # noqa: DTZ001
_FIRST, _LAST = NOW.replace(year=1), NOW.replace(year=9999)
_STAMP, _DAY = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"
_FACTS: dict[str, Any] = {
    "names": {"Quay Lines": "QUAY", "Tide Power": "TIDE", "Lindal Rail": "LIND"},
    "sectors": {"Transport": ["QUAY", "LIND"], "Energy": ["TIDE"]},
}
_STOCKS = {
    symbol: {"price": price, "percent_change": change, "volume": 1.5, "MA(5)": price, "MA(20)": price}
    for symbol, price, change in (("QUAY", 41.5, 0.4), ("TIDE", 120.0, -2.1), ("LIND", 9.25, 0.0))
}


class TradingBot(Desk):
    """One account.

    Args:
        config: The published attributes, where they are not the usual.
        long: Lists that make it bulky: `watched`, `transactions`, `mean_5`, `mean_20`, `order`, `technology`,
            `automobile`.
        facts: Symbols by `names` of companies, and by `sectors`; attributes that are usual (`state`).
    """

    name: ClassVar[str] = "TradingBot"

    orders: dict[str, dict[str, Any]]
    account_info: dict[str, Any]
    authenticated: bool
    market_status: str
    order_counter: int
    stocks: dict[str, dict[str, Any]]
    watch_list: list[str]
    transaction_history: list[dict[str, Any]]

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._long = long
        self._facts = facts or _FACTS
        self._random = random.Random(config.get("random_seed", 1053520))
        given = copy.deepcopy({**self._facts.get("state", {}), **config})
        self.orders = {str(number): order for number, order in given.get("orders", {}).items()}
        self.account_info = given.get("account_info", {"account_id": 1, "balance": 1000.0, "binding_card": 7})
        self.authenticated = given.get("authenticated", False)
        self.market_status = given.get("market_status", "Closed")
        self.order_counter = given.get("order_counter", 1)
        self.stocks = given.get("stocks", copy.deepcopy(_STOCKS))
        self.watch_list = given.get("watch_list", [])
        self.transaction_history = given.get("transaction_history", [])

    @tool(kind="read")
    def get_current_time(self) -> dict[str, str]:
        """The time."""
        return {"current_time": NOW.strftime("%I:%M %p")}

    @tool(kind="read")
    def get_symbol_by_name(self, name: str) -> dict[str, str]:
        """The symbol of a company's stock.

        Args:
            name: The company's.
        """
        return {"symbol": self._facts["names"].get(name, "Stock not found")}

    @tool(kind="read")
    def get_stock_info(self, symbol: str) -> dict[str, Any]:
        """Price, change, volume and moving averages of a stock.

        Args:
            symbol: The stock's.
        """
        if symbol not in self.stocks:
            raise ToolError(f"get_stock_info: there is no stock {symbol!r}")
        if self._long is None:
            return self.stocks[symbol]
        return {**self.stocks[symbol], "MA(5)": self._long["mean_5"], "MA(20)": self._long["mean_20"]}

    @tool(kind="read")
    def get_order_details(self, order_id: int) -> dict[str, Any]:
        """All of one order.

        Args:
            order_id: Which.
        """
        order = self._order("get_order_details", order_id)
        return order if self._long is None else {**order, "metadata": self._long["order"]}

    @tool
    def cancel_order(self, order_id: int) -> dict[str, Any]:
        """Cancel an order.

        Args:
            order_id: Which.
        """
        order = self._order("cancel_order", order_id)
        if order["status"] == "Completed":
            raise ToolError(f"cancel_order: order {order_id} is completed already")
        order["status"] = "Cancelled"
        return {"order_id": order_id, "status": "Cancelled"}

    @tool
    def place_order(self, order_type: str, symbol: str, price: float, amount: int) -> dict[str, Any]:
        """Place an order.

        Args:
            order_type: Buy or Sell.
            symbol: The stock's.
            price: Of one share.
            amount: How many shares.
        """
        self._logged_in("place_order")
        if symbol not in self.stocks:
            raise ToolError(f"place_order: there is no stock {symbol!r}")
        if price <= 0 or amount <= 0:
            raise ToolError("place_order: price and amount must be above 0")
        balance = self.account_info.get("balance", 0)
        if order_type.lower() == "buy" and price * amount > balance:
            raise ToolError(f"place_order: it costs {price * amount:.2f}, and the account has {balance:.2f}")
        number = self.order_counter
        order = {"order_type": order_type, "symbol": symbol, "price": price, "amount": amount}
        self.orders[str(number)] = {"id": number, **order, "status": "Open"}
        self.order_counter += 1
        return {"order_id": number, **order, "status": "Pending"}

    @tool
    def fund_account(self, amount: float) -> dict[str, Any]:
        """Pay in.

        Args:
            amount: How much.
        """
        self._logged_in("fund_account")
        return self._transact("fund_account", "deposit", amount)

    @tool
    def withdraw_funds(self, amount: float) -> dict[str, Any]:
        """Take out, while the market is open.

        Args:
            amount: How much.
        """
        self._logged_in("withdraw_funds")
        if self.market_status != "Open":
            raise ToolError("withdraw_funds: the market is closed")
        if amount > self.account_info["balance"]:
            raise ToolError("withdraw_funds: the account has not enough")
        return self._transact("withdraw_funds", "withdrawal", amount)

    @tool(kind="read")
    def get_account_info(self) -> dict[str, Any]:
        """The account: its number, its balance and its card."""
        self._logged_in("get_account_info")
        return self.account_info

    @tool
    def trading_login(self, username: str, password: str) -> dict[str, str]:
        """Log in.

        Args:
            username: Who.
            password: Theirs; any will do.
        """
        was, self.authenticated = self.authenticated, True
        return {"status": "Logged in already" if was else "Logged in"}

    @tool(kind="read")
    def trading_get_login_status(self) -> dict[str, bool]:
        """Whether somebody is logged in."""
        return {"status": self.authenticated}

    @tool
    def trading_logout(self) -> dict[str, str]:
        """Log out."""
        was, self.authenticated = self.authenticated, False
        return {"status": "Logged out" if was else "Nobody is logged in"}

    @tool(kind="read")
    def get_watchlist(self) -> dict[str, list[str]]:
        """The stocks that are watched."""
        self._logged_in("get_watchlist")
        more: list[str] = [] if self._long is None else self._long["watched"]
        return {"watchlist": [*self.watch_list, *more]}

    @tool
    def add_to_watchlist(self, stock: str) -> dict[str, list[str]]:
        """Watch a stock.

        Args:
            stock: Its symbol.
        """
        if stock in self.stocks and stock not in self.watch_list:
            self.watch_list.append(stock)
        return {"watchlist": self.watch_list}

    @tool
    def remove_stock_from_watchlist(self, symbol: str) -> dict[str, str]:
        """Watch a stock no more.

        Args:
            symbol: The stock's.
        """
        self._logged_in("remove_stock_from_watchlist")
        if symbol not in self.watch_list:
            raise ToolError(f"remove_stock_from_watchlist: {symbol!r} is not watched")
        self.watch_list.remove(symbol)
        return {"status": f"{symbol} is not watched any more"}

    @tool(kind="read")
    def get_order_history(self) -> dict[str, list[str]]:
        """The numbers of all orders."""
        self._logged_in("get_order_history")
        return {"history": list(self.orders)}

    @tool(kind="read")
    def get_transaction_history(
        self, start_date: str | None = None, end_date: str | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """What was paid in and taken out.

        Args:
            start_date: From this day on, as in "2024-09-01".
            end_date: Up to its beginning.
        """
        self._logged_in("get_transaction_history")
        begin = _moment("get_transaction_history", start_date, _DAY) if start_date else _FIRST
        end = _moment("get_transaction_history", end_date, _DAY) if end_date else _LAST
        found = [
            one
            for one in self.transaction_history
            if begin <= _moment("get_transaction_history", str(one["timestamp"]), _STAMP) <= end
        ]
        return {"transaction_history": found + ([] if self._long is None else self._long["transactions"])}

    @tool(kind="read")
    def get_available_stocks(self, sector: str) -> dict[str, list[str]]:
        """The stocks of a sector.

        Args:
            sector: Which.
        """
        known: list[str] | None = self._facts["sectors"].get(sector)
        more: list[str] = [] if self._long is None else self._long.get(sector.lower(), [])
        return {"stock_list": [] if known is None else [*known, *more]}

    @tool(kind="read")
    def filter_stocks_by_price(
        self, stocks: list[str], min_price: float, max_price: float
    ) -> dict[str, list[str]]:
        """Those stocks whose price is within bounds.

        Args:
            stocks: Their symbols.
            min_price: The lowest price.
            max_price: The highest price.
        """
        prices = {symbol: self.stocks.get(symbol, {}).get("price", 0) for symbol in stocks}
        return {"filtered_stocks": [symbol for symbol in stocks if min_price <= prices[symbol] <= max_price]}

    @tool(kind="read")
    def notify_price_change(self, stocks: list[str], threshold: float) -> dict[str, str]:
        """Which stocks have changed a lot.

        Args:
            stocks: Their symbols.
            threshold: By how many per cent at least.
        """
        changed = [
            symbol
            for symbol in stocks
            if symbol in self.stocks and abs(self.stocks[symbol]["percent_change"]) >= threshold
        ]
        return {"notification": f"Changed a lot: {', '.join(changed) or 'none'}"}

    def _order(self, command: str, order_id: int) -> dict[str, Any]:
        order = self.orders.get(str(order_id))
        if order is None:
            raise ToolError(
                f"{command}: there is no order {order_id}; there are {', '.join(self.orders) or 'none'}"
            )
        return order

    def _transact(self, command: str, kind: str, amount: float) -> dict[str, Any]:
        """Move money, at some moment of the next day."""
        if amount <= 0:
            raise ToolError(f"{command}: the amount must be above 0")
        self.account_info["balance"] += amount if kind == "deposit" else -amount
        moment = NOW + timedelta(seconds=self._random.randint(0, 86_400))
        done = {"type": kind, "amount": amount, "timestamp": moment.strftime(_STAMP)}
        self.transaction_history.append(done)
        return {"status": f"The {kind} is done", "new_balance": self.account_info["balance"]}

    def _logged_in(self, command: str) -> None:
        if not self.authenticated:
            raise ToolError(f"{command}: log in first")


def _moment(command: str, text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        raise ToolError(f"{command}: there is no day {text[:30]!r}") from None
