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

from typing import Any, Literal, TypeAlias

import numpy as np

from turnwise.errors import CapabilityError, ConfigError
from turnwise.learn.batch import Bools, Floats, Ints, Turns
from turnwise.learn.credit.chains import chains, outcomes, there, to_go, totals

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
    settings: dict[str, Any] = {
        "leave_one_out": leave_one_out,
        "deviation": deviation,
        "epsilon": epsilon,
        "alone": alone,
    }
    if signal != "outcome" or scope in ("turn", "state"):
        value = turn_signal(turns, signal, gamma)
        vote = turn_votes(turns, votes)
        return centre(value, labels(turns, scope), vote=vote, counted=turns.counted, **settings)
    chain, count, roles = chains(turns)
    label, vote = chain_labels(turns, scope, roles), chain_votes(turns, votes, row)
    seen = there(turns, chain, count)
    value = totals(turns.reward, chain, count)
    return centre(value, label, vote=vote, counted=seen, **settings)[chain]


def turn_signal(turns: Turns, signal: Signal, gamma: float) -> Floats:
    """`[K]` What is compared, for each turn."""
    if signal == "reward":
        return turns.reward
    return to_go(turns, gamma) if signal == "to_go" else outcomes(turns)[chains(turns)[0]]


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
    own = np.ones(len(value)) if vote is None else vote
    own = own if counted is None else own * counted
    total = np.asarray(np.bincount(label, own), np.float64)
    summed = np.bincount(label, own * value)
    # Votes need not be whole numbers, so voters are counted apart where there are votes.
    voter = own if vote is None else (own > 0).astype(np.float64)
    voters = total if vote is None else np.bincount(label, voter)
    peers = voters[label] > voter
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = centred = value - (summed / total)[label]
        if leave_one_out:
            difference = value - (summed[label] - own * value) / (total[label] - own)
        if deviation != "none":
            variance = variances(centred, label, own, total, deviation)
            scale = np.sqrt(variance + epsilon) if epsilon_in == "variance" else np.sqrt(variance) + epsilon
            difference = difference / scale[label]
    return np.where(peers, difference, value if alone == "raw" else 0.0)


def variances(centred: Floats, label: Ints, own: Floats, total: Floats, deviation: Deviation) -> Floats:
    """`[labels]` Σ w·(x − mean)² / (Σ w − 1), or / Σ w; not finite where there are too few votes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.bincount(label, own * centred**2) / (total - (deviation == "unbiased"))


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
