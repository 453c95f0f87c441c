"""What supervised training drills besides next actions: where icons are, what they look like, what they open.

One question, one answer, 1 or 0. `ground` shows a screen and asks for a click on an icon that is described;
`name` shows it and asks what stands at a point; `edge` shows nothing and asks from memory which screen an
icon opens.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable
from typing import Any, ClassVar, Literal, TypeAlias

from turnwise.environment import Capabilities
from turnwise.environments.gui_exploration_lab.apps import GuiApps
from turnwise.environments.gui_exploration_lab.protocol import read, write
from turnwise.environments.gui_exploration_lab.screens import COLOURS, GLYPHS, SHAPES, App, Icon, app, centre
from turnwise.environments.gui_exploration_lab.world import Form, describe, show
from turnwise.environments.parts.picture import Picture
from turnwise.environments.parts.world import Gain, Step, World, WorldTask
from turnwise.errors import TaskError
from turnwise.role import Says
from turnwise.task import Task

Ask: TypeAlias = Literal["ground", "name", "edge"]
ASKS: tuple[Ask, ...] = ("ground", "name", "edge")
NOTHING = "nothing"


class GuiKnowledgeTask(WorldTask, frozen=True, kw_only=True):
    """A question about an icon of the app drawn from `seed`."""

    ask: Ask
    screen: int
    icon: int
    """Its place in the screen's list."""


class KnowledgeWorld(World):
    """One question."""

    def __init__(self, drawn: App, task: GuiKnowledgeTask, form: Form) -> None:
        self.task = task
        self.form: Form = form
        self.screen = drawn.screens[task.screen]
        self.icon: Icon = self.screen.icons[task.icon]
        target = drawn.graph.icons[task.screen][task.icon]
        self.opens = NOTHING if target is None else drawn.screens[target].name
        self.right = False

    @property
    def answer(self) -> str:
        """A right answer."""
        if self.task.ask == "ground":
            return write(self.screen, self.task.icon).words
        if self.task.ask == "edge":
            return self.opens
        look = self.icon.look
        return f"{COLOURS[look.colour]} {SHAPES[look.shape]} {look.glyph}"

    def observe(self) -> Says:
        """The question."""
        words = self.icon.look.words
        if self.task.ask == "edge":
            return (
                f"On screen {self.screen.name} there is an icon: {words}. Which screen does it open? Answer "
                f"with the name of the screen alone, or with '{NOTHING}'."
            )
        if self.task.ask == "ground":
            asked = f"Where is the icon '{words}'? Answer with click(x, y) in a line of its own."
        else:
            x, y = centre(self.icon.cell)
            asked = f"Which icon is at ({x}, {y})? Answer with its colour, shape and letter: red circle A."
        return show(asked, self.screen, self.form)

    def step(self, reply: str) -> Step:
        """Grade the answer."""
        if self.task.ask == "ground":
            act = read(reply)
            valid = act is not None and act.kind == "click"
            self.right = act is not None and valid and self.screen.hit(act.x, act.y) == self.task.icon
        else:
            said = reply.strip().strip(".'\"").lower()
            valid = bool(said)
            self.right = said == self.answer.lower()
        self.over, self.outcome = True, "right" if self.right else "wrong"
        return Step((Gain(float(self.right), "correct"),), valid=valid)

    def key(self) -> str:
        """Whether it was answered; all else is the task's."""
        return "answered" if self.over else "asked"

    def picture(self) -> Picture:
        """The screen in words: the answer to `edge` is not on it."""
        return describe(self.screen)


class GuiExplorationLabKnowledge(GuiApps, kw_only=True, frozen=True):
    """Answer a question about an icon; reward 1 or 0."""

    name: ClassVar[str] = "gui_exploration_lab_knowledge"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True)
    task_type: ClassVar[type[Task]] = GuiKnowledgeTask

    ask: Literal["all", "ground", "name", "edge"] = "all"
    """What is asked about; all three by turns."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """Right or wrong."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """One question, one answer."""
        return 1

    def tasks(self) -> Iterable[GuiKnowledgeTask]:
        """`count` questions, spread over apps and icons; none twice while an app has more."""
        asks = ASKS if self.ask == "all" else (self.ask,)
        every: list[list[tuple[Ask, int, int]]] = []
        for seed in self.seeds():
            icons = app(seed, self.plan).graph.icons
            places = [(screen, icon) for screen, on in enumerate(icons) for icon in range(len(on))]
            random.Random(f"{seed}/questions").shuffle(places)
            every.append([(ask, *place) for place in places for ask in asks])
        tasks: list[GuiKnowledgeTask] = []
        for number in range(self.count):
            graph, turn = number % self.graphs, number // self.graphs
            ask, screen, icon = every[graph][turn % len(every[graph])]
            name, seed = f"{self.split}-{self.ask}-{number}", self.seeds()[graph]
            tasks.append(GuiKnowledgeTask(id=name, seed=seed, ask=ask, screen=screen, icon=icon))
        return tasks

    def world(self, task: Any, rng: random.Random) -> World:
        """The question of `task`."""
        return self._asked(task)

    def _asked(self, task: GuiKnowledgeTask) -> KnowledgeWorld:
        drawn = app(task.seed, self.plan)
        screens = drawn.screens
        if not (0 <= task.screen < len(screens) and 0 <= task.icon < len(screens[task.screen].icons)):
            raise TaskError(f"task {task.id!r}: its app has no screen {task.screen} with an icon {task.icon}")
        return KnowledgeWorld(drawn, task, self.observation)

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` knows everything, `random` names and clicks anything."""

        def solver(task: GuiKnowledgeTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            yield self._asked(task).answer

        def guess(task: GuiKnowledgeTask, rng: random.Random) -> Generator[str | None, Any, None]:
            screen = rng.choice(app(task.seed, self.plan).screens)
            yield
            if task.ask == "ground":
                yield "click({}, {})".format(*centre(rng.randrange(20)))
            elif task.ask == "name":
                yield f"{rng.choice(COLOURS)} {rng.choice(SHAPES)} {rng.choice(GLYPHS)}"
            else:
                yield screen.name

        return {"solver": solver, "random": guess}
