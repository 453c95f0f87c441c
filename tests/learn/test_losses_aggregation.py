"""Aggregation: every mode is a vector of weights, equal to the padded reduction of that name."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from turnwise.errors import ConfigError
from turnwise.learn.losses import overlong
from turnwise.learn.losses.aggregation import MODES, Mode, token_weights
from turnwise.learn.losses.over_turn import token_weights as over_turn_weights
from turnwise.learn.losses.segments import largest, mean, total

torch.set_num_threads(1)
ROW = torch.tensor([0, 0, 0, 0, 1])
TURN = torch.tensor([0, 0, 0, 1, 2])
LOSSES = torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0])


def added_up(mode: Mode, losses: Tensor = LOSSES, denominator: float | None = None) -> float:
    return float((token_weights(mode, row=ROW, turn=TURN, denominator=denominator) * losses).sum())


@pytest.mark.parametrize(
    ("mode", "value"),
    [
        ("token-mean", 1.2),
        ("seq-mean-token-sum", 3.0),
        ("seq-mean-token-mean", 1.5),
        ("turn-mean", 4 / 3),
        ("seq-mean-turn-mean", 1.5),
    ],
)
def test_two_rows(mode: Mode, value: float) -> None:
    assert added_up(mode) == pytest.approx(value)


def test_a_sum_over_a_constant() -> None:
    assert added_up("seq-mean-token-sum-norm", denominator=4) == pytest.approx(1.5)


def test_modes_that_name_turns_differ_by_what_counts_the_same() -> None:
    losses = torch.tensor([3.0, 3.0, 3.0, 1.0, 5.0])
    assert added_up("turn-mean", losses) == pytest.approx((3 + 1 + 5) / 3)
    assert added_up("seq-mean-turn-mean", losses) == pytest.approx(((3 + 1) / 2 + 5) / 2)
    assert added_up("seq-mean-token-mean", losses) == pytest.approx((2.5 + 5) / 2)


def test_the_count_of_all_processes_stands_in_for_that_of_one() -> None:
    assert added_up("token-mean", denominator=10) == pytest.approx(0.6)
    assert added_up("seq-mean-token-mean", denominator=4) == pytest.approx(0.75)


def padded(mode: Mode, losses: Tensor, mask: Tensor) -> Tensor:
    """The reductions as they are written for `[B, T]` and a mask; rows without tokens do not count."""
    rows, sums = (mask.sum(1) > 0).sum(), (losses * mask).sum(1)
    if mode == "token-mean":
        return sums.sum() / mask.sum()
    if mode == "seq-mean-token-sum":
        return sums.sum() / rows
    return (sums / mask.sum(1).clamp(min=1)).sum() / rows


@settings(max_examples=50, deadline=None)
@given(
    mode=st.sampled_from(["token-mean", "seq-mean-token-sum", "seq-mean-token-mean"]),
    rows=st.integers(1, 6),
    width=st.integers(1, 12),
    seed=st.integers(0, 10_000),
)
def test_packed_is_padded(mode: Mode, rows: int, width: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    mask = torch.rand(rows, width, generator=random) < 0.5
    mask[0, 0] = True
    losses = torch.randn(rows, width, generator=random)
    row = torch.arange(rows)[:, None].expand(rows, width)[mask]
    ours = (token_weights(mode, row=row) * losses[mask]).sum()
    torch.testing.assert_close(ours, padded(mode, losses, mask.float()), atol=1e-5, rtol=1e-5)


@st.composite
def ragged(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Rows of turns of tokens: numbers of row and turn."""
    sizes = draw(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=5))
    turns = [(row, size) for row, of_row in enumerate(sizes) for size in of_row]
    row = [row for row, size in turns for _ in range(size)]
    turn = [number for number, (_, size) in enumerate(turns) for _ in range(size)]
    return torch.tensor(row), torch.tensor(turn)


MEANS = [mode for mode in MODES if mode not in ("seq-mean-token-sum", "seq-mean-token-sum-norm")]


