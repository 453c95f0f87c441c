"""The settings of apps, which everything that is done with them shares."""

from __future__ import annotations

from turnwise.environments.gui_exploration_lab.screens import Plan, Shift
from turnwise.environments.gui_exploration_lab.world import Form
from turnwise.environments.parts.world import WorldEnvironment
from turnwise.errors import ConfigError


class GuiApps(WorldEnvironment, kw_only=True, frozen=True):
    """Base of the environments here."""

    observation: Form = "image"
    """A drawn screen (needs `turnwise[worlds]`), the same in words, or both."""
    graphs: int = 10
    """Apps the tasks are spread over; those of the two splits differ."""
    shift: Shift = "none"
    """The same graph, but other images, names or places of icons, or more icons that open nothing."""
    screens: int = 30
    branching: int = 4
    """Most screens directly under one."""
    depth: int = 4
    """Levels of the tree of screens."""
    links: int = 6
    """Icons across the tree."""
    distractors: int = 2
    """Icons on each screen that open nothing."""
    popups: int = 0
    """Screens with a pop-up icon, which leads to a trap screen; metric `trapped` counts how often."""
    labels: bool = True
    """Whether the name of what it opens stands under an icon; otherwise only its image tells."""

    def __post_init__(self) -> None:
        self.plan.check(self.name)
        if self.graphs < 1:
            raise ConfigError(f"{self.name}: graphs must be at least 1, got {self.graphs}")

    @property
    def plan(self) -> Plan:
        """What apps are drawn from, besides their seed."""
        return Plan(
            screens=self.screens,
            branching=self.branching,
            depth=self.depth,
            links=self.links,
            distractors=self.distractors,
            popups=self.popups,
            labels=self.labels,
            shift=self.shift,
        )

    def seeds(self) -> range:
        """The seeds of the split's apps, no more of them than tasks."""
        first = 0 if self.split == "train" else 1 << 31
        return range(first, first + min(self.graphs, self.count))
