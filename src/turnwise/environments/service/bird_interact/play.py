"""One task being played: its phases, submissions and rewards, and the two settings' conversations."""

from __future__ import annotations

from typing import Any

import msgspec

from turnwise.environments.parts import reasons
from turnwise.environments.parts.metered import Metered, metered
from turnwise.environments.service.bird_interact import budget, grading, knowledge, prompts, user
from turnwise.environments.service.bird_interact.budget import COINS, QUESTIONS, SUBMIT, Interact
from turnwise.environments.service.bird_interact.copies import Verdict
from turnwise.environments.service.bird_interact.counter import Counter
from turnwise.environments.service.bird_interact.knowledge import World
from turnwise.environments.service.bird_interact.rows import BirdTask, Part
from turnwise.episode import Episode
from turnwise.errors import SandboxError, ToolError
from turnwise.log import Turn
from turnwise.message import system
from turnwise.tool import Tool
from turnwise.tools.sql import Database

_NOT_SOLVED = "it runs, but does not give what was asked for."


class Play:
    """One episode.

    Args:
        episode: With the roles `agent` and `user`.
        task: The row.
        world: What is known of its database.
        database: The episode's copy of it.
        interact: Which setting.
        patience: The user's.
    """

    def __init__(
        self,
        episode: Episode,
        task: BirdTask,
        world: World,
        database: Database,
        *,
        interact: Interact,
        patience: int,
    ) -> None:
        self.episode = episode
        self.task = task
        self.world = world
        self.database = database
        self.interact: Interact = interact
        self.ledger = budget.ledger(task, interact, patience)
        self.phase = 1
        self.over = False
        """Whether all is solved, or nothing more can be."""
        self.asked = 0
        self.submitted = 0
        self._before = list(task.preprocess)
        """What the database has been through."""
        self._tries = 0
        """Of this phase."""
        self._heard = False
        """Whether the turn's submission was made (c-Interact)."""
        self._failure = ""
        """Why the last submission is not right."""
        self._why = "nothing was submitted"
        """The same for people, of this phase."""
        self._calls = 0
        self._awaited = 0
        """Results that the agent's last message still waits for."""
        counter = Counter(self)
        self._tools = self._priced(counter)

    async def play(self) -> None:
        """Play it to its end, and write down the numbers."""
        for script in self.task.preprocess:
            done = await self.database.run(script, self.episode, write=True)
            if done.error is not None:
                raise SandboxError(
                    f"bird_interact task {self.task.id!r}: its preparation fails: {done.error}"
                )
        try:
            await (self._converse() if self.interact == "c" else self._act())
        finally:
            self._count()

    # c-Interact ---------------------------------------------------------------------------------------

    async def _converse(self) -> None:
        """Questions and a submission, one more try, and the same for the follow-up without questions."""
        self.episode.tell("agent", system(self._told()))
        await self._phase(f"The request:\n{self.task.first.asks}")
        if self.phase == 2 and not self.over and self.task.follow_up is not None:
            follow_up = f"That is solved. The follow-up:\n{self.task.follow_up.asks}"
            await self._phase(f"{follow_up}\n\nHand in your SQL with {SUBMIT}; no questions this time.")

    async def _phase(self, request: str) -> None:
        """A phase: a turn, and another one if it is not solved."""
        phase = self.phase
        await self._turn(request)
        if self.phase == phase and not self.over:
            await self._turn(f"{self._failure}\n\nYou have one more try: mend it and call {SUBMIT}.")

    async def _turn(self, says: str) -> None:
        """Have the agent work until it submits, or answers without."""
        if self._calls >= budget.MODEL_CALLS:
            return
        self._heard = False
        reply = await self.episode.agent.respond(says, tools=self._tools, until=self._until)
        if not reply.message.tool_calls:
            self._calls += 1
        if not self._heard:
            self._tries += 1
            self._failure = "Nothing was submitted."
            self._no_more_questions()

    def _no_more_questions(self) -> None:
        """Questions are for the time before the first submission."""
        if self.interact == "c":
            self.ledger.spend(QUESTIONS, self.ledger.left(QUESTIONS))

    # a-Interact ---------------------------------------------------------------------------------------

    async def _act(self) -> None:
        """One request, and tools until it is over."""
        self.episode.tell("agent", system(self._told()))
        request = f"The request:\n{self.task.first.asks}\n\nYou have {self.ledger.left(COINS):g} coins."
        await self.episode.agent.respond(request, tools=self._tools, until=self._until)

    # Both ---------------------------------------------------------------------------------------------

    async def ask(self, question: str) -> str:
        """What the user answers."""
        self.asked += 1
        return (await user.asked(self.episode.user, lambda _: self.world, question)).text

    async def submit(self, sql: str) -> str:
        """Test a submission, and say what came of it.

        Raises:
            ToolError: nothing more is to be submitted now.
        """
        if self.over:
            raise ToolError(f"{SUBMIT}: the task is over")
        if self.interact == "c" and self._heard:
            raise ToolError(f"{SUBMIT}: one submission at a time; wait for what is said of it")
        self._heard = True
        self._no_more_questions()
        self._tries += 1
        self.submitted += 1
        phase, part = self.phase, self.task.parts[self.phase - 1]
        outcome = await self._verdict(part, sql)
        text = await self._passed(sql) if outcome.passed else self._refused(outcome)
        self.episode.note(
            {"phase": phase, "passed": outcome.passed, "error": outcome.error}, name="submission"
        )
        if self.interact == "a" and budget.spent_by_submitting(self.ledger):
            self.over = True
        return text

    async def _verdict(self, part: Part, sql: str) -> Verdict:
        async def test() -> Any:
            return msgspec.to_builtins(await grading.verdict(self.database.engine, self._before, part, sql))

        return msgspec.convert(await self.episode.effect("submission", test), Verdict)

    def _refused(self, outcome: Verdict) -> str:
        self._why = f"submission {self._tries} does not run: {outcome.error}"
        if outcome.error is None:
            self._why = f"submission {self._tries} is wrong: {outcome.why}"
        why = _NOT_SOLVED if outcome.error is None else f"it does not run: {outcome.error}"
        self._failure = f"Your SQL is not right: {why}"
        return f"Phase {self.phase} is not solved. {self._failure}"

    async def _passed(self, sql: str) -> str:
        """Reward a submission that is right, and go on with the database as it has left it."""
        value = budget.reward(self.interact, self.phase, self._tries)
        last = next(turn for turn in reversed(self.episode.turns) if turn.role == "agent")
        self.episode.reward(value, turn=last, name=user.PHASES[self.phase - 1])
        solved = f"Phase {self.phase} is solved (reward {value:g})."
        if self.phase == 2 or self.task.follow_up is None:
            self.over = True
            return f"{solved} That was all."
        self._before.append(sql)
        await self.database.run(sql, self.episode, write=True)
        self.phase, self._tries, self._why = 2, 0, "nothing was submitted"
        if self.interact == "c":
            return solved
        return f"{solved} The follow-up:\n{self.task.follow_up.asks}"

    def _until(self, turn: Turn) -> bool:
        """Whether the agent's response ends here: never before all calls of a message have their results."""
        if turn.message.role == "assistant":
            self._calls += 1
            self._awaited = len(turn.message.tool_calls)
            return False
        self._awaited -= 1
        if self._awaited:
            return False
        return self.over or self._calls >= budget.MODEL_CALLS or (self.interact == "c" and self._heard)

    def _told(self) -> str:
        """What the agent is told in private."""
        dialect = self.database.engine.dialect
        if self.interact == "a":
            return prompts.agent(dialect=dialect, name=self.world.name, coins=self.ledger.left(COINS))
        return prompts.conversation(
            dialect=dialect,
            name=self.world.name,
            schema=self.world.schema,
            knowledge=knowledge.listed(self.world.shown(self.task).values()),
            questions=int(self.ledger.left(QUESTIONS)),
        )

    def _priced(self, counter: Counter) -> tuple[Tool, ...]:
        """The setting's tools, paid for."""
        now = f"call {SUBMIT} now"
        if self.interact == "c":
            return (Metered(counter.ask, self.ledger, QUESTIONS, cost=1, instead=now), counter.submit)
        return metered(counter.all, self.ledger, COINS, final=(SUBMIT,), instead=now)

    def _count(self) -> None:
        episode = self.episode
        solved = {reward.name for reward in episode.rewards}
        for phase, name in enumerate(user.PHASES, start=1):
            episode.metric(f"solved_{phase}", name in solved)
        episode.metric("questions", self.asked)
        episode.metric("submissions", self.submitted)
        if self.interact == "a":
            episode.metric("coins_left", self.ledger.left(COINS))
        phase = user.PHASES[self.phase - 1]
        reasons.tell(episode, [] if phase in solved else [f"{phase}: {self._why}"])
