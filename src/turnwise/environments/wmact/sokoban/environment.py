"""Sokoban as an environment: levels of the paper's three kinds, and a small one."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from turnwise.environments.parts.world import WorldTask
from turnwise.environments.wmact.base import Puzzle, WMAct
from turnwise.environments.wmact.sokoban.game import SokobanGame
from turnwise.environments.wmact.sokoban.generate import KINDS, generate
from turnwise.environments.wmact.sokoban.solve import solve
from turnwise.errors import ConfigError


class Sokoban(WMAct, kw_only=True, frozen=True):
    """Push every box onto a target, several moves a reply."""

    name: ClassVar[str] = "sokoban"
    puzzle: ClassVar[type[Puzzle]] = SokobanGame

    level: Literal["tiny", "standard", "hard_1", "hard_2"] = "standard"
    """Squares a side, the wall included, and boxes: 5 and 1, 7 and 2, 10 and 2, 7 and 3."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.level not in KINDS:
            raise ConfigError(f"sokoban: no level {self.level!r}; levels: {', '.join(KINDS)}")

    def game(self, task: WorldTask) -> SokobanGame:
        """The level of the task's seed."""
        return SokobanGame(generate(KINDS[self.level], task.seed))

    def plan(self, task: Any) -> list[int]:
        """A solution with the fewest pushes."""
        plan = solve(generate(KINDS[self.level], task.seed))
        assert plan is not None, "every generated level was solved"
        return plan
