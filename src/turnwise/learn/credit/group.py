"""The general comparison with peers: what is compared, with whom, who has how many votes, and on what scale.

Almost every critic-free estimator is one setting of `relative`:

- *signal*: the chain's whole outcome, the turn's own reward, or its reward to go;
- *scope*: whom it is compared with: everything in the batch, the same role, the same group, the same turn
  index of the group, the same state in the group;
- *votes*: how often each counts in mean and deviation: once, or once for each of its rows, turns or tokens;
- leave-one-out or not, kind of deviation, epsilon and where it stands;
- what one that has no peer gets.

Roles stay apart in every scope but `batch`: two sides of a game share no baseline.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from turnwise.errors import CapabilityError, ConfigError
from turnwise.learn.batch import Bools, Floats, Ints, Turns
from turnwise.learn.credit.chains import chains, outcomes, to_go

Signal: TypeAlias = Literal["outcome", "reward", "to_go"]
Scope: TypeAlias = Literal["batch", "role", "group", "turn", "state"]
Votes: TypeAlias = Literal["one", "row", "turn", "token"]
Deviation: TypeAlias = Literal["none", "unbiased", "biased"]
Alone: TypeAlias = Literal["zero", "raw"]


def relative(
    turns: Turns,
    *,
    signal: Signal = "outcome",
    scope: Scope = "group",
    votes: Votes = "one",
    leave_one_out: bool = False,
    deviation: Deviation = "none",
    epsilon: float = 1e-6,
    alone: Alone = "zero",
    gamma: float = 1.0,
    row: Ints | None = None,
) -> Floats:
    """Each turn's signal relative to its peers', `[K]`.

    Args:
        turns: The turns.
        signal: `outcome` compares chains (what one role got in one episode) and gives all turns of a chain
            the same number; `reward` and `to_go` compare turns.
        scope: Whom with.
        votes: How often each counts; `row` needs `row`.
        leave_one_out: Whether one's own votes are left out of the mean.
        deviation: What the difference is divided by.
        epsilon: Added to the deviation.
        alone: What one without peers gets: nothing, or its signal as it is.
        gamma: Discount per turn, for `to_go`.
        row: `[K]` Row of each turn, where rows vote.
    """
    chain, count, roles = chains(turns)
    by_turn = signal != "outcome" or scope in ("turn", "state")
    if by_turn:
        chain_outcome = outcomes(turns)[chain] if signal == "outcome" else None
        value = turns.reward if signal == "reward" else chain_outcome
        value = to_go(turns, gamma) if value is None else value
        label, weight = labels(turns, scope), turn_votes(turns, votes)
        seen: Bools | None = turns.counted
    else:
        value = outcomes(turns)
        label, weight = chain_labels(turns, scope, roles), chain_votes(turns, votes, row)
        present = turns.counted.astype(np.float64) if turns.counted is not None else None
        seen = np.bincount(chain, present, minlength=count) > 0
    result = centre(
        value,
        label,
        vote=weight,
        counted=seen,
        leave_one_out=leave_one_out,
        deviation=deviation,
        epsilon=epsilon,
        alone=alone,
    )
    return result if by_turn else result[chain]


def centre(
    value: Floats,
    label: Ints,
    *,
    vote: Floats | None = None,
    counted: Bools | None = None,
    leave_one_out: bool = False,
    deviation: Deviation = "none",
    epsilon: float = 1e-6,
    epsilon_in: Literal["deviation", "variance"] = "deviation",
    alone: Alone = "zero",
) -> Floats:
    """`(value − mean) / deviation` among all `[N]` of one label.

    mean = Σ w·x / Σ w over those counted; the variance is Σ w·(x − mean)² / (Σ w − 1) when unbiased, / Σ w
    when biased: a vote of 3 is the same as being there three times.

    Args:
        value: `[N]` What is compared.
        label: `[N]` Equal numbers, peers; small numbers from 0.
        vote: `[N]` How often each counts; None is once.
        counted: `[N]` Who counts; None is all. Who does not is still compared with those who do.
        leave_one_out: Whether one's own votes are left out of the mean.
        deviation: Kind of deviation.
        epsilon: Keeps the division finite.
        epsilon_in: Added to the deviation, or to the variance under the root (batch whitening).
        alone: What one that has no counted peer gets: 0, or its value as it is.
    """
    weight = np.ones(len(value)) if vote is None else vote
    own = weight if counted is None else weight * counted
    total = np.bincount(label, own)
    summed = np.bincount(label, own * value)
    voters = np.bincount(label, own > 0)
    peers = voters[label] - (own > 0) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        if leave_one_out:
            difference = value - (summed[label] - own * value) / (total[label] - own)
        else:
            difference = value - (summed / total)[label]
        if deviation != "none":
            variance = variances(value, label, own, deviation)
            scale = np.sqrt(variance + epsilon) if epsilon_in == "variance" else np.sqrt(variance) + epsilon
            difference = difference / scale[label]
    return np.where(peers, difference, value if alone == "raw" else 0.0)


def variances(value: Floats, label: Ints, own: Floats, deviation: Deviation) -> Floats:
    """`[labels]` Σ w·(x − mean)² / (Σ w − 1), or / Σ w; not finite where there are too few votes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.bincount(label, own)
        mean = np.bincount(label, own * value) / total
        return np.bincount(label, own * (value - mean[label]) ** 2) / (total - (deviation == "unbiased"))


