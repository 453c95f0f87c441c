"""Policy losses: the numbers of the papers, exact gradients, and nothing that depends on how tokens lie."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turnwise.errors import ConfigError
from turnwise.learn import losses
from turnwise.learn.losses import aggregation, gradient, ppo

torch.set_num_threads(1)
ONE = torch.ones(1, dtype=torch.float64)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def at(name: str, *, advantage: float, ratio: float, **more: Any) -> tuple[float, float]:
    """Value and derivative of a loss at one token of such a ratio, whose old log-probability was -1."""
    logprobs = tensor(-1 + math.log(ratio)).requires_grad_()
    arrays: dict[str, Any] = {"old": tensor(-1.0), "advantages": tensor(advantage), "weights": ONE}
    if "row" in losses.inputs(name):
        arrays["row"] = torch.zeros(1, dtype=torch.int64)
    loss = losses.get(name)(logprobs, **{key: arrays[key] for key in losses.inputs(name)[1:]}, **more)
    loss.backward()
    assert logprobs.grad is not None
    return loss.item(), logprobs.grad.item()


@pytest.mark.parametrize(
    ("name", "advantage", "ratio", "value", "slope"),
    [
        ("dual_clip", 1, 1.5, -1.2, 0),
        ("dual_clip", 1, 1.25, -1.2, 0),
        ("dual_clip", -1, 0.5, 0.8, 0),
        ("dual_clip", -1, 5, 3, 0),
        ("dual_clip", -1, 2, 2, 2),
        ("dual_clip", 1, 0.5, -0.5, -0.5),
        ("ppo", -1, 5, 5, 5),
        ("ppo", 1, 5, -1.2, 0),
        ("ppo", 0, 5, 0, 0),
        ("dapo", 1, 1.5, -1.28, 0),
        ("dapo", 1, 1.25, -1.25, -1.25),
        ("dapo", -1, 0.5, 0.8, 0),
        ("dapo", -1, 5, 3, 0),
        ("cispo", 1, 1.5, 1.2 * (1 - math.log(1.5)), -1.2),
        ("cispo", -1, 0.1, -0.1 * (1 - math.log(0.1)), 0.1),
        ("sapo", 1, 1.0, -2, -1),
        ("sapo", 1, 1.5, -4 / (1 + math.exp(-0.5)), -4 * 1.5 * 0.62245933 * 0.37754067),
        ("sapo", -1, 1.5, 4 / 1.05 / (1 + math.exp(-0.525)), 4 * 1.5 * 0.62831526 * 0.37168474),
        ("gpg", 2, 1.0, 2, -2),
    ],
)
def test_a_token(name: str, advantage: float, ratio: float, value: float, slope: float) -> None:
    assert at(name, advantage=advantage, ratio=ratio) == pytest.approx((value, slope), abs=1e-5)


def test_cispo_bounds_its_weights_from_below_where_asked() -> None:
    assert at("cispo", advantage=-1, ratio=0.1, low=0.2)[1] == pytest.approx(0.8)


@pytest.mark.parametrize("name", ["ppo", "dual_clip"])
def test_a_ratio_beyond_all_bounds_is_a_number(name: str) -> None:
    for advantage in (-1.0, 0.0, 1.0):
        logprobs = torch.zeros(1, requires_grad=True)
        loss = losses.get(name)(
            logprobs, old=torch.tensor([-1e4]), advantages=torch.tensor([advantage]), weights=torch.ones(1)
        )
        loss.backward()
        assert math.isfinite(loss.item())
        assert logprobs.grad is not None
        assert logprobs.grad.item() == 0


def test_gspo_has_one_ratio_a_row() -> None:
    logprobs = tensor(0.2, -0.1, 0.05).requires_grad_()
    given = {
        "old": tensor(0, 0, 0),
        "advantages": tensor(1, 1, 1),
        "weights": torch.full((3,), 1 / 3, dtype=torch.float64),
        "row": torch.zeros(3, dtype=torch.int64),
    }
    assert losses.get("gspo")(logprobs, **given).item() == pytest.approx(-1.0004, abs=1e-6)
    free = losses.get("gspo")(logprobs, **given, high=1.0)
    assert free.item() == pytest.approx(-1.05127, abs=1e-5)
    free.backward()
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == pytest.approx([-1.05127 / 3] * 3, abs=1e-5)


def test_gspo_by_turns_has_one_ratio_a_turn() -> None:
    loss = losses.get("gspo")(
        tensor(0.2, 0.1, -0.3),
        old=tensor(0, 0, 0),
        advantages=tensor(1, 1, 1),
        weights=tensor(1, 1, 1),
        row=torch.tensor([0, 0, 1]),
        low=1.0,
        high=1.0,
    )
    assert loss.item() == pytest.approx(-2 * math.exp(0.15) - math.exp(-0.3), abs=1e-6)


def test_gmpo_clamps_each_token_on_one_side_and_then_takes_the_geometric_mean() -> None:
    given = {"old": tensor(0, 0, 0), "weights": tensor(1, 1, 1) / 3, "row": torch.zeros(3, dtype=torch.int64)}
    moved = tensor(0.2, -0.2, 0.06)
    good = losses.get("gmpo")(moved, advantages=tensor(1, 1, 1), low=0.1, high=0.1, **given)
    bad = losses.get("gmpo")(moved, advantages=-tensor(1, 1, 1), low=0.1, high=0.1, **given)
    assert float(good) == pytest.approx(-math.exp((0.1 - 0.2 + 0.06) / 3), abs=1e-6)
    assert float(bad) == pytest.approx(math.exp((0.2 - 0.1 + 0.06) / 3), abs=1e-6)


def batch(tokens: int, seed: int) -> dict[str, Tensor]:
    """Random arrays of `tokens` tokens in rows of uneven length."""
    random = torch.Generator().manual_seed(seed)
    old = -torch.rand(tokens, generator=random, dtype=torch.float64) * 3
    row = torch.randint(0, 4, (tokens,), generator=random).sort().values
    return {
        "logprobs": old + 0.7 * torch.randn(tokens, generator=random, dtype=torch.float64),
        "old": old,
        "advantages": torch.randn(4, generator=random, dtype=torch.float64)[row],
        "weights": torch.rand(tokens, generator=random, dtype=torch.float64),
        "row": row,
    }


def arguments(name: str, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: arrays[key] for key in losses.inputs(name) if key != "logprobs"}


@pytest.mark.parametrize("name", ["ppo", "dual_clip", "dapo", "sapo", "gmpo", "gpg"])
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    arrays = batch(23, seed=3)
    logprobs = arrays["logprobs"].requires_grad_()
    given = arguments(name, arrays)
    assert torch.autograd.gradcheck(lambda x: losses.get(name)(x, **given), (logprobs,))


def published_ppo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    low: float,
    high: float,
    dual: float,
) -> Tensor:
    """The objective as papers print it, left to autograd."""
    ratio = (logprobs - old).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - low, 1 + high) * advantages)
    surrogate = torch.where(advantages < 0, torch.maximum(surrogate, dual * advantages), surrogate)
    return -(surrogate * weights).sum()


def published_gspo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    row: Tensor,
    low: float,
    high: float,
) -> Tensor:
    """Token form: the row's ratio with its gradient stopped, times π / sg(π)."""
    parts: list[Tensor] = []
    for number in row.unique():
        here = row == number
        ratio = (logprobs[here] - old[here]).mean().exp().detach()
        ratio = ratio * (logprobs[here] - logprobs[here].detach()).exp()
        advantage = advantages[here]
        surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
        parts.append((surrogate * weights[here]).sum())
    return -torch.stack(parts).sum()


