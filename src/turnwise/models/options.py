"""Options of a provider, checked; the SDK, the address and the secrets that go with them.

Options are stored with the run, so no secret is ever one: keys are read from environment variables, which
options may name.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.unfit import unfit

T = TypeVar("T", bound=msgspec.Struct)


def checked(model: str, options: Mapping[str, Any], as_type: type[T]) -> T:
    """`options` as the provider's struct.

    Raises:
        ConfigError: naming the key that does not fit, and what was expected.
    """
    known = [field.name for field in msgspec.structs.fields(as_type)]
    for key in options:
        if key not in known:
            near = did_you_mean(key, known) or f"; it has {', '.join(known)}"
            raise ConfigError(f"model {model!r} has no option {key!r}{near}")
    try:
        return msgspec.convert(dict(options), as_type)
    except msgspec.ValidationError as error:
        key, reason = unfit(error, as_type)
        raise ConfigError(f"model {model!r}, option {key!r}: {reason}") from None


def sdk_of(model: str, module: str, extra: str | None = None) -> Any:
    """A vendor's SDK, imported now.

    Raises:
        ConfigError: it is not installed; names the extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = "turnwise" if extra is None else f"turnwise[{extra}]"
        raise ConfigError(f"model {model!r} needs {module} ({error}): pip install '{name}'") from None


def key_of(model: str, given: str | None, usual: Sequence[str], *, needed: bool = True) -> str | None:
    """The key in the environment variable `given`, or in the first of the `usual` ones that is set.

    Raises:
        ConfigError: it is needed and not set, or cannot be a key.
    """
    names = [given] if given else list(usual)
    for name in names:
        if key := os.environ.get(name, "").strip():
            return _sendable(model, name, key)
    if needed or given:
        raise ConfigError(
            f"model {model!r} needs a key: set {' or '.join(names)}, or name another variable by the option "
            f"api_key_env"
        )
    return None


def headers_of(model: str, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Further headers, where `$NAME` stands for an environment variable; and the secrets among them.

    Raises:
        ConfigError: a variable is not set, or a value cannot be sent.
    """
    headers: dict[str, str] = {}
    secrets: list[str] = []
    for header, value in given.items():
        if value.startswith("$"):
            found = os.environ.get(value[1:], "").strip()
            if not found:
                raise ConfigError(f"model {model!r}, header {header!r}: the variable {value[1:]} is not set")
            secrets.append(found)
            headers[header] = _sendable(model, value[1:], found)
        else:
            headers[header] = _sendable(model, f"header {header!r}", value)
    return headers, secrets


def address_of(model: str, given: str | None, usual: str) -> str | None:
    """The option `base_url`, or the environment variable `usual`, without a slash at its end.

    Raises:
        ConfigError: it is no HTTP address, or holds a secret.
    """
    name, url = ("base_url", given) if given is not None else (usual, os.environ.get(usual))
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, good = None, False
    if "@" in url or (parts is not None and parts.query):
        raise ConfigError(
            f"model {model!r}: {name} must not hold a password or a query; keys go into the variable that "
            f"api_key_env names, or into headers as '$NAME'"
        )
    if not good:
        raise ConfigError(f"model {model!r}: {name} must be like http://localhost:8000/v1, got {url!r}")
    return url.strip().rstrip("/")


def _sendable(model: str, name: str, value: str) -> str:
    if not re.fullmatch(r"[ -~]*", value):
        raise ConfigError(f"model {model!r}: {name} holds characters that no HTTP header can")
    return value
