"""ArCHer: two critics of utterances, what they are fitted to, and the advantage they give."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.credit.registry import method


@method("archer", takes=("q", "v"))
def archer(turns: Turns, *, q: Floats, v: Floats) -> Floats:
    """ArCHer's actor advantage: min(Q₁, Q₂)(s, a) − min(V₁, V₂)(s), `[K]`.

    Zhou et al. (arXiv 2402.19446).

    Args:
        turns: The turns (their rewards enter through the critics only).
        q: `[2, K]` Both heads' value of each turn's utterance in its state.
        v: `[2, K]` Both heads' value of the state.
    """
    return q.min(axis=0) - v.min(axis=0)


def q_targets(turns: Turns, target_v: Floats, *, gamma: float = 0.95) -> Floats:
    """What Q is fitted to: r + γ·(1 − done)·V̄_i(s'), `[2, K]`; each head by its own target, no minimum.

    Args:
        turns: s' is the state of the same role's next turn; after the last one, done.
        target_v: `[2, K]` The target network's value of each turn's own state.
        gamma: Discount per turn.
    """
    return turns.reward + gamma * after(turns, target_v)


def v_targets(target_q: Floats) -> Floats:
    """What V is fitted to: Q̄_i(s, ã), ã being said anew by the actor, `[2, K]`: each head's own target.

    Args:
        target_q: `[2, K]` The target network's value of the new utterances.
    """
    return target_q


def after(turns: Turns, values: Floats) -> Floats:
    """`[…, K]` The value at the role's next turn, 0 after its last."""
    chain, _, _ = chains(turns)
    order = np.argsort(chain, kind="stable")
    follows = chain[order][1:] == chain[order][:-1]
    result = np.zeros_like(values, dtype=np.float64)
    result[..., order[:-1][follows]] = values[..., order[1:][follows]]
    return result


def polyak(target: Floats, live: Floats, tau: float = 0.1) -> Floats:
    """Weights of the target network after a critic step: (1 − τ)·θ̄ + τ·θ."""
    return (1 - tau) * target + tau * live
