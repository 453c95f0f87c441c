"""Preference and supervised losses over many turns: DPO, KTO, RISE, SFT, distillation."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turnwise.errors import ConfigError
from turnwise.learn.losses.aggregation import token_weights
from turnwise.learn.losses.distillation import DIVERGENCES, Divergence, distillation, on_policy
from turnwise.learn.losses.dpo import LINKS, Link, dpo
from turnwise.learn.losses.kto import kto, mismatched
from turnwise.learn.losses.recovery import recovery
from turnwise.learn.losses.rise import rise
from turnwise.learn.losses.segments import total
from turnwise.learn.losses.sft import said_by, sft

torch.set_num_threads(1)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# DPO and KTO


def pair(margin_chosen: float, margin_rejected: float, **more: Any) -> float:
    zero = tensor(0)
    return float(
        dpo(
            tensor(margin_chosen),
            rejected=tensor(margin_rejected),
            chosen_reference=zero,
            rejected_reference=zero,
            **more,
        )
    )


def test_dpo_sums_the_turns_of_an_episode() -> None:
    """Log-ratios of the winner's turns .2 and .1, of the loser's -.1 and .05."""
    winner, loser = total(tensor(0.2, 0.1, -0.1, 0.05), torch.tensor([0, 0, 1, 1])).tolist()
    assert pair(winner, loser, beta=1) == pytest.approx(0.53338, abs=1e-5)
    assert pair(winner, loser, beta=0.1) == pytest.approx(0.67580, abs=1e-5)


def test_dpo_of_log_ratios_two_and_minus_one() -> None:
    assert pair(2, -1, beta=0.1) == pytest.approx(0.5544, abs=1e-4)


def test_other_links() -> None:
    assert pair(2, -1, beta=0.1, link="hinge") == pytest.approx(0.7)
    assert pair(20, -10, beta=0.1, link="hinge") == 0
    assert pair(2, -1, beta=0.1, link="ipo") == pytest.approx((3 - 5) ** 2)
    turned = -0.8 * math.log(1 / (1 + math.exp(-0.3))) - 0.2 * math.log(1 / (1 + math.exp(0.3)))
    assert pair(2, -1, beta=0.1, smoothing=0.2) == pytest.approx(turned)
    with pytest.raises(ConfigError, match="did you mean 'hinge'"):
        pair(2, -1, link="hing")


def test_dpo_may_imitate_the_winner_too() -> None:
    plain = pair(-6, -7)
    assert pair(-6, -7, imitation=0.5) == pytest.approx(plain + 3)
    assert pair(-6, -7, imitation=0.5, chosen_tokens=tensor(4)) == pytest.approx(plain + 0.75)


def test_what_tools_said_has_no_part_in_it() -> None:
    """Two rows of six tokens, two of each an observation: other logits there change nothing."""
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 5, generator=random, dtype=torch.float64)
    ids = torch.randint(0, 5, (12,), generator=random)
    row = torch.arange(12) // 6
    sampled = (torch.arange(12) % 6 < 2) | (torch.arange(12) % 6 >= 4)

    def run(logits: Tensor, learned: Tensor) -> tuple[float, Tensor]:
        logits = logits.clone().requires_grad_()
        logprobs = logits.log_softmax(-1).gather(1, ids[:, None])[:, 0]
        chosen, rejected = total(logprobs[learned], row[learned])
        zero = torch.zeros(())
        loss = dpo(chosen, rejected=rejected, chosen_reference=zero, rejected_reference=zero)
        loss.backward()
        assert logits.grad is not None
        return loss.item(), logits.grad

    other = torch.where(sampled[:, None], logits, logits * 3 + 1)
    (first, slope), (second, other_slope) = run(logits, sampled), run(other, sampled)
    assert first == second
    torch.testing.assert_close(slope, other_slope)
    assert (slope[~sampled] == 0).all()
    everything = torch.ones(12, dtype=torch.bool)
    assert run(logits, everything)[0] != pytest.approx(run(other, everything)[0])


def test_dpo_ends_at_the_optimal_policy_where_observations_follow_from_actions() -> None:
    """Two turns of two actions; all pairs, preferred as Bradley and Terry: π_ref · exp(u / η) / Z."""
    reference, utility, eta = (
        torch.tensor([0.1, -0.3, 0.4, 0.2]).double().log_softmax(-1),
        tensor(1, 0, 0.4, 2),
        0.5,
    )
    first = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    second = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [first, second], max_iter=100, tolerance_grad=1e-12, line_search_fn="strong_wolfe"
    )
    pairs = list(itertools.permutations(range(4), 2))
    better, worse = (torch.tensor(side) for side in zip(*pairs, strict=True))
    preferred = torch.sigmoid(utility[better] - utility[worse])

    def episodes() -> Tensor:
        return (first.log_softmax(-1)[:, None] + second.log_softmax(-1)).flatten()

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = episodes()
        parts = [
            weight
            * dpo(
                found[[one]],
                rejected=found[[two]],
                chosen_reference=reference[[one]],
                rejected_reference=reference[[two]],
                beta=eta,
            )
            for (one, two), weight in zip(pairs, preferred.tolist(), strict=True)
        ]
        summed = torch.stack(parts).sum()
        summed.backward()
        return summed

    optimizer.step(loss)  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(
        episodes().detach().exp(), (reference + utility / eta).softmax(-1), atol=1e-5, rtol=0
    )


def test_kto_by_hand() -> None:
    good = kto(tensor(3), reference=tensor(0), good=torch.tensor([True]), divergence=tensor(0.5)[0])
    bad = kto(tensor(-2), reference=tensor(0), good=torch.tensor([False]), divergence=tensor(0.5)[0])
    assert float(good) == pytest.approx(0.43782, abs=1e-5)
    assert float(bad) == pytest.approx(0.43782, abs=1e-5)
    both = kto(
        tensor(3, -2),
        reference=tensor(0, 0),
        good=torch.tensor([True, False]),
        divergence=tensor(0.5)[0],
        weight_good=2,
        weight_bad=4,
    )
    assert float(both) == pytest.approx(0.43782 * 3, abs=1e-4)


def test_kto_s_divergence_is_not_below_zero_and_has_no_gradient() -> None:
    policy = tensor(1, 2).requires_grad_()
    assert mismatched(policy, reference=tensor(0, 0)).item() == 1.5
    assert mismatched(policy, reference=tensor(9, 9)).item() == 0
    assert not mismatched(policy, reference=tensor(0, 0)).requires_grad


# RISE and SFT


def test_rise_weighs_attempts_by_their_reward() -> None:
    for reward, weight in ((-1, 0.08208), (0, 1), (1, 12.18249)):
        loss = rise(tensor(-1, -3), turn=torch.tensor([0, 0]), reward=tensor(reward))
        assert float(loss) == pytest.approx(2 * weight, abs=1e-4)


def test_rise_of_equal_rewards_is_proportional_to_imitation() -> None:
    logprobs, turn = tensor(-1, -3, -0.5), torch.tensor([0, 0, 1])
    weighted = rise(logprobs, turn=turn, reward=tensor(1, 1))
    plain = sft(logprobs, weights=token_weights("turn-mean", row=turn, turn=turn))
    assert float(weighted) == pytest.approx(math.exp(2.5) * float(plain))


def test_turns_of_weight_zero_are_conditioned_on_and_not_learned() -> None:
    logprobs, turn = tensor(-1, -3, -0.5).requires_grad_(), torch.tensor([0, 0, 1])
    weights = token_weights("token-mean", row=torch.zeros_like(turn), mass=tensor(0, 2)[turn])
    loss = sft(logprobs, weights=weights)
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == [0, 0, -1]


@settings(max_examples=50, deadline=None)
@given(speaker=st.lists(st.integers(-1, 3), min_size=1, max_size=40))
def test_a_mask_and_its_inverse_share_nothing_and_leave_out_the_template_alone(speaker: list[int]) -> None:
    tokens = torch.tensor(speaker)
    agent, others = said_by(tokens, {0}), said_by(tokens, {1, 2, 3})
    assert not (agent & others).any()
    assert ((agent | others) == (tokens >= 0)).all()


def test_a_simulated_user_is_not_taught_the_first_request() -> None:
    """User, agent, user, agent, user; -1 is the template's."""
    speaker = torch.tensor([-1, 1, 1, -1, 0, -1, 1, -1, 0, -1, 1, 1])
    index = torch.tensor([-1, 0, 0, -1, 0, -1, 1, -1, 1, -1, 2, 2])
    assert said_by(speaker, {1}, index=index, first=1).nonzero()[:, 0].tolist() == [6, 10, 11]
    assert said_by(speaker, {1}).sum() == 5
    assert not said_by(speaker, {-1}).any()


