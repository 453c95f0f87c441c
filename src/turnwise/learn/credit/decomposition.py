"""Return decomposition: an outcome taken apart by a regressor that learnt to predict it.

Two ways, both summing to the outcome (less `start`) in every episode:

- by **differences** of predictions from prefixes, `R^(s_0:t) - R^(s_0:t-1)` (RUDDER, Arjona-Medina et al.
  2019): a turn is worth by how much it changed what is expected;
- by **parts**, where the outcome is regressed on the sum of one term a turn, `R ~ sum_t x_t . w` (randomised
  return decomposition, LaRe, SPA-RL, RED): a turn is worth its term.

What the regressor leaves unexplained is shared evenly over the turns, or given to the last.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.spans import check, gains, lasts, lengths, sums

Rest: TypeAlias = Literal["even", "last", "none"]


def difference_credits(
    predicted: Floats, start: Floats, outcome: Floats, episode: Ints, *, rest: Rest = "even"
) -> Floats:
    """`[K]` By how much each turn changed the predicted outcome.

    Args:
        predicted: `[K]` Outcome predicted from the episode up to and with each turn.
        start: `[E]` Outcome predicted before the first turn; zeros credit the first turn with it.
        outcome: `[E]` Score of each episode.
        episode: `[K]` Number of its episode, not decreasing.
        rest: Who gets `outcome` less the last prediction: all turns evenly, the last one, nobody.

    Returns:
        Credits; but for `rest="none"` they sum to `outcome - start` in each episode.

    Raises:
        ConfigError: the arrays do not fit.
    """
    check("return decomposition", episode, predicted=predicted)
    return _with_rest(gains(predicted, episode, start), outcome - start, episode, rest)


def part_credits(parts: Floats, outcome: Floats, episode: Ints, *, rest: Rest = "even") -> Floats:
    """`[K]` The part of the outcome that each turn explains.

    Args:
        parts: `[K]` Term of each turn in a prediction of the outcome that is their sum.
        outcome: `[E]` What to sum to: the score of each episode, less the prediction's constant.
        episode: `[K]` Number of its episode, not decreasing.
        rest: Who gets what is left unexplained.

    Raises:
        ConfigError: the arrays do not fit.
    """
    check("return decomposition", episode, parts=parts)
    return _with_rest(parts.copy(), outcome, episode, rest)


def _with_rest(credit: Floats, whole: Floats, episode: Ints, rest: Rest) -> Floats:
    """Credits that sum to `whole` `[E]` in each episode."""
    if rest == "none" or not len(credit):
        return credit
    left = whole - sums(credit, episode, len(whole))
    if rest == "even":
        return credit + (left / np.maximum(lengths(episode, len(whole)), 1))[episode]
    end = lasts(episode)
    credit[end] += left[episode[end]]
    return credit


def fit_ridge(features: Floats, target: Floats, *, ridge: float = 1e-3) -> tuple[Floats, float]:
    """Weights `[F]` and constant of the linear prediction of `target` `[N]` from `features` `[N, F]`.

    Minimises the mean squared error plus `ridge |w|^2`; the constant is not penalised.

    Raises:
        ConfigError: nothing to fit to, or rows that do not match.
    """
    if features.ndim != 2 or len(features) != len(target) or not len(target):
        raise ConfigError(
            f"return decomposition: expected features [N, F] and N > 0 targets, got {features.shape} and "
            f"{target.shape}"
        )
    if not ridge > 0:
        raise ConfigError(f"return decomposition: expected a ridge above 0, got {ridge}")
    middle, mean = features.mean(axis=0), float(target.mean())
    centred = features - middle
    square = centred.T @ centred / len(target) + ridge * np.eye(features.shape[1])
    weights = cast("Floats", np.linalg.solve(square, centred.T @ (target - mean) / len(target)))
    return weights, mean - float(middle @ weights)


def fit_prefixes(
    features: Floats, outcome: Floats, episode: Ints, *, ridge: float = 1e-3
) -> tuple[Floats, Floats]:
    """Predictions from prefixes, by a linear regressor fitted to the final outcome at every one of them.

    Args:
        features: `[K, F]` Of the episode up to and with each turn.
        outcome: `[E]` Score of each episode.
        episode: `[K]` Number of its episode, not decreasing.
        ridge: Penalty of the weights.

    Returns:
        `predicted` `[K]` and `start` `[E]`, the mean outcome, as `difference_credits` takes them.

    Raises:
        ConfigError: the arrays do not fit.
    """
    weights, constant = fit_ridge(features, outcome[episode], ridge=ridge)
    return features @ weights + constant, np.full(len(outcome), outcome.mean())


def fit_parts(
    features: Floats, outcome: Floats, episode: Ints, *, ridge: float = 1e-3
) -> tuple[Floats, float]:
    """The part of each turn in the outcome, by regressing the outcome on the sum of the turns' features.

    Args:
        features: `[K, F]` Of each turn alone.
        outcome: `[E]` Score of each episode.
        episode: `[K]` Number of its episode, not decreasing.
        ridge: Penalty of the weights.

    Returns:
        `parts` `[K]` and the constant, which belongs to no turn.

    Raises:
        ConfigError: the arrays do not fit.
    """
    whole = np.zeros((len(outcome), features.shape[1]))
    np.add.at(whole, episode, features)
    weights, constant = fit_ridge(whole, outcome, ridge=ridge)
    return features @ weights, constant