def labels(turns: Turns, scope: Scope) -> Ints:
    """`[K]` A number for each turn, equal for those that are compared, from 0."""
    group = turns.group[turns.episode]
    if scope == "batch":
        return np.zeros(len(turns.episode), np.int64)
    if scope == "role":
        return dense(turns.role)
    if scope == "group":
        return joined(group, turns.role)
    if scope == "turn":
        return joined(group, turns.role, turns.index)
    if turns.state is None:
        raise CapabilityError(
            "scope 'state' compares turns of equal states, and these turns have no state keys"
        )
    return joined(group, turns.role, turns.state)


def chain_labels(turns: Turns, scope: Scope, roles: int) -> Ints:
    """`[C]` The same for chains, which are numbered episode · roles + role."""
    episodes = len(turns.group)
    if scope == "batch":
        return np.zeros(episodes * roles, np.int64)
    role = np.arange(roles)
    if scope == "role":
        return np.tile(role, episodes)
    group = dense(turns.group)
    return group if roles == 1 else (group[:, None] * roles + role).ravel()


def turn_votes(turns: Turns, votes: Votes) -> Floats | None:
    """`[K]` Votes of each turn; None is one each."""
    if votes == "row":
        raise ConfigError(
            "rows vote where outcomes are compared; a turn's own number has one vote or its tokens'"
        )
    return turns.tokens.astype(np.float64) if votes == "token" else None


def chain_votes(turns: Turns, votes: Votes, row: Ints | None) -> Floats | None:
    """`[C]` Votes of each chain; None is one each."""
    if votes == "one":
        return None
    chain, count, _ = chains(turns)
    if votes == "turn":
        return np.bincount(chain, minlength=count).astype(np.float64)
    if votes == "token":
        return np.bincount(chain, turns.tokens, minlength=count).astype(np.float64, copy=False)
    if row is None:
        raise ConfigError("votes='row' needs the row of each turn (`Batch.turn_row`)")
    first = np.unique(row, return_index=True)[1]
    return np.bincount(chain[first], minlength=count).astype(np.float64)


def dense(numbers: Ints) -> Ints:
    """The same partition in numbers small enough to index with."""
    if not len(numbers):
        return numbers
    if numbers.min() >= 0 and numbers.max() <= 4 * len(numbers):
        return numbers
    return np.unique(numbers, return_inverse=True)[1]


def joined(*parts: Ints) -> Ints:
    """`[N]` One small number for each distinct tuple of `parts`."""
    label = dense(parts[0])
    for part in parts[1:]:
        part = dense(part)
        if len(part) and part.max() > 0:
            label = dense(label * (part.max() + 1) + part)
    return label