def published_cispo(
    logprobs: Tensor, *, old: Tensor, advantages: Tensor, weights: Tensor, low: float, high: float
) -> Tensor:
    ratio = (logprobs - old).exp().clamp(1 - low, 1 + high).detach()
    return -(ratio * advantages * logprobs * weights).sum()


SETTINGS: list[tuple[str, Callable[..., Tensor], dict[str, float]]] = [
    ("ppo", published_ppo, {"low": 0.2, "high": 0.28, "dual": 3.0}),
    ("gspo", published_gspo, {"low": 0.1, "high": 0.2}),
    ("cispo", published_cispo, {"low": 0.5, "high": 0.2}),
]


@pytest.mark.parametrize(("name", "published", "numbers"), SETTINGS, ids=[name for name, *_ in SETTINGS])
@settings(max_examples=30, deadline=None)
@given(tokens=st.integers(1, 60), seed=st.integers(0, 10_000))
def test_value_and_gradient_are_those_of_the_published_form(
    name: str, published: Callable[..., Tensor], numbers: dict[str, float], tokens: int, seed: int
) -> None:
    arrays = batch(tokens, seed)
    ours, theirs = (arrays["logprobs"].clone().requires_grad_() for _ in range(2))
    given_arrays = arguments(name, arrays)
    loss = losses.get(name)(ours, **given_arrays, **numbers)
    reference = published(theirs, **given_arrays, **numbers)
    loss.backward()
    reference.backward()
    assert loss.item() == pytest.approx(reference.item(), abs=1e-12)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["ppo", "dapo", "cispo", "sapo", "gpg", "gspo", "gmpo"])
