"""Group filters: which groups of a batch are worth learning from, by how much their outcomes differ.

| name | keeps | source |
| --- | --- | --- |
| `varied` | groups whose outcomes are not all equal | DAPO's dynamic sampling (arXiv:2503.14476) |
| `top_p=0.9` | the most varied, until they hold that share of all variance | RAGEN, linear top-p |
| `top_share=0.25` | that share of the groups, the most varied first | StarPO-S (arXiv:2504.20073) |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import numpy as np

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.batch import Batch, Bools, Floats, Ints
from turnwise.learn.tables import concat, select_episodes

Filter: TypeAlias = Callable[[Floats], Bools]
"""Of deviations `[G]`, which groups stay."""


def deviations(outcome: Floats, group: Ints) -> Floats:
    """`[G]` Unbiased standard deviation of the outcomes of each group; 0 for a group of one.

    Args:
        outcome: `[E]`
        group: `[E]` Numbers of the groups, 0 … G-1.
    """
    size = np.bincount(group)
    centred = outcome - (np.bincount(group, outcome) / np.maximum(size, 1))[group]
    # Means are rounded: outcomes that are all equal must differ by nothing at all.
    centred[np.abs(centred) <= 1e-12 * np.abs(outcome)] = 0.0
    return np.sqrt(np.bincount(group, centred**2) / np.maximum(size - 1, 1))


def varied(deviation: Floats) -> Bools:
    """Groups whose outcomes are not all equal: the others' advantages are all 0."""
    return deviation > 0


def top_p(score: Floats, *, p: float = 0.9, slack: float = 0.01) -> Bools:
    """The largest scores, until their sum reaches `p * sum(score) - slack`; none where that is not above 0.

    RAGEN's rule, whose slack is fixed: groups that differ by less than it are all dropped.

    Args:
        score: `[G]` Not below 0.
        p: Share of the sum.
        slack: By how much less is enough.
    """
    wanted = p * float(score.sum()) - slack
    keep = np.zeros(len(score), dtype=np.bool_)
    if wanted <= 0:
        return keep
    order = np.argsort(-score, kind="stable")
    sums: Floats = np.cumsum(score[order])
    count = int(np.searchsorted(sums, wanted)) + 1
    keep[order[:count]] = True
    return keep


def top_share(score: Floats, *, share: float = 0.25) -> Bools:
    """A share of the groups `[G]`, rounded down but at least one, those of the largest scores; of equal ones
    the first."""
    keep = np.zeros(len(score), dtype=np.bool_)
    if len(score):
        count = max(1, int(share * len(score) + 1e-9))
        keep[np.argsort(-score, kind="stable")[:count]] = True
    return keep


_NAMES = ("varied", "top_p", "top_share")


def get(name: str) -> Filter:
    """The filter of a name, with its number behind `=` where it has one: `varied`, `top_p=0.9`.

    Raises:
        ConfigError: there is none of this name, or the number is not above 0 and at most 1.
    """
    word, equals, text = name.partition("=")
    if word not in _NAMES:
        raise ConfigError(f"filter: there is no {word!r}{did_you_mean(word, _NAMES)}")
    if word == "varied" and not equals:
        return varied
    try:
        number = float(text) if equals else {"top_p": 0.9, "top_share": 0.25}[word]
    except (ValueError, KeyError):
        number = 0.0
    if word == "varied" or not 0 < number <= 1:
        raise ConfigError(f"filter: expected varied, top_p=P or top_share=P with 0 < P <= 1, got {name!r}")
    if word == "top_p":
        return lambda deviation: top_p(deviation**2, p=number)
    return lambda deviation: top_share(deviation, share=number)


def filtered(batch: Batch, keeps: Filter) -> Batch | None:
    """The groups of a batch that a filter keeps; None where it keeps none."""
    group = batch.turns.group
    keep = keeps(deviations(batch.outcome, group))[group]
    if not keep.any():
        return None
    return batch if keep.all() else select_episodes(batch, keep)


async def refilled(
    play: Callable[[int], Awaitable[Batch]], keeps: Filter, *, wanted: int, rounds: int
) -> Batch | None:
    """Play until enough groups were kept (DAPO's dynamic sampling).

    Args:
        play: Plays a round, told its number from 0.
        keeps: Which groups stay.
        wanted: Groups there should be; more are cut off, the last first.
        rounds: Most rounds.

    Returns:
        The groups that were kept, `wanted` at most; None where there are none.
    """
    found: list[Batch] = []
    for number in range(rounds):
        kept = filtered(await play(number), keeps)
        if kept is not None:
            found.append(kept)
        if sum(len(np.unique(one.turns.group)) for one in found) >= wanted:
            break
    if not found:
        return None
    whole = concat(found)
    keep = whole.turns.group < wanted
    return whole if keep.all() else select_episodes(whole, keep)
