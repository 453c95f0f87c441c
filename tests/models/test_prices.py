"""Prices: the cost of a call from a table by model name."""

from __future__ import annotations

from typing import Any

import pytest
from asking import HELLO, ask
from fake import Counting, Remembering
from hypothesis import given
from hypothesis import strategies as st

from turnwise.errors import ConfigError
from turnwise.message import assistant
from turnwise.model import Stateful, Usage
from turnwise.models.prices import priced

USAGE = Usage(input=1000, output=100, cached=600, reasoning=40)


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        # 400 fresh tokens at 2, 600 cached ones at 0.5, 100 sampled ones at 10, for a million each.
        ({"input": 2, "output": 10, "cached": 0.5}, 0.0008 + 0.0003 + 0.001),
        ({"input": 2, "output": 10}, 0.002 + 0.001),
        ({"input": 0, "output": 0}, 0.0),
    ],
)
def test_the_cost_of_a_call(price: dict[str, float], cost: float) -> None:
    sample = ask(priced(Counting(usage=USAGE), {"openai/tiny": price}))
    assert sample.usage is not None
    assert sample.usage.cost == pytest.approx(cost)
    assert (sample.usage.input, sample.usage.output, sample.usage.reasoning) == (1000, 100, 40)


def test_the_nearest_entry_counts() -> None:
    table = {
        "openai/gpt-4o": {"input": 1, "output": 0},
        "openai/gpt-4o*": {"input": 2, "output": 0},
        "openai/gpt-4o-mini*": {"input": 3, "output": 0},
        "*": {"input": 4, "output": 0},
    }
    names = ["openai/gpt-4o", "openai/gpt-4o-2024", "openai/gpt-4o-mini-2024", "google/gemini"]
    for name, price in zip(names, (1, 2, 3, 4), strict=True):
        sample = ask(priced(Counting(name, Usage(input=1_000_000)), table))
        assert sample.usage is not None
        assert sample.usage.cost == price


def test_a_model_without_a_price_is_left_alone() -> None:
    model = Counting(usage=USAGE)
    assert priced(model, {}) is model
    assert priced(model, {"anthropic/*": {"input": 1, "output": 1}}) is model


def test_no_usage_no_cost() -> None:
    assert ask(priced(Counting(), {"*": {"input": 1, "output": 1}})).usage is None


def test_a_priced_model_is_otherwise_the_same() -> None:
    table = {"*": {"input": 1, "output": 1}}
    hosted, local = Counting("a/b"), Remembering("c/d")
    wrapped, stateful = priced(hosted, table), priced(local, table)
    assert (wrapped.name, wrapped.remote, isinstance(wrapped, Stateful)) == ("a/b", True, False)
    assert (stateful.name, stateful.remote) == ("c/d", False)
    assert isinstance(stateful, Stateful)
    stateful.replayed(HELLO, assistant("yes"))
    stateful.forget("s")
    assert local.told == [(0, "yes"), "s"]
    ask(wrapped)
    assert hosted.closed


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"a/*": {"input": 1, "ouput": 2}}, r"prices\.'a/\*': unknown key 'ouput' \(did you mean 'output'"),
        ({"a/*": {"input": 1}}, r"prices\.'a/\*': object missing required field `output`"),
        ({"a/*": {"input": "1", "output": 2}}, r"prices\.'a/\*'\.input: expected `float`, got `str`"),
        (
            {"a/*": {"input": -1, "output": 2}},
            r"prices\.'a/\*'\.input: expected a price of at least 0, got -1",
        ),
        ({"a/*": {"input": 1, "output": float("nan")}}, r"\.output: expected a price of at least 0, got nan"),
        ({"a/*": 3}, r"prices\.'a/\*': expected `object`, got `int`"),
        ({"input": 1, "output": 2}, r"prices\.'input': expected `object`, got `int`"),
    ],
)
def test_a_bad_table_is_refused_whichever_model_is_asked(table: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        priced(Counting(), table)


@given(
    fresh=st.integers(0, 10**7),
    cached=st.integers(0, 10**7),
    output=st.integers(0, 10**7),
    price=st.floats(0, 1000),
)
def test_at_one_price_only_the_number_of_tokens_counts(
    fresh: int, cached: int, output: int, price: float
) -> None:
    usage = Usage(input=fresh + cached, cached=cached, output=output)
    sample = ask(priced(Counting(usage=usage), {"*": {"input": price, "output": price}}))
    assert sample.usage is not None
    assert sample.usage.cost == pytest.approx((fresh + cached + output) * price / 1e6)
