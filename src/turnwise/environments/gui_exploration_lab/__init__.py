"""GUI Exploration Lab (Yan et al. 2025, arXiv 2512.02423): apps of drawn screens to find one's way in."""

from turnwise.environments.gui_exploration_lab.environment import GuiExplorationLab, GuiTask
from turnwise.environments.gui_exploration_lab.knowledge import (
    GuiExplorationLabKnowledge,
    GuiKnowledgeTask,
)
from turnwise.environments.gui_exploration_lab.static import GuiExplorationLabStep, GuiStepTask

__all__ = [
    "GuiExplorationLab",
    "GuiExplorationLabKnowledge",
    "GuiExplorationLabStep",
    "GuiKnowledgeTask",
    "GuiStepTask",
    "GuiTask",
]
