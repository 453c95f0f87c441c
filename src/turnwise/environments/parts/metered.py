"""Tools whose calls are paid for from a ledger (`parts/ledger.py`).

    ledger = Ledger([Budget(name="coins", limit=16, policy="free_final")])
    tools = metered(desk.tools("agent"), ledger, "coins", final=["submit"])
    reply = await respond(episode.agent, question, tools=tools, ledger=ledger, last_call="Answer now.")

A call costs what the tool's terms say, whatever comes of it. One that costs more than is left is refused,
and nothing is taken; a `final` one may use what is reserved for it, or be free, as the budget's policy says.
Where the policy is `end`, a call after the end ends the episode. Each result ends in a line that says how
much is left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from turnwise.environments.parts.ledger import Ledger
from turnwise.errors import ToolError
from turnwise.log import Turn
from turnwise.message import Content, Text
from turnwise.role import Role, Says
from turnwise.tool import Tool, Wrapped, terms


class Metered(Wrapped):
    """A tool that costs.

    Args:
        tool: Any tool.
        ledger: Where it is paid from.
        budget: By the name of a budget.
        cost: What a call costs, instead of what the tool's terms say.
        final: Whether to call it is to give the final answer.
        show: Whether its results say how much is left.
        instead: What a refusal ends in: what to do now.
    """

    def __init__(
        self,
        tool: Tool,
        ledger: Ledger,
        budget: str,
        *,
        cost: float | None = None,
        final: bool = False,
        show: bool = True,
        instead: str = "",
    ) -> None:
        ledger.left(budget)  # names what is wrong, where there is no such budget
        super().__init__(tool)
        self.cost = terms(tool).cost if cost is None else cost
        self._ledger = ledger
        self._budget = budget
        self._final = final
        self._show = show
        self._instead = instead

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Pay, and call.

        Raises:
            ToolError: it costs more than is left.
        """
        ledger, budget = self._ledger, self._budget
        if ledger.ran_out is not None:
            role.episode.end(ledger.ran_out)
        if not ledger.spend(budget, self.cost, final=self._final):
            left = f"only {ledger.left(budget):g} left"
            if self._instead:
                left += f"; {self._instead}"
            elif ledger.phase == "final":
                left += "; give your final answer now"
            raise ToolError(f"{self.spec.name} costs {self.cost:g} {budget}, and there are {left}")
        content = await role.answer(self.tool, arguments)
        return with_line(content, ledger.balance(budget)) if self._show else content


def metered(
    tools: Iterable[Tool],
    ledger: Ledger,
    budget: str,
    *,
    costs: dict[str, float] | None = None,
    final: Collection[str] = (),
    show: bool = True,
    instead: str = "",
) -> tuple[Metered, ...]:
    """Tools, each paid from one budget.

    Args:
        tools: Any tools.
        ledger: Where they are paid from.
        budget: By the name of a budget.
        costs: By name of a tool, where it is not what the tool's terms say.
        final: Names of those that give the final answer.
        show: Whether results say how much is left.
        instead: What a refusal ends in: what to do now.
    """
    priced = costs or {}
    return tuple(
        Metered(
            tool,
            ledger,
            budget,
            cost=priced.get(tool.spec.name),
            final=tool.spec.name in final,
            show=show,
            instead=instead,
        )
        for tool in tools
    )


async def respond(
    role: Role, says: Says | None, *, tools: Sequence[Tool], ledger: Ledger, last_call: str
) -> Turn:
    """A role's answer, with tools while the ledger is open; then it is told the last call, and has none.

    All calls of a turn get their results before that, be they refusals.

    Args:
        role: Who is asked.
        says: What they are told.
        tools: Tools that are paid from `ledger`.
        ledger: What there is to spend.
        last_call: What a role is told that has spent it.
    """
    waiting, ended = 0, False

    def spent(turn: Turn) -> bool:
        nonlocal waiting, ended
        if turn.message.role == "assistant":
            waiting = len(turn.message.tool_calls)
            return False
        # A result; or what code printed, where a scaffold calls tools from within code.
        waiting -= 1
        ended = waiting <= 0 and ledger.phase != "open"
        return ended

    turn = await role.respond(says, tools=tools, until=spent)
    return await role.respond(last_call) if ended or turn.message.tool_calls else turn


def with_line(content: Content, line: str) -> Content:
    """Content with a line more at its end."""
    if isinstance(content, str):
        return f"{content}\n{line}" if content else line
    return (*content, Text(text=line))
