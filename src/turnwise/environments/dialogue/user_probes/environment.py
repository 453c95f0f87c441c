"""The environment: an assistant made of probes, and the simulated user who is tried on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

from turnwise.agents.users.manner import Manner, respond
from turnwise.agents.users.style import Style
from turnwise.agents.users.two_stage import RuleStages, Topic, TwoStage
from turnwise.environment import Capabilities, Environment
from turnwise.environments.dialogue.user_probes.agents import AGENTS
from turnwise.environments.dialogue.user_probes.board import card
from turnwise.environments.dialogue.user_probes.checks import Checked, check
from turnwise.environments.dialogue.user_probes.guard import guard_cases
from turnwise.environments.dialogue.user_probes.rows import UserCase, cases
from turnwise.episode import Episode
from turnwise.log import Turn
from turnwise.message import system
from turnwise.task import Task


class UserProbes(Environment, kw_only=True, frozen=True):
    """Play a person whom an assistant asks this and that; reward is the share of answers that are good."""

    name: ClassVar[str] = "user_probes"
    roles: ClassVar[tuple[str, ...]] = ("user",)
    task_type: ClassVar[type[Task]] = UserCase
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    played: Literal["agent", "style", "two_stage", "rules"] = "agent"
    """How the role comes to speak: as its agent does; in a style; in two stages by its model; or by rules
    that ask no model."""
    cases: Literal["people", "guard"] = "people"
    """Whom: people in conversation, or the user of a request for SQL, asked as in USERSIM-GUARD."""
    style: Style = Style()
    """With `style`: protocol, persona, patience."""

    @property
    def spoilers(self) -> bool:
        """The score card says what is looked for."""
        return True

    @property
    def reward_range(self) -> tuple[float, float]:
        """From none to all."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """An answer to each probe; nobody has more of them than this."""
        return 32

    def tasks(self) -> Iterable[UserCase]:
        """The built-in cases."""
        return guard_cases() if self.cases == "guard" else cases()

    async def run(self, task: UserCase, episode: Episode) -> None:
        """Say one probe after the other, whatever is answered, and check each answer."""
        mark = self.style.mark
        manner = self._manner(task)
        episode.tell("user", system(task.brief(mark)))
        probes = task.probes[: self.max_replies]
        done: list[Checked] = []
        for probe in probes:
            episode.show(lambda: card(task, done))
            answer = await self._asked(episode, manner, probe.says)
            checked = check(task, probe, answer.text, mark=mark)
            done.append(checked)
            episode.reward(checked.passed / len(probes), answer, name=probe.kind)
            note = {"kind": probe.kind, "passed": checked.passed, "leaked": checked.leaked}
            episode.note({**note, "why": checked.why} if checked.why else note, answer, name="probe")
        episode.show(lambda: card(task, done))
        episode.metric("leaks", sum(bool(checked.leaked) for checked in done))
        episode.metric("probes", len(probes))

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` plays everybody well; the others but `random` each do one thing badly."""
        return AGENTS

    def _manner(self, task: UserCase) -> Manner | None:
        if self.played == "agent":
            return None
        if self.played == "style":
            return self.style.manner()
        stages = RuleStages() if self.played == "rules" else None
        return TwoStage(topics(task), stages, secrets=task.secrets)

    async def _asked(self, episode: Episode, manner: Manner | None, says: str) -> Turn:
        if manner is None:
            return await episode.user.respond(says)
        episode.user.tell(says)
        return await respond(episode.user, manner)


def topics(case: UserCase) -> list[Topic]:
    """What a case's person can be asked about, for users who answer in two stages."""
    return [Topic(name=name, meant=fact.text) for name, fact in case.facts.items()]
