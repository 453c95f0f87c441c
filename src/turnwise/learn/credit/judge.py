"""Judge scores as credit: a verdict on each turn, compared with those on the same step of other episodes.

Sources: CAPO and CriticSearch (a language model scores steps), LLM-MCA (it scores agents). A judge's scale
drifts along an episode (early turns look vague, late ones decided), so scores are centred, and by default
scaled, among the episodes of a group at equal step index. A missing verdict is left out of the statistics and
stays missing: what trains on it has no weight there, it is never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from turnwise.judges import Judge
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.spans import check
from turnwise.log import EpisodeLog
from turnwise.verdict import Asker, Verdict


def judge_credits(
    score: Floats,
    episode: Ints,
    index: Ints,
    group: Ints,
    *,
    deviation: Literal["sample", "population", "none"] = "sample",
    epsilon: float = 1e-6,
) -> Floats:
    """`[K]` Scores, centred and scaled among the turns of equal index in the same group.

    A turn that nobody else reached (or was judged at) has nothing to be compared with: credit 0.

    Args:
        score: `[K]` The judge's scores; NaN where the verdict is missing.
        episode: `[K]` Number of its episode, not decreasing.
        index: `[K]` Number of the step in its episode.
        group: `[E]` Group of each episode.
        deviation: What to divide by: the standard deviation with n - 1, with n, or nothing.
        epsilon: Added to it.

    Raises:
        ConfigError: the arrays do not fit.
    """
    check("judge", episode, score=score)
    cells = np.stack([group[episode], index], axis=1)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    given = ~np.isnan(score)
    count = np.bincount(cell, weights=given)
    mean = np.bincount(cell, weights=np.where(given, score, 0.0)) / np.maximum(count, 1)
    centred = score - mean[cell]
    if deviation == "none":
        return centred
    square = np.bincount(cell, weights=np.where(given, centred, 0.0) ** 2)
    spread = np.sqrt(square / np.maximum(count - (deviation == "sample"), 1))
    return centred / (spread[cell] + epsilon)


def scores_by_turn(log: EpisodeLog, verdicts: Sequence[Verdict], role: str | None = None) -> Floats:
    """`[N]` A score for each turn of `role` (the first role), NaN where there is no verdict on it.

    A verdict is on the turns it names as evidence; several on one turn are averaged.
    """
    who = role or log.roles[0]
    place = {turn.index: number for number, turn in enumerate(t for t in log.turns if t.role == who)}
    total, count = np.zeros(len(place)), np.zeros(len(place))
    for verdict in verdicts:
        for index in verdict.evidence:
            if verdict.score is not None and index in place:
                total[place[index]] += verdict.score
                count[place[index]] += 1
    return np.divide(total, count, out=np.full(len(place), np.nan), where=count > 0)


async def judged_turns(log: EpisodeLog, judge: Judge, ask: Asker, role: str | None = None) -> Floats:
    """`[N]` Ask a judge about an episode: its score for each turn of `role`, NaN where it gave none.

    Args:
        log: A finished episode.
        judge: One whose verdicts name turns as evidence, as `rating_judge` does.
        ask: Shows it a prompt (`turnwise.judges.ask_model`).
        role: Whose turns; the environment's first role by default.

    Raises:
        ModelError: where the judge's model failed, or its answer cannot be read and its policy says so.
    """
    return scores_by_turn(log, await judge.verdicts(log, ask), role)
