"""InterruptBench's measures, with numbers worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.log import Call, EpisodeLog, Note, Reward, Stop, Turn
from turnwise.message import Message
from turnwise.metrics.interrupt import (
    actions_counted,
    adaptation,
    measured,
    success_by_steps,
    tokens_counted,
)
from turnwise.metrics.values import MetricError
from turnwise.model import Usage


def test_an_early_stop_counts_as_thirty_actions() -> None:
    assert actions_counted(12) == 12
    assert actions_counted(12, early=True) == 30
    # 10 + 20 + 30 + 40, and 26 more at (20 + 30 + 40) / 3.
    assert tokens_counted([10, 20, 30, 40], early=True) == 100 + 26 * 30
    assert tokens_counted([10, 20], early=True) == 30 + 28 * 15
    assert tokens_counted([10, 20]) == 30
    assert tokens_counted([], early=True) == 0
    assert tokens_counted([1] * 40, early=True) == 40


def test_success_is_carried_forward_from_where_it_came() -> None:
    curve = success_by_steps([1, 1, 0, 1, None], [0, 3, 2, 5, None], most=5)
    assert [point.mean for point in curve] == [0.25, 0.25, 0.5, 0.5, 0.75]
    assert [point.missing for point in curve] == [1] * 5
    harsh = success_by_steps([1, 1, 0, 1, None], [0, 3, 2, 5, None], most=5, missing="penalise")
    assert [point.mean for point in harsh] == [0.2, 0.2, 0.4, 0.4, 0.6]
    with pytest.raises(MetricError, match="as many steps"):
        success_by_steps([1], [])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), min_size=1, max_size=30))
def test_the_curve_never_falls_and_ends_at_the_success_rate(tasks: list[tuple[bool, int]]) -> None:
    won, steps = [w for w, _ in tasks], [s for _, s in tasks]
    points = [point.mean for point in success_by_steps(won, steps, most=40)]
    assert points == sorted(points)
    assert points[-1] == pytest.approx(sum(won) / len(won))


def test_what_adapting_cost_by_outcome() -> None:
    found = adaptation(
        [10, 10, 8, 30, None],
        [12, 30, 6, 30, 4],
        plain_success=[1, 1, 0, 0, None],
        interrupted_success=[1, 0, 1, 0, 1],
    )
    assert found.difference.mean == pytest.approx((2 + 20 - 2 + 0) / 4)
    assert found.difference.missing == 1
    assert {name: one.mean for name, one in found.by_outcome.items()} == {
        "both": 2,
        "plain_only": 20,
        "interrupted_only": -2,
        "neither": 0,
    }
    harsh = adaptation(
        [10, None], [12, 4], plain_success=[1, None], interrupted_success=[1, 1], missing="penalise"
    )
    assert harsh.plain == 20
    assert harsh.difference.mean == pytest.approx((2 - 26) / 2)
    assert harsh.by_outcome["interrupted_only"].mean == -26
    with pytest.raises(MetricError, match="one length"):
        adaptation([1], [1, 2], plain_success=[1], interrupted_success=[1])


def test_an_episode_is_read_from_its_log() -> None:
    said = [
        Turn(index=n, role="agent", message=Message(role="assistant", content=str(n)), calls=(n,))
        for n in range(5)
    ]
    log = EpisodeLog(
        environment="x",
        task={"id": "a"},
        turns=tuple(said),
        calls=tuple(Call(role="agent", n=n, usage=Usage(output=n + 1)) for n in range(5)),
        rewards=(Reward(value=1.0),),
        notes=(Note(name="interrupt", turn=2, value={"actions": 5}),),
        metrics={"replayed": 3},
        stop=Stop.COMPLETED,
        detail="Early stop: the same action 5 times",
    )
    found = measured(log)
    assert found is not None
    # Three were replayed and five done: the interruption came after the fifth of eight.
    assert (found.actions, found.after, found.early, found.success) == (8, 3, True, True)
    assert found.tokens == (3, 4, 5)
    assert measured(EpisodeLog(environment="x", task={"id": "a"})) is None
