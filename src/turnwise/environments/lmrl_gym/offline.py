"""LMRL-Gym's offline data: made here by scripted players of graded skill, and the published rows.

To make a data set, play the agent `mixed` (or a grade: `skill25`, `random`, `solver`) and export the run:

    turnwise run maze --agent mixed --epochs 40 --set rules=false
    turnwise export last --to maze.jsonl

A line is then one `EpisodeLog`. `read` gives the published rows in the same form, so that everything that
works on episodes works on them; `write` makes published rows of the maze, Text-Nav and Wordle from episodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from turnwise.environments.lmrl_gym import rows
from turnwise.environments.lmrl_gym.rows import Text, Trajectory, trajectory
from turnwise.errors import ConfigError, TaskError
from turnwise.log import Call, EpisodeLog, Reward, Stop, Turn
from turnwise.message import Message

AGENT = "agent"


def read(path: str | Path, environment: str, **settings: Any) -> Iterator[EpisodeLog]:
    """The episodes in a file of published rows: one a line, or all in one JSON list.

    Args:
        path: The file.
        environment: The name of the environment they are of (`maze`, `wordle`, ...).
        **settings: What it was set to, e.g. `observed="partially"`.

    Raises:
        ConfigError: where the file cannot be read.
        TaskError: naming the file, the row and the field that does not fit.
    """
    path = Path(path)
    for number, (where, row) in enumerate(_rows(path)):
        try:
            told = trajectory(row)
        except (ValueError, msgspec.ValidationError) as error:
            raise TaskError(f"{where}: {error}") from None
        yield episode(told, environment, number, **settings)


def episode(told: Trajectory, environment: str, number: int = 0, **settings: Any) -> EpisodeLog:
    """A trajectory as an episode; what the agent saw of it, the `window`, is what its calls were shown."""
    turns: list[Turn] = []
    calls: list[Call] = []
    fresh: list[int] = []
    for index, text in enumerate(told.texts):
        fresh.append(index)
        if not text.said:
            turns.append(Turn(index=index, message=Message(role="user", content=text.text)))
            continue
        n = len(calls)
        turns.append(
            Turn(index=index, role=AGENT, message=Message(role="assistant", content=text.text), calls=(n,))
        )
        if told.window is None:
            calls.append(Call(role=AGENT, n=n, parent=n - 1 if n else None, added=tuple(fresh[:-1])))
        else:
            calls.append(Call(role=AGENT, n=n, added=tuple(range(max(0, index - told.window), index))))
        fresh = []
    return EpisodeLog(
        environment=environment,
        settings=settings,
        task={"id": str(number)},
        agents={AGENT: "published"},
        turns=tuple(turns),
        calls=tuple(calls),
        rewards=tuple(
            Reward(value=text.reward, turn=index) for index, text in enumerate(told.texts) if text.said
        ),
        stop=Stop.COMPLETED if told.done else Stop.MAX_TURNS,
    )


def write(logs: Iterable[EpisodeLog], path: str | Path) -> int:
    """Write episodes as published rows, one a line; gives how many.

    Raises:
        ConfigError: for an episode of an environment without published rows here, or one that told rules.
    """
    count = 0
    with Path(path).open("wb") as file:
        for log in logs:
            file.write(msgspec.json.encode(published(log)) + b"\n")
            count += 1
    return count


def published(log: EpisodeLog) -> Any:
    """An episode as the benchmark's row.

    Raises:
        ConfigError: as `write`.
    """
    partially = log.settings.get("observed") == "partially"
    shapes: dict[str, Callable[[Trajectory], Any]] = {
        "maze": rows.maze_texts if partially else rows.maze_steps,
        "text_nav": rows.text_nav,
        "wordle": rows.wordle,
    }
    if log.environment not in shapes:
        known = ", ".join(shapes)
        raise ConfigError(f"no published rows for environment {log.environment!r}: expected {known}")
    if log.settings.get("rules", False):
        raise ConfigError(
            f"{log.environment}: these episodes began with rules, which published rows do not: "
            f"run it with rules=false"
        )
    return shapes[log.environment](_told(log))


def _told(log: EpisodeLog) -> Trajectory:
    """The agent's side of an episode."""
    earned: dict[int | None, float] = {}
    for reward in log.rewards:
        if reward.role in (None, AGENT):
            earned[reward.turn] = earned.get(reward.turn, 0.0) + (reward.value or 0.0)
    texts = tuple(Text(turn.text, turn.role == AGENT, earned.get(turn.index, 0.0)) for turn in log.turns)
    return Trajectory(texts, log.stop is Stop.COMPLETED)


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each row of a file and where it stands."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    whole = _one_list(lines)
    if whole is not None:
        yield from ((f"{path}: row {number}", row) for number, row in enumerate(whole))
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{path}:{number}", _decoded(line, f"{path}:{number}")


def _one_list(lines: list[bytes]) -> list[Any] | None:
    """The rows of a file that is one JSON list; None for one with a row a line (of steps: a list, too)."""
    if not lines or not lines[0].lstrip().startswith(b"["):
        return None
    try:
        found = msgspec.json.decode(b"\n".join(lines))
    except msgspec.DecodeError:
        return None
    items = cast("list[Any]", found) if isinstance(found, list) else []
    steps = items and isinstance(items[0], dict) and "state" in items[0]
    return None if steps else items


def _decoded(line: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise TaskError(f"{where}: not JSON ({error}); expected one row a line") from None
