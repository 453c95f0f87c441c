"""An episode that somebody outside plays, kept as a run of its own: read, replayed and forked like any."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from turnwise.engine.config import RunConfig
from turnwise.engine.provenance import provenance
from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import StoreError
from turnwise.store import owner
from turnwise.store.store import Store
from turnwise.task import TaskSet


class Keeping:
    """The run of one episode, from before it begins.

    Args:
        store: Where it is kept.
        config: What is played, and by whom.
        environment: The same, made.
        tasks: The one task.

    Raises:
        StoreError: it cannot be written.
    """

    def __init__(self, store: Store, config: RunConfig, environment: Environment, tasks: TaskSet) -> None:
        row = store.create_run(
            environment=environment.name,
            planned=1,
            config=msgspec.to_builtins(config),
            provenance=provenance() | {"tasks": {"count": len(tasks), "hash": tasks.hash}},
        )
        self.run = Run(store, row)
        self._writer = store.journal(row.number)
        self.journal = self._writer.of(0)
        """For the episode."""

    async def play(self, episode: Episode) -> None:
        """Play it, and write down all of it; one that is given up is left `stopped`, as far as it came.

        Raises:
            StoreError: it could not be written.
        """
        status = "stopped"
        alive = asyncio.create_task(self._beat())
        self.journal.changed(episode)
        try:
            await episode.play()
            self._writer.end(episode, self.journal, episode.score())
            status = "done"
        finally:
            alive.cancel()
            try:
                await self._writer.close()
            finally:
                with contextlib.suppress(StoreError):
                    self.run.store.release(self.run.row.number, status)

    async def _beat(self) -> None:
        """Signs of life, for those who read the store."""
        while True:
            await asyncio.sleep(owner.BEAT_SECONDS)
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(self.run.store.beat, self.run.row.number)
