"""Success by turn, read from the logs of episodes."""

from __future__ import annotations

from collections.abc import Iterable

from turnwise.log import EpisodeLog
from turnwise.metrics.curves import SuccessCurve, success_curve


def solved_at(log: EpisodeLog, *, solved: float = 1.0) -> int | None:
    """How many turns of the first role it took until its rewards reached `solved`; None if they never did.

    A reward for the whole episode counts at its end.
    """
    first = log.roles[0]
    count = 0
    turn_number: dict[int, int] = {}
    for turn in log.turns:
        count += turn.role == first
        turn_number[turn.index] = count
    mine = [reward for reward in log.rewards if (reward.role or first) == first and reward.value is not None]
    mine.sort(key=lambda reward: len(log.turns) if reward.turn is None else reward.turn)
    total = 0.0
    for reward in mine:
        total += reward.value or 0.0
        if total >= solved - 1e-9:
            return max(1, count if reward.turn is None else turn_number.get(reward.turn, count))
    return None


def success_by_turn(
    logs: Iterable[EpisodeLog], *, solved: float = 1.0, turns: int | None = None
) -> SuccessCurve:
    """The share of episodes solved by each turn of the first role, with bands clustered by task.

    Args:
        logs: Of episodes; one that failed or is unfinished is missing, not unsolved.
        solved: The score from which an episode counts as solved.
        turns: How many turns to show; by default those of the longest episode.
    """
    when: list[int | None] = []
    lengths: list[int] = []
    missing: list[bool] = []
    tasks: list[str] = []
    for log in logs:
        score = log.score()
        ended = score is not None
        when.append(solved_at(log, solved=solved) if ended and score >= solved - 1e-9 else None)
        lengths.append(sum(1 for turn in log.turns if turn.role == log.roles[0]))
        missing.append(not ended)
        tasks.append(str(log.task["id"]))
    most = turns or max(lengths, default=1) or 1
    return success_curve(when, turns=most, lengths=lengths, missing=missing, clusters=tasks)
