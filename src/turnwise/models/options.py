"""Options of a provider, checked, and the key that goes with them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from turnwise.errors import ConfigError, did_you_mean

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
        reason, _, place = str(error).partition(" - at ")
        key = re.sub(r"^`\$\.?(.*)`$", r"\1", place)
        raise ConfigError(f"model {model!r}, option {key!r}: {reason[0].lower()}{reason[1:]}") from None


def key_of(model: str, given: str | None, usual: Sequence[str], *, needed: bool = True) -> str | None:
    """The key in the environment variable `given`, or in the first of the `usual` ones that is set.

    Raises:
        ConfigError: it is needed, and not set.
    """
    names = [given] if given else list(usual)
    for name in names:
        if key := os.environ.get(name):
            return key
    if needed or given:
        raise ConfigError(
            f"model {model!r} needs a key: set {' or '.join(names)}, or name another variable by the option "
            f"api_key_env"
        )
    return None
