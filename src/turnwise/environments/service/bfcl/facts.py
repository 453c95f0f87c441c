"""Tables of the published APIs: fares, stocks' sectors, zip codes, and the texts that make results bulky.

They stand in the published class files (`TURNWISE_DATA/bfcl/func_source_code/`). Those are read as data here:
literals are taken from their text, and nothing of them is run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from turnwise import data
from turnwise.errors import TaskError

_BULK = {
    "FILE_CONTENT_EXTENSION": "content",
    "POPULATE_FILE_EXTENSION": "files",
    "FILES_TAIL_USED": "spared",
    "WATCH_LIST_EXTENSION": "watched",
    "TRANSACTION_HISTORY_EXTENSION": "transactions",
    "MA_5_EXTENSION": "mean_5",
    "MA_20_EXTENSION": "mean_20",
    "TECHNOLOGY_EXTENSION": "technology",
    "AUTOMOBILE_EXTENSION": "automobile",
    "ORDER_DETAIL_EXTENSION": "order",
    "CAR_STATUS_METADATA_EXTENSION": "car",
    "LONG_WEATHER_EXTENSION": "weather",
    "PARKING_BRAKE_INSTRUCTION": "brake",
    "INTERMEDIARY_CITIES": "cities",
    "CREDIT_CARD_EXTENSION": "cards",
    "BOOKING_RECORD_EXTENSION": "bookings",
}
"""What the desks call it."""
_NAMED = {
    "TradingBot": (
        "trading_bot.py",
        {"DEFAULT_STATE": "state", "symbol_map": "names", "sector_map": "sectors"},
    ),
    "TravelAPI": (
        "travel_booking.py",
        {"base_costs": "fares", "airport_map": "cities", "exchange_rates": "rates"},
    ),
}


def bulk() -> dict[str, Any]:
    """What makes results bulky.

    Raises:
        ConfigError: the file is not there.
        TaskError: it does not hold the texts.
    """
    return _assigned(_file("long_context.py"), _BULK)


def facts(api: str) -> dict[str, Any] | None:
    """The tables of an API; None where it has none.

    Raises:
        ConfigError: its file is not there.
        TaskError: it does not hold the tables.
    """
    if api == "VehicleControlAPI":
        return _roads(_file("vehicle_control.py"))
    if api not in _NAMED:
        return None
    file, names = _NAMED[api]
    found = _assigned(_file(file), names)
    return {**found, "airports": _airports(_file(file))} if api == "TravelAPI" else found


def _file(name: str) -> Path:
    return data.path(f"bfcl/func_source_code/{name}")


@lru_cache(maxsize=8)
def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise TaskError(f"{path}: cannot be read: {error}") from None


def _assigned(path: Path, names: dict[str, str]) -> dict[str, Any]:
    """Literals that are assigned to these names anywhere in a file, each by what it is called here."""
    return _assignments(path, tuple(names.items()))


@lru_cache(maxsize=8)
def _assignments(path: Path, names: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    wanted = dict(names)
    found: dict[str, Any] = {}
    for node in ast.walk(_tree(path)):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(target, ast.Name):
            name = wanted.get(target.id)
            if name is not None and name not in found and node.value is not None:
                found[name] = _literal(path, node.value)
    return _whole(path, found, set(wanted.values()))


@lru_cache(maxsize=2)
def _airports(path: Path) -> list[str]:
    """The list that `list_all_airports` returns."""
    for node in _body(path, "list_all_airports"):
        if isinstance(node, ast.Return) and node.value is not None:
            return _literal(path, node.value)
    raise TaskError(f"{path}: expected the airports of list_all_airports")


@lru_cache(maxsize=2)
def _roads(path: Path) -> dict[str, Any]:
    """Zip codes and distances, which are chains of comparisons there."""
    zipcodes: dict[str, str] = {}
    for node in _body(path, "get_zipcode_based_on_city"):
        if isinstance(node, ast.If):
            (city,), answer = _texts(node.test), _answer(path, node.body[0])
            zipcodes[city] = answer["zipcode"]
    distances: dict[tuple[str, str], float] = {}
    for node in _body(path, "estimate_distance"):
        if isinstance(node, ast.If) and len(texts := _texts(node.test)) >= 2:
            distances[texts[0], texts[1]] = _answer(path, node.body[0])["distance"]
    found = {"zipcodes": zipcodes, "distances": distances}
    return _whole(path, {name: table for name, table in found.items() if table}, set(found))


def _body(path: Path, function: str) -> Iterator[ast.AST]:
    """All that is in a function, in no particular order."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            yield from ast.walk(node)


def _texts(node: ast.expr) -> list[str]:
    """The texts that a condition compares with, from left to right."""
    found = [one for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return [str(one.value) for one in sorted(found, key=lambda one: (one.lineno, one.col_offset))]


def _answer(path: Path, node: ast.stmt) -> dict[str, Any]:
    """The literal that a statement returns or assigns."""
    value = node.value if isinstance(node, (ast.Return, ast.Assign)) else None
    if value is None:
        raise TaskError(f"{path}:{node.lineno}: expected a literal that is returned or assigned")
    return _literal(path, value)


def _literal(path: Path, node: ast.expr) -> Any:
    try:
        return _plain(ast.literal_eval(node))
    except ValueError:
        raise TaskError(f"{path}:{node.lineno}: expected a literal") from None


def _plain(value: Any) -> Any:
    """A literal without the dots that stand for more in some lists."""
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value) if one is not ...]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in cast("dict[Any, Any]", value).items()}
    return value


def _whole(path: Path, found: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    if set(found) != wanted:
        raise TaskError(f"{path}: the tables {', '.join(sorted(wanted - set(found)))} are not in it")
    return found
