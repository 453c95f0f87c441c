"""Rollouts from inside a real episode: forked at a turn, or said again but for some of its turns.

Both share with the episode everything recorded up to the first turn that is made anew: nothing before it is
asked again, and the environment stands there exactly as it stood. What comes after is sampled, and stored as
a run of its own, so every number of a credit can be looked at.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, cast

import numpy as np

from turnwise.agent import Agent
from turnwise.engine import launch, resolve
from turnwise.engine.resolve import NONE_GIVEN, Given
from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.errors import CapabilityError, ConfigError
from turnwise.learn.batch import Floats
from turnwise.log import EpisodeLog, Turn
from turnwise.message import Message
from turnwise.model import Model, Request, Sample, Stateful
from turnwise.store.store import Store


def mean_score(scores: Floats) -> float:
    """Mean of the scores that are there; NaN where all are missing."""
    given = scores[~np.isnan(scores)]
    return float(given.mean()) if len(given) else float("nan")


async def together(rollouts: Iterable[Coroutine[Any, Any, Floats]], *, most: int = 8) -> list[Floats]:
    """The results of many rollouts in order, `most` of them under way at a time; the first error ends all."""
    gate = asyncio.Semaphore(most)

    async def passed(rollout: Coroutine[Any, Any, Floats]) -> Floats:
        async with gate:
            return await rollout

    tasks = [asyncio.ensure_future(passed(rollout)) for rollout in rollouts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


class Forks:
    """One finished episode to fork again and again, and who plays on.

    Args:
        episode: `RUN/NUMBER`.
        store: Where it is, and where the rollouts go.
        role: Whose turns are credited and whose score counts; the environment's first role by default.
        given: What was made in Python when the episode was played, and so must be given again; an agent here
            for `role` is the policy that rollouts follow, else it is who played the episode.

    Raises:
        ConfigError: the episode has no score (it failed, or has not ended), or no such role.

    """

    def __init__(
        self, episode: str, store: Store, *, role: str | None = None, given: Given = NONE_GIVEN
    ) -> None:
        run, number = launch.find_episode(episode, store)
        self.episode = f"{run.id}/{number}"
        self.store = store
        lasting = {name: _recalling(agent, {}, lasting=True) for name, agent in given.agents.items()}
        self.given = given._replace(agents=lasting)
        self.log: EpisodeLog = run.episode(number)
        self.environment: Environment = resolve.environment(run.config, given)
        self.config = run.config
        self.role = role or self.environment.roles[0]
        if self.role not in self.environment.seats:
            raise ConfigError(f"episode {self.episode}: {self.environment.name!r} has no role {self.role!r}")
        score = self.log.score(self.role)
        if score is None:
            raise ConfigError(
                f"episode {self.episode} has no score to assign credit for: it failed, or has not ended"
            )
        self.score: float = score
        """Score of `role` in the episode itself."""
        self.turns: Sequence[Turn] = [turn for turn in self.log.turns if turn.role == self.role]
        """What `role` said, in order."""
        # No two episodes' rollouts shall draw alike, also where the same seed began both.
        said = "\n".join(turn.text for turn in self.log.turns)
        self._draws = f"{self.log.seed} {self.log.epoch} {said}"

    def require(self, method: str, *needs: str) -> None:
        """Refuse a method that needs more than the environment declares (`Environment.require`)."""
        self.environment.require(method, *needs)

    async def after(self, at: int, *, count: int, seed: object = 0) -> Floats:
        """`[count]` Scores of ways to go on from turn `at`, which is the first that is made anew.

        A rollout that failed has no score (NaN). Where `at` is behind the last turn, nothing can differ but
        what chance brings after it.
        """
        return await self._scores(at, count, seed, self.given)

    async def keeping(self, kept: Collection[int], *, count: int, seed: object = 0) -> Floats:
        """`[count]` Scores where `role` says some of its turns as it did, and all others anew.

        The others' turns follow from what is said, as their agents see fit. Where an answer brings the
        episode to its end earlier or later than before, what is kept may go unsaid.

        Args:
            kept: Numbers of the role's turns, from 0.
            count: How many rollouts.
            seed: Of their draws.

        Raises:
            CapabilityError: a turn to keep was said by no model's call.
        """
        anew = [turn for number, turn in enumerate(self.turns) if number not in kept]
        if not anew:
            return np.full(count, self.score)
        said = {n: message for number in kept for n, message in self._said(number).items()}
        agents = {**self.given.agents, self.role: _recalling(self._policy(), said)}
        return await self._scores(anew[0].index, count, seed, self.given._replace(agents=agents))

    async def replaced(self, agent: Agent, *, count: int, seed: object = 0) -> Floats:
        """`[count]` Scores where somebody else plays `role` from its first turn on."""
        if not self.turns:
            return np.full(count, self.score)
        agents = {**self.given.agents, self.role: _recalling(agent, {}, lasting=True)}
        return await self._scores(self.turns[0].index, count, seed, self.given._replace(agents=agents))

    async def _scores(self, at: int, count: int, seed: object, given: Given) -> Floats:
        number = random.Random(f"{at} {seed} {self._draws}").getrandbits(62)
        agents: dict[str, Any] = {
            role: resolve.told_apart({role: agent})[0][role] for role, agent in given.agents.items()
        }
        run = await launch.fork(
            self.episode, at, self.store, seed=number, agents=agents, count=count, given=given
        )
        return _scores_of(run, self.role)

    def _policy(self) -> Agent:
        """Who plays `role`; a fork closes the models it was given, so each has its own."""
        return resolve.casting(self.config, self.environment, self.given).agents[self.role]

    def _said(self, number: int) -> dict[int, Message]:
        """What the calls sampled that led to a turn, its hidden ones too, by the calls' numbers."""
        turn = self.turns[number]
        if not turn.calls:
            raise CapabilityError(
                f"turn {turn.index} of {self.episode} was said by no model's call: "
                f"it cannot be kept while an earlier one changes"
            )
        before = max((n for earlier in self.turns[:number] for n in earlier.calls), default=-1)
        return {
            call.n: self.log.message_of(call)
            for call in self.log.calls
            if call.role == self.role and before < call.n <= turn.calls[-1] and call.error is None
        }


