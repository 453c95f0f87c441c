"""What the counters of tau-bench share, at which a customer is served: tables, arithmetic, and a way out."""

from __future__ import annotations

from turnwise.environments.service.tau_bench.calculator import calculated
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.tables import Base, Tables


class Counter(Desk):
    """A desk over the tables of a domain.

    Args:
        base: The tables.
        published: Whether the official code's errors are kept.
    """

    tables: Tables

    def __init__(self, base: Base, *, published: bool = False) -> None:
        self.tables = Tables(base)
        self._published = published

    @tool(kind="read")
    def calculate(self, expression: str) -> str:
        """Work out an arithmetic expression.

        Args:
            expression: Numbers, + - * /, parentheses and spaces, such as '2 + 2'.
        """
        return calculated(expression)

    @tool(kind="read")
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the user over to a human agent: when they ask for one, or when policy and tools cannot help.

        Args:
            summary: What it is about.
        """
        return "Transfer successful"
