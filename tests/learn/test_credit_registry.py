"""Methods by name: what they need, and what is refused before anything is computed."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from credit_cases import turns

from turnwise.environments.games.number_guess import NumberGuess
from turnwise.environments.games.wilt import Wilt
from turnwise.environments.lmrl_gym import Maze
from turnwise.environments.mars import TicTacToe
from turnwise.errors import CapabilityError, ConfigError
from turnwise.learn import credit

ONE = turns([[0, 1]])

PUBLISHED = (
    *("grpo", "dr_grpo", "rloo", "reinforce_plus_plus", "reinforce_plus_plus_baseline", "opo", "gpg"),
    *("pass_at_k", "remax", "optimal_token_baseline", "gae", "bi_level_gae", "turn_grpo", "turn_baseline"),
    *("max_rl", "hierarchical_grpo"),
    *("mt_grpo", "gigpo", "m_grpo", "multi_agent_grpo", "mapo", "mars", "flow_grpo", "supo", "archer", "rae"),
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_name_is_found_and_says_what_it_is(name: str) -> None:
    method = credit.get(name)
    assert method.name == name
    assert method.summary
    assert name in credit.names()


def test_a_wrong_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ConfigError, match="did you mean 'gigpo'"):
        credit.get("gigop")


def test_an_environment_that_cannot_serve_a_method_is_refused_early() -> None:
    with pytest.raises(ConfigError, match=r"'gigpo' needs 'state_key'.*wilt"):
        credit.get("gigpo").require(Wilt())
    with pytest.raises(ConfigError, match="'mars' needs 'several_roles'"):
        credit.get("mars").require(NumberGuess())
    credit.get("gigpo").require(Maze())
    credit.get("mars").require(TicTacToe())
    for name in ("grpo", "turn_baseline", "gae", "mapo"):
        credit.get(name).require(NumberGuess())


def test_turns_without_state_keys_are_refused_by_what_needs_them() -> None:
    with pytest.raises(CapabilityError, match="no state keys"):
        credit.get("gigpo")(ONE)


def test_what_a_method_must_be_given() -> None:
    with pytest.raises(ConfigError, match="'gae' must be given 'values'"):
        credit.get("gae")(ONE)


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_is_named(reward: float) -> None:
    with pytest.raises(ConfigError, match=r"turn 1 of episode 1 has the reward (nan|inf)"):
        credit.get("grpo")(turns([[0], [1, reward]]))


def test_turns_that_do_not_fit_together_are_refused() -> None:
    wrong = msgspec.structs.replace(ONE, tokens=np.ones(3, np.int64))
    with pytest.raises(ConfigError, match=r"turns.tokens has 3 entries for 2 turns"):
        credit.get("grpo")(wrong)
    with pytest.raises(ConfigError, match="sorted by episode"):
        credit.get("grpo")(msgspec.structs.replace(ONE, episode=np.array([1, 0])))
    with pytest.raises(ConfigError, match="there is an episode 1"):
        credit.get("grpo")(msgspec.structs.replace(ONE, episode=np.array([0, 1])))
