"""VitaBench: a user with a story, an agent with tools in the user's own small world, and what came of it.

The conversation's rules are in `conversation.py`, the desks in `delivery.py` and `instore.py`, what the gold
orders come to in `gold.py`, the state check in `grading.py`. Where somebody fills the role `judge`, the score
is theirs: 1 where all rubrics hold after the last window, else 0, as published; the state check is a metric
(`orders`) beside it. Without a judge, the state check is the score. What breaks off scores 0 unjudged, and a
task without criteria 1.

What differs from the official program: tools answer in JSON, and everything they refuse reads `error: …`
(some refusals are plain results there); each result of a tool is a step (there, those of one message are one
together); ten errors in a row end the conversation (there they are never counted); a store sells its own
products only, and a shop that takes no reservations gets none; ordering a product does not change what the
shop has of it; ids follow from the record's number, not the clock; prompts are in our own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.users.briefs import vitabench
from turnwise.agents.users.interruption import scheduled
from turnwise.agents.users.style import Style
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.service.vitabench import grading, load, players, sample
from turnwise.environments.service.vitabench.conversation import Conversation
from turnwise.environments.service.vitabench.counter import Counter
from turnwise.environments.service.vitabench.delivery import Delivery
from turnwise.environments.service.vitabench.gold import gold
from turnwise.environments.service.vitabench.instore import Instore
from turnwise.environments.service.vitabench.policy import policy, solo_policy
from turnwise.environments.service.vitabench.rows import Domain, VitaTask
from turnwise.environments.service.vitabench.rubric import rubric
from turnwise.environments.service.vitabench.town import town
from turnwise.episode import Episode
from turnwise.judges.sliding_window import SlidingWindow
from turnwise.task import Task

Positive = Annotated[int, msgspec.Meta(ge=1)]
_DESKS: dict[Domain, type[Counter]] = {"delivery": Delivery, "instore": Instore}


class VitaBench(Environment, kw_only=True, frozen=True):
    """What the domains have in common."""

    domain: ClassVar[Domain]
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    optional_roles: ClassVar[tuple[str, ...]] = ("judge",)
    task_type: ClassVar[type[Task]] = VitaTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    split: Literal["sample", "english"] = "sample"
    """A few cases of our own, or the 100 published ones in English."""
    user: Style = Style()
    """How a model in the role `user` comes to words: protocol, patience. Who it is, the task says."""
    solo: bool = False
    """Whether the agent is told everything at once, and works with nobody to talk to."""
    rubric: SlidingWindow = SlidingWindow()
    """How the role `judge` reads the conversation: windows and their size, rubrics, unreadable answers."""
    max_steps: Positive = 300
    """Messages, results of tools among them, after which it breaks off."""
    max_errors: Positive = 10
    """Errors of tools in a row after which it breaks off."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """One case, done or not."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """Of agent, user and judge, who reads windows of what they said."""
        windows = 2 + self.max_steps // (self.rubric.size - self.rubric.overlap)
        return 3 * self.max_steps + 3 + windows * (1 + self.rubric.unreadable.ask_again)

    def tasks(self) -> Iterable[Task]:
        """The tasks of the split."""
        return sample.tasks(self.domain) if self.split == "sample" else load.tasks(self.domain)

    def desk(self, task: VitaTask) -> Counter:
        """The tools, over the task's world as it is in the beginning."""
        return _DESKS[self.domain](town(task))

    async def run(self, task: VitaTask, episode: Episode) -> None:
        """Let them talk until it is over; then check and judge what came of it."""
        desk = self.desk(task)
        talk = Conversation(episode, tools=desk.tools("agent"), steps=self.max_steps, errors=self.max_errors)
        time = town(task).time
        profile = _profile(task)
        if self.solo:
            told = f"{profile}\n\n{task.instructions}".strip()
            episode.detail = await talk.alone(solo_policy(time), told)
        else:
            brief = vitabench(profile, task.instructions)
            manner = self.user.manner(schedule=scheduled(task))
            episode.detail = await talk.talk(policy(time), brief, manner)
        if talk.ended:
            await self._grade(task, episode, desk)

    async def score(self, task: VitaTask, episode: Episode) -> None:
        """What did not come to its end scores 0."""
        if not episode.rewards:
            episode.reward(0.0, name="success")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver`, `nothing`, `random`; a user (`user/scripted`) and a judge (`judge/clerk`) by rules."""
        return {
            "solver": players.solver,
            "nothing": players.nothing,
            "random": players.random_player(self.domain),
            "user/scripted": players.customer,
            "judge/clerk": players.clerk,
        }

    def defaults(self) -> dict[str, str]:
        """The user without a model."""
        return {"user": "scripted"}

    async def _grade(self, task: VitaTask, episode: Episode, desk: Counter) -> None:
        """One reward: the judge's word, where there is one, else whether the gold orders stand."""
        episode.note({"hash": desk.key()}, name="final_state")
        criteria = task.criteria
        if not criteria.expected_states and not criteria.overall_rubrics:
            episode.reward(1.0, name="success")
            return
        differs = grading.difference(town(task), gold(task), desk.tables)
        episode.metric("orders", not differs)
        if differs:
            episode.note({"missing": [*differs.missing], "extra": [*differs.extra]}, name="orders")
        if not (episode.has("judge") and criteria.rubrics):
            reasons.tell(episode, reasons.shortened(differs.lines(), "differences"))
            episode.reward(not differs, name="success")
            return
        verdict = await rubric(episode, self.rubric)
        for name, value in {"rubric_score": verdict.score, **verdict.figures}.items():
            if value is not None:
                episode.metric(name, value)
        if not verdict.passed:
            reasons.tell(episode, reasons.judged(verdict))
        episode.reward(None if verdict.passed is None else float(verdict.passed), name="success")


class VitaDelivery(VitaBench, kw_only=True, frozen=True):
    """Food and goods, brought to an address."""

    name: ClassVar[str] = "vita_delivery"
    domain: ClassVar[Domain] = "delivery"


class VitaInstore(VitaBench, kw_only=True, frozen=True):
    """Restaurants, studios and shops of a town: vouchers, tables, appointments."""

    name: ClassVar[str] = "vita_instore"
    domain: ClassVar[Domain] = "instore"


def _profile(task: VitaTask) -> str:
    """Who the user is, line by line."""
    profile: dict[str, Any] = task.user_scenario.get("user_profile") or {}
    return "\n".join(f"{name}: {value}" for name, value in profile.items())
