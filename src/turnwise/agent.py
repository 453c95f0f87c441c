"""Agents: who fills a role. A model, what it is told, the tools it has, what it gets to see, and how it acts.

An `Agent` is shared by all episodes of a run and holds no state of any of them: what a scaffold must
remember belongs in `role.memory`, which replay rebuilds because the scaffold is deterministic over its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from turnwise.action import ActionSpace
from turnwise.errors import ConfigError
from turnwise.log import Ref, Turn
from turnwise.message import Message, ToolSpec
from turnwise.model import Model, Sampling, Stateful

if TYPE_CHECKING:
    from turnwise.role import Role
    from turnwise.tool import Tool


class Entry(NamedTuple):
    """One entry of a role's history or view."""

    ref: Ref
    message: Message


class Context(Protocol):
    """A context policy: from what happened (a role's history) to what its model is shown (a view)."""

    async def view(self, role: Role) -> Sequence[Entry]:
        """The entries to show in the role's next call; new messages stand as their own `ref`."""
        ...


Calls: TypeAlias = Literal["all", "first"]


class Ask(msgspec.Struct, frozen=True, gc=False):
    """What the environment wants of one response."""

    tools: Sequence[Tool] = ()
    stop: tuple[str, ...] = ()
    """Strings that end a sample."""
    until: Callable[[Turn], bool] | None = None
    """Ends the response after the first turn (of the role or of a tool) for which it holds."""
    actions: ActionSpace | None = None
    """What may be answered, where the environment offers it."""
    calls: Calls = "all"
    """Which tool calls of one message are made; the others were never said, as far as anybody is told."""


class Agent:
    """A plain chat agent, and, when there are tools, the tool loop: call tools until it answers.

    Args:
        model: Who answers.
        name: How logs call it; the model's name by default.
        system: A system prompt of the agent's own, shown to its model only.
        tools: Tools it brings along, besides those the environment offers.
        context: What it gets to see; None shows the whole history.
        sampling: How its model samples.
        max_tool_rounds: Most calls of the model in one response; the last is made without tools.
    """

    def __init__(
        self,
        model: Model,
        *,
        name: str | None = None,
        system: str | None = None,
        tools: Sequence[Tool] = (),
        context: Context | None = None,
        sampling: Sampling | None = None,
        max_tool_rounds: int = 64,
    ) -> None:
        self.model = model
        self.stateful = model if isinstance(model, Stateful) else None
        """The model, where it keeps something for each session."""
        self.name = name or model.name
        self.system = system
        self.tools = tuple(tools)
        self.context = context
        self.sampling = sampling or Sampling()
        self.max_tool_rounds = max_tool_rounds

    async def act(self, role: Role, ask: Ask) -> Turn:
        """One response of `role`. A scaffold overrides this and thinks as it likes over `role.sample`."""
        if not (self.tools or ask.tools):
            return role.post(await role.sample(stop=ask.stop, actions=ask.actions))
        tools = (*self.tools, *ask.tools)
        by_name = {_spec(tool).name: tool for tool in tools}
        for round_number in range(self.max_tool_rounds):
            offered = tools if round_number < self.max_tool_rounds - 1 else ()
            call = await role.sample(tools=offered, stop=ask.stop, actions=ask.actions)
            turn = role.post(call, calls=ask.calls)
            if not turn.message.tool_calls or (ask.until is not None and ask.until(turn)):
                return turn
            for tool_call in turn.message.tool_calls:
                result = await role.use(tool_call, by_name)
                if ask.until is not None and ask.until(result):
                    return turn
        return turn  # pyright: ignore[reportPossiblyUnboundVariable]


def _spec(tool: Tool) -> ToolSpec:
    try:
        return tool.spec
    except AttributeError:
        raise ConfigError(
            f"{tool!r} is no tool: make one of a function by turnwise.tools.function.tool"
        ) from None
