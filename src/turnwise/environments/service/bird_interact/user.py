"""The user: what they can be asked about in each phase, and how they come to an answer.

In the first phase the topics are the ambiguities of the row (critical ones, others, masked entries) and the
clauses of the reference SQL; in the second the follow-up's clauses alone. No answer may give away four
tokens in a row of any reference SQL.
"""

from __future__ import annotations

from collections.abc import Callable

from turnwise.agent import Ask
from turnwise.agents.users.interruption import heeding
from turnwise.agents.users.manner import Draft, Manner, User, respond
from turnwise.agents.users.two_stage import ModelStages, RuleStages, Stages, Topic, TwoStage
from turnwise.environments.service.bird_interact import sqltext
from turnwise.environments.service.bird_interact.knowledge import World
from turnwise.environments.service.bird_interact.rows import BirdTask, Part
from turnwise.log import Turn
from turnwise.role import Role

SORRY = "Sorry, this question is out of scope, so I cannot answer it."
PHASES = ("phase_1", "phase_2")
"""Names of the rewards of either phase."""
_SOLUTION = r"\b(sql|query|queries|code|solution|tables?|columns?|joins?|schema)\b"
"""Questions of this kind nobody answers who only wants something to be found out."""


def topics(task: BirdTask, world: World, phase: int) -> list[Topic]:
    """What the user can be asked about, in a phase (1 or 2)."""
    if phase == 1:
        return [*_ambiguities(task), *_masked(task, world), *_clauses(task.first)]
    return _clauses(task.follow_up) if task.follow_up is not None else []


def secrets(task: BirdTask) -> list[str]:
    """What must never be said: all reference SQL."""
    return [part.reference for part in task.parts]


class AskedUser(Manner):
    """A user who says what is meant in the two stages, and follows the phase of the episode.

    Args:
        worlds: What is known of a task's database.
        stages: Who does the two stages.
    """

    heeds = False

    def __init__(self, worlds: Callable[[BirdTask], World], stages: Stages) -> None:
        self._worlds = worlds
        self._stages = stages

    async def draft(self, role: Role, ask: Ask) -> Draft:
        """The answer to the last thing that was asked."""
        episode = role.episode
        task = episode.task
        assert isinstance(task, BirdTask)
        passed = any(reward.name == PHASES[0] and reward.value for reward in episode.rewards)
        about = topics(task, self._worlds(task), 2 if passed else 1)
        manner = TwoStage(about, self._stages, secrets=secrets(task), refusal=SORRY)
        return await manner.draft(role, ask)


def rule_user(worlds: Callable[[BirdTask], World]) -> User:
    """The user who needs no model: what is meant by a term is the answer to a question that names it."""
    return User(None, AskedUser(worlds, RuleStages(forbidden=_SOLUTION, refusal=SORRY)), name="rules")


async def asked(role: Role, worlds: Callable[[BirdTask], World], question: str) -> Turn:
    """What the user answers: a model is asked in two stages; who has a manner of their own keeps it."""
    role.tell(question)
    if isinstance(role.agent, User):
        manner = role.agent.manner
    else:
        manner = AskedUser(worlds, ModelStages(context=lambda task: worlds(task).schema, refusal=SORRY))
    return await respond(role, heeding(role.episode.task, manner) or manner)


def _ambiguities(task: BirdTask) -> list[Topic]:
    return [
        Topic(name=one.term, meant=one.meant or one.snippet, keys=one.keys)
        for one in (*task.critical, *task.other)
    ]


def _masked(task: BirdTask, world: World) -> list[Topic]:
    found: list[Topic] = []
    for one in task.masked:
        entry = world.by_id.get(one.knowledge)
        if entry is not None:
            keys = one.keys or (one.term or entry.knowledge, entry.knowledge)
            found.append(Topic(name=one.term or entry.knowledge, meant=entry.definition, keys=keys))
    return found


def _clauses(part: Part) -> list[Topic]:
    """The clauses of the reference SQL, with what the user can say about them."""
    known = {detail.clause: detail for detail in reversed(part.details)}
    found: list[Topic] = []
    for segment in sqltext.segments(part.reference):
        detail = known.get(segment.clause)
        meant, keys = (detail.meant, detail.keys) if detail else ("", ())
        found.append(Topic(name=segment.text, meant=meant, keys=keys, foreseen=False))
    return found
