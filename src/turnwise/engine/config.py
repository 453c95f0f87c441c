"""What a run is, as data: one validated struct, from flags, a TOML file or Python, stored with the run."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.limits import Limits
from turnwise.model import Sampling
from turnwise.models.policy import CallPolicy


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who fills a role."""

    use: str
    """`openai/MODEL`, the name of one of the environment's own agents (`solver`), `human`, or
    `file.py:name` of a model, an agent, or a function that makes one."""
    system: str | None = None
    """A system prompt of the agent's own."""
    sampling: Sampling = Sampling()
    max_tool_rounds: int = 64
    window: int | None = None
    """Most messages that its model is shown, the last ones; all where it is left out."""


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that decides what a run does."""

    environment: str
    """A registered name, or `file.py:Class`."""
    settings: dict[str, Any] = {}
    """Settings of the environment (its annotated fields)."""
    agents: dict[str, AgentConfig] = {}
    """Who fills each role."""
    tasks: str | None = None
    """A `.jsonl`, `.toml` or `.parquet` file of tasks; by default the environment's own."""
    limit: int | None = None
    """Only the first tasks."""
    offset: int = 0
    ids: tuple[str, ...] | None = None
    """Only the tasks of these ids."""
    epochs: int = 1
    """How often each task is played."""
    seed: int = 0
    limits: Limits = Limits()
    concurrency: int = 200
    """Most episodes at a time."""
    max_errors: float | None = None
    """Failed episodes after which the run stops: a number, or below 1 a share of all; 0 stops at the first.
    None keeps going."""
    calls: CallPolicy = CallPolicy()
    """Limits, time-outs and retries of the calls to each remote model."""
    models: dict[str, dict[str, Any]] = {}
    """Options of models by name: `base_url`, `api_key_env` and such."""
    prices: dict[str, Any] = {}
    """Prices of models, in money a million tokens."""
    cache: str | None = None
    """A folder in which model calls are cached by content."""
    forebears: tuple[dict[str, AgentConfig], ...] = ()
    """For a fork: who filled the roles before each place where it or a forebear left its parent."""

    def __post_init__(self) -> None:
        _check("epochs", self.epochs, self.epochs >= 1, "at least 1")
        _check("concurrency", self.concurrency, self.concurrency >= 1, "at least 1")
        _check("limit", self.limit, self.limit is None or self.limit >= 1, "at least 1")
        _check("offset", self.offset, self.offset >= 0, "at least 0")
        _check("max_errors", self.max_errors, self.max_errors is None or self.max_errors >= 0, "at least 0")
        for name, least in _LEAST.items():
            value = getattr(self.limits, name)
            _check(f"limits.{name}", value, value is None or least <= value < inf, f"at least {least}")
        for role, agent in self.agents.items():
            _check_sampling(f"agents.{role}.sampling", agent.sampling)
            shown = agent.window
            _check(f"agents.{role}.window", shown, shown is None or shown >= 1, "at least 1")


_LEAST = {"turns": 1, "tool_calls": 0, "tokens": 1, "cost": 0, "seconds": 0}
"""The least that each limit of an episode can sensibly be."""

T = TypeVar("T")


def parse(raw: dict[str, Any], as_type: type[T] = RunConfig, *, where: str = "config", text: str = "") -> T:
    """`raw` as a `RunConfig`; an agent may be a plain string.

    Args:
        raw: Parsed TOML or JSON.
        as_type: Another struct than `RunConfig`.
        where: What to call the place in an error.
        text: The TOML it was parsed from, to name the line.

    Raises:
        ConfigError: naming the place, the key and what was expected.
    """
    agents = raw.get("agents")
    if isinstance(agents, dict):
        spelt = cast("dict[str, Any]", agents)
        raw = {
            **raw,
            "agents": {role: {"use": a} if isinstance(a, str) else a for role, a in spelt.items()},
        }
    try:
        # Stored records keep what they do not know; in a config it is a slip.
        _no_others(raw.get("limits"), Limits, "limits")
        for role, agent in cast("dict[str, Any]", raw.get("agents") or {}).items():
            if isinstance(agent, dict):
                sampling = cast("dict[str, Any]", agent).get("sampling")
                _no_others(sampling, Sampling, f"agents.{role}.sampling")
        return msgspec.convert(raw, as_type)
    except _OtherKeyError as other:
        raise ConfigError(f"{where}{_line(text, other.key)}: {other}") from None
    except ConfigError as error:
        raise ConfigError(_placed(str(error), where, text)) from None
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(error, raw, as_type, where, text)) from None