# Distillation


def test_recovery_rows_do_not_dilute_new_ones() -> None:
    logprobs, row = tensor(-1, -3, -5, -5, -5, -5), torch.tensor([0, 0, 1, 1, 1, 1])
    recalled = row == 1
    assert float(recovery(logprobs, row=row, recalled=recalled)) == pytest.approx(4)
    assert float(recovery(logprobs, row=row, recalled=recalled, share=0.25)) == pytest.approx(
        0.75 * 2 + 0.25 * 5
    )
    nothing = torch.zeros_like(recalled)
    assert float(recovery(logprobs, row=row, recalled=nothing, share=0.0)) == pytest.approx(4)


P, Q = tensor(0.5, 0.5), tensor(0.9, 0.1)


@pytest.mark.parametrize(
    ("divergence", "value"),
    [
        ("reverse", 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)),
        ("forward", 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)),
        (
            "jsd",
            0.5 * (0.9 * math.log(0.9 / 0.7) + 0.1 * math.log(0.1 / 0.3))
            + 0.5 * (0.5 * math.log(0.5 / 0.7) + 0.5 * math.log(0.5 / 0.3)),
        ),
    ],
)
def test_divergences_of_distributions(divergence: Divergence, value: float) -> None:
    found = distillation(P.log()[None], teacher=Q.log()[None] + 3, weights=tensor(1), divergence=divergence)
    assert float(found) == pytest.approx(value)
    same = distillation(P.log()[None], teacher=P.log()[None], weights=tensor(1), divergence=divergence)
    assert float(same) == pytest.approx(0, abs=1e-12)


