"""One step of a shortest way at a time: the static benchmark, and the single-turn stage of training.

The agent sees the screen, the goal and what was done so far, and says the next action. Three binary terms add
up to its reward: `format` (the reply ends in an action), `type` (of the right kind) and `click` (it makes a
move that is right). Every action that begins some shortest way is right; where clicking the drawn button and
the system action do the same, both are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable
from typing import Any, ClassVar

from turnwise.agents.legal import RandomLegal
from turnwise.environments.gui_exploration_lab import protocol
from turnwise.environments.gui_exploration_lab.environment import GuiExplorationLab, GuiTask
from turnwise.environments.gui_exploration_lab.graph import BACK, HOME
from turnwise.environments.gui_exploration_lab.screens import App
from turnwise.environments.gui_exploration_lab.world import GuiWorld, Rules
from turnwise.environments.parts.world import Gain, Step, World
from turnwise.task import Task


class GuiStepTask(GuiTask, frozen=True, kw_only=True):
    """A way of which `done` steps have been taken."""

    done: int


class StepWorld(GuiWorld):
    """One question: what next?"""

    def __init__(self, app: App, task: GuiStepTask, rules: Rules) -> None:
        super().__init__(app, task.start, task.goal, rules)
        said: list[str] = []
        for _ in range(task.done):
            move = app.graph.best(self.at, self.goal)[0]
            said.append(protocol.write(self.screen, move).words)
            self.at = app.graph.after(self.at, move)
        self._says += f"\nActions so far: {', '.join(said) or 'none'}. What is the next one?"
        self.terms = {"format": 0.0, "type": 0.0, "click": 0.0}

    def key(self) -> str:
        """Whether it was answered; all else is the task's."""
        return "answered" if self.over else "asked"

    def step(self, reply: str) -> Step:
        """Grade an answer."""
        self.over, self.outcome = True, "answered"
        act = protocol.read(reply)
        if act is not None:
            right = self.app.graph.best(self.at, self.goal)
            move, kinds = self._read(act), {_kind(move) for move in right} or {"complete"}
            kind = act.kind if move is None else _kind(move)
            self.terms = {
                "format": 1.0,
                "type": float(kind in kinds),
                "click": float(move in right if right else act.kind == "complete"),
            }
        gains = tuple(Gain(value, name) for name, value in self.terms.items())
        return Step(gains, valid=act is not None)

    def _read(self, act: protocol.Act) -> int | None:
        """The move an action makes; None for a declaration and for a click on nothing."""
        if act.kind == "click":
            return self.screen.hit(act.x, act.y)
        return {"back": BACK, "home": HOME}.get(act.kind)

    def metrics(self) -> dict[str, float]:
        """Whether the next action was right."""
        return {"correct": float(all(self.terms.values()))}


def _kind(move: int) -> protocol.Kind:
    return "back" if move == BACK else "home" if move == HOME else "click"


class GuiExplorationLabStep(GuiExplorationLab, kw_only=True, frozen=True):
    """Say the next action of a shortest way; reward 0 to 3."""

    name: ClassVar[str] = "gui_exploration_lab_step"
    task_type: ClassVar[type[Task]] = GuiStepTask

    @property
    def reward_range(self) -> tuple[float, float]:
        """Three binary terms."""
        return (0.0, 3.0)

    @property
    def max_replies(self) -> int:
        """One question, one answer."""
        return 1

    def tasks(self) -> Iterable[GuiStepTask]:
        """The steps of as many ways as `count` steps need, the declarations included."""
        tasks: list[GuiStepTask] = []
        for way in super().tasks():
            steps = self._game(way).shortest
            tasks += [
                GuiStepTask(id=f"{way.id}-{done}", seed=way.seed, start=way.start, goal=way.goal, done=done)
                for done in range(steps)
            ]
        return tasks[: self.count]

    def world(self, task: Any, rng: random.Random) -> World:
        """The question of `task`."""
        return self._asked(task)

    def _asked(self, task: GuiStepTask) -> StepWorld:
        return StepWorld(self.app(task), task, self.rules)

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` knows a shortest way, `random` draws an action."""

        def solver(task: GuiStepTask, rng: random.Random) -> Generator[str | None, Any, None]:
            asked = self._asked(task)
            right = asked.app.graph.best(asked.at, asked.goal)
            yield
            yield protocol.write(asked.screen, right[0]).words if right else "complete()"

        return {"solver": solver, "random": RandomLegal()}
