"""A context window: the agent's model is shown the last messages of its conversation and no others.

LMRL-Gym shows its models the last text of a fully observed game, and the last 40 of a partially observed one;
RISE the last two exchanges. A system prompt is always shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from turnwise.agent import Entry
from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.role import Role


class Window:
    """The last messages, as a context policy; see `agent.Context`.

    Args:
        messages: How many at most, besides the system prompt. Results whose call is out of sight are, too.

    Raises:
        ConfigError: none would be shown.
    """

    def __init__(self, messages: int) -> None:
        if messages < 1:
            raise ConfigError(f"window: expected at least 1 message, got {messages}")
        self.messages = messages

    async def view(self, role: Role) -> Sequence[Entry]:
        """The system prompt and the last messages."""
        history = role.history
        system = 1 if history and history[0].message.role == "system" else 0
        first = max(system, len(history) - self.messages)
        while first < len(history) - 1 and history[first].message.role == "tool":
            first += 1
        return [*history[:system], *history[first:]]
