"""What the routes work with: the store to read, what is played here, and who listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Container
from contextlib import asynccontextmanager

from turnwise.store.store import Store
from turnwise.view.live.hub import Hub
from turnwise.view.reading.source import Found, Source


class Viewer:
    """One store being viewed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.source = Source(store)
        self.hub = Hub(self.source)

    @property
    def playing(self) -> Container[str]:
        """Ids of the runs that this process plays."""
        return ()

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[None]:
        """While the server runs."""
        serving = asyncio.create_task(self.hub.serve())
        try:
            yield
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    def episode(self, run: str, number: int) -> Found:
        """An episode by what stands in a URL."""
        return self.source.episode(self.source.run(run), number)