def test_an_unknown_divergence() -> None:
    with pytest.raises(ConfigError, match="did you mean 'reverse'"):
        distillation(P[None], teacher=Q[None], weights=tensor(1), divergence="revers")  # pyright: ignore[reportArgumentType]


def test_on_policy_distillation_is_in_expectation_the_gradient_of_the_reverse_divergence() -> None:
    logits, teacher = tensor(0.3, -0.2, 0.9), tensor(-1, 0.5, 0.2).log_softmax(-1)
    sampled, whole = (logits.clone().requires_grad_() for _ in range(2))
    logprobs = sampled.log_softmax(-1)
    old = logprobs.detach()
    on_policy(logprobs, old=old, teacher=teacher, weights=old.exp()).backward()
    distillation(whole[None], teacher=teacher[None], weights=tensor(1)).backward()
    torch.testing.assert_close(sampled.grad, whole.grad)


def test_on_policy_distillation_is_clipped_where_asked() -> None:
    given = {"old": tensor(-1), "teacher": tensor(0), "weights": tensor(1)}
    moved = tensor(-1 + math.log(3))
    assert float(on_policy(moved, **given)) == pytest.approx(-3)
    assert float(on_policy(moved, **given, clip=0.2)) == pytest.approx(-1.2)


@pytest.mark.parametrize("link", LINKS)
def test_gradients_of_preferences_are_those_of_finite_differences(link: Link) -> None:
    chosen, rejected = tensor(-1, -2).requires_grad_(), tensor(-1.5, -1).requires_grad_()
    zero = tensor(0, 0)
    assert torch.autograd.gradcheck(
        lambda a, b: dpo(
            a, rejected=b, chosen_reference=zero, rejected_reference=zero - 1, link=link, imitation=0.1
        ),
        (chosen, rejected),
    )
    good = torch.tensor([True, False])
    assert torch.autograd.gradcheck(
        lambda a: kto(a, reference=zero, good=good, divergence=tensor(0.5)[0]), (chosen,)
    )


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gradients_of_divergences_are_those_of_finite_differences(divergence: Divergence) -> None:
    student = torch.tensor([[0.2, -1.0, 0.5], [1.0, 0.3, -0.2]], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor([[0.0, 0.4, 0.5], [-1.0, 0.3, 0.8]], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: distillation(
            x, teacher=teacher, weights=tensor(0.3, 0.7), divergence=divergence, beta=0.3, temperature=1.5
        ),
        (student,),
    )
