"""Counting while a run goes on: what its progress display and its error policy look at."""

from __future__ import annotations

from time import perf_counter

from turnwise.episode import Episode
from turnwise.log import Stop


class Tally:
    """Counts of one run in this process, and what was ended before.

    Attributes:
        planned: Episodes the run shall have.
        ended: Those that ended, in earlier processes too.
        failed: Those of them that failed.
        running: Those at work now, by number.
    """

    def __init__(self, planned: int) -> None:
        self.planned = planned
        self.ended = self.failed = 0
        self.earlier = 0
        self.running: dict[int, Episode] = {}
        self.began = perf_counter()
        self.scores: list[tuple[str, float]] = []
        """Task and score of each episode that has one."""
        self._turns = self._tokens = 0
        self._cost = 0.0

    def known(self, stop: str | None, task: str, score: float | None) -> None:
        """An episode that ended before."""
        self.ended += 1
        self.earlier += 1
        self.failed += stop == Stop.ERROR.value
        if score is not None:
            self.scores.append((task, score))

    def end(self, number: int, episode: Episode, score: float | None) -> None:
        """An episode ended now, with this score."""
        self.running.pop(number, None)
        self.ended += 1
        self.failed += episode.stop is Stop.ERROR
        self._turns += len(episode.turns)
        self._tokens += episode.spent.output
        self._cost += episode.spent.cost
        if score is not None:
            self.scores.append((episode.task.id, score))

    @property
    def seconds(self) -> float:
        """Since this process began."""
        return perf_counter() - self.began

    @property
    def turns(self) -> int:
        """Turns made in this process so far."""
        return self._turns + sum(len(episode.turns) for episode in self.running.values())

    @property
    def tokens(self) -> int:
        """Tokens sampled in this process so far."""
        return self._tokens + sum(episode.spent.output for episode in self.running.values())

    @property
    def cost(self) -> float:
        """Money spent in this process so far."""
        return self._cost + sum(episode.spent.cost for episode in self.running.values())

    @property
    def remaining(self) -> float | None:
        """Seconds until all is done, at the pace so far; None where there is no pace yet."""
        here = self.ended - self.earlier
        return None if not here else (self.planned - self.ended) * self.seconds / here
