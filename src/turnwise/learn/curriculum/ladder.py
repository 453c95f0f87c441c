"""Difficulty ladders: harder things once the easier ones are done.

A training begins on the lowest rung, climbs when enough of its last episodes succeeded, and steps down when
too few did. `Ladder` sorts the tasks by a number that each has; `SettingLadder` changes a setting of the
environment, for those in which difficulty is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import msgspec

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.curriculum.buffer import check_share
from turnwise.learn.curriculum.protocol import AnyEnvironment, Curriculum, Draw, Group, Slot
from turnwise.task import Task
from turnwise.wire import Record


class Climb(Record, frozen=True, kw_only=True):
    """Which rung, and how it went there lately."""

    rung: int = 0
    last: tuple[bool, ...] = ()
    """Whether the last episodes on it succeeded; none from before it was reached."""

    def after(self, new: Sequence[bool], *, rungs: int, up: float, down: float, window: int) -> Climb:
        """The rung after some more episodes: one up or down, once `window` of them tell so."""
        last = (*self.last, *new)[-window:]
        if len(last) == window:
            share = sum(last) / window
            rung = self.rung + (share >= up) - (share < down)
            rung = min(max(rung, 0), rungs - 1)
            if rung != self.rung:
                return Climb(rung=rung)
        return Climb(rung=self.rung, last=last)


class _Rungs(Curriculum, frozen=True, kw_only=True):
    """What both ladders have.

    Raises:
        ConfigError: for shares outside 0-1, `down` above `up`, or a window below 1.
    """

    up: float = 0.8
    """Share of successes from which it goes up."""
    down: float = 0.0
    """Share of successes below which it goes down; 0 never does."""
    window: int = 64
    """Last episodes on a rung that these shares are about."""
    success: float = 1.0
    """Score from which an episode is a success."""
    climb: Climb = Climb()

    def __post_init__(self) -> None:
        check_share("ladder", "up", self.up)
        check_share("ladder", "down", self.down)
        if self.down > self.up or self.window < 1:
            raise ConfigError(
                f"ladder: expected down <= up and window >= 1, got {self.down}, {self.up}, {self.window}"
            )

    def _climbed(self, groups: Sequence[Group], rungs: int) -> Self:
        new = [score >= self.success for group in groups for score in group.scores]
        climb = self.climb.after(new, rungs=rungs, up=self.up, down=self.down, window=self.window)
        return msgspec.structs.replace(self, climb=climb)


class Ladder(_Rungs, frozen=True, kw_only=True):
    """Tasks of one rung, and some of those below.

    Raises:
        ConfigError: for a share outside 0-1; at the first draw, for tasks that have no such number.
    """

    field: str = "level"
    """The number of a task that says how hard it is: a field, or a key of its `meta`."""
    rehearsal: float = 0.2
    """Share of groups from lower rungs."""

    def __post_init__(self) -> None:
        check_share("ladder", "rehearsal", self.rehearsal)
        super().__post_init__()

    def draws(self, slot: Slot) -> list[Draw]:
        """Different random tasks; where the rung has too few, more of those below."""
        levels = self._levels(slot)
        level = sorted(set(levels))[min(self.climb.rung, len(set(levels)) - 1)]
        here = [task.id for task, its in zip(slot.tasks, levels, strict=True) if its == level]
        below = [task.id for task, its in zip(slot.tasks, levels, strict=True) if its < level]
        rng = slot.random()
        old = min(sum(rng.random() < self.rehearsal for _ in range(slot.groups)), len(below))
        new = min(slot.groups - old, len(here))
        old = min(slot.groups - new, len(below))
        chosen = [*rng.sample(here, new), *rng.sample(below, old)]
        return [Draw(task=task, count=slot.group) for task in chosen]

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """One rung up or down, or none; what was rehearsed has no part in it."""
        levels = self._levels(slot)
        rungs = sorted(set(levels))
        level = rungs[min(self.climb.rung, len(rungs) - 1)]
        here = {task.id for task, its in zip(slot.tasks, levels, strict=True) if its == level}
        return self._climbed([group for group in groups if group.draw.task in here], len(rungs))

    def _levels(self, slot: Slot) -> list[float]:
        return [self._level(task) for task in slot.tasks]

    def _level(self, task: Task) -> float:
        value = getattr(task, self.field, task.meta.get(self.field))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(
                f"ladder: task {task.id!r} has no number {self.field!r}: name one of its fields, or put it "
                f"under 'meta'"
            )
        return value


class SettingLadder(_Rungs, frozen=True, kw_only=True):
    """Every task in its turn, in an environment that grows harder.

    Raises:
        ConfigError: without values; later, for an environment without the setting.
    """

    setting: str
    """The environment's setting."""
    values: tuple[Any, ...]
    """Its value on each rung, the easiest first."""

    def __post_init__(self) -> None:
        if not self.values:
            raise ConfigError("setting_ladder: expected a value for each rung, got none")
        super().__post_init__()

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """One rung up or down, or none."""
        return self._climbed(groups, len(self.values))

    def applied(self, environment: AnyEnvironment) -> AnyEnvironment:
        """The environment of the rung.

        Raises:
            ConfigError: it has no such setting, or not this value of it.
        """
        known = [field.name for field in msgspec.structs.fields(environment)]
        if self.setting not in known:
            near = did_you_mean(self.setting, known)
            raise ConfigError(f"setting_ladder: {environment.name} has no setting {self.setting!r}{near}")
        settings = {**environment.settings(), self.setting: self.values[self.climb.rung]}
        try:
            return msgspec.convert(settings, type(environment))
        except msgspec.ValidationError as error:
            if isinstance(error.__cause__, ConfigError):
                raise error.__cause__ from None
            raise ConfigError(f"setting_ladder: {environment.name}, {self.setting!r}: {error}") from None
