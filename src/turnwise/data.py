"""Published data sets, read from a local mirror named by `TURNWISE_DATA`."""

from __future__ import annotations

import os
from pathlib import Path

from turnwise.errors import ConfigError


def path(name: str) -> Path:
    """Where the file `name` (e.g. `mint/gsm8k.jsonl`) of the mirror lies.

    Raises:
        ConfigError: where no mirror is named, or it has no such file.
    """
    root = os.environ.get("TURNWISE_DATA")
    if not root:
        raise ConfigError(f"the data file {name!r} is needed: set TURNWISE_DATA to a folder that holds it")
    found = Path(root) / name
    if not found.is_file():
        raise ConfigError(f"TURNWISE_DATA={root} has no file {name!r}")
    return found
