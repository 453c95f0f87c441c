"""What the routes work with: the store to read, what is played here, and who listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Container
from contextlib import asynccontextmanager

from turnwise.store.store import Store
from turnwise.view.live.hub import Hub, event
from turnwise.view.live.plays import Play, Plays
from turnwise.view.live.stage import Stage
from turnwise.view.reading.source import Found, Source
from turnwise.view.server.threads import Threads


class Viewer:
    """One store being viewed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.source = Source(store)
        self.hub = Hub(self.source)
        self.stage = Stage()
        self.threads = Threads()
        """Those in which pages are read."""
        self.plays = Plays(self.source, self.stage, self._changed)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def playing(self) -> Container[str]:
        """Ids of the runs that this process plays."""
        return self.stage.playing

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncGenerator[None]:
        """While the server runs."""
        self._loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self.hub.serve())
        try:
            yield
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            self._loop = None
            self.threads.close()
            await asyncio.to_thread(self.stage.close)

    def episode(self, run: str, number: int) -> Found:
        """An episode by what stands in a URL."""
        return self.source.episode(self.source.run(run), number)

    def _changed(self, play: Play) -> None:
        """A play changed, in whatever thread."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.hub.tell, event("play", play=play.id, version=play.version))
