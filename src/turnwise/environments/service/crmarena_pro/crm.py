"""What an agent reaches the organisation by: queries in, records or one line of error out."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import msgspec

from turnwise.environments.service.crmarena_pro.made.org import Org
from turnwise.environments.service.crmarena_pro.soql import (
    Plan,
    SoqlError,
    is_search,
    parse,
    search,
    translate,
)
from turnwise.environments.service.crmarena_pro.soql.shape import without_empty
from turnwise.episode import Episode
from turnwise.errors import ToolError
from turnwise.message import Content, ToolSpec
from turnwise.role import Role
from turnwise.tool import Terms
from turnwise.tools.sql import Database, SqlLimits

LIMITS = SqlLimits(rows=2_000, cell_chars=200_000)
"""Of one query; Salesforce gives as many records a page."""
_FENCE = re.compile(r"```(?:sql|soql|sosl)?(.+?)```", re.IGNORECASE | re.DOTALL)


class Answer(NamedTuple):
    """What came of a query."""

    text: str
    """For the agent: JSON, or an error."""
    failed: bool = False


class Crm:
    """The organisation as one episode sees it.

    Args:
        org: What is in it.
        database: The episode's copy.
        published: Whether `SELECT COUNT() FROM …` gives no records, as with the official connector, which
            passes on the records alone; or the number.
    """

    def __init__(self, org: Org, database: Database, *, published: bool = False) -> None:
        self.org = org
        self.database = database
        self.published = published
        self.queries = 0
        self.errors = 0

    async def run(self, query: str, episode: Episode) -> Answer:
        """What a query gives; what is wrong with it is told."""
        self.queries += 1
        try:
            records, more = await self._records(unfenced(query), episode)
        except SoqlError as error:
            self.errors += 1
            return Answer(str(error), failed=True)
        text = msgspec.json.encode(without_empty(records)).decode()
        return Answer(f"{text}\n(only the first {len(records):,} records)" if more else text)

    async def _records(self, query: str, episode: Episode) -> tuple[list[dict[str, Any]], bool]:
        """The records, and whether there are more."""
        if not is_search(query):
            plan = translate(parse(query), self.org.catalog, self.org.today)
            if plan.counted and self.published:
                return [], False
            return await self._planned(plan, episode)
        found = search(query, self.org.catalog, self.org.today)
        records: list[dict[str, Any]] = []
        for plan in found.plans:
            if len(records) < found.limit:
                records += (await self._planned(plan, episode))[0]
        return records[: found.limit], False

    async def _planned(self, plan: Plan, episode: Episode) -> tuple[list[dict[str, Any]], bool]:
        result = await self.database.run(plan.sql, episode)
        if result.error is not None:
            raise SoqlError("QUERY_TOO_COMPLICATED", result.error)
        return [plan.shape.record(row) for row in result.rows], result.cut


def unfenced(query: str) -> str:
    """A query without the fence that models put round code."""
    found = _FENCE.search(query)
    return (found[1] if found else query).strip()


class QueryTool:
    """Queries as a tool, for agents that call tools.

    Args:
        crm: What they are put to.
    """

    replay: Literal["run", "record"] = "run"
    terms = Terms(kind="read", callers=("agent",))
    spec = ToolSpec(
        name="query",
        description="Runs a SOQL query or a SOSL search in the Salesforce instance; gives records as JSON.",
        parameters={
            "type": "object",
            "properties": {"query": {"type": "string", "description": "SELECT … or FIND …"}},
            "required": ["query"],
            "additionalProperties": False,
        },
    )

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Run it; what is wrong with a query is its answer."""
        query = arguments.get("query")
        if not isinstance(query, str) or set(arguments) != {"query"}:
            raise ToolError("query: it takes one argument 'query', which must be text")
        return (await self._crm.run(query, role.episode)).text
