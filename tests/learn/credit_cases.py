"""Turns made by hand, and by hypothesis, for the tests of credit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from turnwise.learn.batch import Turns


def turns(
    rewards: Sequence[Sequence[float]],
    *,
    tokens: Sequence[Sequence[int]] | None = None,
    group: Sequence[int] | None = None,
    role: Sequence[Sequence[int]] | None = None,
    state: Sequence[Sequence[int]] | None = None,
    counted: Sequence[Sequence[bool]] | None = None,
) -> Turns:
    """One list an episode; by default of one group, one role, and one token a turn."""
    of = [[e] * len(row) for e, row in enumerate(rewards)]
    role = role or [[0] * len(row) for row in rewards]
    index = [[list(who[:k]).count(one) for k, one in enumerate(who)] for who in role]
    return Turns(
        episode=_flat(of, np.int64),
        group=np.array(group if group is not None else [0] * len(rewards), dtype=np.int64),
        reward=_flat(rewards, np.float64),
        index=_flat(index, np.int64),
        role=_flat(role, np.int64),
        tokens=_flat(tokens or [[1] * len(row) for row in rewards], np.int64),
        state=None if state is None else _flat(state, np.int64),
        counted=None if counted is None else _flat(counted, np.bool_),
    )


def _flat(rows: Sequence[Sequence[Any]], kind: Any) -> Any:
    return np.array([one for row in rows for one in row], dtype=kind)


Episode = tuple[int, list[tuple[float, int, int]]]
"""Group, and reward, tokens and state of each turn."""

numbers = st.integers(-8, 8).map(lambda n: n / 4)
"""Rewards that add without rounding."""
some_episodes: st.SearchStrategy[list[Episode]] = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.tuples(numbers, st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=9,
)


def of_episodes(episodes: Sequence[Episode]) -> Turns:
    """The turns of such episodes."""
    return turns(
        [[reward for reward, _, _ in of] for _, of in episodes],
        tokens=[[tokens for _, tokens, _ in of] for _, of in episodes],
        state=[[state for _, _, state in of] for _, of in episodes],
        group=[group for group, _ in episodes],
    )


def by_hand(rewards: Sequence[float], values: Sequence[float], gamma: float, lam: float) -> list[float]:
    """GAE on a sequence that has nothing but sampled tokens, as the formula is written."""
    deltas = [
        reward + gamma * (values[t + 1] if t + 1 < len(values) else 0.0) - values[t]
        for t, reward in enumerate(rewards)
    ]
    return [
        sum((gamma * lam) ** (j - t) * deltas[j] for j in range(t, len(deltas))) for t in range(len(deltas))
    ]
