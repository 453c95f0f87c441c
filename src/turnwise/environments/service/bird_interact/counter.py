"""The tools: what an agent can call, with what each costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnwise.environments.service.bird_interact.budget import COSTS
from turnwise.environments.service.bird_interact.knowledge import as_json, listed
from turnwise.errors import ToolError, did_you_mean
from turnwise.tools.function import FunctionTool

if TYPE_CHECKING:
    from turnwise.environments.service.bird_interact.play import Play


class Counter:
    """The tools of one episode.

    Args:
        play: The episode.
    """

    def __init__(self, play: Play) -> None:
        self._play = play
        world, task = play.world, play.task
        self._entries = world.shown(task)
        functions = (
            self.execute_sql,
            self.get_schema,
            self.get_all_column_meanings,
            self.get_column_meaning,
            self.get_all_external_knowledge_names,
            self.get_knowledge_definition,
            self.get_all_knowledge_definitions,
            self.ask_user,
            self.submit_sql,
        )
        self.all = tuple(FunctionTool(function, cost=COSTS[function.__name__]) for function in functions)
        *_, self.ask, self.submit = self.all

    async def execute_sql(self, sql: str) -> str:
        """Read from the database; nothing can be changed.

        Args:
            sql: A query.
        """
        play = self._play
        return (await play.database.run(sql, play.episode)).text

    def get_schema(self) -> str:
        """The schema of the database, and a few rows of each table."""
        return self._play.world.schema

    def get_all_column_meanings(self) -> str:
        """What all columns mean."""
        return as_json(self._play.world.columns)

    def get_column_meaning(self, table_name: str, column_name: str) -> str:
        """What one column means.

        Args:
            table_name: The table.
            column_name: The column.
        """
        known = self._play.world.columns
        name = f"{table_name}.{column_name}".lower()
        if name not in known:
            raise ToolError(f"nothing is known of a column {name!r}{did_you_mean(name, known)}")
        return known[name]

    def get_all_external_knowledge_names(self) -> str:
        """The names of all entries of the knowledge base."""
        return as_json(list(self._entries))

    def get_knowledge_definition(self, knowledge_name: str) -> str:
        """One entry of the knowledge base.

        Args:
            knowledge_name: Its name.
        """
        entry = self._entries.get(knowledge_name)
        if entry is None:
            near = did_you_mean(knowledge_name, self._entries)
            raise ToolError(f"the knowledge base has no entry {knowledge_name!r}{near}")
        return as_json(entry.visible)

    def get_all_knowledge_definitions(self) -> str:
        """All entries of the knowledge base."""
        return listed(self._entries.values())

    async def ask_user(self, question: str) -> str:
        """Ask the user what they mean.

        Args:
            question: One question.
        """
        return await self._play.ask(question)

    async def submit_sql(self, sql: str) -> str:
        """Hand in SQL; it is tested, and you are told whether it is right.

        Args:
            sql: One statement or several.
        """
        return await self._play.submit(sql)
