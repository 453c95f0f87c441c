"""Ways to ask a model made by `connect` in a test that is no coroutine."""

from __future__ import annotations

import asyncio
from typing import Any

from turnwise.engine.gateway import CallPolicy, Gateway
from turnwise.message import user
from turnwise.model import Request, Sample

HELLO = Request(messages=[user("hi")])


def ask(model: Any, *requests: Request) -> Sample:
    """Send requests one after the other, close the model, return the last sample."""

    async def go() -> Sample:
        try:
            for request in requests or (HELLO,):
                sample = await model.sample(request)
            return sample
        finally:
            await model.close()

    return asyncio.run(go())


def ask_gateway(model: Any, **policy: Any) -> Sample:
    """Ask through a gateway whose back-off is short."""
    return ask(Gateway(model, CallPolicy(**{"backoff_seconds": 0.01, **policy})))
