"""A run to read: its episodes, its score with an interval, its table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from turnwise.engine.config import RunConfig, parse
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog
from turnwise.store.rows import EpisodeRow, RunRow
from turnwise.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from turnwise.metrics import Estimate


class Run:
    """One run in a store: finished, stopped or still going on elsewhere.

    Attributes:
        store: Where it is.
        row: What the store says of it; `refresh` asks again.
    """

    def __init__(self, store: Store, row: RunRow) -> None:
        self.store = store
        self.row = row

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.row.environment}: {self.row.status}>"

    @property
    def id(self) -> str:
        """Its name."""
        return self.row.id

    @property
    def config(self) -> RunConfig:
        """What it was asked to do."""
        return parse(self.row.config, where=f"run {self.id}")

    def refresh(self) -> Run:
        """Ask the store again how it stands."""
        self.row = self.store.run(self.id)
        return self

    def episodes(self) -> list[EpisodeRow]:
        """All episodes in short, in order."""
        return self.store.episodes(self.row.number)

    def episode(self, number: int) -> EpisodeLog:
        """The whole log of one episode.

        Raises:
            StoreError: there is none of this number.
        """
        return self.store.read(self.row.number, number)

    def logs(self) -> Iterator[EpisodeLog]:
        """The logs of all episodes, in order, read as they are needed."""
        numbers = sorted(self.store.stops(self.row.number))
        return (log for _, log in self.store.read_many(self.row.number, numbers))

    @property
    def score(self) -> Estimate:
        """Mean score with its 95 % interval, clustered by task."""
        return estimate(*self.store.scores(self.row.number))

    def summary(self) -> dict[str, Any]:
        """The run in one JSON object."""
        counts = self.store.counts([self.row.number]).get(self.row.number)
        score = self.score
        return {
            "run": self.id,
            "environment": self.row.environment,
            "status": self.row.status,
            "planned": self.row.planned,
            "episodes": 0 if counts is None else counts.ended,
            "failed": 0 if counts is None else counts.failed,
            "score": {"mean": _number(score.mean), "low": _number(score.low), "high": _number(score.high)},
            "turns": 0 if counts is None else counts.turns,
            "cost": 0.0 if counts is None else counts.cost,
        }

    def frame(self) -> pd.DataFrame:
        """One row an episode, metrics as columns `metric.<name>`.

        Raises:
            ConfigError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ConfigError("a DataFrame needs pandas: install turnwise[data]") from None
        rows: list[dict[str, Any]] = []
        for episode in self.episodes():
            row = msgspec.to_builtins(episode)
            row |= {f"metric.{name}": value for name, value in row.pop("metrics").items()}
            row["error"] = None if episode.error is None else episode.error.get("message")
            rows.append(row)
        return pd.DataFrame(rows)


def estimate(tasks: list[str], scores: list[float | None]) -> Estimate:
    """Mean score with its interval, clustered by task; for verdicts of 0 and 1 as a proportion."""
    from turnwise.metrics import clustered_mean, clustered_proportion

    kinds = set(scores)
    if kinds <= {0, 1, None} and kinds - {None}:
        return clustered_proportion(scores, tasks)
    return clustered_mean(scores, tasks)


def _number(value: float) -> float | None:
    return None if value != value else value
