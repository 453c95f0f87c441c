"""Exact credit of every turn, where what each turn is worth is known.

A run of turns, each answered by -1 or +1, succeeds where the weighted sum of the answers reaches a threshold;
a turn of weight 0 is a distractor. The value of any beginning then follows by adding up, and with it what
each family of credit methods estimates. The families, and the example of four turns with weights
(2, -1, 1, -2) and threshold 2, are those of the survey "From Reasoning to Agentic: Credit Assignment in
Reinforcement Learning for Large Language Models".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from math import factorial

MOST_PLAYERS = 14
"""Decisive turns up to which Shapley values are computed."""


class Branches:
    """A run of turns, and the policy that is followed where nothing else is said.

    Args:
        weights: Of the turns.
        threshold: The sum of weight times answer from which on it is a success.
        right: How probable the policy's answer +1 is, at every turn.

    """

    def __init__(self, weights: Sequence[int], threshold: int, right: float = 0.5) -> None:
        self.weights = tuple(weights)
        self.threshold = threshold
        self.right = right

    @cached_property
    def values(self) -> list[Mapping[int, float]]:
        """For each number of turns answered, the probability of success by the sum so far."""
        sums: list[set[int]] = [{0}]
        for weight in self.weights:
            sums.append({total + side for total in sums[-1] for side in (weight, -weight)})
        after: dict[int, float] = {total: float(total >= self.threshold) for total in sums[-1]}
        values: list[Mapping[int, float]] = [after]
        for weight, totals in zip(reversed(self.weights), reversed(sums[:-1]), strict=True):
            after = {
                total: self.right * after[total + weight] + (1 - self.right) * after[total - weight]
                for total in totals
            }
            values.append(after)
        return values[::-1]

    def total(self, answers: Sequence[int]) -> int:
        """The weighted sum of the first answers."""
        return sum(weight * answer for weight, answer in zip(self.weights, answers, strict=False))

    def value(self, answers: Sequence[int]) -> float:
        """Probability of success once these were the first answers, the rest left to the policy."""
        return self.values[len(answers)][self.total(answers)]

    def success(self, answers: Sequence[int]) -> bool:
        """Whether a whole run succeeded."""
        if len(answers) != len(self.weights):
            raise ValueError(f"expected {len(self.weights)} answers, got {len(answers)}")
        return self.total(answers) >= self.threshold

    def credits(self, answers: Sequence[int]) -> list[float]:
        """What each answer changed: the value after it less the value before it.

        This is the advantage of the answer under the policy, and what vine Monte Carlo, temporal difference
        with the true value, and return decomposition converge to. A whole run's add up to its outcome less
        `value(())`; over the policy's answers at a turn their mean is 0.
        """
        steps = (weight * answer for weight, answer in zip(self.weights, answers, strict=False))
        reached = accumulate(steps, initial=0)
        values = [worth[total] for worth, total in zip(self.values, reached, strict=False)]
        return [after - before for before, after in pairwise(values)]

    def counterfactual(self, answers: Sequence[int]) -> list[float]:
        """Outcome less what it is on average where one turn alone is answered by the policy instead."""
        total, outcome = self.total(answers), float(self.success(answers))
        worth: list[float] = []
        for weight, answer in zip(self.weights, answers, strict=True):
            others = total - weight * answer
            up, down = others + weight >= self.threshold, others - weight >= self.threshold
            worth.append(outcome - self.right * up - (1 - self.right) * down)
        return worth

    def shapley(self, answers: Sequence[int]) -> list[float]:
        """Shapley values of the turns, adding up to the outcome less `value(())`.

        The players are the turns. A coalition is worth the probability of success where its members answer as
        they did and the policy answers for all others.

        Raises:
            ValueError: more than `MOST_PLAYERS` turns are decisive.
        """
        players = [turn for turn, weight in enumerate(self.weights) if weight]
        count = len(players)
        if count > MOST_PLAYERS:
            raise ValueError(f"Shapley values of {count} decisive turns; expected at most {MOST_PLAYERS}")
        worth = self._coalitions([(self.weights[turn], answers[turn]) for turn in players])
        share = [factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)]
        values = [0.0] * len(answers)
        for player, turn in enumerate(players):
            bit = 1 << player
            values[turn] = sum(
                share[members.bit_count()] * (worth[members | bit] - worth[members])
                for members in range(1 << count)
                if not members & bit
            )
        return values

    def _coalitions(self, players: Sequence[tuple[int, int]]) -> list[float]:
        """What each coalition is worth; its members are the bits of its place."""
        # Sums and their chances, for the coalitions of the players so far.
        chances: list[dict[int, float]] = [{0: 1.0}]
        for weight, answer in players:
            either = {weight: self.right, -weight: 1 - self.right}
            left_out = [_moved(sums, either) for sums in chances]
            chances = left_out + [_moved(sums, {weight * answer: 1.0}) for sums in chances]
        return [sum(chance for total, chance in sums.items() if total >= self.threshold) for sums in chances]


def totals(weights: Sequence[int], right: float = 0.5) -> dict[int, float]:
    """How probable each sum of a whole run is, where the policy answers +1 with probability `right`."""
    sums: dict[int, float] = {0: 1.0}
    for weight in weights:
        if weight:
            sums = _moved(sums, {weight: right, -weight: 1 - right})
    return sums


def _moved(sums: Mapping[int, float], by: Mapping[int, float]) -> dict[int, float]:
    """Sums and their chances, after one more turn that adds each of `by` with its chance."""
    moved: dict[int, float] = {}
    for total, chance in sums.items():
        for step, probability in by.items():
            moved[total + step] = moved.get(total + step, 0.0) + chance * probability
    return moved
