"""Local models: how tokens are drawn from logits, against numbers worked by hand."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs pip install 'turnwise[local]'")

from turnwise.models.draws import Draw  # noqa: E402
from turnwise.models.hf.draw import choose  # noqa: E402


class Point(random.Random):
    """Random numbers that are all the same."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


def logits(*probabilities: float) -> Any:
    return torch.tensor([[math.log(p) for p in probabilities]])


def one(row: Any, draw: Draw, which: Any = "raw") -> tuple[int, float]:
    tokens, logprobs = choose(row, [draw], which)
    return tokens[0], math.exp(logprobs[0])


@pytest.mark.parametrize(
    ("temperature", "top_p", "top_k", "point", "token", "raw", "sampled"),
    [
        # Sums 0.2, 0.7, 1: the point falls between two of them.
        (1.0, 1.0, 0, 0.19, 0, 0.2, 0.2),
        (1.0, 1.0, 0, 0.21, 1, 0.5, 0.5),
        (1.0, 1.0, 0, 0.9999, 2, 0.3, 0.3),
        # The likeliest alone.
        (0.0, 1.0, 0, 0.99, 1, 0.5, 1.0),
        (1.0, 1.0, 1, 0.99, 1, 0.5, 1.0),
        (1.0, 0.4, 0, 0.99, 1, 0.5, 1.0),
        # The likeliest two, 0.5 and 0.3 of 0.8.
        (1.0, 1.0, 2, 0.63, 2, 0.3, 0.375),
        (1.0, 0.6, 0, 0.62, 1, 0.5, 0.625),
        # At temperature 1/2 probabilities are as 0.04 : 0.25 : 0.09, together 0.38.
        (0.5, 1.0, 0, 0.11, 1, 0.5, 0.25 / 0.38),
        (0.5, 1.0, 0, 0.10, 0, 0.2, 0.04 / 0.38),
        # Top-p counts after temperature: 0.25 of 0.38 is 0.66 already.
        (0.5, 0.65, 0, 0.99, 1, 0.5, 1.0),
        # Top-p counts after top-k: 0.5 of 0.8 is 0.625.
        (1.0, 0.61, 2, 0.99, 1, 0.5, 1.0),
    ],
)
def test_draws_worked_by_hand(
    temperature: float, top_p: float, top_k: int, point: float, token: int, raw: float, sampled: float
) -> None:
    row = logits(0.2, 0.5, 0.3)
    draw = Draw(temperature, top_p, top_k, Point(point))
    assert one(row, draw) == (token, pytest.approx(raw, abs=1e-6))
    assert one(row, draw, "sampled") == (token, pytest.approx(sampled, abs=1e-6))


def test_rows_are_drawn_each_in_its_own_way() -> None:
    rows = logits(0.2, 0.5, 0.3).repeat(4, 1)
    draws = [
        Draw(1.0, 1.0, 0, Point(0.1)),
        Draw(0.0, 1.0, 0, Point(0.1)),
        Draw(1.0, 1.0, 2, Point(0.9)),
        Draw(1.0, 1.0, 0, Point(0.9)),
    ]
    tokens, logprobs = choose(rows, draws)
    assert tokens == [0, 1, 2, 2]
    assert logprobs == pytest.approx([math.log(p) for p in (0.2, 0.5, 0.3, 0.3)], abs=1e-6)


def test_frequencies_are_the_probabilities() -> None:
    rng = random.Random(0)
    count = 20_000
    tokens, _ = choose(logits(0.1, 0.2, 0.3, 0.4).repeat(count, 1), [Draw(1.0, 0.75, 0, rng)] * count)
    # Top-p keeps 0.4, 0.3 and 0.2 (0.7 is not yet 0.75); four standard errors are 0.015.
    shares = [tokens.count(token) / count for token in range(4)]
    assert shares == pytest.approx([0, 2 / 9, 3 / 9, 4 / 9], abs=0.015)


def test_what_is_ruled_out_is_so_by_logits_however_close() -> None:
    # The log-probabilities of the first two are the same number.
    row = torch.tensor([[0.0, 1.1920929e-07, 1.0]])
    assert one(row, Draw(1.0, 1.0, 2, Point(0.0)))[0] == 1


@settings(deadline=None)
@given(
    st.lists(st.floats(-30, 30), min_size=2, max_size=9),
    st.floats(0.1, 3),
    st.floats(0.01, 1),
    st.integers(0, 9),
    st.floats(0, 1, exclude_max=True),
)
def test_a_token_that_is_ruled_out_is_never_drawn(
    row: list[float], temperature: float, top_p: float, top_k: int, point: float
) -> None:
    draw = Draw(temperature, top_p, top_k, Point(point))
    token, probability = one(torch.tensor([row]), draw, "sampled")
    assert 0 < probability <= 1 + 1e-5
    if top_k:
        assert sum(torch.tensor(row) > row[token]) < top_k
