"""User probes: a simulated user is itself the subject, and plays a person against a scripted assistant.

Every benchmark with a simulated user rests on that user. BIRD-INTERACT tries its own on 2,100 questions of
three kinds (USERSIM-GUARD, arXiv 2510.05318), each answered alone; here a whole conversation is played,
because much of what goes wrong takes one: a user who tells all at once, who says goodbye too early, who
agrees to what is wrong, who becomes the assistant. What the assistant says is fixed, so that two users hear
the same; and what an answer must hold is a rule, so that no judge stands between. The user is the first role:
it is run, compared, trained and replayed like any agent. `metrics.users` makes a report of it: leak rate,
consistency, refusals, endings.
"""

from turnwise.environments.dialogue.user_probes.environment import UserProbes
from turnwise.environments.dialogue.user_probes.rows import Fact, Probe, UserCase

__all__ = ["Fact", "Probe", "UserCase", "UserProbes"]
