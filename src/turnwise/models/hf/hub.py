"""Whether the hub can be reached, found out once and quickly: its client tries for half a minute a file."""

from __future__ import annotations

import os
import socket
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

_SECONDS = 5.0


def address() -> str:
    """Where the hub is: `HF_ENDPOINT`, or its usual place."""
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


@cache
def is_reachable() -> bool:
    """Whether somebody answers there; a proxy, where there is one, is taken to."""
    place = urlsplit(address())
    if place.scheme in getproxies():
        return True
    port = place.port or (80 if place.scheme == "http" else 443)
    try:
        with socket.create_connection((place.hostname or "", port), timeout=_SECONDS):
            return True
    except OSError:
        return False
