"""Which turn-level baselines are without bias where the policy decides how many turns there are, exactly.

At each turn the policy goes on with probability p, which is rewarded a little, or stops, which is rewarded
once; after the last turn it is stopped. A group's expectation is a sum over all it can be, so nothing is
estimated.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import factorial, prod
from typing import Any

import numpy as np
import pytest
from credit_cases import turns

from turnwise.learn import credit
from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import to_go

LIMIT, SIZE, GO_ON, LITTLE, ONCE = 4, 8, 0.6, 0.3, 1.0


def episode(stop: int) -> tuple[float, list[float], list[float]]:
    """Probability, rewards and scores ∂ log π / ∂ logit of an episode that goes on `stop` times."""
    stops = stop < LIMIT
    chance = GO_ON**stop * ((1 - GO_ON) if stops else 1)
    rewards = [LITTLE] * stop + [ONCE] * stops
    return chance, rewards, [1 - GO_ON] * stop + [-GO_ON] * stops


KINDS = [episode(stop) for stop in range(LIMIT + 1)]
EXACT = sum(chance * sum(rewards) * sum(scores) for chance, rewards, scores in KINDS)


def all_groups() -> tuple[Turns, Floats, Floats]:
    """Each multiset of episodes as one group, its probability, and the score of each turn."""
    groups = list(combinations_with_replacement(range(LIMIT + 1), SIZE))
    orders = [factorial(SIZE) / prod(factorial(g.count(kind)) for kind in set(g)) for g in groups]
    chances = [orders[i] * prod(KINDS[kind][0] for kind in g) for i, g in enumerate(groups)]
    stops = [kind for g in groups for kind in g]
    data = turns(
        [KINDS[kind][1] for kind in stops], group=[i for i in range(len(groups)) for _ in range(SIZE)]
    )
    return data, np.array(chances), np.array([score for kind in stops for score in KINDS[kind][2]])


DATA, CHANCE, SCORE = all_groups()


def gradient(advantage: Floats) -> float:
    """The expectation of the policy gradient with such credit."""
    return float((advantage * SCORE * CHANCE[DATA.group[DATA.episode]]).sum() / SIZE)


def test_the_world_is_whole() -> None:
    assert CHANCE.sum() == pytest.approx(1)
    assert pytest.approx(0.0910, abs=1e-4) == EXACT


@pytest.mark.parametrize(
    ("name", "settings"),
    [("turn_baseline", {}), ("turn_baseline", {"peers": "all"}), ("rloo", {})],
)
def test_without_bias(name: str, settings: dict[str, Any]) -> None:
    assert gradient(credit.get(name)(DATA, **settings)) == pytest.approx(EXACT, abs=1e-12)


def test_centring_by_turn_index_has_the_wrong_sign() -> None:
    """Rewards less the mean of those who got as far, summed to go: what is good is made to look bad."""
    got = gradient(credit.get("turn_grpo")(DATA, signal="reward", deviation="none", accumulate=True))
    assert got == pytest.approx(-0.2853, abs=1e-3)
    assert got * EXACT < 0


def test_ones_own_share_in_the_mean_only_shrinks() -> None:
    shrunk = EXACT * (SIZE - 1) / SIZE
    assert gradient(credit.get("dr_grpo")(DATA)) == pytest.approx(shrunk, abs=1e-12)


def test_forgetting_those_whom_nobody_else_reached_is_a_bias() -> None:
    got = gradient(credit.get("turn_baseline")(DATA, alone="zero"))
    assert got == pytest.approx(0.0980, abs=1e-3)
    assert abs(got - EXACT) > 1e-3


def test_the_turn_baseline_has_less_variance_than_none() -> None:
    def variance(advantage: Floats) -> float:
        mine = np.bincount(DATA.group[DATA.episode], advantage * SCORE) / SIZE
        return float(CHANCE @ mine**2 - (CHANCE @ mine) ** 2)

    plain = to_go(DATA)
    assert gradient(plain) == pytest.approx(EXACT, abs=1e-12)
    assert variance(credit.get("turn_baseline")(DATA)) < variance(plain)


def test_a_group_of_one() -> None:
    """As published, GRPO credits a lone episode with its score; compared with nobody, it gets nothing."""
    lone = turns([[1]])
    for name in ("grpo", "dr_grpo", "rloo", "opo", "gpg", "pass_at_k", "turn_grpo", "mapo", "mt_grpo"):
        assert credit.get(name)(lone).tolist() == [0.0], name
    assert credit.get("grpo")(lone, alone="raw").tolist() == [1.0]
    assert credit.get("rloo")(lone, alone="raw").tolist() == [1.0]
    assert credit.get("turn_baseline")(lone).tolist() == [1.0]


def test_a_group_that_agrees_is_credited_with_nothing() -> None:
    alike = turns([[0.1]] * 7)
    for name in ("grpo", "supo", "m_grpo", "mapo", "turn_grpo"):
        assert credit.get(name)(alike) == pytest.approx([0] * 7, abs=1e-6), name
