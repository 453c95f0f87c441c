"""Corrections for tokens that another policy sampled, and divergences from a reference."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from turnwise.errors import ConfigError
from turnwise.learn.losses import mismatch, rejection
from turnwise.learn.losses.icepop import icepop
from turnwise.learn.losses.kl import KINDS, Kind, estimate, kl
from turnwise.learn.losses.ppo import ppo
from turnwise.learn.losses.tis import tis

torch.set_num_threads(1)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_truncated_weights() -> None:
    assert tis(tensor(-1.0, -0.5), sampler=tensor(-0.5, -1.0), cap=1).tolist() == pytest.approx([0.606531, 1])
    assert tis(tensor(-1.0, -1.5), sampler=tensor(-1.2, -1.2), cap=1).tolist() == pytest.approx([1, 0.740818])
    assert tis(tensor(0.0), sampler=tensor(-50.0), cap=2).tolist() == [2]


def test_truncated_weights_of_sequences_are_products() -> None:
    row = torch.tensor([0, 0, 1])
    weights = tis(tensor(-1, -1, -1), sampler=tensor(-1.2, -1.1, -0.5), cap=5, segment=row)
    assert weights.tolist() == pytest.approx([math.exp(0.3), math.exp(0.3), math.exp(-0.5)])


def test_weights_multiply_the_clipped_loss_and_have_no_gradient() -> None:
    old = tensor(-1.0, -1.5)
    weights = tis(old.clone().requires_grad_(), sampler=tensor(-1.2, -1.2), cap=1)
    assert not weights.requires_grad
    loss = ppo(old + math.log(1.5), old=old, advantages=tensor(1, 1), weights=weights)
    assert float(loss) == pytest.approx(-1.2 * (1 + 0.740818), abs=1e-5)


def test_masked_weights_are_whole_or_nothing() -> None:
    trainer = torch.log(tensor(0.4, 0.6, 1, 4.9, 5.1))
    assert icepop(trainer, sampler=torch.zeros(5)).tolist() == pytest.approx([0, 0.6, 1, 4.9, 0])
    row = torch.tensor([0, 0, 1, 1, 1])
    whole = icepop(trainer, sampler=torch.zeros(5), low=0, high=2, segment=row)
    assert whole.tolist() == pytest.approx([0.24, 0.24, 0, 0, 0])


def test_rejection_by_token_and_by_row() -> None:
    sampler, trainer = tensor(-1, -1, -1, -1), tensor(-1.1, -1, -1.6, -1)
    row = torch.tensor([0, 0, 1, 1])
    k3 = math.exp(-0.6) + 0.6 - 1

    def kept(**given: object) -> list[bool]:
        return rejection.keep(trainer, sampler=sampler, **given).tolist()  # pyright: ignore[reportArgumentType]

    assert kept(most=0.3, kind="k1", scope="token") == [True, True, False, True]
    assert kept(most=0.2, kind="k1", scope="mean", segment=row) == [True, True, False, False]
    assert kept(most=0.31, kind="k1", scope="mean", segment=row) == [True] * 4
    assert kept(most=0.31, kind="k1", scope="sum", segment=row) == [True, True, False, False]
    assert kept(most=k3 - 1e-6, kind="k3", scope="max", segment=row) == [True, True, False, False]
    assert kept(most=k3 + 1e-6, kind="k3", scope="max", segment=row) == [True] * 4
    assert kept(most=0.17, kind="k2", scope="token") == [True, True, False, True]


def test_k1_has_a_lower_bound_too() -> None:
    trainer, sampler = tensor(-1.0, -2.0), tensor(-2.0, -1.0)
    assert rejection.keep(trainer, sampler=sampler, most=2, kind="k1", scope="token").tolist() == [True, True]
    kept = rejection.keep(trainer, sampler=sampler, most=2, least=-0.5, kind="k1", scope="token")
    assert kept.tolist() == [False, True]


def test_rejection_says_what_it_lacks() -> None:
    with pytest.raises(ConfigError, match="give `segment`"):
        rejection.keep(tensor(0), sampler=tensor(0), most=1)
    with pytest.raises(ConfigError, match="token, sum, mean or max"):
        rejection.keep(tensor(0), sampler=tensor(0), most=1, scope="row")  # pyright: ignore[reportArgumentType]


def test_statistics_of_a_mismatch() -> None:
    """Ratios 1, 1, 2 in rows of two and one."""
    found = mismatch.statistics(
        tensor(-1, -1, -1), sampler=tensor(-1, -1, -1 - math.log(2)), row=torch.tensor([0, 0, 1])
    )
    assert found["ess"] == pytest.approx(16 / 18)
    assert found["ess_row"] == pytest.approx(9 / 10)
    assert found["kl"] == pytest.approx(-math.log(2) / 3)
    assert found["kl_k3"] == pytest.approx((2 - 1 - math.log(2)) / 3)
    assert found["chi2"] == pytest.approx(1)
    assert found["chi2_row"] == pytest.approx(1.5)
    assert found["perplexity_ratio"] == pytest.approx(0.75)
    assert found["largest"] == pytest.approx(2)


def test_nothing_moved_nothing_lost() -> None:
    found = mismatch.statistics(tensor(-1, -2), sampler=tensor(-1, -2), row=torch.tensor([0, 1]))
    assert found["ess"] == found["ess_row"] == found["perplexity_ratio"] == 1
    assert found["kl"] == found["kl_k3"] == found["chi2"] == 0


@pytest.mark.parametrize(
    ("kind", "value", "slope"),
    [
        ("k1", 0.5, 1),
        ("k2", 0.125, 0.5),
        ("k3", 0.10653, 1 - math.exp(-0.5)),
        ("abs", 0.5, 1),
        ("k1+", 0.5, 0.5),
        ("k2+", 0.125, 0.5),
        ("k3+", 0.10653, 0.5),
    ],
)
def test_estimates_of_a_divergence(kind: Kind, value: float, slope: float) -> None:
    logprobs = tensor(-0.5).requires_grad_()
    found = kl(logprobs, reference=tensor(-1.0), weights=tensor(1.0), kind=kind)
    found.backward()
    assert found.item() == pytest.approx(value, abs=1e-5)
    assert logprobs.grad is not None
    assert logprobs.grad.item() == pytest.approx(slope, abs=1e-5)


def test_k3_is_bounded() -> None:
    assert estimate(tensor(-30.0), tensor(0.0), "k3").item() == 10


def test_an_unknown_estimate() -> None:
    with pytest.raises(ConfigError, match="did you mean 'k3'"):
        estimate(tensor(0), tensor(0), "k3-")  # pyright: ignore[reportArgumentType]


LOGITS, REFERENCE, SAMPLER = (
    tensor(0.3, -0.2, 0.9, 0.1),
    tensor(0.1, 0.6, -0.3, 0.2),
    tensor(0.5, 0.1, 0.0, -0.4),
)


def expected(kind: Kind, *, corrected: bool) -> tuple[float, Tensor]:
    """Value and gradient that an estimate has in expectation, tokens enumerated with their probability."""
    logits = LOGITS.clone().requires_grad_()
    logprobs, reference = logits.log_softmax(-1), REFERENCE.log_softmax(-1)
    sampler = SAMPLER.log_softmax(-1) if corrected else logprobs.detach()
    old = sampler if corrected else None
    loss = kl(logprobs, reference=reference, weights=sampler.exp(), kind=kind, old=old)
    loss.backward()
    assert logits.grad is not None
    return loss.item(), logits.grad


def exact() -> tuple[float, Tensor]:
    logits = LOGITS.clone().requires_grad_()
    logprobs = logits.log_softmax(-1)
    value = (logprobs.exp() * (logprobs - REFERENCE.log_softmax(-1))).sum()
    value.backward()
    assert logits.grad is not None
    return value.item(), logits.grad


@pytest.mark.parametrize("kind", ["k1", "k3", "k1+", "k3+"])
def test_k1_and_k3_are_unbiased_and_plus_has_the_divergence_s_gradient(kind: Kind) -> None:
    value, gradient = expected(kind, corrected=False)
    want, slope = exact()
    assert value == pytest.approx(want, abs=1e-9)
    right = torch.allclose(gradient, slope, atol=1e-9)
    assert right == kind.endswith("+")
    assert torch.allclose(gradient, torch.zeros(4, dtype=torch.float64), atol=1e-9) == (kind == "k1")


@pytest.mark.parametrize("kind", ["k1", "k3"])
def test_with_importance_weights_value_and_gradient_are_unbiased_whoever_sampled(kind: Kind) -> None:
    value, gradient = expected(kind, corrected=True)
    want, slope = exact()
    assert value == pytest.approx(want, abs=1e-9)
    torch.testing.assert_close(gradient, slope)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.endswith("+")])
def test_gradients_are_those_of_finite_differences(kind: Kind) -> None:
    reference = tensor(-0.4, -2, -1)
    logprobs = tensor(-0.7, -1, -0.2).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: kl(x, reference=reference, weights=tensor(0.2, 0.5, 1), kind=kind), (logprobs,)
    )