@settings(max_examples=15, deadline=None)
@given(tokens=st.integers(2, 80), seed=st.integers(0, 10_000))
def test_micro_batches_add_up_to_the_batch(name: str, tokens: int, seed: int) -> None:
    arrays = batch(tokens, seed)
    whole, split = (arrays["logprobs"].clone().requires_grad_() for _ in range(2))
    loss = losses.get(name)(whole, **arguments(name, arrays))
    loss.backward()
    value = 0.0
    for number in arrays["row"].unique():
        here = arrays["row"] == number
        part = {key: value[here] for key, value in arguments(name, arrays).items()}
        micro = losses.get(name)(split[here], **part)
        micro.backward()
        value += micro.item()
    assert value == pytest.approx(loss.item(), abs=1e-9)
    torch.testing.assert_close(whole.grad, split.grad)


@pytest.mark.parametrize("name", ["ppo", "cispo", "sapo"])
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = batch(101, seed=5)
    found: list[tuple[float, Tensor]] = []
    for size in (7, 1000):
        monkeypatch.setattr(gradient, "CACHED", size)
        logprobs = arrays["logprobs"].clone().requires_grad_()
        loss = losses.get(name)(logprobs, **arguments(name, arrays))
        loss.backward()
        assert logprobs.grad is not None
        found.append((loss.item(), logprobs.grad))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-12)
    torch.testing.assert_close(found[0][1], found[1][1])


@pytest.mark.parametrize("name", ["ppo", "dapo", "cispo", "sapo", "gpg", "gspo", "gmpo"])
def test_a_policy_that_has_not_moved_has_the_policy_gradient(name: str) -> None:
    arrays = batch(40, seed=8)
    arrays["advantages"] = arrays["advantages"].sign()
    arrays["weights"] = torch.full((40,), 1 / 40, dtype=torch.float64)
    logprobs = arrays["old"].clone().requires_grad_()
    losses.get(name)(logprobs, **arguments(name, arrays)).backward()
    assert logprobs.grad is not None
    torch.testing.assert_close(logprobs.grad, -arrays["advantages"] / 40)