@settings(max_examples=50, deadline=None)
@given(mode=st.sampled_from(MEANS), shape=ragged())
def test_weights_of_a_mean_sum_to_one(mode: Mode, shape: tuple[Tensor, Tensor]) -> None:
    row, turn = shape
    assert float(token_weights(mode, row=row, turn=turn).sum()) == pytest.approx(1, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(mode=st.sampled_from(MODES), shape=ragged(), seed=st.integers(0, 1000))
def test_order_does_not_matter(mode: Mode, shape: tuple[Tensor, Tensor], seed: int) -> None:
    row, turn = shape
    order = torch.randperm(len(row), generator=torch.Generator().manual_seed(seed))
    straight = token_weights(mode, row=row, turn=turn, denominator=None if mode in MEANS else 7)
    shuffled = token_weights(mode, row=row[order], turn=turn[order], denominator=None if mode in MEANS else 7)
    torch.testing.assert_close(shuffled, straight[order])


@settings(max_examples=50, deadline=None)
@given(mode=st.sampled_from(MEANS), shape=ragged(), seed=st.integers(0, 1000))
def test_no_mass_is_as_if_it_had_not_been_sampled(
    mode: Mode, shape: tuple[Tensor, Tensor], seed: int
) -> None:
    row, turn = shape
    keep = torch.rand(len(row), generator=torch.Generator().manual_seed(seed)) < 0.6
    masked = token_weights(mode, row=row, turn=turn, mass=keep)
    assert (masked[~keep] == 0).all()
    if keep.any():
        torch.testing.assert_close(masked[keep], token_weights(mode, row=row[keep], turn=turn[keep]))


def test_where_nothing_counts_all_weights_are_zero() -> None:
    for mode in MEANS:
        weights = token_weights(mode, row=ROW, turn=TURN, mass=torch.zeros(5))
        assert weights.tolist() == [0] * 5


def test_weights_of_turns_make_a_weighted_mean() -> None:
    mass = torch.tensor([3.0, 1.0, 0.0])[TURN]
    weights = token_weights("token-mean", row=ROW, mass=mass)
    assert weights.tolist() == pytest.approx([0.3, 0.3, 0.3, 0.1, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "token-means"}, "did you mean 'token-mean'"),
        ({"mode": "turn-mean"}, "give `turn`"),
        ({"mode": "seq-mean-token-sum-norm"}, "give `denominator`"),
    ],
)
def test_what_is_missing_is_named(arguments: dict[str, Mode], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        token_weights(arguments["mode"], row=ROW)


def test_segments() -> None:
    values, segment = torch.tensor([1.0, 2.0, -4.0]), torch.tensor([2, 0, 2])
    assert total(values, segment).tolist() == [2, 0, -3]
    assert mean(values, segment, 4).tolist() == [2, 0, -1.5, 0]
    assert largest(values, segment)[2] == 1


def test_over_turn_masking_leaves_out_what_was_cut_off() -> None:
    """Rewards 1, 0, 0, 0 over their deviation; the last two episodes were cut off."""
    advantages, row = torch.tensor([1.5, -0.5, -0.5, -0.5]), torch.arange(4)
    truncated = torch.tensor([False, False, True, True])
    sums = {
        policy: (
            over_turn_weights("seq-mean-token-mean", row=row, truncated=truncated, policy=policy) * advantages
        )
        for policy in ("penalize", "mask", "renormalize")
    }
    assert sums["penalize"].tolist() == pytest.approx([0.375, -0.125, -0.125, -0.125])
    assert sums["mask"].tolist() == pytest.approx([0.375, -0.125, 0, 0])
    assert sums["renormalize"].tolist() == pytest.approx([0.75, -0.25, 0, 0])


def test_an_unknown_policy_for_what_was_cut_off() -> None:
    with pytest.raises(ConfigError, match="did you mean 'mask'"):
        over_turn_weights(
            "token-mean",
            row=ROW,
            truncated=torch.zeros(2, dtype=torch.bool),
            policy="masks",  # pyright: ignore[reportArgumentType]
        )


def test_overlong_rewards_fall_over_the_buffer() -> None:
    length = torch.tensor([16_000, 16_384, 17_408, 18_432, 20_480, 30_000])
    found = overlong.reward(length, limit=20_480, buffer=4_096)
    assert found.tolist() == pytest.approx([0, 0, -0.25, -0.5, -1, -1])
    assert overlong.reward(length, limit=20_480, buffer=4_096, factor=2)[2] == -0.5
