"""Published trajectories, graded again: their calls are made over a fresh database, as officially.

    for run in read("historical_trajectories/gpt-4o-airline.json"):
        again = await graded_again(TauAirline(version=1, variant="published"), tasks[run.task_id], run.traj)

A trajectory is a list of chat messages, with calls in either published form (`function` with JSON text, or
`name` with an object). Who called does not matter here, where only the agent has tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from turnwise.environments.service.tau_bench import grading
from turnwise.environments.service.tau_bench.environment import TauBench
from turnwise.environments.service.tau_bench.rows import Action, TauTask
from turnwise.errors import TaskError


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One published run of version 1."""

    task_id: int
    reward: float
    traj: list[dict[str, Any]]
    trial: int = 0
    info: dict[str, Any] = {}


class Again(NamedTuple):
    """What a replay says."""

    database: bool
    """Whether it ends as the reference calls do."""
    said: bool
    """Whether the agent said what it had to."""

    @property
    def reward(self) -> float:
        """1 where both hold."""
        return float(self.database and self.said)


def read(path: str | Path) -> list[Logged]:
    """The runs of a published file.

    Raises:
        TaskError: the file is not there, or of another form.
    """
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=list[Logged])
    except (OSError, msgspec.MsgspecError) as error:
        raise TaskError(f"{path}: expected a list of runs with task_id, reward and traj: {error}") from None


async def graded_again(settings: TauBench, task: TauTask, messages: Iterable[dict[str, Any]]) -> Again:
    """Replay a trajectory's calls over a fresh database and grade it as its task is.

    Raises:
        TaskError: a call is of no known form.
    """
    desk = settings.desk()
    words: list[str] = []
    for message in messages:
        if message.get("role") != "assistant":
            continue
        calls: list[dict[str, Any]] = message.get("tool_calls") or []
        for call in calls:
            await grading.done(desk, _action(call))
        if not calls or settings.version == 2:
            words.append(message.get("content") or "")
    wanted = await settings.expected(task)
    return Again(desk.key() == wanted.key, not grading.unsaid(words, task.outputs))


def _action(call: dict[str, Any]) -> Action:
    made: dict[str, Any] = call.get("function") or call
    arguments = made.get("arguments", {})
    try:
        given = msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
        return msgspec.convert({"name": made["name"], "arguments": given}, Action)
    except (KeyError, msgspec.MsgspecError) as error:
        raise TaskError(f"a trajectory's call needs a name and arguments: {call!r}: {error}") from None
