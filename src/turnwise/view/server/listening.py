"""The server that listens: uvicorn, which ends streams of events when it ends."""

from __future__ import annotations

import socket

import uvicorn

from turnwise.view.server.guard import App
from turnwise.view.server.viewer import Viewer

_PATIENCE = 2
"""Seconds that answers under way have when the server ends."""


class Listening(uvicorn.Server):
    """See the module."""

    def __init__(self, app: App, viewer: Viewer) -> None:
        self.viewer = viewer
        config = uvicorn.Config(
            app,
            port=0,
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End in good order."""
        self.viewer.hub.close()
        await super().shutdown(sockets)
