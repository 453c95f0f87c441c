"""Simulated users: people played by models or by rules, for whoever is tried on them.

`manner` is the frame: a user is a manner of speaking, and manners wrap each other. `tau`: tau-bench's
protocols; `two_stage`: BIRD-INTERACT's function-driven user; `disclosure`, `patience`, `interruption`:
wrappers for any user; `agenda`: users without a model; `briefs`: what published users are told; `style`: all
of it as one setting. Guide: docs/users.md.
"""

from turnwise.agents.users.agenda import Agenda, Constraint, Goal, Wanted, agenda_user
from turnwise.agents.users.disclosure import Disclosure
from turnwise.agents.users.interruption import Interruption, Update, interrupted, point
from turnwise.agents.users.manner import Draft, Manner, Plain, User, Wrapper, respond
from turnwise.agents.users.marks import MARK, TAU2_MARKS, ended, mark_in, unmarked
from turnwise.agents.users.patience import Patience
from turnwise.agents.users.persona import SimulatedUser, brief
from turnwise.agents.users.style import LEVELS, PERSONAS, Style
from turnwise.agents.users.tau import PROTOCOLS, React, Reflection, Verify, protocol
from turnwise.agents.users.two_stage import ModelStages, RuleStages, Topic, TwoStage

__all__ = [
    "LEVELS",
    "MARK",
    "PERSONAS",
    "PROTOCOLS",
    "TAU2_MARKS",
    "Agenda",
    "Constraint",
    "Disclosure",
    "Draft",
    "Goal",
    "Interruption",
    "Manner",
    "ModelStages",
    "Patience",
    "Plain",
    "React",
    "Reflection",
    "RuleStages",
    "SimulatedUser",
    "Style",
    "Topic",
    "TwoStage",
    "Update",
    "User",
    "Verify",
    "Wanted",
    "Wrapper",
    "agenda_user",
    "brief",
    "ended",
    "interrupted",
    "mark_in",
    "point",
    "protocol",
    "respond",
    "unmarked",
]
