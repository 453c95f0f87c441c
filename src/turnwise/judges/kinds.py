"""Judges by name: what is registered under `turnwise.judges`, or stands at `file.py:Name`, with settings.

A kind of judge is a frozen struct whose fields are its settings, as an environment's are, with `verdicts`
(of one episode) or `compared` (of two), and `reduce`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from turnwise import registry
from turnwise.errors import ConfigError, did_you_mean
from turnwise.unfit import stray, unfit


def made(name: str, settings: Mapping[str, Any] | None = None) -> Any:
    """The judge of this name, with its settings.

    Raises:
        ConfigError: there is none of this name, or a setting does not fit it.
    """
    kind = registry.load("judges", name)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct) and hasattr(kind, "reduce")):
        raise ConfigError(f"{name!r} is no judge: expected a struct with verdicts or compared, and reduce")
    known = {field.name for field in msgspec.structs.fields(kind)}
    for key in settings or {}:
        if key not in known:
            near = did_you_mean(key, known) or f"; it has {', '.join(sorted(known))}"
            raise ConfigError(f"judge {name!r} has no setting {key!r}{near}")
    slip = stray(settings or {}, kind)
    if slip is not None:
        raise ConfigError(f"judge {name!r}: {slip[0]}: {slip[1]}")
    try:
        return msgspec.convert(dict(settings or {}), kind)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ConfigError):
            raise error.__cause__ from None
        place, reason = unfit(error, kind)
        raise ConfigError(f"judge {name!r}: {place}{': ' if place else ''}{reason}") from None


def names() -> list[str]:
    """The names of all judges that are registered."""
    return list(registry.entries("judges"))


def of_pairs(judge: Any) -> bool:
    """Whether it judges pairs of episodes instead of single ones."""
    return hasattr(judge, "compared")
