"""Pass@k: only the best of a group is credited, with what it is better than the second."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains, outcomes
from turnwise.learn.credit.group import Deviation, chain_labels, variances
from turnwise.learn.credit.registry import method


@method("pass_at_k")
def pass_at_k(turns: Turns, *, deviation: Deviation = "unbiased", epsilon: float = 1e-6) -> Floats:
    """Pass@k: (R_max − R_second) / (deviation + ε) for the group's best episode, 0 for all others, `[K]`.

    Tang et al. (arXiv 2503.19595), as verl's `grpo_passk`; a lone episode gets 0 (there it is an error). Of
    equally good ones none gets anything.
    """
    chain, count, roles = chains(turns)
    played = np.flatnonzero(np.bincount(chain, minlength=count))
    value, label = outcomes(turns)[played], chain_labels(turns, "group", roles)[played]
    best_first = np.lexsort((-value, label))
    ranked, of = value[best_first], label[best_first]
    first = np.flatnonzero(np.r_[True, of[1:] != of[:-1]]) if len(of) else np.zeros(0, np.int64)
    second = np.minimum(first + 1, len(of) - 1)
    peers = (of[second] == of[first]) & (second > first)
    lead = np.where(peers, ranked[first] - ranked[second], 0.0)
    if deviation != "none":
        number = np.bincount(label).astype(np.float64)
        mean = np.bincount(label, value) / np.maximum(number, 1)
        variance = variances(value - mean[label], label, np.ones(len(value)), number, deviation)[of[first]]
        lead = np.where(peers, lead / (np.sqrt(np.where(peers, variance, 0)) + epsilon), 0.0)
    result = np.zeros(count)
    result[played[best_first[first]]] = lead
    return result[chain]
