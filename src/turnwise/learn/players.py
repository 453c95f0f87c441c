"""Who plays in a training: the policies that learn, what they were, and everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from turnwise.agent import Agent
from turnwise.agents.window import Window
from turnwise.engine import resolve
from turnwise.engine.resolve import Cast
from turnwise.environment import Environment
from turnwise.learn.checkpoints import Checkpoints
from turnwise.learn.engine.protocol import Engine
from turnwise.learn.league import League
from turnwise.learn.lesson import LEAGUE, MAIN, Learner, Lesson
from turnwise.log import EpisodeLog
from turnwise.model import Model


class Players:
    """Casts the roles of each step.

    Models that are not trained are made once and kept; scripted agents are the environment's own, and made
    anew for each step's environment.

    Args:
        lesson: What is played.
        engines: Of each learner, by its name.
        checkpoints: Where the past is.
    """

    def __init__(self, lesson: Lesson, engines: Mapping[str, Engine], checkpoints: Checkpoints) -> None:
        self._lesson = lesson
        self._checkpoints = checkpoints
        self._policies: dict[str, Agent] = {}
        for learner in lesson.learners:
            agent = agent_of(learner, engines[learner.name].policy)
            self._policies |= dict.fromkeys(learner.roles, agent)
        main = self._policies[lesson.learners[0].roles[0]]
        used = {role: agent.use for role, agent in lesson.config.agents.items()}
        self._policies |= {role: main for role, name in used.items() if name == MAIN}
        self._past_roles = [role for role, name in used.items() if name in LEAGUE]
        kind = "pfsp" if any(used[role] == LEAGUE[1] for role in self._past_roles) else "uniform"
        self.league = League(kind, seed=lesson.config.seed) if self._past_roles else None
        self._models = {role for role, name in used.items() if resolve.is_model(name)}
        self._kept: dict[str, Agent] = dict(lesson.given.agents)
        self._past: tuple[int, Model] | None = None
        self._met: dict[int, int] = {}

    def cast(self, step: int, environment: Environment) -> Cast:
        """Who plays a step.

        Raises:
            ConfigError: a role that nobody fills, or an agent that cannot be made.
        """
        given = self._lesson.given._replace(agents={**self._kept, **self._policies, **self._opponents(step)})
        cast = resolve.casting(self._lesson.run_config, environment, given)
        self._kept |= {role: cast.agents[role] for role in self._models}
        return cast

    def yardstick(self) -> dict[str, Agent]:
        """Who plays in an evaluation besides those that the config names: the policies, and in the place of
        past ones always the first, so that evaluations can be compared."""
        return {**self._lesson.given.agents, **self._policies, **self._against(0)}

    def learned(self, step: int, logs: Sequence[EpisodeLog]) -> None:
        """Take note of what came of a step."""
        if self.league is not None and step in self._met:
            mine = self._lesson.learners[0].roles[0]
            self.league.met(self._met.pop(step), logs, policy=mine, other=self._past_roles[0])

    async def close(self) -> None:
        """Close all that is not a learner's."""
        if self._past is not None:
            await self._past[1].close()
        for role in self._models:
            if role in self._kept:
                await self._kept[role].model.close()

    def _opponents(self, step: int) -> dict[str, Agent]:
        if self.league is None:
            return {}
        past = [0, *(saved for saved in self._checkpoints.steps() if saved <= step)]
        self._met[step] = self.league.drawn(step, past)
        return self._against(self._met[step])

    def _against(self, player: int) -> dict[str, Agent]:
        """A past player in its roles."""
        if self.league is None:
            return {}
        learner = self._lesson.learners[0]
        if self._past is None or self._past[0] != player:
            # One is in memory at a time.
            place = self._checkpoints.place(player) / MAIN
            name = learner.config.model.removeprefix("hf/") if player == 0 else str(place)
            self._past = player, _past(name, self._lesson.config.concurrency)
        agent = msgspec.structs.replace(learner.agent, use=f"league/{player}")
        return dict.fromkeys(self._past_roles, agent_of(learner, self._past[1], agent.use))


def agent_of(learner: Learner, model: Model, name: str | None = None) -> Agent:
    """A model that plays as a learner does: its system prompt, its way to sample.

    Args:
        learner: Says how.
        model: Who.
        name: What to call it; by default the model the learner began with.
    """
    wanted = learner.agent
    context = None if wanted.window is None else Window(wanted.window)
    return Agent(
        model, name=name or wanted.use, system=wanted.system, context=context, sampling=wanted.sampling
    )


def _past(name: str, batch: int) -> Any:
    from turnwise.models.hf import connect

    # In lockstep, as the policy: a training that is resumed plays on as it would have.
    return connect(name, {"lockstep": True, "max_batch": batch})
