"""Checks without a model: the state that is left, assertions on it, what was said and what was called."""

from __future__ import annotations

import pytest
from talk import Judge, calling, log_of, wait

from turnwise.errors import ConfigError
from turnwise.judges.state import Assertion, State, hash_of, holds
from turnwise.log import EpisodeLog
from turnwise.message import assistant, user
from turnwise.verdict import Verdict

SHOP = {"orders": {"W1": {"status": "paid", "items": ["tea", "milk"], "sum": 12.5}}}


def judged(log: EpisodeLog, **options: object) -> Verdict:
    state = State(**options)
    return state.reduce(wait(state.verdicts(log, Judge())))


def test_two_states_are_equal_whatever_the_order_of_their_keys() -> None:
    assert hash_of({"a": 1, "b": [1, 2]}) == hash_of({"b": [1, 2], "a": 1})
    assert hash_of([1, 2]) != hash_of([2, 1])
    assert hash_of({"hash": hash_of(SHOP)}) == hash_of(SHOP)


@pytest.mark.parametrize(
    ("path", "op", "value", "true"),
    [
        ("orders.W1.status", "equals", "paid", True),
        ("orders.W1.status", "differs", "paid", False),
        ("orders.W1.items", "contains", "tea", True),
        ("orders.W1.items", "lacks", "tea", False),
        ("orders.W1.items.1", "equals", "milk", True),
        ("orders.W1.sum", "at_least", 12.5, True),
        ("orders.W1.sum", "at_most", 12, False),
        ("orders.W1.status", "at_least", 3, False),
        ("orders.W2", "absent", None, True),
        ("orders.W1", "exists", None, True),
        ("orders.W2.status", "equals", None, False),
        ("orders.W2.status", "differs", "paid", True),
        ("orders.W1.items.7", "exists", None, False),
        ("orders.W1.items." + "7" * 5000, "absent", None, True),
        ("orders.W1.items", "contains", {"x": 1}, False),
        ("orders.W1.status", "contains", "ai", True),
        ("orders.W1.status", "contains", 5, False),
        ("orders.W1.status", "lacks", 5, True),
        ("orders.W1", "contains", "sum", True),
        ("orders.W1", "contains", ["sum"], False),
    ],
)
def test_assertions(path: str, op, value: object, true: bool) -> None:
    assert holds(SHOP, Assertion(path=path, op=op, value=value)) is true


def test_the_state_is_compared_with_the_one_wanted() -> None:
    assert judged(log_of("Hi", "Done.", state=SHOP, expected_state=SHOP)).passed is True
    assert judged(log_of("Hi", "Done.", state=SHOP, expected_state={"hash": hash_of(SHOP)})).passed is True
    other = judged(log_of("Hi", "Done.", state={"orders": {}}, expected_state=SHOP))
    assert (other.score, other.reason) == (0.0, "the state is another")
    # No state was left: that is no failure of the agent.
    assert judged(log_of("Hi", "Done.", expected_state=SHOP)).missing == (
        "the episode left no note named 'final_state'"
    )


def test_all_parts_must_hold() -> None:
    task = {
        "expected_state": SHOP,
        "outputs": ["1234"],
        "assertions": [{"path": "orders.W1.status", "value": "sent"}],
    }
    verdict = judged(log_of("Hi", "It is 1,234 Euros.", state=SHOP, **task))
    assert (verdict.score, verdict.passed) == (0.0, False)
    assert verdict.reason == "not so: orders.W1.status equals 'sent'"
    assert verdict.figures == {"state": 1, "assertions": 0, "said": 1}
    assert judged(log_of("Hi", "It is 1,234 Euros.", state=SHOP, **task), parts=("state", "said")).passed


def test_strings_must_be_said_by_the_agent() -> None:
    # As tau-bench compares: case and the speaker's commas do not matter.
    assert judged(log_of("1234?", "It is 1,234.", outputs=["1234"])).evidence == (1,)
    assert judged(log_of("1234?", "Yes.", outputs=["1234"])).reason == "never said: '1234'"
    assert judged(log_of("?", "On MAY 3", outputs=["may 3"])).passed is True


def test_calls_must_be_made_with_what_is_compared() -> None:
    log = log_of("Hi", calling("pay", '{"id": "W1", "note": "quick"}'))
    wanted = {"name": "pay", "arguments": {"id": "W1", "note": "x"}}
    assert judged(EpisodeLog(**{**_fields(log), "task": {"id": "0", "actions": [wanted]}})).passed is False
    by_id = {**wanted, "compare_args": ["id"]}
    found = judged(EpisodeLog(**{**_fields(log), "task": {"id": "0", "actions": [by_id]}}))
    assert (found.passed, found.evidence) == (True, (1,))
    another = {**by_id, "requestor": "user"}
    told = judged(EpisodeLog(**{**_fields(log), "task": {"id": "0", "actions": [another]}}))
    assert told.reason == "never called: pay"


def _fields(log: EpisodeLog) -> dict[str, object]:
    return {"environment": log.environment, "turns": log.turns, "stop": log.stop}


def test_a_call_that_is_no_json_matches_nothing() -> None:
    log = log_of("Hi", calling("pay", '{"id": '), actions=[{"name": "pay"}])
    assert judged(log).passed is False


@pytest.mark.parametrize("arguments", ["[" * 100_000, '{"a":' * 100_000, "[1]", "null"])
def test_arguments_of_any_kind_only_match_nothing(arguments: str) -> None:
    assert judged(log_of("Hi", calling("pay", arguments), actions=[{"name": "pay"}])).passed is False


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"actions": ["pay"]}, "task '0': actions: Expected `object`, got `str`"),
        ({"actions": [{"arguments": {}}]}, "task '0': actions: Object missing required field `name`"),
        (
            {"actions": [{"name": "pay", "arguments": "{}"}]},
            "task '0': actions: Expected `object | null`, got `str` - at `$.arguments`",
        ),
        ({"assertions": [{"op": "equals"}]}, "task '0': assertions: Object missing required field `path`"),
        ({"assertions": ["x"]}, "task '0': assertions: Expected `object`, got `str`"),
    ],
)
def test_rows_that_say_nothing_are_one_line_with_their_place(rows: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        judged(log_of("Hi", "Bye.", state=SHOP, **rows))
    assert str(raised.value) == said


def test_doing_nothing_is_right_where_nothing_is_asked_for() -> None:
    assert judged(log_of("Hi", "Bye.", state=SHOP, expected_state=SHOP, outputs=[], actions=[])).score == 1.0
    assert judged(log_of("Hi", "Bye.")).missing == "the task says nothing of how it must end"


def test_nobody_is_asked() -> None:
    ask = Judge()
    wait(State().verdicts(log_of(user("Hi"), assistant("Hello"), outputs=["Hello"]), ask))
    assert ask.asked == []
