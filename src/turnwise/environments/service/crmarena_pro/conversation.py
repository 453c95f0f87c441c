"""How an agent and a user come to an answer: whose turn it is, what counts, and when it is over.

Alone, an agent has so many turns until it responds, which is its answer. With a user, it has so many for each
of the user's: a response goes to the user, and the count begins anew; the user's `###STOP###` makes the last
response the answer. When the user has answered often enough, one more action of the agent's ends it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from turnwise.agent import Ask
from turnwise.agents.users.manner import Manner, Plain, respond
from turnwise.agents.users.marks import ended
from turnwise.environments.service.crmarena_pro.crm import Crm, QueryTool
from turnwise.environments.service.crmarena_pro.scaffold import INVALID, OUTPUT, Actions, action_in
from turnwise.episode import Episode
from turnwise.log import Turn

Ending: TypeAlias = Literal["answered", "max_turns", "max_user_turns"]
GREETING = "Hi! How can I help you today?"
"""What the user hears first."""


class Conversation:
    """One conversation.

    Args:
        episode: Whose.
        crm: What queries are put to.
        actions: How the agent acts.
        max_turns: Turns of the agent without a word to the user.
    """

    def __init__(self, episode: Episode, crm: Crm, *, actions: Actions, max_turns: int) -> None:
        self.episode = episode
        self.crm = crm
        self.actions: Actions = actions
        self.max_turns = max_turns
        self.tools = [QueryTool(crm)] if actions == "tools" else []
        self.done: list[str] = []
        """What the agent did: queries and words."""
        self.user_turns = 0
        self.invalid = 0
        self._most_user_turns: int | None = None
        self._turns = 0
        self._over = False

    async def alone(self, query: str) -> Ending:
        """The agent answers a question by itself."""
        return "max_turns" if await self._response(query) is None else "answered"

    async def together(self, manner: Manner | None, most: int) -> Ending:
        """The agent talks to a user.

        Args:
            manner: How the user comes to words.
            most: Words of the agent's that the user answers before it ends.
        """
        self._most_user_turns = most
        said = await self._user(GREETING, manner)
        while True:
            words = await self._response(said)
            if words is None:
                return "max_user_turns" if self._over else "max_turns"
            last = self._spent
            said = await self._user(words, manner)
            self.user_turns += 1
            if ended(said):
                return "answered"
            if last:
                return "max_user_turns"

    @property
    def _spent(self) -> bool:
        """Whether the user has answered as often as may be, so that the next action is the last."""
        return self._most_user_turns is not None and self.user_turns >= self._most_user_turns

    async def _user(self, heard: str, manner: Manner | None) -> Turn:
        role = self.episode.user
        role.tell(heard)
        return await respond(role, manner or Plain(), Ask())

    async def _response(self, heard: str | Turn) -> str | None:
        """What the agent says to the user after its queries; None where it comes to no words."""
        words = await (self._called(heard) if self.tools else self._tagged(heard))
        if words is not None:
            self.done.append(words)
        return words

    async def _tagged(self, heard: str | Turn) -> str | None:
        for _ in range(self.max_turns):
            turn = await self.episode.agent.respond(heard)
            action = action_in(turn.text)
            if action is None:
                self.invalid += 1
                heard = INVALID[self.actions]
                continue
            if action.name == "respond":
                return action.text
            self.done.append(action.text)
            heard = OUTPUT + (await self.crm.run(action.text, self.episode)).text
            if self._spent:
                self._over = True
                self.episode.agent.tell(heard)
                return None
        return None

    async def _called(self, heard: str | Turn) -> str | None:
        self._turns = 0
        reply = await self.episode.agent.respond(heard, tools=self.tools, until=self._until)
        return None if reply.message.tool_calls else reply.text

    def _until(self, turn: Turn) -> bool:
        """Counts messages that call tools; whether the last that may be had has its result."""
        if turn.role != "tool":
            self._turns += bool(turn.message.tool_calls)
            self.done += [call.arguments for call in turn.message.tool_calls]
            return False
        self._over = self._spent
        return self._over or self._turns >= self.max_turns
