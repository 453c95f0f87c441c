"""Simulated users: with a model and a mark, and with an agenda and none."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

import turnwise
from turnwise.agents.users.agenda import Agenda, Constraint, Goal, Wanted, agenda_user
from turnwise.agents.users.marks import MARK, ended, unmarked
from turnwise.agents.users.persona import SimulatedUser, brief
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.message import Message
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task

GOAL = Goal(
    opening="I need a table.",
    constraints=(
        Constraint(slot="day", value="Friday", wrong=r"on (\w+day)"),
        Constraint(slot="people", value="four", says=("We are {value}.",), asked=r"how many"),
    ),
    requests=(Wanted(slot="price", told=r"\d+ francs"),),
)


class Booking(Environment, frozen=True, kw_only=True):
    """A user talks to a waiter until they end it."""

    roles: ClassVar[tuple[str, ...]] = ("waiter", "user")

    async def run(self, task: Task, episode: Episode) -> None:
        said = await episode.user.respond("The restaurant answers the phone.")
        while not ended(said):
            answer = await episode.waiter.respond(said)
            said = await episode.user.respond(answer)
        episode.reward("francs" in "".join(turn.text for turn in episode.turns))

    def agents(self) -> dict[str, Any]:
        return {"waiter/plain": waiter, "user/agenda": agenda_user(lambda task: GOAL)}


def waiter(messages: Any) -> str:
    heard = " ".join(message.text for message in messages if message.role == "user")
    if "Friday" not in heard:
        return "For which day?"
    if "four" not in heard:
        return "And how many are you?"
    return "It is 30 francs each."


def test_an_agenda_fulfils_its_goal_and_replays(tmp_path: Path) -> None:
    agents = {"waiter": "plain", "user": "agenda"}
    run = turnwise.run(Booking(), agents=agents, store=tmp_path / "t.db", epochs=20)
    assert run.score.mean == 1.0
    for log in run.logs():
        user = [turn.text for turn in log.turns if turn.role == "user"]
        assert user[0].startswith("I need a table.")
        assert user[-1] == f"Thank you, goodbye. {MARK}"
        assert any("Friday" in text for text in user)
    assert len({log.to_json().split(b'"turns"')[1] for log in run.logs()}) > 1
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=Booking()).replayed == 20


def test_a_goal_may_hold_braces_and_patterns_groups_that_take_no_part() -> None:
    crust = Constraint(
        slot="crust", value="{thin}", says=("Write {value} in {words}.",), wrong=r"thick|(thin)"
    )
    agenda = Agenda(Goal(opening="A pizza.", constraints=(crust,)), random.Random(0), most=1)
    assert agenda.first() == "A pizza. Write {thin} in {words}."
    assert agenda.next("So it is thick.") == "Write {thin} in {words}."


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda: Constraint(slot="day", value="x", asked="(why"),
            "goal: 'day': '(why' is no pattern: ",
        ),
        (
            lambda: Constraint(slot="day", value="x", says=()),
            "'day': expected at least one way to say it",
        ),
        (lambda: Wanted(slot="price", told="["), "goal: 'price': '[' is no pattern: "),
        (lambda: Agenda(GOAL, random.Random(0), most=0), "agenda: expected most and patience of 1 or more"),
        (lambda: Agenda(GOAL, random.Random(0), patience=0), "got 2 and 0"),
    ],
)
def test_an_agenda_that_cannot_be_is_one_line(make: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)):
        make()


def test_what_is_asked_is_answered_first_and_what_is_wrong_is_put_right() -> None:
    agenda = Agenda(GOAL, random.Random(0), most=1)
    agenda.first()
    assert agenda.next("And how many will you be?") == "We are four."
    assert agenda.next("So a table on Monday.") == "The day is Friday."
    assert agenda.next("Good: on Friday.") != "The day is Friday."


def test_what_is_not_told_is_asked_again_until_patience_ends() -> None:
    agenda = Agenda(GOAL, random.Random(0), patience=6)
    agenda.first()
    said = [agenda.next("Hm.") for _ in range(6)]
    assert said.count("What is the price?") >= 2
    assert said[-1] == MARK
    told = Agenda(GOAL, random.Random(0), most=5)
    told.first()
    assert told.next("That makes 40 francs.").endswith(MARK) or told.next("Good.").endswith(MARK)


def test_a_model_plays_a_user_and_ends_with_the_mark(tmp_path: Path) -> None:
    seen: list[Any] = []

    def play(messages: Any) -> str:
        seen.append(messages)
        return "I need a table for Friday, we are four." if len(messages) < 4 else f"Bye! {MARK}"

    user = SimulatedUser(ScriptedModel(play), persona="a cook", goal="a table for four on Friday")
    agents = {"waiter": "plain", "user": user}
    run = turnwise.run(Booking(), agents=agents, store=tmp_path / "t.db")
    assert run.score.mean == 1.0
    assert seen[0][0] == Message(role="system", content=brief("a cook", "a table for four on Friday"))
    assert MARK in seen[0][0].text
    last = run.episode(0).turns[-1]
    assert ended(last)
    assert unmarked(last.text) == "Bye!"
