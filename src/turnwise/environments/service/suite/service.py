"""The environment: a user talks with an assistant until they are content or tired; then it is graded.

A service is a subclass and a folder:

    class Shop(Service, kw_only=True, frozen=True):
        \"\"\"Orders looked up, changed and cancelled.\"\"\"

        folder = Path(__file__).parent      # policy.md, tasks.toml, users.toml
        desk_type = ShopDesk                # the assistant's tools, over a state

The assistant is told the policy and has the desk's tools. An assistant that has a policy and tools of its own
(`--agent http://…`) is told the same and hears nothing of it; what it did is then told by `state`, which such
a service overrides. The user is told their profile and goal; without a name for the role `user`, one who
needs no model says the goal sentence by sentence. Where somebody fills the role `judge`, the rubric counts.

The score is the product of what a case asks for: 1 where all of it holds. Why it is less is a note of the
episode, `reasons`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from turnwise.agent import Ask
from turnwise.agents.users.interruption import scheduled
from turnwise.agents.users.manner import respond
from turnwise.agents.users.marks import TAU2_MARKS, mark_in
from turnwise.agents.users.persona import brief
from turnwise.agents.users.style import Style
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.parts.views import ask_alone
from turnwise.environments.service.suite import grading, players
from turnwise.environments.service.suite.case import Case, cases, unknown_profile, users
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError, ToolError
from turnwise.judges import reducers
from turnwise.judges.criteria import findings_in, numbered
from turnwise.judges.rubric import rubric_prompt
from turnwise.judges.transcript import lines, rendered
from turnwise.message import system
from turnwise.task import Task
from turnwise.tools.desk import Desk
from turnwise.verdict import Verdict, judged, no_verdict


class Service(Environment, kw_only=True, frozen=True):
    """A service of one's own; see the module."""

    folder: ClassVar[Path]
    """Where `tasks.toml` is, and perhaps `policy.md` and `users.toml`."""
    desk_type: ClassVar[type[Desk] | None] = None
    """The assistant's tools and their state; None where it has a back end of its own."""
    greeting: ClassVar[str] = "Hello! How can I help you?"
    """What the user is taken to have heard first."""
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    optional_roles: ClassVar[tuple[str, ...]] = ("judge",)
    task_type: ClassVar[type[Case]] = Case  # pyright: ignore[reportIncompatibleVariableOverride]
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    profile: str = ""
    """Who comes in every task, a table of `users.toml`; by default whom the task names."""
    limit: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Most replies of the assistant; a conversation that needs more has failed."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """From nothing to all that a case asks for."""
        return (0.0, 1.0)

    def tasks(self) -> Iterable[Task]:
        """The rows of `tasks.toml`."""
        return cases(self.folder, self.profiles, self.task_type)

    @cached_property
    def profiles(self) -> dict[str, Style]:
        """The tables of `users.toml`."""
        found = users(self.folder)
        if self.profile and self.profile not in found:
            raise ConfigError(f"setting 'profile' of {self.name!r}: {unknown_profile(self.profile, found)}")
        return found

    @cached_property
    def policy(self) -> str:
        """`policy.md`, or nothing."""
        path = self.folder / "policy.md"
        return path.read_text().strip() if path.exists() else ""

    # What a service may do otherwise -------------------------------------------------------------------

    def desk(self, task: Any) -> Desk | None:
        """The desk that an episode of a task begins with."""
        return None if self.desk_type is None else self.desk_type()

    async def state(self, task: Any, episode: Episode, desk: Desk | None) -> Mapping[str, Any]:
        """What was done, as JSON, to be compared with the task's `state`: by default all of the desk's.

        An assistant with a back end of its own: ask that one here, by `episode.effect`.
        """
        return {} if desk is None else grading.whole(desk)

    # The conversation ----------------------------------------------------------------------------------

    async def run(self, task: Any, episode: Episode) -> None:
        """Let them talk; grade what came to an end."""
        desk = self.desk(task)
        if await self._talk(task, episode, desk):
            await self._grade(task, episode, desk)

    async def score(self, task: Any, episode: Episode) -> None:
        """What came to no end scores 0."""
        if not episode.rewards:
            reasons.tell(episode, [f"the user was not content after {self._replies(episode)} replies"])
            episode.reward(0.0, name="success")

    async def _talk(self, task: Case, episode: Episode, desk: Desk | None) -> bool:
        """Whether the user came to an end."""
        tools = () if desk is None else desk.tools("agent")
        own = () if desk is None else tuple(t for t in desk.tools("user") if t.terms.callers)
        style = self.profiles.get(self.profile or task.user, Style())
        manner = style.manner(schedule=scheduled(task))
        marks = (style.mark, *TAU2_MARKS)
        if self.policy:
            episode.tell("agent", system(self.policy))
        episode.user.tell(system(brief(style.persona_text, task.goal, mark=style.mark)))
        episode.user.tell(self.greeting)
        for _ in range(self.limit):
            words = await respond(episode.user, manner, Ask(tools=own))
            if mark_in(words.text, marks):
                break
            episode.user.tell(await episode.agent.respond(words, tools=tools))
        else:
            words = await respond(episode.user, manner, Ask(tools=own))
        ended = mark_in(words.text, marks) is not None
        episode.detail = "user_stop" if ended else "limit"
        return ended

    @staticmethod
    def _replies(episode: Episode) -> int:
        return sum(turn.role == "agent" and not turn.message.tool_calls for turn in episode.turns)

    # Grading -------------------------------------------------------------------------------------------

    async def _grade(self, task: Case, episode: Episode, desk: Desk | None) -> None:
        """One reward, the product of its parts, which are metrics; and why it is less than 1."""
        texts = [t.text for t in episode.turns if t.role == "agent" and not t.message.tool_calls]
        parts: dict[str, list[str]] = {}
        if desk is not None or task.state:
            parts["state"] = await self._wrong_state(task, episode, desk)
        if task.said or task.unsaid:
            parts["said"] = grading.unsaid(texts, task.said) + grading.blurted(texts, task.unsaid)
        for name, wrong in parts.items():
            episode.metric(name, not wrong)
        faults = [line for wrong in parts.values() for line in wrong]
        score: float | None = float(not faults)
        if task.rubric and episode.has("judge"):
            verdict = await self._judged(task, episode)
            faults += reasons.judged(verdict)
            if verdict.score is not None:
                episode.metric("rubric", verdict.score)
            score = 0.0 if score == 0.0 else verdict.score
        reasons.tell(episode, faults)
        episode.reward(score, name="success")

    async def _wrong_state(self, task: Case, episode: Episode, desk: Desk | None) -> list[str]:
        if task.state:
            return grading.lacking(task.state, await self.state(task, episode, desk))
        assert desk is not None
        return reasons.state(desk, await self._wanted(task))

    async def _wanted(self, task: Case) -> Desk:
        """The desk after the calls of the case.

        Raises:
            TaskError: one is refused: the case cannot be right.
        """
        desk = self.desk(task)
        assert desk is not None
        for use in task.calls:
            try:
                await desk.do(use.tool, **use.arguments)
            except ToolError as error:
                raise TaskError(f"task {task.id!r}: the call {use.tool} cannot be made: {error}") from None
        return desk

    async def _judged(self, task: Case, episode: Episode) -> Verdict:
        """What the judge says of the rubric."""
        criteria = numbered(task.rubric)
        shown = lines(episode.header(turns=tuple(episode.turns)))

        async def ask(prompt: str) -> str:
            return (await ask_alone(episode.judge, prompt)).text

        def parse(answer: str) -> Verdict:
            found = findings_in(answer, criteria, shown)
            return no_verdict(found) if isinstance(found, str) else reducers.rubric(found)

        return await judged(ask, rubric_prompt(rendered(shown), criteria), parse)

    # Who needs no model --------------------------------------------------------------------------------

    def agents(self) -> dict[str, Any]:
        """`solver`, `nothing`, `random`; `user/scripted` is the user without a model."""
        return {
            "solver": players.solver,
            "nothing": players.nothing,
            "random": players.Wanderer(),
            "user/scripted": players.customer,
        }

    def defaults(self) -> dict[str, str]:
        """The user without a model."""
        return {"user": "scripted"}
