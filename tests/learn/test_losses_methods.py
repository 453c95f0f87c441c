"""Losses of whole methods: EPO, ArCHer, REFUEL, ILQL and Monte-Carlo returns, the critic."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turnwise.learn.losses import archer, epo, ilql, mc_returns
from turnwise.learn.losses.aggregation import token_weights
from turnwise.learn.losses.refuel import refuel
from turnwise.learn.losses.segments import total
from turnwise.learn.losses.value import value

torch.set_num_threads(1)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def check(*inputs: Tensor) -> tuple[Tensor, ...]:
    return tuple(given.clone().requires_grad_() for given in inputs)


# EPO


ENTROPY, ONES = tensor(0.1, 0.5, 1.3), tensor(1, 1, 1)


def penalties(variant: str, alpha: float) -> Tensor:
    """What is subtracted from each token's entropy, with λ = β = 1."""
    found = []
    for token in range(3):
        weights = torch.zeros(3, dtype=torch.float64)
        weights[token] = 1
        given = {
            "weights": weights,
            "history": 0.5,
            "low": 0.8,
            "high": 1.2,
            "coefficient": 1.0,
            "alpha": alpha,
        }
        loss = epo.paper(ENTROPY, **given) if variant == "paper" else epo.code(ENTROPY, **given)
        found.append(float(loss + ENTROPY[token]))
    return tensor(*found)


def test_epo_penalties_outside_the_corridor() -> None:
    assert penalties("paper", 1.0).tolist() == pytest.approx([0.3, 0, 0.7])
    assert penalties("code", 0.1).tolist() == pytest.approx([0.1, 0, 0.1])


def test_epo_s_step_has_no_gradient_and_its_hinge_has() -> None:
    def slopes(variant: str) -> list[float]:
        entropy = ENTROPY.clone().requires_grad_()
        given = {"weights": ONES, "history": 0.5, "low": 0.8, "high": 1.2, "coefficient": 1.0, "alpha": 0.25}
        loss = epo.paper(entropy, **given) if variant == "paper" else epo.code(entropy, **given)
        loss.backward()
        assert entropy.grad is not None
        return (entropy.grad + 1).tolist()  # without the entropy bonus itself

    assert slopes("paper") == pytest.approx([-0.25, 0, 0.25])
    assert slopes("code") == pytest.approx([0, 0, 0])


def test_epo_without_a_corridor_is_an_entropy_bonus() -> None:
    plain = -0.01 * ENTROPY.sum()
    wide = epo.paper(ENTROPY, weights=ONES, history=0.5, low=0, high=math.inf, coefficient=0.01)
    first = epo.paper(ENTROPY, weights=ONES, history=None, coefficient=0.01)
    assert float(wide) == pytest.approx(float(plain))
    assert float(first) == pytest.approx(float(plain))


def test_epo_is_a_mean_over_trajectories_of_turns_of_tokens() -> None:
    row, turn = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 2])
    weights = token_weights("seq-mean-turn-mean", row=row, turn=turn)
    bonus = epo.paper(torch.tensor([1.0, 3.0, 4.0, 7.0]), weights=weights, history=None, coefficient=1)
    assert float(bonus) == pytest.approx(-((2 + 4) / 2 + 7) / 2)


def test_epo_s_history_may_be_of_each_environment_step() -> None:
    history = tensor(0.1, 0.5, 0.5)
    loss = epo.code(ENTROPY, weights=ONES, history=history, low=0.8, high=1.2, coefficient=1, alpha=0.1)
    assert float(loss) == pytest.approx(-1.9 + 0.1)


def test_epo_s_history_is_of_all_steps() -> None:
    history = epo.History()
    assert history.mean is None
    assert history.add(1.0).add(2.0).add(6.0).mean == 3


def test_epo_s_phases() -> None:
    paper = [epo.beta_paper(step, steps=10) for step in (0, 5, 10)]
    assert paper == pytest.approx([2, 1.3679, 1.1353], abs=1e-4)
    code = [epo.beta_code(step, steps=150) for step in (0, 75, 76, 150)]
    assert code == pytest.approx([1, 1 - 0.2 * (1 - math.exp(-2)), 0.8 * math.exp(-0.04), 0.8 * math.exp(-3)])


# ArCHer


