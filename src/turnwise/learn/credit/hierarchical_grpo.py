"""Hierarchical GRPO: solvers against solvers of the same problem, proposers against proposers of the same
task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.calls import calls
from turnwise.learn.credit.group import centre, joined
from turnwise.learn.credit.registry import method


@method("hierarchical_grpo", needs=("several_roles",), takes=("call",))
def hierarchical_grpo(turns: Turns, *, call: Ints, solvers: Sequence[int] = (1,)) -> Floats:
    """Hierarchical GRPO: R − mean; of solvers within their episode, of other roles within their group, `[K]`.

    For environments in which one role proposes a problem and another tries it several times (prime-rl).
    Attempts at other problems are no measure: those may be harder.

    Args:
        turns: Rewards of an attempt stand with its turns.
        call: `[K]` Number of the attempt that a turn belongs to (its row, `Batch.turn_row`).
        solvers: Roles that are compared by attempt, within the episode.
    """
    solving = np.isin(turns.role, np.asarray(solvers))
    found = calls(turns, call, solving)
    first = found.first
    episode, group = turns.episode[first], turns.group[turns.episode[first]]
    peers = np.where(solving[first], episode, group)
    label = joined(solving[first].astype(np.int64), turns.role[first], peers)
    return centre(found.score, label, counted=found.counted)[found.of_turn]
