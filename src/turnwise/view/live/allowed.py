"""What may be named by whoever asks over HTTP: what is installed, never a place in a file.

`file.py:name` runs that file. On the command line that is its owner's wish; a page's request is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from turnwise import registry
from turnwise.engine import resolve
from turnwise.environment import Environment
from turnwise.errors import ConfigError, did_you_mean

_PLACE = re.compile(r".*\.py:\w+|\w+(\.\w+)+:\w+", re.DOTALL)
"""`file.py:name` or `package.module:name`."""


def environment(name: str) -> str:
    """A registered environment's name.

    Raises:
        ConfigError: it is none.
    """
    known = registry.entries("environments")
    if name not in known:
        near = did_you_mean(name, known) or "; GET /api/environments lists them"
        raise ConfigError(f"unknown environment {name[:80]!r}{near}")
    return name


def agents(wanted: Mapping[str, str], made: Environment, known: Iterable[str] = ()) -> dict[str, str]:
    """Agents by role, each of which may be named.

    Args:
        wanted: Who shall play.
        made: What is played.
        known: Names that the run at hand has already.

    Raises:
        ConfigError: a role or a name that there is not.
    """
    own = set(made.agents())
    for role, name in wanted.items():
        resolve.check_role(role, made)
        fits = name in own or f"{role}/{name}" in own or resolve.is_model(name) or name in known
        if not fits or name == "human":
            options = sorted({*own, *known} - {"human"})
            near = did_you_mean(name, options) or f"; known: {', '.join([*options, 'PROVIDER/MODEL'])}"
            raise ConfigError(f"unknown agent {name[:80]!r} for the role {role!r}{near}")
    return dict(wanted)


def settings(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an environment, none of which names code.

    Raises:
        ConfigError: one does.
    """
    for name, value in wanted.items():
        if any(_PLACE.fullmatch(text) for text in _texts(value)):
            raise ConfigError(f"setting {name[:40]!r} names code, which only the command line may")
    return dict(wanted)


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value; JSON that was parsed is never endlessly deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def seed(text: str | None) -> int | None:
    """A seed, which is a number as text.

    Raises:
        ConfigError: it is none.
    """
    if text is None or not text.strip():
        return None
    digits = text.strip().removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ConfigError(f"seed: expected a number, got {text[:40]!r}")
    return int(text)
