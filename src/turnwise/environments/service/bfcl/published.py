"""The published classes of BFCL's APIs (Apache-2.0, github.com/ShishirPatil/gorilla), where they are allowed.

They are somebody else's code, read from `TURNWISE_DATA` and run in this process: the setting `code=published`
asks for that. What a model writes never is: a call is a name of a public method and literal arguments. What
the classes are told to import of their own package is looked for beside them.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast

import msgspec

from turnwise import data
from turnwise.errors import ConfigError, TaskError
from turnwise.message import ToolSpec
from turnwise.role import Role
from turnwise.tool import Tool

MODULES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "TwitterAPI": "posting_api",
    "VehicleControlAPI": "vehicle_control",
}
"""File of each class, and of its tools' descriptions."""
_STATELESS = {"MathAPI"}
_BANNED = {"kill", "exit", "quit", "remove", "unlink", "popen", "Popen", "run"}
"""Names that are never called, as published."""
_KINDS = {
    "dict": "object",
    "float": "number",
    "integer": "integer",
    "string": "string",
    "boolean": "boolean",
    "array": "array",
}


class PublishedApi:
    """One published class, with the state of one entry.

    Args:
        name: Of the class.
        config: What it begins with.
        long: Whether it is to be bulky.

    Raises:
        ConfigError: its files are not there, or what it imports is not installed.
    """

    def __init__(self, name: str, config: Mapping[str, Any], *, long: bool) -> None:
        module, specs = _read(name)
        self._made: Any = getattr(module, name)()
        if name not in _STATELESS:
            self._made._load_scenario(copy.deepcopy(dict(config)), long_context=long)
        self._tools: dict[str, PublishedTool] = {}
        for spec in specs:
            method = getattr(self._made, spec.name)
            self._tools[spec.name] = PublishedTool(_ordered(spec, method), method)

    def tools(self) -> Sequence[Tool]:
        """Its described methods."""
        return tuple(self._tools.values())

    async def do(self, name: str, arguments: dict[str, Any]) -> str:
        """Call one for nobody."""
        return self._tools[name].said(arguments)

    def state(self) -> Mapping[str, Any]:
        """Its public attributes, as they are now."""
        attributes = cast("dict[str, Any]", vars(self._made))
        return {name: value for name, value in attributes.items() if not name.startswith("_")}


class PublishedTool:
    """One method of a published class."""

    replay: Literal["run", "record"] = "run"
    """A replay makes the class anew."""

    def __init__(self, spec: ToolSpec, method: Callable[..., Any]) -> None:
        self.spec = spec
        self._method = method

    async def call(self, arguments: dict[str, Any], role: Role) -> str:
        """What the method says."""
        return self.said(arguments)

    def said(self, arguments: dict[str, Any]) -> str:
        """The same, for nobody; what it raises is told, as published."""
        try:
            result = self._method(**arguments)
        except Exception as error:
            return f"Error during execution: {error}"
        if isinstance(result, str):
            return result
        if isinstance(result, dict):
            try:
                return msgspec.json.encode(result).decode()
            except (TypeError, ValueError):
                return str(cast("dict[str, Any]", result))
        return str(result)


def available(name: str) -> bool:
    """Whether the files of a class are there."""
    try:
        data.path(f"bfcl/func_source_code/{MODULES[name]}.py")
    except (ConfigError, KeyError):
        return False
    return True


def _read(name: str) -> tuple[ModuleType, tuple[ToolSpec, ...]]:
    """A class's module, and what is told of its tools."""
    if name not in MODULES:
        raise ConfigError(f"BFCL has no API {name!r}; it has {', '.join(MODULES)}")
    source = data.path(f"bfcl/func_source_code/{MODULES[name]}.py")
    specs = _specs(data.path(f"bfcl/multi_turn_func_doc/{MODULES[name]}.json"))
    return _module(source), specs


@lru_cache(maxsize=16)
def _module(path: Path) -> ModuleType:
    """A module from a file, whose imports of its own package are from the files beside it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = f"_turnwise_bfcl_{path.stem}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bfcl_eval."):
            beside = path.with_name(f"{(node.module or '').rpartition('.')[2]}.py")
            if not beside.is_file():
                raise ConfigError(f"{path} needs {beside.name} beside it")
            node.module = _module(beside).__name__
    made = ModuleType(name)
    made.__file__ = str(path)
    sys.modules[name] = made
    try:
        exec(compile(tree, str(path), "exec"), made.__dict__)
    except ImportError as error:
        raise ConfigError(f"{path} needs the package {error.name}: pip install {error.name}") from None
    return made


@lru_cache(maxsize=16)
def _specs(path: Path) -> tuple[ToolSpec, ...]:
    """The tools of a file with one description a line."""
    rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    try:
        return tuple(
            ToolSpec(name=row["name"], description=row["description"], parameters=_schema(row["parameters"]))
            for row in rows
            if row["name"] not in _BANNED
        )
    except KeyError as error:
        raise TaskError(f"{path}: a description has no {error}") from None


def _ordered(spec: ToolSpec, method: Callable[..., Any]) -> ToolSpec:
    """The parameters in the order of the method, which is what arguments without a name go by."""
    described = spec.parameters["properties"]
    names = [name for name in inspect.signature(method).parameters if name in described]
    ordered = {name: described[name] for name in names}
    return msgspec.structs.replace(spec, parameters={**spec.parameters, "properties": ordered})


def _schema(node: Any) -> Any:
    """A description's schema as JSON Schema."""
    if isinstance(node, list):
        return [_schema(one) for one in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    known = cast("dict[str, Any]", node)
    return {
        key: _KINDS.get(value, value) if key == "type" and isinstance(value, str) else _schema(value)
        for key, value in known.items()
    }
