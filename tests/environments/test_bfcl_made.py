"""BFCL's entries that are made by seed: they can be met, nothing has to be guessed, each turn is graded."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.agent import Agent
from turnwise.environments.parts.asks import Ask
from turnwise.environments.service.bfcl import Bfcl, BfclTask, made
from turnwise.environments.service.bfcl.rows import CATEGORIES
from turnwise.episode import Episode
from turnwise.models.scripted import ScriptedModel
from turnwise.tools.written import Written, written_calls

ENTRIES = made.tasks("base", "train", 60)


def play(environment: Bfcl, task: BfclTask, script: Any) -> Episode:
    """The finished episode."""
    episode = Episode(environment, task, {"agent": Agent(ScriptedModel(script))})
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


def writing(*turns: str) -> Any:
    """Somebody who writes these calls, turn by turn."""

    def script(task: BfclTask, rng: random.Random) -> Iterator[Any]:
        yield
        for calls in turns:
            yield calls
            yield "Done."

    return script


def references(task: BfclTask) -> list[str]:
    return [f"[{', '.join(ask.calls)}]" for ask in task.asks]


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_entry_can_be_met(category: Any, split: Any) -> None:
    environment = Bfcl(split=split, category=category, count=25)
    tasks = list(environment.tasks())
    assert len(tasks) == 25
    for task in tasks:
        assert isinstance(task, BfclTask)
        assert play(environment, task, environment.agents()["solver"]).score() == 1.0
        assert play(environment, task, lambda messages: "Done.").score() == 0.0


def test_a_larger_count_begins_alike_and_splits_share_nothing() -> None:
    assert made.tasks("base", "train", 20) == ENTRIES[:20]
    said = {tuple(ask.says for ask in task.asks) for task in ENTRIES}
    other = {tuple(ask.says for ask in task.asks) for task in made.tasks("base", "test", 60)}
    assert len(said) == len(other) == 60
    assert not said & other


def test_the_functions_of_both_apis_are_needed() -> None:
    used = {call.name for task in ENTRIES for call in calls_of(task)}
    assert used == {
        *("add", "subtract", "multiply", "mean", "sum_values", "min_value", "max_value"),
        *("ticket_login", "create_ticket", "get_ticket", "close_ticket", "resolve_ticket", "edit_ticket"),
    }
    assert {len(task.asks) for task in ENTRIES} == {3, 4}


def calls_of(task: BfclTask) -> list[Written]:
    return [call for ask in task.asks for call in calls_in(ask)]


def calls_in(ask: Ask) -> list[Written]:
    return [call for text in ask.calls for call in written_calls(text)]


def words(*values: Any) -> set[str]:
    """What is said in some JSON values, word by word and number by number."""
    return set(re.findall(r"[A-Za-z]+|[0-9]+", " ".join(map(json.dumps, values))))


@given(st.integers(0, 10**6))
def test_nothing_has_to_be_guessed(number: int) -> None:
    """What a reference call is given was said, or stands in a result of an earlier turn."""
    environment = Bfcl(split="test")
    task = made.entry("test", number).task("base")
    episode = play(environment, task, environment.agents()["solver"])
    assert episode.score() == 1.0
    coming, known = list(task.asks), set[str]()
    for turn in episode.turns[1:]:
        if turn.role == "agent":
            continue
        known |= words(turn.text)
        if coming and turn.text == coming[0].says:
            given = [value for call in calls_in(coming.pop(0)) for value in call.named.values()]
            fields = {"priority"}
            assert words(*given) - fields <= known
    assert not coming


def test_each_turn_is_graded() -> None:
    """A wrong sum costs its own turn, a wrong change of a ticket every turn from there on."""
    environment = Bfcl(split="train", calls="text", reward="turns")
    shares = {"sum": 0, "change": 0}
    for task in ENTRIES:
        share, turns = 1 / len(task.asks), references(task)
        for at, ask in enumerate(task.asks):
            name = calls_in(ask)[-1].name
            kind = (
                "sum" if name in ("add", "multiply", "mean") else "change" if name == "close_ticket" else None
            )
            if kind is None:
                continue
            shares[kind] += 1
            wrong = "[power(base=2, exponent=3)]" if kind == "sum" else "[ticket_get_login_status()]"
            episode = play(environment, task, writing(*turns[:at], wrong, *turns[at + 1 :]))
            lost = [at] if kind == "sum" else [*range(at, len(turns))]
            got = [reward.value for reward in episode.rewards]
            assert got == [0.0 if number in lost else share for number in range(len(turns))]
            assert episode.metrics["turns_right"] == len(turns) - len(lost)
            assert episode.metrics["right"] == 0
    assert min(shares.values()) > 5
