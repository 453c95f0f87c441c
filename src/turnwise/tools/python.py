"""A Python tool: model-written code in a sandbox, with variables that last through an episode.

What a cell prints may depend on the clock or on chance, so every outcome is recorded, and a replay starts no
sandbox. An episode that goes on live (resume, fork) first runs the recorded cells again, in order, before the
first new one; so its variables are there, if the cells are deterministic.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import msgspec

from turnwise.errors import ToolError
from turnwise.message import Content, ToolSpec
from turnwise.role import Role
from turnwise.tools.sandbox import Execution, PythonSession, SandboxLimits


class PythonTool:
    """Runs cells for one episode; made inside `Environment.run`, with `async with`, which ends the process.

    Args:
        limits: What the code may use.
        name: How the model calls it.
        seed: Seeds `random` and `numpy.random` inside.
    """

    replay = "run"
    """The outcome is recorded by the tool itself, as an effect of the episode."""

    def __init__(
        self, *, limits: SandboxLimits | None = None, name: str = "python", seed: int | None = 0
    ) -> None:
        self.limits = limits
        self.seed = seed
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
        self._cells: list[str] = []
        self._done = 0
        self._session: PythonSession | None = None

    async def __aenter__(self) -> PythonTool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Run one cell; whatever the code does is an observation."""
        code = arguments.get("code")
        if not isinstance(code, str):
            raise ToolError(f"{self.spec.name}: the argument 'code' must be text")
        execution = await self.run(code, role)
        return execution.text or "(no output)"

    async def run(self, code: str, role: Role) -> Execution:
        """Run one cell, or read from the record what came of it.

        Raises:
            SandboxError: the sandbox failed; not recorded.
        """
        self._cells.append(code)

        async def catch_up() -> Any:
            if self._session is None:
                self._session = PythonSession(limits=self.limits, seed=self.seed)
            execution = Execution()
            for cell in self._cells[self._done :]:
                execution = await self._session.run(cell)
            self._done = len(self._cells)
            return msgspec.to_builtins(execution)

        value = await role.episode.effect(f"{self.spec.name}:{role.name}", catch_up)
        return msgspec.convert(value, Execution)