def test_archer_by_hand() -> None:
    q, v = tensor(0.4, 0.6)[:, None], tensor(0.3, 0.5)[:, None]
    assert archer.advantage(q, state_values=v).tolist() == pytest.approx([0.1])
    reward, going = tensor(-1), torch.tensor([False])
    targets = archer.targets(reward, next_value=tensor(0.2, 0.1)[:, None], done=going)
    assert targets[:, 0].tolist() == pytest.approx([-0.81, -0.905])
    loss = archer.critic(q, state_values=v, action_targets=targets, state_targets=v)
    assert float(loss) == pytest.approx(1.4641 + 2.265025)


def test_archer_s_last_turn_has_no_future() -> None:
    targets = archer.targets(tensor(2), next_value=tensor(9, 9)[:, None], done=torch.tensor([True]))
    assert targets.tolist() == [[2], [2]]


def test_archer_s_actor_sums_over_the_tokens_of_an_utterance() -> None:
    turn = torch.tensor([0, 0, 1])
    weights = token_weights("seq-mean-token-sum", row=turn, mass=torch.ones(3).double())
    advantages, logprobs = tensor(0.5, -1)[turn], tensor(-1, -2, -4).requires_grad_()
    loss = archer.actor(logprobs, advantages=advantages, weights=weights)
    loss.backward()
    assert loss.item() == pytest.approx((0.5 * 3 - 4) / 2)
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == [-0.25, -0.25, 0.5]
    baseline = tensor(0.5, 0.25, 0).requires_grad_()
    based = archer.actor(logprobs, advantages=advantages, weights=weights, baseline=baseline)
    assert based.item() == pytest.approx((0.25 * 2 - 4) / 2)
    error = archer.token_baseline(baseline, advantages=advantages, weights=weights)
    assert error.item() == pytest.approx((0.0625 + 1) / 2)


