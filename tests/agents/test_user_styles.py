"""Styles put any user together; users interrupt, hand over, and end as published benchmarks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talking import FACTS, UPDATES, Babbler, conversation, play, words_of

import turnwise
from turnwise.agent import Agent
from turnwise.agents.users import (
    LEVELS,
    PERSONAS,
    Interruption,
    Patience,
    Plain,
    Style,
    Update,
    User,
    ended,
)
from turnwise.agents.users.interruption import actions
from turnwise.agents.users.marks import FINISH
from turnwise.engine import fork as forking
from turnwise.environment import Environment
from turnwise.environments.lmrl_gym.car_dealer.buyer import agenda
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task

styles = st.builds(
    Style,
    protocol=st.sampled_from(("llm", "react", "verify", "reflection")),
    variant=st.sampled_from(("corrected", "published")),
    level=st.sampled_from(tuple(LEVELS)),
    persona=st.none() | st.sampled_from(tuple(PERSONAS)) | st.just("Sings all the time."),
    turns=st.none() | st.integers(1, 5),
    stale=st.none() | st.integers(1, 3),
    channel=st.sampled_from(("instead", "after", "own_words")),
)


@settings(max_examples=100, deadline=None)
@given(styles, st.booleans(), st.booleans())
def test_any_style_is_a_user(style: Style, facts: bool, interrupts: bool) -> None:
    assert msgspec.convert(msgspec.to_builtins(style), Style) == style
    manner = style.manner(facts=FACTS if facts else (), schedule=UPDATES if interrupts else ())
    log = conversation(Babbler("user"), ["Which one?", "And then?", "Which one?"], manner=manner)
    assert 1 <= len(words_of(log)) <= 4
    assert style.persona_text


def test_a_level_is_a_preset_and_what_is_given_counts() -> None:
    def layers(style: Style) -> list[str]:
        made = style.manner(facts=FACTS, schedule=UPDATES)
        return [type(layer).__name__ for layer in made.layers]

    assert layers(Style()) == ["Interruption", "Disclosure", "Plain"]
    hard = Style(level="hard", protocol="verify")
    assert layers(hard) == ["Interruption", "Patience", "Verify", "Disclosure", "Plain"]
    assert layers(Style(turns=3)) == ["Interruption", "Patience", "Disclosure", "Plain"]
    assert hard.persona_text == PERSONAS["vague"]
    assert Style(level="hard", persona="expert").persona_text == PERSONAS["expert"]
    with pytest.raises(ConfigError, match="did you mean 'novice'"):
        Style(persona="novise")


@pytest.mark.parametrize("bad", [{"at": -1, "text": "x"}, {"at": 0, "text": " "}])
def test_an_update_that_cannot_be_is_one_line(bad: Any) -> None:
    with pytest.raises(TaskError, match="needs a text and a point"):
        Update(kind="addition", **bad)


# TravelBench's cases ------------------------------------------------------------------------------------


def traveller(messages: Any) -> str:
    return FINISH if messages and "plan" in messages[-1].text else "I have no special preference."


def test_a_traveller_ends_with_a_plan() -> None:
    lines = ["By train or by car?", "Here is your plan: the train at nine."]
    log = conversation(traveller, lines, manner=Patience(stale=2, turns=10, leaves=FINISH))
    assert words_of(log)[-1] == FINISH
    assert ended(log.turns[-1], (FINISH,))
    assert not log.notes


def test_a_traveller_ends_when_two_turns_bring_nothing_new_and_else_at_ten() -> None:
    manner = Patience(stale=2, turns=10, leaves=FINISH)
    stuck = conversation(traveller, ["By train or by car?"] * 5, manner=manner, first=None)
    # The user's query, then three times the same question: the third is the second that is nothing new.
    assert [turn.text for turn in stuck.turns if turn.role == "user"].index(FINISH) == 3
    assert stuck.notes[0].value == "stale"
    busy = conversation(
        traveller, [f"Would you like number {n}?" for n in range(20)], manner=manner, first=None
    )
    assert words_of(busy).index(FINISH) == 11
    assert busy.notes[0].value == "turns"


# Users in other environments ----------------------------------------------------------------------------


def test_the_buyer_of_a_car_changes_their_mind(tmp_path: Path) -> None:
    updates = (Update(kind="addition", text="And it must have a sunroof.", at=2),)
    buyer = User(ScriptedModel(agenda, "agenda"), Interruption(updates, marks=("Output: Decision=",)))
    run = turnwise.run("car_dealer", "random", agents={"buyer": buyer}, limit=4, store=tmp_path / "t.db")
    assert run.summary()["failed"] == 0
    for log in run.logs():
        notes = [note for note in log.notes if note.name == "interrupt"]
        sellers = [turn for turn in log.turns if turn.role == "agent"]
        assert len(notes) == (1 if len(sellers) >= 2 else len(notes))
        for note in notes:
            assert "And it must have a sunroof." in log.turns[note.turn or 0].text


class Small(Environment, frozen=True, kw_only=True):
    """An agent and a user, who is an agent of its own."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "user")

    async def run(self, task: Task, episode: Episode) -> None:
        said = await episode.user.respond("Hi!")
        for _ in range(6):
            said = await episode.user.respond(await episode.agent.respond(said))
        episode.metric("actions", actions(episode.user))


def test_an_impatient_user_takes_over_where_a_patient_one_was() -> None:
    """A fork with another user: it knows what was said, and what was interrupted before."""
    first = User(ScriptedModel(lambda m: "Yes.", "calm"), Interruption(UPDATES))
    agents = {"agent": ScriptedModel(lambda m: "Well?", "agent"), "user": first}
    whole, _ = play(Small(), agents)
    at = next(turn.index for turn in whole.turns if "Forget the blue one." in turn.text) + 2
    known = forking.prefix(whole, at, seed=5)
    second = User(ScriptedModel(lambda m: "No.", "cross"), Patience(Interruption(UPDATES), turns=5))
    child, _ = play(Small(), agents, known, branches=known.branches, successors=[{"user": second}])
    said = words_of(child)
    assert child.turns[:at] == whole.turns[:at]
    # Both updates were said before, and are not said again; patience counts what the first one heard.
    assert sum("Forget" in text or "make it two" in text for text in said) == 2
    assert said[3:] == ["No.", "No.", "###STOP###", "###STOP###"]
    assert child.metrics["actions"] == 6


def test_plain_users_and_agents_are_the_same() -> None:
    agents = {"agent": Agent(ScriptedModel(lambda m: "Well?"))}
    one, _ = play(Small(), {**agents, "user": Babbler("user")})
    other, _ = play(Small(), {**agents, "user": User(Babbler("user"), Plain())})
    assert one.to_json() == other.to_json()
