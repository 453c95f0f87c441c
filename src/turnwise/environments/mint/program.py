"""Whether a program passes its tests: a staged check, in the sandbox.

As in the official code, the program and the tests run as one script for at most 10 s, and pass where nothing
is raised. Two guards come on top, since the program was written by a model: the run counts only where it
came to its very end, so that leaving early (`exit(0)`) does not pass, and a program that is no Python is told
so without a sandbox.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec

from turnwise.environments.parts.staged import Outcome, Report, Stage, verify
from turnwise.tools.sandbox import Execution, SandboxLimits, run_program

LIMITS = SandboxLimits(wall_seconds=10.0, cpu_seconds=10)

Recorded: TypeAlias = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Runs something and writes down its JSON value (`Episode.effect`)."""


async def passes(program: str, tests: str, mark: str, effect: Recorded) -> Report:
    """Run a program and its tests.

    Args:
        program: What the agent proposes.
        tests: Code that raises where the program is wrong.
        mark: A word that the program cannot know; printed at the very end.
        effect: Records the run, so that a replay needs no sandbox.

    Returns:
        The stages `syntax` and `tests`; the failed one says what went wrong.
    """

    async def syntax(source: str) -> Outcome:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return Outcome(passed=False, feedback=f"{type(error).__name__}: {error}")
        return Outcome(passed=True)

    async def tested(source: str) -> Outcome:
        script = f"{source}\n{tests}\nprint({mark!r})\n"

        async def run() -> Any:
            return msgspec.to_builtins(await run_program(script, limits=LIMITS))

        execution = msgspec.convert(await effect("tests", run), Execution)
        ended = execution.output.rstrip().endswith(mark)
        if execution.ok and execution.exit_code == 0 and ended:
            return Outcome(passed=True)
        return Outcome(passed=False, feedback=execution.error or "The program ended before its tests did.")

    return await verify(program, [Stage("syntax", syntax, 0.0), Stage("tests", tested)])