def read_config(
    path: str | Path, as_type: type[Any] = RunConfig, *, needed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The keys of a TOML config file, validated except for what flags may still add.

    Args:
        path: The file.
        as_type: Another struct than `RunConfig`.
        needed: What stands for its required keys where the file does not give them.

    Raises:
        ConfigError: naming the file, the line, the key and what was expected.
    """
    path = Path(path)
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read the config {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; expected TOML") from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    parse({**(needed or {"environment": ""}), **raw}, as_type, where=str(path), text=text)
    folder = path.parent
    if isinstance(raw.get("tasks"), str):
        raw["tasks"] = str(folder / raw["tasks"])
    return raw


class _OtherKeyError(Exception):
    """A key that a record of the config has not."""

    def __init__(self, key: str, place: str, near: str) -> None:
        super().__init__(f"{place}.{key}: unknown key{near}")
        self.key = key


def _no_others(given: Any, record: type[msgspec.Struct], place: str) -> None:
    names = zip(record.__struct_fields__, record.__struct_encode_fields__, strict=True)
    known = [encoded for name, encoded in names if name != "unknown"]
    for key in cast("dict[str, Any]", given) if isinstance(given, dict) else ():
        if key not in known:
            raise _OtherKeyError(key, place, did_you_mean(key, known) or f"; it has {', '.join(known)}")


def _explain(error: msgspec.ValidationError, raw: Any, as_type: Any, where: str, text: str) -> str:
    if isinstance(error.__cause__, ConfigError):
        return _placed(str(error.__cause__), where, text)
    reason, _, place = str(error).partition(" - at ")
    path = re.sub(r"^`(?:key in )?\$\.?(.*)`$", r"\1", place)
    unknown = re.search(r"unknown field `(.*?)`", reason)
    if unknown:
        path = f"{path}.{unknown[1]}".lstrip(".")
        near = did_you_mean(unknown[1], _keys(as_type, path.split(".")[:-1]))
        reason = f"unknown key{near}"
    missing = re.search(r"missing required field `(.*?)`", reason)
    if missing:
        path, reason = f"{path}.{missing[1]}".lstrip("."), "missing"
    line = _line(text, path.rpartition(".")[2])
    return f"{where}{line}: {path}: {reason[0].lower()}{reason[1:]}".replace(": : ", ": ")


def _placed(reason: str, where: str, text: str) -> str:
    """What a struct says of one of its keys, with the place in front."""
    key = re.match(r"[\w.]*?(\w+):", reason)
    return f"{where}{_line(text, key[1] if key else '')}: {reason}"


def _keys(as_type: Any, path: list[str]) -> list[str]:
    """The keys known at a place of the config."""
    if len(path) >= 1 and path[0] == "agents":
        as_type, path = AgentConfig, path[2:]
    for name in path:
        field = next((f for f in msgspec.structs.fields(as_type) if f.encode_name == name), None)
        if field is None or not (isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)):
            return []
        as_type = field.type
    return [field.encode_name for field in msgspec.structs.fields(as_type)]


def _line(text: str, key: str) -> str:
    """`:LINE` of the first line that gives `key`, where there is one."""
    for number, line in enumerate(text.splitlines(), start=1):
        if key and re.match(rf"\s*(?:\[+[^\]]*)?['\"]?{re.escape(key)}['\"]?\s*(?:=|\])", line):
            return f":{number}"
    return ""


def _check_sampling(place: str, wanted: Sampling) -> None:
    heat, share, most = wanted.temperature, wanted.top_p, wanted.max_tokens
    _check(f"{place}.temperature", heat, heat is None or 0 <= heat < inf, "at least 0")
    _check(f"{place}.top_p", share, share is None or 0 < share <= 1, "above 0 and at most 1")
    _check(f"{place}.max_tokens", most, most is None or most >= 1, "at least 1")


def _check(field: str, value: Any, ok: bool, expected: str) -> None:
    if not ok:
        raise ConfigError(f"{field}: expected {expected}, got {value!r}")
