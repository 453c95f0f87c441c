"""APIs of BFCL that stand here, as desks of our own: same tools and state as published, words of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from turnwise.environments.service.bfcl.apis.files import GorillaFileSystem
from turnwise.environments.service.bfcl.apis.messages import MessageAPI
from turnwise.environments.service.bfcl.apis.posts import TwitterAPI
from turnwise.environments.service.bfcl.apis.sums import MathAPI
from turnwise.environments.service.bfcl.apis.tickets import TicketAPI
from turnwise.tools.desk import Desk

Make = Callable[[Mapping[str, Any], Mapping[str, Any] | None], Desk]
"""Makes an API of its configuration and, where it is to be bulky, of what makes it so."""

DESKS: dict[str, Make] = {
    made.name: made for made in (GorillaFileSystem, MathAPI, MessageAPI, TicketAPI, TwitterAPI)
}

__all__ = ["DESKS", "GorillaFileSystem", "Make", "MathAPI", "MessageAPI", "TicketAPI", "TwitterAPI"]
