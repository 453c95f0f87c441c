"""APIs of BFCL as desks of our own: same tools and state as published, words of ours.

Each is made of a configuration, of what makes it bulky, where it is to be, and of tables (`facts.py`); those
that have tables bring small ones of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from turnwise.environments.service.bfcl.apis.files import GorillaFileSystem
from turnwise.environments.service.bfcl.apis.messages import MessageAPI
from turnwise.environments.service.bfcl.apis.posts import TwitterAPI
from turnwise.environments.service.bfcl.apis.sums import MathAPI
from turnwise.environments.service.bfcl.apis.tickets import TicketAPI
from turnwise.environments.service.bfcl.apis.trading import TradingBot
from turnwise.environments.service.bfcl.apis.travel import TravelAPI
from turnwise.environments.service.bfcl.apis.vehicle import VehicleControlAPI
from turnwise.tools.desk import Desk

Make = Callable[[Mapping[str, Any], Mapping[str, Any] | None, Mapping[str, Any] | None], Desk]
"""Makes an API of its configuration, of what makes it bulky, and of its tables."""

_ALL = (
    GorillaFileSystem,
    MathAPI,
    MessageAPI,
    TicketAPI,
    TradingBot,
    TravelAPI,
    TwitterAPI,
    VehicleControlAPI,
)
DESKS: dict[str, Make] = {made.name: made for made in _ALL}

__all__ = [
    "DESKS",
    "GorillaFileSystem",
    "Make",
    "MathAPI",
    "MessageAPI",
    "TicketAPI",
    "TradingBot",
    "TravelAPI",
    "TwitterAPI",
    "VehicleControlAPI",
]