def test_archer_s_critic_finds_the_values_of_the_policy() -> None:
    """A chain of two turns and two utterances; the policy takes the second with probability 0.7."""
    policy, reward, discount = tensor(0.3, 0.7), torch.tensor([[0.0, 1.0], [2.0, -1.0]]).double(), 0.9
    value_1 = (policy * reward[1]).sum()
    action_0 = reward[0] + discount * value_1
    q, v = torch.zeros(2, 2, 2).double().requires_grad_(), torch.zeros(2, 2).double().requires_grad_()
    behind = (q.detach().clone(), v.detach().clone())
    optimizer = torch.optim.SGD([q, v], lr=0.4)
    done = torch.tensor([[False, False], [True, True]])
    for _ in range(300):
        following = torch.stack([behind[1][:, 1], behind[1][:, 1]], 1)[:, :, None].expand(2, 2, 2)
        targets = archer.targets(reward, next_value=following, done=done, discount=discount)
        wanted = (behind[0] * policy).sum(-1)
        loss = archer.critic(
            q.flatten(1), state_values=v, action_targets=targets.flatten(1), state_targets=wanted
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        archer.follow(behind, (q, v), rate=0.3)
    for head in range(2):
        torch.testing.assert_close(q[head].detach(), torch.stack([action_0, reward[1]]), atol=1e-4, rtol=0)
        state = torch.stack([(policy * action_0).sum(), value_1])
        torch.testing.assert_close(v[head].detach(), state, atol=1e-4, rtol=0)


def test_following_is_slow() -> None:
    behind = tensor(0, 10)
    archer.follow([behind], [tensor(10, 0)])
    assert behind.tolist() == pytest.approx([1, 9])


# REFUEL


def test_refuel_by_hand() -> None:
    given = {"chosen_reward": tensor(0.5), "rejected_reward": tensor(0)}
    moved = refuel(
        tensor(-0.7), rejected=tensor(-1.1), chosen_old=tensor(-1), rejected_old=tensor(-1), **given
    )
    assert float(moved) == pytest.approx(0.01)
    chosen = tensor(-1).requires_grad_()
    still = refuel(
        chosen, rejected=tensor(-1), chosen_old=tensor(-1), rejected_old=tensor(-1), eta=2, **given
    )
    still.backward()
    assert still.item() == pytest.approx(1)
    assert chosen.grad is not None
    assert chosen.grad.item() == pytest.approx(-2)


@settings(max_examples=30, deadline=None)
@given(numbers=st.lists(st.floats(-5, 5), min_size=6, max_size=6), shift=st.floats(-3, 3))
def test_refuel_does_not_know_which_branch_is_which(numbers: list[float], shift: float) -> None:
    a, b, a_old, b_old, r_a, r_b = (tensor(number) for number in numbers)
    first = refuel(
        a, rejected=b, chosen_old=a_old, rejected_old=b_old, chosen_reward=r_a, rejected_reward=r_b
    )
    second = refuel(
        b,
        rejected=a,
        chosen_old=b_old,
        rejected_old=a_old,
        chosen_reward=r_b + shift,
        rejected_reward=r_a + shift,
    )
    assert float(first) == pytest.approx(float(second), abs=1e-9)


def test_refuel_ends_where_the_paper_says() -> None:
    """All pairs of three replies: the minimum is the old policy times exp(η·reward)."""
    old, reward, eta = tensor(0.2, 0.5, -0.4).log_softmax(-1), tensor(1, 0, 0.3), 1.5
    logits = old.clone().requires_grad_()
    first, second = torch.combinations(torch.arange(3)).T
    optimizer = torch.optim.LBFGS([logits], line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = logits.log_softmax(-1)
        error = refuel(
            found[first],
            rejected=found[second],
            chosen_old=old[first],
            rejected_old=old[second],
            chosen_reward=reward[first],
            rejected_reward=reward[second],
            eta=eta,
        )
        error.backward()
        return error

    for _ in range(5):
        optimizer.step(loss)  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(
        logits.detach().softmax(-1), (old + eta * reward).softmax(-1), atol=1e-5, rtol=0
    )


def test_only_the_branching_turn_enters() -> None:
    """Two branches of three turns each; the second turn is the one that they differ in."""
    turn = torch.tensor([0, 1, 1, 2, 3, 4, 4, 5])
    enters = (turn == 1) | (turn == 4)

    def run(logprobs: Tensor) -> tuple[float, Tensor]:
        logprobs = logprobs.clone().requires_grad_()
        summed = total(logprobs, turn)
        loss = refuel(
            summed[[1]],
            rejected=summed[[4]],
            chosen_old=tensor(-3),
            rejected_old=tensor(-2),
            chosen_reward=tensor(1),
            rejected_reward=tensor(0),
        )
        loss.backward()
        assert logprobs.grad is not None
        return loss.item(), logprobs.grad

    logprobs = -torch.arange(8.0, dtype=torch.float64) / 4
    (first, slope), (second, _) = run(logprobs), run(torch.where(enters, logprobs, -9.0))
    assert first == second
    assert ((slope != 0) == enters).all()


# Returns and ILQL


def test_returns_are_discounted_over_action_tokens() -> None:
    rewards, row = tensor(0, 1, 0, 0, 2, 5), torch.tensor([0, 0, 0, 1, 1, 2])
    found = mc_returns.discounted(rewards, row=row, discount=0.5)
    assert found.tolist() == [0.5, 1, 0, 1, 2, 5]


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    discount=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    seed=st.integers(0, 1000),
)
def test_returns_are_those_of_the_recurrence(lengths: list[int], discount: float, seed: int) -> None:
    row = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    rewards = torch.randn(len(row), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    want, ahead = torch.zeros_like(rewards), 0.0
    for token in reversed(range(len(row))):
        if token + 1 == len(row) or row[token + 1] != row[token]:
            ahead = 0.0
        ahead = float(rewards[token]) + discount * ahead
        want[token] = ahead
    found = mc_returns.discounted(rewards, row=row, discount=discount)
    torch.testing.assert_close(found, want, atol=1e-9, rtol=1e-9)
    assert mc_returns.discounted(rewards[:0], row=row[:0]).tolist() == []


def test_monte_carlo_regression() -> None:
    loss = mc_returns.mc_returns(
        tensor(1, 2), returns=tensor(2, 2), cross_entropy=tensor(3, 1), weights=tensor(0.5, 0.5), alpha=0.1
    )
    assert float(loss) == pytest.approx((0.5 + 0.3 + 0.1) / 2)


def test_ilql_by_hand() -> None:
    """One row of two action tokens; γ .5, τ .7, α .1."""
    loss = ilql.ilql(
        torch.tensor([[1.0, 2.0], [0.0, 3.0]]),
        v=torch.tensor([0.5, 1.0]),
        q_target=torch.tensor([[0.0, 4.0], [2.0, 3.0]]),
        rewards=torch.tensor([-1.0, 2.0]),
        cross_entropy=torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        row=torch.tensor([0, 0]),
        weights=torch.tensor([0.5, 0.5]),
        discount=0.5,
        alpha=0.1,
    )
    # y = (-1 + .5 * 1, 2 + 0); lowest target Q = (0 < .5, 3 > 1)
    first = 0.5 * (1.5**2 + 0.5**2) + 0.5 * 0.3 * 0.5**2 + 0.1 * 4
    second = 0.5 * (0 + 1) + 0.5 * 0.7 * 2**2 + 0.1 * 6
    assert float(loss) == pytest.approx((first + second) / 2)


def test_ilql_steps_over_rows_and_ends() -> None:
    v, row = tensor(1, 2, 3, 4), torch.tensor([0, 0, 1, 1])
    assert ilql.next_values(v, row=row).tolist() == [2, 0, 4, 0]
    assert ilql.next_values(v, row=row, last=tensor(7, 0)).tolist() == [2, 7, 4, 0]


def test_ilql_s_targets_have_no_gradient() -> None:
    q, v, q_target = check(torch.ones(2, 2).double(), tensor(0.5, 1), torch.ones(2, 2).double() * 2)
    zero = torch.zeros(2, dtype=torch.float64)
    loss = ilql.ilql(
        q,
        v=v,
        q_target=q_target,
        rewards=zero,
        cross_entropy=torch.zeros(2, 2).double(),
        row=torch.tensor([0, 0]),
        weights=tensor(1, 1),
        discount=1.0,
    )
    loss.backward()
    assert q_target.grad is None
    assert v.grad is not None
    assert v.grad.tolist() == pytest.approx([0.7 * -1.5, 0.7 * -1])
    assert q.grad is not None
    assert q.grad.tolist() == [[0, 1], [0, 1]]


def test_ilql_s_expectile_leans_to_the_better_actions() -> None:
    """One state, Q of 0 and 1 seen equally often: V ends at the τ-expectile, which is τ."""
    v = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([v], lr=0.5)
    q = tensor(0, 1)
    for _ in range(200):
        optimizer.zero_grad()
        both = v.expand(2)
        ilql.ilql(
            q.expand(2, 2),
            v=both,
            q_target=q.expand(2, 2),
            rewards=q,
            cross_entropy=torch.zeros(2, 2),
            row=torch.tensor([0, 1]),
            weights=tensor(1, 1),
            tau=0.8,
        ).backward()
        optimizer.step()
    assert v.item() == pytest.approx(0.8, abs=1e-6)


def test_ilql_acts_by_tilted_logits() -> None:
    q = torch.tensor([[1.0, 0.0], [0.5, 2.0]])
    assert ilql.steered(torch.tensor([0.0, 1.0]), q=q, beta=4).tolist() == [2, 1]


# The critic


def test_the_value_loss_is_the_larger_of_two_errors() -> None:
    values, old, returns = tensor(1.5, 1.0, 0.9), tensor(1, 1, 1), tensor(2, 2, 1)
    weights = tensor(1, 0, 0)
    assert float(value(values, returns=returns, weights=weights, old=old)) == pytest.approx(0.5 * 0.8**2)
    assert float(value(values, returns=returns, weights=weights)) == pytest.approx(0.5 * 0.5**2)
    rest = value(values, returns=returns, weights=tensor(0, 1, 1), old=old)
    assert float(rest) == pytest.approx(0.5 * (1 + 0.01))


def test_gradients_are_those_of_finite_differences() -> None:
    weights = tensor(0.2, 0.3, 0.5)
    (values,) = check(tensor(1.5, 1.0, 0.7))
    assert torch.autograd.gradcheck(
        lambda x: value(x, returns=tensor(2, 2, 1), weights=weights, old=tensor(1, 1.1, 1)), (values,)
    )
    (entropy,) = check(ENTROPY)
    assert torch.autograd.gradcheck(
        lambda x: epo.paper(x, weights=weights, history=0.5, low=0.8, high=1.2), (entropy,)
    )
    q, v, cross = check(torch.rand(2, 3).double(), tensor(0.1, 0.9, 0.4), torch.rand(2, 3).double())
    assert torch.autograd.gradcheck(
        lambda q, cross: ilql.ilql(
            q,
            v=v.detach(),
            q_target=torch.full((2, 3), 0.5).double(),
            rewards=ENTROPY,
            cross_entropy=cross,
            row=torch.tensor([0, 0, 1]),
            weights=weights,
        ),
        (q, cross),
    )