@pytest.mark.parametrize("name", ["ppo", "cispo", "sapo", "gspo"])
def test_advantages_may_be_of_another_precision(name: str) -> None:
    arrays = batch(30, seed=2)
    exact = losses.get(name)(arrays["logprobs"], **arguments(name, arrays))
    single = {key: value.float() if key in ("old", "weights") else value for key, value in arrays.items()}
    logprobs = arrays["logprobs"].float().requires_grad_()
    loss = losses.get(name)(logprobs, **arguments(name, single))
    loss.backward()
    assert logprobs.grad is not None
    assert logprobs.grad.dtype == torch.float32
    assert loss.item() == pytest.approx(float(exact), abs=1e-4)


def test_no_tokens_no_loss() -> None:
    none = torch.zeros(0, requires_grad=True)
    loss = losses.get("ppo")(none, old=none.detach(), advantages=none.detach(), weights=none.detach())
    loss.backward()
    assert loss.item() == 0


def test_a_value_that_is_no_number_is_not_hidden() -> None:
    logprobs = torch.tensor([-1.0, float("nan")], requires_grad=True)
    loss = losses.get("ppo")(logprobs, old=torch.zeros(2), advantages=torch.ones(2), weights=torch.ones(2))
    assert math.isnan(loss.item())


def test_statistics_of_an_update() -> None:
    ratio = tensor(1.5, 1.25, 0.5, 5.0, 1.0)
    advantages = tensor(1, 1, -1, -1, 1)
    found = ppo.statistics(ratio.log(), old=torch.zeros(5, dtype=torch.float64), advantages=advantages)
    assert found["clipped"] == pytest.approx(3 / 5)
    assert found["clipped_dual"] == pytest.approx(1 / 5)
    assert found["kl"] == pytest.approx(-float(ratio.log().mean()))


def test_the_packed_loss_is_the_padded_one() -> None:
    random = torch.Generator().manual_seed(4)
    keep = torch.rand(6, 20, generator=random) < 0.4
    old = -torch.rand(6, 20, generator=random, dtype=torch.float64)
    wide = (old + 0.4 * torch.randn(6, 20, generator=random, dtype=torch.float64)).requires_grad_()
    advantages = torch.randn(6, 1, generator=random, dtype=torch.float64).expand(6, 20)
    ratio = (wide - old).exp()
    token = torch.maximum(-advantages * ratio, -advantages * ratio.clamp(0.8, 1.2))
    dense = ((token * keep).sum(1) / keep.sum(1)).mean()
    dense.backward()
    flat = wide.detach()[keep].requires_grad_()
    row = torch.arange(6)[:, None].expand(6, 20)[keep]
    weights = aggregation.token_weights("seq-mean-token-mean", row=row, mass=torch.ones(len(row)).double())
    packed = ppo.ppo(flat, old=old[keep], advantages=advantages[keep], weights=weights)
    packed.backward()
    assert packed.item() == pytest.approx(dense.item(), abs=1e-12)
    assert wide.grad is not None
    torch.testing.assert_close(flat.grad, wide.grad[keep])


def test_an_unknown_loss_is_met_with_the_nearest_names() -> None:
    with pytest.raises(ConfigError, match=r"'gsop'.*did you mean 'gspo'"):
        losses.get("gsop")


def in_a_process_of_its_own(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_torch_is_loaded_with_the_first_loss_and_not_before() -> None:
    code = "import sys; from turnwise.learn import losses; losses.names(); print('torch' in sys.modules)"
    assert in_a_process_of_its_own(code).strip() == "False"


def test_without_torch_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from turnwise.errors import ConfigError\n"
        "from turnwise.learn import losses\n"
        "try: losses.get('ppo')\n"
        "except ConfigError as error: print(error)"
    )
    assert in_a_process_of_its_own(code).strip() == "the loss 'ppo' needs torch: install turnwise[learn]"


def test_each_loss_knows_how_its_paper_adds_up() -> None:
    assert losses.published_mode("gspo") == "seq-mean-token-mean"
    assert {losses.published_mode(name) for name in losses.names()} <= set(aggregation.MODES)


def test_every_name_is_a_documented_function() -> None:
    for name in losses.names():
        assert losses.get(name).__doc__
        assert losses.inputs(name)
