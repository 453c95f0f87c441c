"""The conversation of tau-bench in both versions: who speaks when, what is a step, how it ends.

Version 1: the customer speaks first; each tool call and each message of the agent is a step; the customer,
or an agent who hands over, ends it. Version 2: the agent greets; every message is a step, and errors of tools
are counted, too; the customer ends it. A customer may have tools (dual control): what they answer, the
customer alone is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from turnwise.agent import Ask, Calls
from turnwise.agents.users.interruption import Interruption, Schedule
from turnwise.agents.users.manner import Manner, User, respond
from turnwise.agents.users.marks import STOP, TAU2_MARKS, mark_in
from turnwise.agents.users.tau import GREETING, PROTOCOLS, Variant
from turnwise.environments.service.tau_bench.rows import Version
from turnwise.episode import Episode
from turnwise.log import Turn
from turnwise.message import system
from turnwise.role import Role
from turnwise.tool import Tool

Protocol: TypeAlias = Literal["llm", "react", "verify", "reflection"]
"""How a model in the role `user` comes to its words."""
STEPS: dict[Version, int] = {1: 30, 2: 200}
"""Most steps, as published."""
ERRORS = 10
"""Errors of tools that end an episode of version 2."""
TRANSFER = "transfer_to_human_agents"


class Conversation:
    """One conversation.

    Args:
        episode: Of an environment with the roles `agent` and `user`.
        version: Whose rules hold.
        limit: Most steps.
        tools: The agent's.
        user_tools: The customer's.
        user: How the customer comes to words.
        schedule: When they change their mind.
        variant: Of that; and version 1, as published, makes only the first call of a message.
    """

    def __init__(
        self,
        episode: Episode,
        *,
        version: Version,
        limit: int,
        tools: Sequence[Tool],
        user_tools: Sequence[Tool] = (),
        user: Protocol = "llm",
        schedule: Schedule = (),
        variant: Variant = "corrected",
    ) -> None:
        self.episode = episode
        self.first = version == 1
        self.limit = limit
        self.tools = tools
        self.calls: Calls = "first" if self.first and variant == "published" else "all"
        self.user_tools = user_tools
        self.user = user
        self.schedule = schedule
        self.variant: Variant = variant
        self.marks = (STOP,) if self.first else TAU2_MARKS
        self.steps = 0
        self.errors = 0
        self.handed_over = False
        self.ended = False
        """Whether it came to an end that is graded."""

    async def talk(self, policy: str, brief: str) -> str:
        """Have it, and say why it ended.

        Args:
            policy: What the agent is told in private.
            brief: What the customer is.
        """
        episode = self.episode
        episode.tell("agent", system(policy))
        episode.tell("user", system(brief))
        heard: Turn | str = GREETING if self.first else episode.agent.post(GREETING)
        while True:
            words = await self._customer(heard)
            self.steps += not self.first
            if mark_in(words.text, self.marks) and not words.message.tool_calls:
                self.ended = True
                return "user_stop"
            if words.message.tool_calls or self._over():
                break
            reply = await episode.agent.respond(words, tools=self.tools, until=self._until, calls=self.calls)
            if self.handed_over:
                self.ended = True
                return "transfer"
            if reply.message.tool_calls:
                break
            self.steps += 1
            if not self.first and self._over():
                break
            heard = reply
        return "too_many_errors" if not self.first and self.errors >= ERRORS else "max_steps"

    async def _customer(self, heard: Turn | str) -> Turn:
        """What the customer says, after using what tools they have."""
        role, tools = self.episode.user, self.user_tools
        until = self._until if tools else None
        if self.user == "llm" and not self.schedule:
            return await role.respond(heard, tools=tools, until=until)
        role.tell(heard)
        return await respond(role, self._manner(role), Ask(tools=tools, until=until))

    def _manner(self, role: Role) -> Manner:
        """How the customer comes to words, where it is not for the role's agent alone to say."""
        own = role.agent.manner if isinstance(role.agent, User) and self.user == "llm" else None
        manner = own or PROTOCOLS[self.user](self.variant)
        return Interruption(self.schedule, manner, marks=self.marks) if self.schedule else manner

    def _until(self, turn: Turn) -> bool:
        """Count what somebody does before they speak; whether that was the last."""
        if turn.role != "tool":
            self.steps += bool(turn.message.tool_calls) and not self.first
            return False
        self.steps += 1
        self.errors += turn.text.startswith("error:")
        self.handed_over |= self.first and turn.message.name == TRANSFER
        return self.handed_over or self._over()

    def _over(self) -> bool:
        return self.steps >= self.limit or (not self.first and self.errors >= ERRORS)
