"""CRMArena-Pro as environments: a question is answered by queries, alone or in a conversation with who asks.

What differs from the official program: the organisation is one made here, in SQLite, and SOQL a subset;
records come as JSON; prompts are in our own words. Where nobody fills the role `judge`, rules take answers
out of words and tell refusals. In `variant="published"`, `SELECT COUNT()` gives no records, and a refusal is
right where the answer is None, as with the official code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.users.briefs import crmarena_pro
from turnwise.agents.users.interruption import heeding, scheduled
from turnwise.agents.users.manner import Manner
from turnwise.agents.users.style import Style
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.service.crmarena_pro import grading, load, players
from turnwise.environments.service.crmarena_pro.conversation import Conversation
from turnwise.environments.service.crmarena_pro.crm import LIMITS, Crm
from turnwise.environments.service.crmarena_pro.customer import customer
from turnwise.environments.service.crmarena_pro.made.org import Org, made
from turnwise.environments.service.crmarena_pro.questions.tasks import tasks as made_tasks
from turnwise.environments.service.crmarena_pro.rows import CrmTask, Kind
from turnwise.environments.service.crmarena_pro.scaffold import Actions, prompt, rules
from turnwise.environments.service.crmarena_pro.schema import OrgType
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.message import system
from turnwise.task import Task
from turnwise.tools.sql import Database

Count = Annotated[int, msgspec.Meta(ge=1, le=60)]


class CrmArena(Environment, kw_only=True, frozen=True):
    """What both modes have in common."""

    interactive: ClassVar[bool] = False
    optional_roles: ClassVar[tuple[str, ...]] = ("judge",)
    task_type: ClassVar[type[Task]] = CrmTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    org: OrgType = "b2b"
    """Whom the organisation sells to: companies, or people."""
    kinds: tuple[Kind, ...] = ()
    """Only tasks of these types; all by default."""
    split: Literal["sample", "published"] = "sample"
    """Tasks over the organisation made here, or the published rows."""
    actions: Actions = "react"
    """How the agent acts: thought and tagged action, tagged action, or tool calls."""
    aided: bool = True
    """Whether the agent is given the help of the task."""
    privacy: bool = False
    """Whether the agent is told to decline what is confidential."""
    max_turns: Count = 20
    """Turns of the agent until it says something to the user."""
    variant: Literal["published", "corrected"] = "corrected"
    """Whether errors of the official program are kept; see the module."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """Wrong, right, or something between for answers in words."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """Of the agent, and of a judge who is asked twice."""
        return self.max_turns + 3

    def tasks(self) -> Iterable[Task]:
        """The tasks of the split, in the published order of types."""
        if self.split == "sample":
            found = made_tasks(self.org)
        else:
            found = load.tasks(self.org, interactive=self.interactive)
        return [task for task in found if not self.kinds or task.kind in self.kinds]

    def organisation(self, org: OrgType) -> Org:
        """What is asked: the organisation made here, or the published copy."""
        return made(org) if self.split == "sample" else load.org(org)

    async def run(self, task: CrmTask, episode: Episode) -> None:
        """Let the agent answer, and grade it."""
        org = self.organisation(task.org)
        async with Database(org.database, limits=LIMITS) as database:
            crm = Crm(org, database, published=self.variant == "published")
            talk = Conversation(episode, crm, actions=self.actions, max_turns=self.max_turns)
            episode.tell("agent", system(self.prompt(task)))
            episode.detail = await self._talked(talk, task)
            for name, value in (
                ("queries", crm.queries),
                ("query_errors", crm.errors),
                ("invalid", talk.invalid),
                ("user_turns", talk.user_turns),
            ):
                episode.metric(name, value)
            if episode.detail == "answered":
                await self._graded(talk, task)

    async def _talked(self, talk: Conversation, task: CrmTask) -> str:
        return await talk.alone(task.query)

    async def _graded(self, talk: Conversation, task: CrmTask) -> None:
        episode = talk.episode
        verdict = await grading.grade(task, episode, talk.done, published=self.variant == "published")
        for name, value in verdict.figures.items():
            episode.metric(name, value)
        if verdict.read is not None:
            episode.note(verdict.read, name="extracted")
        if verdict.reason is not None or verdict.missing is not None:
            episode.note(verdict.reason or verdict.missing, name="verdict")
        if verdict.score != 1.0:
            reasons.tell(episode, grading.faults(task, verdict))
        episode.reward(verdict.score, name="success")

    async def score(self, task: CrmTask, episode: Episode) -> None:
        """What came to no answer scores 0."""
        if not episode.rewards:
            episode.reward(0.0, name="success")

    def prompt(self, task: CrmTask) -> str:
        """What the agent is told in private."""
        general = rules(
            self.organisation(task.org).schema,
            self.actions,
            external=task.external,
            interactive=self.interactive,
            privacy=self.privacy,
        )
        return prompt(general, task.required, task.optional if self.aided else "")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` knows the answers, `analyst` works them out by queries; see `players`."""
        return players.agents(self.actions, asks=self.interactive)


class CrmArenaPro(CrmArena, kw_only=True, frozen=True):
    """A question about a Salesforce organisation, answered by SOQL; one turn of the user's."""

    name: ClassVar[str] = "crmarena_pro"
    roles: ClassVar[tuple[str, ...]] = ("agent",)


class CrmArenaProInteractive(CrmArena, kw_only=True, frozen=True):
    """The same, asked by a user with a persona who tells bit by bit what is wanted.

    A model in the role `user` is told the whole question, as published, unless `style` is given; then the
    facts come to it bit by bit, as its level says. Without one, the user works through an agenda.
    """

    name: ClassVar[str] = "crmarena_pro_interactive"
    interactive: ClassVar[bool] = True
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")

    max_user_turns: Count = 10
    """Words of the agent's that the user answers before it is over."""
    style: Style | None = None
    """How a model in the role `user` behaves; as published, where it is not given."""

    @property
    def max_replies(self) -> int:
        """Of agent, user and judge."""
        return self.max_user_turns * (self.max_turns + 1) + self.max_turns + 5

    async def _talked(self, talk: Conversation, task: CrmTask) -> str:
        brief, manner = self.user(task)
        talk.episode.tell("user", system(brief))
        return await talk.together(manner, self.max_user_turns)

    def user(self, task: CrmTask) -> tuple[str, Manner | None]:
        """What the user is told in private, and how they come to words."""
        if self.style is None:
            return crmarena_pro(task.persona, task.query), heeding(task)
        if self.style.mark not in crmarena_pro("", ""):
            raise ConfigError(f"style: expected the mark ###STOP### of CRMArena-Pro, got {self.style.mark!r}")
        who = self.style.persona_text if self.style.persona else task.persona or self.style.persona_text
        return crmarena_pro(who, task.opening or task.query), self.style.manner(
            facts=task.criteria, schedule=scheduled(task)
        )

    def agents(self) -> dict[str, Callable[..., Any]]:
        """The same agents; `user/agenda` is the user without a model."""
        return {**super().agents(), "user/agenda": customer}

    def defaults(self) -> dict[str, str]:
        """The user without a model."""
        return {"user": "agenda"}
