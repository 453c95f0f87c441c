"""Tables over episodes: counts add up, missing values are counted, quantiles are numpy's and by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import MetricError, error_table, stop_table, summarise, wilson


def test_stop_table_by_hand() -> None:
    rows = stop_table(["completed", "max_turns", "completed", None, "budget"])
    assert [(r.name, r.count, r.share.mean) for r in rows] == [
        ("completed", 2, 0.5),
        ("budget", 1, 0.25),
        ("max_turns", 1, 0.25),
    ]
    assert all((r.share.n, r.share.missing) == (4, 1) for r in rows)
    assert (rows[0].share.low, rows[0].share.high) == wilson(2, 4)
    assert stop_table([]) == stop_table([None]) == []


@given(st.lists(st.sampled_from(["completed", "error", "budget", None]), max_size=40))
def test_stop_shares_add_up_to_one(reasons: list[str | None]) -> None:
    rows = stop_table(reasons)
    assert sum(r.count for r in rows) == sum(x is not None for x in reasons)
    if rows:
        assert sum(r.share.mean for r in rows) == pytest.approx(1)


def test_error_table_by_hand() -> None:
    errors = [
        ("e1", "server", "500: out of memory\ntrace"),
        ("e2", "timeout", ""),
        ("e3", "server", "502"),
        ("e4", "server", "503"),
    ]
    rows = error_table(errors, episodes=20, shown=2)
    assert [(r.kind, r.count, r.share.mean) for r in rows] == [("server", 3, 0.15), ("timeout", 1, 0.05)]
    assert (rows[0].example, rows[0].episodes) == ("500: out of memory", ("e1", "e3"))
    assert rows[1].example == ""
    assert rows[0].share.n == 20
    assert error_table([], episodes=0) == []
    with pytest.raises(MetricError, match="episodes: expected at least the 4 that failed, found 3"):
        error_table(errors, episodes=3)


def test_summary_by_hand() -> None:
    fast, slow = summarise([1, 10, 2, None, 3, 4], ["f", "s", "f", "s", "f", "f"], quantiles=(0.25, 0.9))
    # f: 1 2 3 4: mean 2.5, s² = (2.25+0.25)·2/3 = 5/3; quantile 0.25 at position 0.75: 1.75; 0.9 at 2.7: 3.7
    assert (fast.group, fast.n, fast.missing, fast.total, fast.mean, fast.median) == (
        "f",
        4,
        0,
        10.0,
        2.5,
        2.5,
    )
    assert fast.sd == pytest.approx(math.sqrt(5 / 3))
    assert (fast.minimum, fast.maximum) == (1.0, 4.0)
    assert fast.quantiles == pytest.approx({"0.25": 1.75, "0.9": 3.7})
    assert (slow.group, slow.n, slow.missing, slow.mean, slow.median) == ("s", 1, 1, 10.0, 10.0)
    assert math.isnan(slow.sd)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.sampled_from("ab")), min_size=2, max_size=40))
def test_summary_agrees_with_scipy_and_splits_the_whole(rows: list[tuple[float, str]]) -> None:
    values = [v for v, _ in rows]
    whole = summarise(values)[0]
    theirs = stats.describe(values)
    assert (whole.group, whole.n) == ("all", theirs.nobs)
    assert whole.mean == pytest.approx(theirs.mean)
    assert whole.sd**2 == pytest.approx(theirs.variance, rel=1e-6, abs=1e-9)
    assert (whole.minimum, whole.maximum) == theirs.minmax
    parts = summarise(values, [g for _, g in rows])
    assert [p.group for p in parts] == list(dict.fromkeys(g for _, g in rows))
    assert sum(p.n for p in parts) == whole.n
    assert sum(p.total for p in parts) == pytest.approx(whole.total)


def test_summary_edges_and_bad_input() -> None:
    assert summarise([]) == []
    none = summarise([None, None])[0]
    assert (none.n, none.missing, none.total) == (0, 2, 0.0)
    assert math.isnan(none.mean)
    assert math.isnan(none.median)
    assert all(math.isnan(q) for q in none.quantiles.values())
    with pytest.raises(MetricError, match="quantiles: expected shares from 0 to 1"):
        summarise([1], quantiles=[95])
    with pytest.raises(MetricError, match="groups: expected 2 labels"):
        summarise([1, 2], ["a"])
