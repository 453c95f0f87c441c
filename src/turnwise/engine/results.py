"""A run to read: its episodes, its score with an interval, its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from turnwise.engine.config import RunConfig, parse
from turnwise.errors import ConfigError, StoreError
from turnwise.log import EpisodeLog
from turnwise.store import owner
from turnwise.store.rows import EpisodeRow, RunRow
from turnwise.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from turnwise.metrics import Estimate


_TIMED = 100
"""Episodes whose timings are read at once; and at most, where some tell of all."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long the model calls of one role took, waits and retries included, in seconds."""

    calls: int
    """How many it is told from."""
    p50: float
    p95: float


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
        return f"<Run {self.id} of {self.row.environment}: {self.status}>"

    @property
    def id(self) -> str:
        """Its name."""
        return self.row.id

    @property
    def status(self) -> str:
        """`running`, `done`, or `stopped`, as it also is where its process was killed: it can be resumed."""
        row = self.row
        if row.status == "running" and not (row.owner and owner.alive(row.owner, row.beat)):
            return "stopped"
        return row.status

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
        self.check(number)
        return self.store.read(self.row.number, number)

    def check(self, number: int) -> None:
        """Whether the run shall have an episode of this number.

        Raises:
            StoreError: it shall not.
        """
        if not 0 <= number < self.row.planned:
            raise StoreError(f"run {self.id} has no episode {number}: it has 0 to {self.row.planned - 1}")

    def logs(self) -> Iterator[EpisodeLog]:
        """The logs of all episodes, in order, read as they are needed."""
        numbers = sorted(self.store.stops(self.row.number))
        return (log for _, log in self.store.read_many(self.row.number, numbers))

    @property
    def score(self) -> Estimate:
        """Mean score with its 95 % interval, clustered by task."""
        return estimate(*self.store.scores(self.row.number))

    def latency(self) -> dict[str, Latency]:
        """How long model calls took, by role; of a large run, told from 100 episodes spread over it."""
        from turnwise.metrics import summarise

        ended = self.row.planned
        if self.row.status != "done":
            counts = self.store.counts([self.row.number]).get(self.row.number)
            ended = 0 if counts is None else counts.ended
        if not ended:
            return {}
        roles: list[str] = []
        seconds: list[float] = []
        sampled = range(0, ended, -(-ended // _TIMED))
        seats = self.config.agents
        for number in sampled:
            for timing in self.store.timings(self.row.number, number):
                if timing.key in seats:
                    roles.append(timing.key)
                    seconds.append(timing.seconds)
        return {
            str(row.group): Latency(calls=row.n, p50=row.median, p95=row.quantiles["0.95"])
            for row in summarise(seconds, roles, quantiles=[0.95])
        }

    def retries(self) -> dict[str, int]:
        """How often model calls were sent again, by the kind of error (`rate_limit`, `timeout`, ...).

        Told from every call that was answered or given up; the most frequent kind comes first.
        """
        kinds: Counter[str] = Counter()
        numbers = sorted(self.store.stops(self.row.number))
        for start in range(0, len(numbers), _TIMED):
            for timing in self.store.timings_of(self.row.number, numbers[start : start + _TIMED]):
                kinds.update(timing.retries)
        return dict(kinds.most_common())

    def summary(self) -> dict[str, Any]:
        """The run in one JSON object."""
        counts = self.store.counts([self.row.number]).get(self.row.number)
        score = self.score
        return {
            "run": self.id,
            "environment": self.row.environment,
            "status": self.status,
            "planned": self.row.planned,
            "episodes": 0 if counts is None else counts.ended,
            "failed": 0 if counts is None else counts.failed,
            "score": {"mean": _number(score.mean), "low": _number(score.low), "high": _number(score.high)},
            "turns": 0 if counts is None else counts.turns,
            "cost": 0.0 if counts is None else counts.cost,
            "latency": msgspec.to_builtins(self.latency()),
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
