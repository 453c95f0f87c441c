"""Pass@k: only the best of a group is credited, with what it is better than the second."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.chains import chains, there, totals
from turnwise.learn.credit.group import Deviation, chain_labels, variances
from turnwise.learn.credit.registry import method


@method("pass_at_k")
def pass_at_k(turns: Turns, *, deviation: Deviation = "unbiased", epsilon: float = 1e-6) -> Floats:
    """Pass@k: (R_max − R_second) / (deviation + ε) for the group's best episode, 0 for all others, `[K]`.

    Tang et al. (arXiv 2503.19595), as verl's `grpo_passk`; a lone episode gets 0 (there it is an error). Of
    equally good ones none gets anything.
    """
    chain, count, roles = chains(turns)
    value, label = totals(turns.reward, chain, count), chain_labels(turns, "group", roles)
    played = np.ones(count) if (seen := there(turns, chain, count)) is None else seen.astype(np.float64)
    value = np.where(played > 0, value, -np.inf)
    number = np.asarray(np.bincount(label, played), np.float64)
    best = _greatest(value, label)
    winner = np.flatnonzero(value == best[label])[::-1]  # of equals the last is written, which is the first
    champion = np.full(len(best), -1)
    champion[label[winner]] = winner
    rest = value.copy()
    rest[champion[champion >= 0]] = -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        lead = best - _greatest(rest, label)
        if deviation != "none":
            known = np.where(played > 0, value, 0.0)
            centred = known - (np.bincount(label, known) / number)[label]
            lead = lead / (np.sqrt(variances(centred, label, played, number, deviation)) + epsilon)
    result = np.zeros(count)
    result[champion[number > 1]] = lead[number > 1]
    return result[chain]


def _greatest(value: Floats, label: Ints) -> Floats:
    """`[labels]` The greatest value of each label."""
    top = np.full(int(label.max()) + 1 if len(label) else 0, -np.inf)
    np.maximum.at(top, label, value)
    return top
