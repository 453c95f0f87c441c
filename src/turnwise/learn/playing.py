"""Episodes for a training loop of one's own: played from their beginnings, or anew from inside earlier ones.

What `turnwise train` knows no key for (a second future from a turn of the first, a reply that is begun for
the policy) is a few lines round an engine:

    play = Play(environment, agent, store=store, episodes=10_000)
    logs = await play.fresh(16, group=4)             # 16 tasks, 4 episodes each
    others = await play.anew([(logs[0], 5), ...])    # the same up to turn 5, then the policy again

All of them are stored in one run, and are read, shown and forked like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from turnwise import wire
from turnwise.agent import Agent
from turnwise.engine import fork, resolve
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.plan import seed_of
from turnwise.engine.provenance import provenance
from turnwise.engine.resolve import Given
from turnwise.engine.results import Run
from turnwise.engine.runner import Job
from turnwise.engine.tally import Tally
from turnwise.environment import Environment
from turnwise.learn.curriculum import Slot
from turnwise.learn.trainer import collect
from turnwise.log import EpisodeLog
from turnwise.store.store import Store
from turnwise.task import Task


class Play:
    """See the module.

    Args:
        environment: What is played.
        agent: Who plays the environment's first role; its model may change from one call to the next, as a
            policy that is trained does.
        store: Where episodes go.
        episodes: About how many there will be, for whoever looks at the run.
        seed: Of the order of tasks, and of all draws.
        concurrency: Most episodes at a time.

    Raises:
        ConfigError: a further role that nobody fills.
    """

    def __init__(
        self,
        environment: Environment,
        agent: Agent,
        *,
        store: Store,
        episodes: int,
        seed: int = 0,
        concurrency: int = 128,
    ) -> None:
        self.environment = environment
        self.agent = agent
        self.role = environment.roles[0]
        config = RunConfig(
            environment=environment.name,
            settings=environment.settings(),
            agents={self.role: AgentConfig(use=agent.name)},
            seed=seed,
            concurrency=concurrency,
        )
        given = Given(environment, None, {self.role: agent})
        self._config = resolve.completed(config, environment, given)
        self._given = given
        self._tasks = resolve.tasks(config, environment, given)
        row = store.create_run(
            environment=environment.name,
            planned=episodes,
            config=msgspec.to_builtins(self._config),
            provenance=provenance() | {"tasks": {"count": len(self._tasks), "hash": self._tasks.hash}},
            kind="train",
        )
        self.run = Run(store, row)
        """Holds all episodes."""
        self._tally = Tally(episodes)
        self._count = 0
        self._drawn = 0

    async def fresh(self, tasks: int, *, group: int = 1) -> list[EpisodeLog]:
        """`tasks * group` episodes from their beginnings, the tasks in their turn; see `collect`.

        Raises:
            TrainingError: every one failed.
        """
        slot = Slot(0, self._tasks, tasks, group, self._config.seed)
        jobs: list[Job] = []
        for _ in range(tasks):
            task = slot.task(self._drawn)
            self._drawn += 1
            for _ in range(group):
                number = self._next()
                jobs.append(Job(number, task, number, seed_of(self._config.seed, task.id, number)))
        return await self._play(jobs, self.agent)

    async def anew(
        self, places: Sequence[tuple[EpisodeLog, int]], *, agent: Agent | None = None
    ) -> list[EpisodeLog]:
        """For each episode and each index of a turn in it, an episode that shares all before that turn.

        Args:
            places: Episodes that were played here, and the first turn of each that is made anew.
            agent: Who plays on; by default the same.

        Raises:
            ConfigError: there is no such turn.
            TrainingError: every one failed.
        """
        jobs: list[Job] = []
        for log, at in places:
            number = self._next()
            task: Task = wire.from_builtins(log.task, self.environment.task_type)
            known = fork.prefix(log, at, seed=seed_of(self._config.seed, task.id, number))
            self.run.store.plant(self.run.row.number, number, known)
            jobs.append(Job(number, task, log.epoch, log.seed, known, part=2))
        return await self._play(jobs, agent or self.agent)

    def _next(self) -> int:
        self._count += 1
        return self._count - 1

    async def _play(self, jobs: Sequence[Job], agent: Agent) -> list[EpisodeLog]:
        given = self._given._replace(agents={self.role: agent})
        cast = resolve.casting(self._config, self.environment, given)
        return await collect(self.run, jobs, environment=self.environment, cast=cast, tally=self._tally)
