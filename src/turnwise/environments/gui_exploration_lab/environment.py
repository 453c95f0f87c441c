"""The environment: tasks, splits and agents of GUI Exploration Lab.

Built after Yan et al. 2025, "GUI Exploration Lab: Enhancing Screen Navigation in Agents via Multi-Turn
Reinforcement Learning" (arXiv 2512.02423). Ours, where the paper leaves it open: the budget is
`factor` times the shortest way and `spare` more; back leads one level up the tree, so that the state is the
screen alone; a reply that holds no action costs `format_penalty`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Iterable
from typing import Any, ClassVar, Literal, TypeAlias

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.gui_exploration_lab import protocol
from turnwise.environments.gui_exploration_lab.apps import GuiApps
from turnwise.environments.gui_exploration_lab.graph import BACK, distances
from turnwise.environments.gui_exploration_lab.screens import App, app
from turnwise.environments.gui_exploration_lab.world import GuiWorld, Rules, locate
from turnwise.environments.parts.world import World, WorldTask
from turnwise.errors import ConfigError, TaskError
from turnwise.task import Task

UNSEEN_SHARE = 0.3
"""Of the pairs of screens that are not neighbours; neighbours are always seen, so every edge is."""

Script: TypeAlias = Generator[str | None, Any, None]


class GuiTask(WorldTask, frozen=True, kw_only=True):
    """From one screen to another, in the app drawn from `seed`."""

    start: int
    goal: int


class GuiExplorationLab(GuiApps, kw_only=True, frozen=True):
    """Find a screen of an app by looking and clicking; reward 1 when it is reached and said to be."""

    name: ClassVar[str] = "gui_exploration_lab"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)
    task_type: ClassVar[type[Task]] = GuiTask

    pairs: Literal["all", "seen", "unseen"] = "all"
    """Which ways through an app: `unseen` ones are never among the `seen`, but all their edges are."""
    min_distance: int = 2
    """Fewest moves from start to goal."""
    max_distance: int | None = None
    """Most moves from start to goal."""
    declare: bool = True
    """Whether the agent must declare that it is there."""
    factor: float = 2.0
    """Actions allowed, in multiples of the shortest way (the declaration included)."""
    spare: int = 2
    """Actions allowed besides."""
    slip: bool = False
    """Whether a wrong first click was made for the agent: success then is recovery."""
    format_penalty: float = 0.1
    """What a reply without an action costs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (1 <= self.factor <= 100 and 0 <= self.spare <= 1000 and 0 <= self.format_penalty <= 1):
            raise ConfigError(
                f"{self.name}: expected factor 1-100, spare 0-1000 and format_penalty 0-1, "
                f"got {self.factor:g}, {self.spare} and {self.format_penalty:g}"
            )
        if self.min_distance < 1:
            raise ConfigError(f"{self.name}: min_distance must be at least 1")

    @property
    def rules(self) -> Rules:
        """How it is played."""
        return Rules(
            observation=self.observation,
            declare=self.declare,
            factor=self.factor,
            spare=self.spare,
            format_penalty=self.format_penalty,
            slip=self.slip,
        )

    @property
    def reward_range(self) -> tuple[float, float]:
        """From nothing but malformed replies to success."""
        return (-self.format_penalty * self.max_replies, 1.0)

    @property
    def max_replies(self) -> int:
        """Home and down again is never farther than the depth and one."""
        return self.rules.budget(self.depth + 1 + self.declare)

    def tasks(self) -> Iterable[GuiTask]:
        """`count` pairs of screens, no two alike while an app has more."""
        ways = [self.ways(seed) for seed in self.seeds()]
        tasks: list[GuiTask] = []
        for number in range(self.count):
            graph, turn = number % self.graphs, number // self.graphs
            start, goal = ways[graph][turn % len(ways[graph])]
            name, seed = f"{self.split}-{self.pairs}-{number}", self.seeds()[graph]
            tasks.append(GuiTask(id=name, seed=seed, start=start, goal=goal))
        return tasks

    def ways(self, seed: int) -> list[tuple[int, int]]:
        """The pairs of screens of an app that the settings ask for, in an order drawn from its seed.

        Raises:
            ConfigError: where it has none.
        """
        graph = app(seed, self.plan).graph
        every = [
            (start, goal, distances(graph, goal)[start])
            for goal in range(self.screens)
            for start in range(self.screens)
            if start != goal
        ]
        near = [way for way in every if way[2] == 1]
        far = [way for way in every if way[2] > 1]
        rng = random.Random(f"{seed}/pairs")
        rng.shuffle(far)
        held = round(UNSEEN_SHARE * len(far))
        unseen, seen = far[:held], [*far[held:], *near]
        chosen = {"all": every, "seen": seen, "unseen": unseen}[self.pairs]
        most = math.inf if self.max_distance is None else self.max_distance
        ways = [(start, goal) for start, goal, moves in chosen if self.min_distance <= moves <= most]
        if not ways:
            raise ConfigError(
                f"{self.name}: no {self.pairs} pair of screens is {self.min_distance} to {most} moves apart "
                f"in the app of seed {seed}; widen min_distance and max_distance, or make the app deeper"
            )
        rng.shuffle(ways)
        return ways

    def app(self, task: GuiTask) -> App:
        """The app of `task`.

        Raises:
            TaskError: where start or goal is no screen of it.
        """
        if not (0 <= task.start < self.screens and 0 <= task.goal < self.screens and task.start != task.goal):
            raise TaskError(
                f"task {task.id!r}: start and goal must be two different screens from 0 to "
                f"{self.screens - 1}, got {task.start} and {task.goal}"
            )
        return app(task.seed, self.plan)

    def world(self, task: Any, rng: random.Random) -> World:
        """The way of `task`, at its start."""
        return self._game(task)

    def _game(self, task: GuiTask) -> GuiWorld:
        return GuiWorld(self.app(task), task.start, task.goal, self.rules)

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` takes a shortest way, `explorer` learns from what it sees, `random` clicks about."""

        def solver(task: GuiTask, rng: random.Random) -> Script:
            game = self._game(task)
            graph, screens = game.app
            at, seen = game.at, (yield)
            while True:
                at = locate(seen, game.app, at)
                if at == game.goal:
                    seen = yield "complete()"
                    continue
                move = graph.best(at, game.goal)[0]
                said = protocol.write(screens[at], move).words
                at = graph.after(at, move)
                seen = yield said

        def explorer(task: GuiTask, rng: random.Random) -> Script:
            game = self._game(task)
            graph = game.app.graph
            tried: dict[int, set[int]] = {}
            yield
            while game.at != game.goal:
                targets = graph.icons[game.at]
                known = tried.setdefault(game.at, set())
                # An icon looks like the screen it opens, which is all that is looked up here.
                if game.goal in targets:
                    move = targets.index(game.goal)
                else:
                    fresh = [icon for icon in range(len(targets)) if icon not in known]
                    move = rng.choice(fresh) if fresh else BACK
                known.add(move)
                said = protocol.write(game.screen, move).words
                game.step(said)
                yield said
            yield "complete()"

        return {"solver": solver, "explorer": explorer, "random": RandomLegal()}
