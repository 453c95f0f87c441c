"""SQL as a tool. Like the Python tool it keeps its own record, so for the core its replay is `run`."""

from __future__ import annotations

from typing import Any, Literal

from turnwise.errors import ToolError
from turnwise.message import Content, ToolSpec
from turnwise.role import Role
from turnwise.tool import Terms
from turnwise.tools.sql.database import Database
from turnwise.tools.sql.result import Result, SqlLimits


class SqlTool:
    """Runs SQL in an episode's database.

    Args:
        database: The episode's.
        name: How the model calls it.
        write: Whether it may change anything.
        limits: What a call may use, instead of the database's own.
        terms: Cost and callers; whether it writes follows from `write`.
    """

    replay: Literal["run", "record"] = "run"

    def __init__(
        self,
        database: Database,
        *,
        name: str = "sql",
        write: bool = False,
        limits: SqlLimits | None = None,
        terms: Terms | None = None,
    ) -> None:
        given = terms or Terms()
        self.terms = Terms(kind="write" if write else "read", cost=given.cost, callers=given.callers)
        does = (
            "Runs SQL, all statements or none." if write else "Reads by SQL; nothing it changes would last."
        )
        self.spec = ToolSpec(
            name=name,
            description=f"{does} The dialect is {database.engine.dialect}.",
            parameters={
                "type": "object",
                "properties": {"sql": {"type": "string", "description": "One statement or several."}},
                "required": ["sql"],
                "additionalProperties": False,
            },
        )
        self._database = database
        self._write = write
        self._limits = limits

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Run it; whatever comes of it is an observation."""
        sql = arguments.get("sql")
        if not isinstance(sql, str) or set(arguments) != {"sql"}:
            raise ToolError(f"{self.spec.name}: it takes one argument 'sql', which must be text")
        return (await self.run(sql, role)).text

    async def run(self, sql: str, role: Role) -> Result:
        """Run it, and give the result as values."""
        return await self._database.run(sql, role.episode, write=self._write, limits=self._limits)
