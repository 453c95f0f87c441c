"""A seat: one role of an episode, taken by a person in a browser.

To the episode it is a model, asked in the stage's event loop, that answers when the person has moved. To the
routes, which run in other threads, it is what the person sees now.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

from turnwise.errors import ConfigError, ModelError
from turnwise.message import Message, ToolCall
from turnwise.model import Request, Sample
from turnwise.view.live.choices import whole
from turnwise.view.reading.errors import RefusedError
from turnwise.view.server import shapes as s

_HERE = 45.0
"""Seconds after their last request that a person counts as being there."""


class Seat:
    """See the module; a `Model`.

    Args:
        role: Which role.
        changed: Called when the person is asked, has moved or left.
    """

    name = "human"
    remote = False

    def __init__(self, role: str, changed: Callable[[], None]) -> None:
        self.role = role
        self.key = secrets.token_urlsafe(12)
        """Who has it plays."""
        self.request: Request | None = None
        """What is asked now."""
        self.heard: tuple[Message, ...] = ()
        """All that the role was told and said, as it was asked last."""
        self.left = False
        self._changed = changed
        self._answer: asyncio.Future[Message] | None = None
        self._seen = 0.0
        self._calls = 0

    def look(self) -> None:
        """The person looks."""
        self._seen = time.monotonic()

    @property
    def here(self) -> bool:
        """Whether the person looked just now."""
        return not self.left and time.monotonic() - self._seen < _HERE

    async def sample(self, request: Request) -> Sample:
        """The person's next words.

        Raises:
            ModelError: they left.
        """
        if self.left:
            raise ModelError("the person left", kind="left")
        self._answer = asyncio.get_running_loop().create_future()
        self.heard = tuple(request.messages)
        self.request = request
        self._changed()
        try:
            said = await self._answer
        finally:
            self.request = None
        self.heard = (*self.heard, said)
        self._changed()
        return Sample(message=said, finish="tool_calls" if said.tool_calls else "stop")

    async def close(self) -> None:
        """Nothing to let go of."""

    def move(self, wanted: s.MoveAsk) -> None:
        """The person's move; called in the stage's event loop.

        Raises:
            RefusedError: it is not asked for (any more).
            ConfigError: it is no move.
        """
        request, answer = self.request, self._answer
        if request is None or answer is None or answer.done():
            raise RefusedError("it is not your move")
        if wanted.ordinal != request.ordinal:
            raise RefusedError(f"move {wanted.ordinal} was made already: it is move {request.ordinal} now")
        answer.set_result(self._message(wanted, request))

    def leave(self) -> None:
        """The person leaves, which ends the episode; called in the stage's event loop."""
        self.left = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ModelError("the person left", kind="left"))
        self._changed()

    def _message(self, wanted: s.MoveAsk, request: Request) -> Message:
        given = [name for name in ("text", "action", "tool") if getattr(wanted, name) is not None]
        if len(given) != 1:
            raise ConfigError("a move is one of text, action and tool")
        if wanted.tool is not None:
            if wanted.tool not in {tool.name for tool in request.tools}:
                raise ConfigError(f"there is no tool {wanted.tool[:80]!r} now")
            self._calls += 1
            call = ToolCall(id=f"call-{self._calls}", name=wanted.tool, arguments=wanted.arguments)
            return Message(role="assistant", tool_calls=(call,))
        if wanted.action is not None:
            if request.actions is None:
                raise ConfigError("there are no actions to choose from now: say something")
            try:
                chosen = whole(request.actions, wanted.action)
            except (ValueError, KeyError, IndexError):
                chosen = None
            if chosen is None:
                raise ConfigError(f"action {wanted.action} is no legal reply now")
            return Message(role="assistant", content=request.actions.render(chosen))
        return Message(role="assistant", content=wanted.text or "")
