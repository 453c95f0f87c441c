"""LMRL-Gym's offline data as episodes: the published rows read, and episodes written as such rows.

`read` gives published rows in the form of episodes, so that everything that works on episodes works on them;
`write` makes published rows of the episodes of all eight tasks. `datasets` says how the benchmark's data were
made; one command plays and writes such a set (`turnwise.synth.lmrl_gym`):

    python -m turnwise.synth.lmrl_gym maze --episodes 1000 --to maze.jsonl
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec

from turnwise.environments.lmrl_gym import published as shapes
from turnwise.environments.lmrl_gym.rows import QUESTIONS, Text, Trajectory, trajectory
from turnwise.errors import ConfigError, TaskError
from turnwise.log import Call, EpisodeLog, Reward, Stop, Turn
from turnwise.message import Message

AGENT = "agent"
_SHAPES: dict[str, Callable[[Trajectory], Any]] = {
    "text_nav": shapes.text_nav,
    "wordle": shapes.wordle,
    "chess": shapes.chess_steps,
    "endgames": shapes.chess_steps,
    "twenty_questions": shapes.questions,
    "guess_my_city": shapes.questions,
    "car_dealer": shapes.car_dealer,
}


def read(path: str | Path, environment: str, **settings: Any) -> Iterator[EpisodeLog]:
    """The episodes in a file of published rows: one a line, or all in one JSON list.

    Args:
        path: The file.
        environment: The name of the environment they are of (`maze`, `wordle`, ...).
        **settings: What it was set to, e.g. `observed="partially"`. Car Dealer's `reward` decides what a deal
            earned, a guessing game's `max_questions` after how many it was over.

    Raises:
        ConfigError: where the file cannot be read.
        TaskError: naming the file, the row and the field that does not fit.
    """
    path = Path(path)
    questions, reward = settings.get("max_questions", QUESTIONS), settings.get("reward", "fancy")
    for number, (where, row) in enumerate(_rows(path)):
        try:
            told = trajectory(row, questions=questions, reward=reward)
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
        task={"id": str(number), **told.task},
        agents={AGENT: "published"},
        turns=tuple(turns),
        calls=tuple(calls),
        rewards=tuple(
            Reward(value=text.reward, turn=index) for index, text in enumerate(told.texts) if text.said
        ),
        metrics=dict(told.metrics),
        stop=Stop.COMPLETED if told.done else Stop.MAX_TURNS,
    )


def write(logs: Iterable[EpisodeLog], path: str | Path) -> int:
    """Write episodes as published rows, one a line; gives how many. Those that failed are left out.

    Raises:
        ConfigError: for an episode of an environment without published rows, or one that told rules.
    """
    count = 0
    with Path(path).open("wb") as file:
        for log in logs:
            if log.stop in (None, Stop.ERROR):
                continue
            file.write(msgspec.json.encode(published(log)) + b"\n")
            count += 1
    return count


def published(log: EpisodeLog) -> Any:
    """An episode as the benchmark's row.

    Raises:
        ConfigError: as `write`.
    """
    partially = log.settings.get("observed") == "partially"
    known = {"maze": shapes.maze_texts if partially else shapes.maze_steps, **_SHAPES}
    if log.environment not in known:
        raise ConfigError(
            f"no published rows for environment {log.environment!r}: expected {', '.join(known)}"
        )
    for setting in ("rules", "instructions"):
        if log.settings.get(setting, False):
            raise ConfigError(
                f"{log.environment}: these episodes began with rules, which published rows do not: "
                f"run it with {setting}=false"
            )
    return known[log.environment](_told(log))


def _told(log: EpisodeLog) -> Trajectory:
    """The agent's side of an episode: what it said, and what it was shown of the rest."""
    earned: dict[int | None, float] = {}
    for reward in log.rewards:
        if reward.role in (None, AGENT):
            earned[reward.turn] = earned.get(reward.turn, 0.0) + (reward.value or 0.0)
    texts = tuple(Text(turn.text, turn.role == AGENT, earned.get(turn.index, 0.0)) for turn in _seen(log))
    return Trajectory(texts, log.stop is Stop.COMPLETED, task=log.task, metrics=log.metrics)


def _seen(log: EpisodeLog) -> Iterator[Turn]:
    """The turns an agent saw. What another role said it saw only if it was given to it."""
    given = {ref for call in log.calls if call.role == AGENT for ref in call.added if isinstance(ref, int)}
    for turn in log.turns:
        everyone = not turn.to and turn.role == "environment"
        if turn.role == AGENT or turn.index in given or AGENT in turn.to or everyone:
            yield turn


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