async def of_episodes(
    names: Iterable[str],
    store: Store,
    way: Callable[[Forks], Coroutine[Any, Any, Floats]],
    *,
    role: str | None = None,
    given: Given = NONE_GIVEN,
) -> Floats:
    """`[K]` What a method that forks gives for every turn of several episodes, one behind the other.

    These are the turns of `Batch.turns` where one role is trained and each of its turns is one call.

    Args:
        names: Of the episodes (`Batch.names`).
        store: Where they are.
        way: The method, e.g. `lambda forks: vine_turns(forks, count=8)`.
        role: See `Forks`.
        given: See `Forks`.

    Raises:
        ConfigError: an episode has no score, or the environment cannot serve the method.
    """
    found = await together([way(Forks(name, store, role=role, given=given)) for name in names], most=4)
    return np.concatenate(found) if found else np.zeros(0)


def _scores_of(run: Run, role: str) -> Floats:
    """The role's score in each episode of a run, NaN where it has none."""
    scores = (log.score(role) for log in run.logs())
    return np.array([float("nan") if score is None else score for score in scores])


class _Recalling:
    """A model that says again what is remembered of some calls, and asks another for the rest.

    A `lasting` one leaves the other open: it is its maker's, and further rollouts will ask it.
    """

    def __init__(self, model: Model, said: dict[int, Message], lasting: bool) -> None:
        self.model = model
        self.said = said
        self.lasting = lasting
        self.name = model.name
        self.remote = model.remote

    async def sample(self, request: Request) -> Sample:
        message = self.said.get(request.ordinal)
        if message is None:
            return await self.model.sample(request)
        self.replayed(request, message)
        return Sample(message=message)

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        if isinstance(self.model, Stateful):
            self.model.replayed(request, message, sampled_ids)

    def forget(self, session: str) -> None:
        if isinstance(self.model, Stateful):
            self.model.forget(session)

    async def close(self) -> None:
        if not self.lasting:
            await self.model.close()


def _recalling(agent: Agent, said: dict[int, Message], *, lasting: bool = False) -> Agent:
    """`agent` with a memory of what to say."""
    made = copy.copy(agent)
    model = _Recalling(agent.model, said, lasting)
    made.model = model
    made.stateful = cast("Any", model)
    return made
