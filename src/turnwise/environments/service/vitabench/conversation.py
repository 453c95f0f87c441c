"""The conversation of VitaBench: who speaks when, what is a step, how it ends.

The agent greets; then user and agent take turns, the agent with tools. Each message is a step, and so is each
result of a tool. The user ends it with a mark; so may the agent. It breaks off after so many steps, after so
many errors of tools in a row, or when the agent says nothing three times.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.agent import Ask
from turnwise.agents.users.manner import Manner, respond
from turnwise.agents.users.marks import STOP, TAU2_MARKS, mark_in
from turnwise.episode import Episode
from turnwise.log import Turn
from turnwise.message import system
from turnwise.tool import Tool

GREETING = "Hello, how can I help you?"
TRIES = 3
"""Empty messages in a row that end it."""
NOBODY = f"(Nobody reads this. Go on with tools, or end with {STOP} when all is done.)"


class Conversation:
    """One conversation.

    Args:
        episode: Of an environment with the roles `agent` and `user`.
        tools: The agent's.
        steps: Most of them.
        errors: Most of them in a row.
    """

    def __init__(self, episode: Episode, *, tools: Sequence[Tool], steps: int, errors: int) -> None:
        self.episode = episode
        self.tools = tools
        self.most = steps
        self.bearable = errors
        self.steps = 0
        self.errors = 0
        """In a row, up to now."""
        self.ended = False
        """Whether it came to an end that is judged."""

    async def talk(self, policy: str, brief: str, manner: Manner) -> str:
        """Have it, and say why it ended.

        Args:
            policy: What the agent is told in private.
            brief: What the user is.
            manner: How the user comes to words.
        """
        episode = self.episode
        episode.tell("agent", system(policy))
        episode.tell("user", system(brief))
        heard = episode.agent.post(GREETING)
        while True:
            episode.user.tell(heard)
            words = await respond(episode.user, manner, Ask())
            self.steps += 1
            if mark_in(words.text, TAU2_MARKS):
                return self._end("user_stop")
            if self._over():
                return self._why()
            reply = await self._reply(words)
            if reply is None:
                return "invalid_agent_message"
            if STOP in reply.text:
                return self._end("agent_stop")
            if self._over():
                return self._why()
            heard = reply

    async def alone(self, policy: str, told: str) -> str:
        """Let the agent work with nobody to talk to, and say why it ended.

        Args:
            policy: What the agent is told in private.
            told: All that the user wants.
        """
        self.episode.tell("agent", system(policy))
        says = told
        for _ in range(TRIES):
            reply = await self.episode.agent.respond(says, tools=self.tools, until=self._until)
            self.steps += not reply.message.tool_calls
            if STOP in reply.text:
                return self._end("agent_stop")
            if self._over():
                return self._why()
            says = NOBODY
        return "invalid_agent_message"

    async def _reply(self, words: Turn) -> Turn | None:
        """What the agent says after using tools; None where it says nothing."""
        reply = await self.episode.agent.respond(words, tools=self.tools, until=self._until)
        while _empty(reply):
            if all(map(_empty, self.episode.turns[-TRIES:])):
                return None
            reply = await self.episode.agent.respond(tools=self.tools, until=self._until)
        self.steps += not reply.message.tool_calls
        return reply

    def _until(self, turn: Turn) -> bool:
        """Count what the agent does before it speaks; whether that was the last."""
        if turn.role != "tool":
            self.steps += bool(turn.message.tool_calls)
            return STOP in turn.text or self._over()
        self.steps += 1
        self.errors = self.errors + 1 if turn.text.startswith("error:") else 0
        return self._over()

    def _over(self) -> bool:
        return self.steps >= self.most or self.errors >= self.bearable

    def _why(self) -> str:
        return "too_many_errors" if self.errors >= self.bearable else "max_steps"

    def _end(self, why: str) -> str:
        self.ended = True
        return why


def _empty(turn: Turn) -> bool:
    """Whether the agent says nothing by it."""
    return turn.role == "agent" and not turn.message.tool_calls and not turn.text.strip()
