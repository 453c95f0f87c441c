"""VitaBench (He et al. 2025, arXiv 2509.26490): life services, each task with a world of its own.

Food delivery and in-store services: a user with a temper and a story of several wants, tools over the stores
of the user's town, gold orders that are checked by state, and rubrics that a judge fills in window by window.
"""

from turnwise.environments.service.vitabench.environment import VitaDelivery, VitaInstore
from turnwise.environments.service.vitabench.rows import Criteria, ExpectedState, VitaTask

__all__ = ["Criteria", "ExpectedState", "VitaDelivery", "VitaInstore", "VitaTask"]
