"""The budget ledger: what each policy allows as a budget comes to its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.ledger import Budget, Ledger, Policy
from turnwise.errors import ConfigError


def ledger(limit: float, policy: Policy, reserve: float = 1) -> Ledger:
    return Ledger([Budget(name="coins", limit=limit, policy=policy, reserve=reserve)])


def test_the_end_of_a_budget_ends_the_conversation() -> None:
    coins = ledger(2, "end")
    assert coins.phase == "open"
    assert coins.spend("coins")
    assert (coins.phase, coins.left("coins"), coins.ran_out) == ("open", 1, None)
    assert coins.spend("coins")
    assert (coins.phase, coins.left("coins"), coins.ran_out) == ("over", 0, "coins")
    assert not coins.spend("coins")
    assert coins.spent("coins") == 2


def test_what_does_not_fit_is_refused_and_costs_nothing() -> None:
    coins = ledger(5, "refuse")
    assert coins.spend("coins", 3)
    assert not coins.spend("coins", 3)
    assert (coins.spent("coins"), coins.phase, coins.ran_out) == (3, "open", None)
    assert coins.spend("coins", 2)
    assert not coins.spend("coins", 0.5)
    assert coins.phase == "open"


@pytest.mark.parametrize(
    ("limit", "cost", "most"), [(1, 0.1, 10), (0.3, 0.1, 3), (0.7, 0.35, 2), (2.1, 0.7, 3)]
)
def test_costs_in_decimals_come_to_an_end(limit: float, cost: float, most: int) -> None:
    coins = ledger(limit, "free_final")
    assert [coins.spend("coins", cost) for _ in range(most + 1)] == [True] * most + [False]
    assert (coins.left("coins"), coins.phase) == (0, "final")
    assert coins.balance("coins") == f"[0 of {limit:g} coins left]"
    kept = ledger(limit, "force_final", reserve=cost)
    assert [kept.spend("coins", cost) for _ in range(most)] == [True] * (most - 1) + [False]
    assert kept.phase == "final"
    assert kept.spend("coins", cost, final=True)


def test_a_forced_final_answer_gets_what_was_kept_for_it() -> None:
    coins = ledger(3, "force_final")
    assert coins.spend("coins", 2)
    assert coins.phase == "final"
    assert not coins.spend("coins")
    assert coins.fits("coins", final=True)
    assert coins.spend("coins", final=True)
    assert coins.phase == "over"


def test_a_free_final_answer_is_heard_once_when_all_is_spent() -> None:
    coins = ledger(1, "free_final")
    assert coins.spend("coins")
    assert coins.phase == "final"
    assert not coins.spend("coins")
    assert coins.spend("coins", final=True)
    assert (coins.phase, coins.ran_out, coins.spent("coins")) == ("over", "coins", 1)
    assert not coins.spend("coins", final=True)


def test_several_budgets_run_side_by_side_and_the_first_tells_the_reason() -> None:
    both = Ledger([Budget(name="proposals", limit=1), Budget(name="steps", limit=2)])
    assert both.remainder() == "1 proposals, 2 steps"
    both.spend("steps")
    assert (both.phase, both.remainder()) == ("open", "1 proposals, 1 steps")
    both.spend("steps")
    assert both.ran_out == "steps"
    both.spend("proposals")
    assert both.ran_out == "proposals"


def test_the_phase_is_that_of_the_most_urgent_budget() -> None:
    both = Ledger([Budget(name="calls", limit=1, policy="free_final"), Budget(name="steps", limit=2)])
    both.spend("calls")
    assert both.phase == "final"
    both.spend("steps", 2)
    assert both.phase == "over"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Budget(name="x", limit=-1),
            "budget 'x': limit and reserve must not be negative, got -1 and 1",
        ),
        (lambda: ledger(1, "end").spend("coins", -1), "budget 'coins': cannot spend the negative amount -1"),
        (lambda: ledger(1, "end").left("coin"), "ledger: there is no budget 'coin' (did you mean 'coins'?)"),
        (
            lambda: Ledger([Budget(name="x", limit=1), Budget(name="x", limit=2)]),
            "ledger: two budgets are called 'x'; names must differ",
        ),
    ],
)
def test_bad_use_is_one_clear_line(make: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value) == message


@given(
    st.sampled_from(["end", "refuse", "force_final", "free_final"]),
    st.integers(0, 6),
    st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=12),
)
def test_never_more_is_spent_than_there_is_and_over_stays_over(
    policy: Policy, limit: int, wishes: list[tuple[int, bool]]
) -> None:
    coins = ledger(limit, policy)
    over = False
    for amount, final in wishes:
        before = coins.spent("coins")
        granted = coins.fits("coins", amount, final=final)
        assert coins.spend("coins", amount, final=final) == granted
        assert coins.spent("coins") in (before, before + amount)
        assert granted or coins.spent("coins") == before
        assert coins.spent("coins") + coins.left("coins") == limit
        assert not (over and granted)
        assert not (over and coins.phase != "over")
        over = coins.phase == "over"
