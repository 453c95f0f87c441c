"""A Python tool: model-written code in a sandbox, with variables that last through an episode.

For the core its replay is `run`, since it keeps its own record: each outcome is an effect of the episode. So
a replay starts no sandbox and prints what was printed then, and a resumed or forked episode has its variables
again the moment a new cell needs them (see `turnwise.tools.cells`). With `record` a replay would not call it
at all, and it would not learn which cells to run again.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from turnwise.episode import Episode
from turnwise.errors import ConfigError, ToolError
from turnwise.message import Content, ToolSpec
from turnwise.role import Role
from turnwise.tool import Terms
from turnwise.tools.cells import Cells
from turnwise.tools.sandbox import Backend, Execution, SandboxLimits


class PythonTool:
    """Runs cells for one episode; made inside `Environment.run`, with `async with`, which ends the process.

    Args:
        limits: What the code may use.
        name: How the model calls it.
        seed: Seeds `random` and `numpy.random` inside.
        backend: What keeps it in, or its name (`bwrap`, `container`, `unsafe-host`).
        terms: What a call costs, and who may make it.
    """

    replay: Literal["run", "record"] = "run"

    def __init__(
        self,
        *,
        limits: SandboxLimits | None = None,
        name: str = "python",
        seed: int | None = 0,
        backend: Backend | str | None = None,
        terms: Terms | None = None,
    ) -> None:
        self.terms = terms or Terms()
        self.spec = ToolSpec(
            name=name,
            description="Runs Python code in a sandbox without network. Variables last from call to call; "
            "the value of a last expression is shown.",
            parameters={
                "type": "object",
                "properties": {"code": {"type": "string", "description": "Python source."}},
                "required": ["code"],
                "additionalProperties": False,
            },
        )
        self._cells = Cells(limits=limits, seed=seed, backend=backend)
        self._episode: Episode | None = None

    async def __aenter__(self) -> PythonTool:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cells.restart()

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Run one cell; whatever the code does is an observation."""
        code = arguments.get("code")
        if not isinstance(code, str) or set(arguments) != {"code"}:
            raise ToolError(f"{self.spec.name}: it takes one argument 'code', which must be text")
        execution = await self.run(code, role)
        return execution.text or "(no output)"

    async def run(self, code: str, role: Role) -> Execution:
        """Run one cell, or read from the record what came of it.

        Raises:
            SandboxError: the sandbox failed; not recorded.
            ConfigError: this tool has run cells of another episode.
        """
        if self._episode is None:
            self._episode = role.episode
        elif self._episode is not role.episode:
            raise ConfigError(
                f"tool {self.spec.name!r}: its variables are another episode's; "
                "make one inside Environment.run: async with PythonTool() as python"
            )
        number = self._cells.add(code)

        async def outcome() -> Any:
            return msgspec.to_builtins(await self._cells.outcome(number))

        value = await role.episode.effect(f"{self.spec.name}:{role.name}", outcome)
        execution = msgspec.convert(value, Execution)
        self._cells.settle(number, execution)
        return execution
