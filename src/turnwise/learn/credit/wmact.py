"""WMAct: an outcome counts as much as the actions that led to it had an effect."""

from __future__ import annotations

import msgspec
import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.chains import chains


def efficacy(turns: Turns, *, effective: Ints, issued: Ints) -> Floats:
    """`[C]` Share of a chain's actions after which the state was another, N_eff / N; 0 where none was issued.

    Args:
        turns: The turns.
        effective: `[K]` Actions of each turn that changed the state.
        issued: `[K]` All actions of each turn.
    """
    chain, count, _ = chains(turns)
    total = np.bincount(chain, issued, minlength=count)
    return np.bincount(chain, effective, minlength=count) / np.maximum(total, 1)


def rescaled(turns: Turns, *, effective: Ints, issued: Ints) -> Turns:
    """The turns with R·N_eff / N in place of R (WMAct, arXiv 2511.23476); any credit method may follow.

    Args:
        turns: The turns.
        effective: `[K]` Actions of each turn that changed the state.
        issued: `[K]` All actions of each turn.
    """
    chain, _, _ = chains(turns)
    share = efficacy(turns, effective=effective, issued=issued)
    return msgspec.structs.replace(turns, reward=turns.reward * share[chain])
