"""What changes, told while it does."""

from __future__ import annotations

from starlette.responses import StreamingResponse

from turnwise.errors import ConfigError
from turnwise.store.annotations import Target
from turnwise.view.live.hub import Listener
from turnwise.view.server.asked import Ask, handles


@handles("events")
async def events(ask: Ask) -> StreamingResponse:
    """Server-sent events."""
    episode = None
    if ask.query.episode is not None:
        place = Target.read(ask.query.episode)
        if place.episode is None:
            raise ConfigError(f"episode: {ask.query.episode[:80]!r}: expected RUN/NUMBER")
        episode = (place.run, place.episode)
    told = ask.viewer.hub.listen(Listener(episode, ask.query.play))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)
