"""tau-bench in both versions: a customer, an agent with tools over a database, and what came of it.

The rules of the conversation are in `conversation.py`, those of the desks in `retail.py` and `airline.py`.
What the customer (or, in version 1, an agent who hands over) ends is graded; what ends otherwise, after 30
steps of the agent's in version 1, 200 messages or 10 errors of tools in version 2, scores 0.

What differs from the official programs: all calls of one message are made, each as a step (version 1 makes
only the first and drops the others; as published, they are refused here, and are no step); arguments are
checked against the tools' types before a call; one that fails leaves nothing behind; what a tool refuses
reads `error: …`. Prompts of the customer are in our own words. Not here: version 2's telecom, where the
customer has tools, too; `phone.py` has its shape.

The customer is played without a model (`customer.py`) unless somebody is named for the role `user`, in the
published manner that `user` names. Without data, `split="sample"` plays cases of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.users.briefs import tau2_bench, tau_bench
from turnwise.agents.users.interruption import scheduled
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.service.tau_bench import grading, load, players, sample
from turnwise.environments.service.tau_bench.airline import AIRLINE
from turnwise.environments.service.tau_bench.conversation import STEPS, Conversation, Protocol
from turnwise.environments.service.tau_bench.customer import customer
from turnwise.environments.service.tau_bench.retail import RETAIL
from turnwise.environments.service.tau_bench.rows import Domain, TauTask, Version
from turnwise.episode import Episode
from turnwise.task import Task
from turnwise.tools.desk import Desk
from turnwise.tools.tables import Base

Split = Literal["sample", "base", "train", "test", "dev"]
_DESKS: dict[Domain, Mapping[int, type[Any]]] = {"retail": RETAIL, "airline": AIRLINE}


class TauBench(Environment, kw_only=True, frozen=True):
    """What the domains have in common."""

    domain: ClassVar[Domain]
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    optional_roles: ClassVar[tuple[str, ...]] = ("judge",)
    task_type: ClassVar[type[Task]] = TauTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    version: Version = 2
    """tau-bench 1, or tau2-bench."""
    split: Split = "sample"
    """A few cases of our own, or published ones: `test` (and for retail `train`, `dev`) of version 1; `base`,
    and its parts `train` and `test`, of version 2."""
    user: Protocol = "llm"
    """How a model in the role `user` comes to its words."""
    max_steps: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Steps after which it is over: 30 of the agent's in version 1, 200 messages in version 2."""
    variant: Literal["published", "corrected"] = "corrected"
    """Whether errors of the official tools and user protocols are kept."""

    @property
    def limit(self) -> int:
        """`max_steps`, by default the version's."""
        return self.max_steps or STEPS[self.version]

    @property
    def reward_range(self) -> tuple[float, float]:
        """One case, done or not."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """Of agent, user and judge."""
        return 2 * self.limit + 3

    def tasks(self) -> Iterable[Task]:
        """The tasks of the split."""
        if self.split == "sample":
            return sample.tasks(self.domain)
        return load.tasks(self.domain, self.version, self.split)

    def base(self) -> Base:
        """The database that all episodes begin with."""
        return sample.base(self.domain) if self.split == "sample" else load.base(self.domain, self.version)

    def policy(self) -> str:
        """What the agent is told."""
        if self.split == "sample":
            return sample.policy(self.domain)
        return load.policy(self.domain, self.version)

    def desk(self) -> Desk:
        """The tools, over a database as it is in the beginning."""
        return self._desk(self.base(), published=self.variant == "published")

    @property
    def _desk(self) -> type[Any]:
        return _DESKS[self.domain][self.version]

    async def expected(self, task: TauTask) -> grading.Expected:
        """The database that a task should end in."""
        return await grading.expected(self._desk, self.base(), self.variant == "published", task)

    async def run(self, task: TauTask, episode: Episode) -> None:
        """Let them talk until it is over; then grade what the version grades."""
        await _Case(self, task, episode).play()

    async def score(self, task: TauTask, episode: Episode) -> None:
        """What did not come to its end scores 0."""
        if not episode.rewards:
            episode.reward(0.0, name="success")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver`, `nothing`, `random`; `user/scripted` is the customer without a model."""
        return {
            "solver": players.solver,
            "nothing": players.nothing,
            "random": players.random_player(self.domain),
            "user/scripted": customer,
        }

    def defaults(self) -> dict[str, str]:
        """The customer without a model."""
        return {"user": "scripted"}


class TauRetail(TauBench, kw_only=True, frozen=True):
    """A shop's service: orders cancelled, changed, exchanged and returned."""

    name: ClassVar[str] = "tau_retail"
    domain: ClassVar[Domain] = "retail"


class TauAirline(TauBench, kw_only=True, frozen=True):
    """An airline's service: flights booked, changed and cancelled."""

    name: ClassVar[str] = "tau_airline"
    domain: ClassVar[Domain] = "airline"


class _Case:
    """One task being played: the desk, the conversation, and its grade."""

    def __init__(self, settings: TauBench, task: TauTask, episode: Episode) -> None:
        self.settings = settings
        self.task = task
        self.episode = episode
        self.desk = settings.desk()

    async def play(self) -> None:
        """Let them talk until it is over; then grade what the version grades."""
        settings, task = self.settings, self.task
        talk = Conversation(
            self.episode,
            version=settings.version,
            limit=settings.limit,
            tools=self.desk.tools("agent"),
            user=settings.user,
            schedule=scheduled(task),
            variant=settings.variant,
        )
        if settings.version == 1:
            brief = tau_bench(task.instruction, react=settings.user == "react")
        else:
            brief = tau2_bench(task.instruction, persona=task.persona)
        self.episode.detail = await talk.talk(settings.policy(), brief)
        if talk.ended:
            await self.grade()

    async def grade(self) -> None:
        """One reward, the product of its parts, which are metrics; and why it is 0."""
        episode, task = self.episode, self.task
        turns = [turn for turn in episode.turns if turn.role == "agent"]
        faults: dict[str, list[str] | None] = {}
        key = self.desk.key()
        episode.note({"hash": key}, name="final_state")
        if "DB" in task.basis:
            faults["database"] = await self._wrong_database(key)
        if "COMMUNICATE" in task.basis:
            texts = (turn.text for turn in turns if self.settings.version == 2 or not turn.message.tool_calls)
            lacking = grading.unsaid(texts, task.outputs)
            faults["said"] = [f"never said: {output!r}" for output in lacking]
        if "ACTION" in task.basis:
            lacking = grading.uncalled(
                (call for turn in turns for call in turn.message.tool_calls), task.actions
            )
            faults["called"] = [f"never called: {reasons.call(one.name, one.arguments)}" for one in lacking]
        if "NL_ASSERTION" in task.basis and task.assertions and episode.has("judge"):
            faults["judged"] = await self._judged()
        for name, found in faults.items():
            if found is not None:
                episode.metric(name, not found)
        reasons.tell(episode, [line for found in faults.values() for line in found or ()])
        missing = None in faults.values() and not any(faults.values())
        episode.reward(None if missing else float(not any(faults.values())), name="success")

    async def _wrong_database(self, key: str) -> list[str]:
        """How the database differs from the one that it should be."""
        wanted = await self.settings.expected(self.task)
        return [] if key == wanted.key else reasons.state(self.desk, wanted.desk)

    async def _judged(self) -> list[str] | None:
        """What the judge says is not met; None where that cannot be read."""
        assertions = self.task.assertions
        answer = await self.episode.judge.respond(grading.question(self.episode.turns, assertions))
        return grading.unmet(answer.text, assertions)
