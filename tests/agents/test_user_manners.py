"""Manners of users: any composition resumes, replays and forks exactly; a senseless one is refused."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from talking import FACTS, Babbler, Talk, conversation, emptied, made, play, sensible, specs, words_of

from turnwise.agent import Agent
from turnwise.agents.users import (
    MARK,
    Disclosure,
    Interruption,
    Patience,
    Plain,
    RuleStages,
    TwoStage,
    Update,
    User,
    Verify,
    ended,
)
from turnwise.engine import fork as forking
from turnwise.engine.replay import replay_log
from turnwise.engine.resolve import Cast, Mute
from turnwise.environment import Environment
from turnwise.errors import ConfigError
from turnwise.message import Message, ToolCall
from turnwise.models.scripted import ScriptedModel

MANY = settings(max_examples=120, deadline=None)


def models() -> dict[str, Babbler]:
    return {"agent": Babbler("agent"), "user": Babbler("user")}


def mute() -> Cast:
    return Cast({role: Agent(Mute(role), name=role) for role in ("agent", "user")}, {})


@MANY
@given(specs, st.integers(0, 2**32))
def test_any_composition_replays_without_a_model(spec: Any, seed: int) -> None:
    assume(sensible(spec))
    environment = Talk(spec=spec)
    whole, _ = play(environment, models(), seed=seed)
    again = asyncio.run(replay_log(whole, environment, mute()))
    assert again.to_json() == whole.to_json()


@MANY
@given(specs, st.integers(0, 2**32), st.data())
def test_cut_off_anywhere_it_goes_on_to_the_same_end_and_asks_nothing_twice(
    spec: Any, seed: int, data: Any
) -> None:
    assume(sensible(spec))
    environment = Talk(spec=spec)
    whole, segments = play(environment, models(), seed=seed)
    cut = emptied(whole).extended(segments[: data.draw(st.integers(0, len(segments)))])
    again = models()
    resumed, _ = play(environment, again, cut, seed=seed)
    assert resumed.to_json() == whole.to_json()
    for call in cut.calls:
        assert again[call.role].asked[call.n] == 0


@MANY
@given(specs, st.integers(0, 2**32), st.data())
def test_a_fork_shares_what_it_shares_and_replays(spec: Any, seed: int, data: Any) -> None:
    assume(sensible(spec))
    environment = Talk(spec=spec)
    whole, _ = play(environment, models(), seed=seed)
    at = data.draw(st.integers(0, len(whole.turns)))
    known = forking.prefix(whole, at, seed=seed + 1)
    child, _ = play(environment, models(), known, seed=seed, branches=known.branches)
    assert child.turns[:at] == whole.turns[:at]
    again = asyncio.run(replay_log(child, environment, mute()))
    assert again.to_json() == child.to_json()


@MANY
@given(specs, st.integers(0, 2**32))
def test_the_agent_sees_what_the_user_says_and_nothing_private(spec: Any, seed: int) -> None:
    assume(sensible(spec))
    whole, _ = play(Talk(spec=spec), models(), seed=seed)
    said = {turn.text for turn in whole.turns if turn.role == "user"}
    for call in whole.calls:
        if call.role == "agent":
            for message in whole.shown(call):
                assert message.role == "assistant" or message.text in said
                assert message.reasoning is None


@MANY
@given(specs, st.integers(0, 2**32))
def test_as_an_agent_it_speaks_as_it_does_for_an_environment(spec: Any, seed: int) -> None:
    assume(sensible(spec))
    lines = ["Which one?", "Which city?", "Which one?", "Anything else?"]
    inside = conversation(Babbler("user"), lines, manner=made(spec))
    assert "\n".join(words_of(inside)) == "\n".join(words_of(_by_agent(made(spec), lines)))


def _by_agent(manner: Any, lines: list[str]) -> Any:
    """The same conversation, with the manner in the agent instead of the environment."""

    class Asked(Environment, frozen=True, kw_only=True):
        roles: ClassVar[tuple[str, ...]] = ("agent", "user")

        async def run(self, task: Any, episode: Any) -> None:
            said = await episode.user.respond("Hi!")
            for _ in lines:
                if ended(said):
                    break
                said = await episode.user.respond(await episode.agent.respond(said))

    agents = {"agent": ScriptedModel(lines), "user": User(Babbler("user"), manner)}
    return play(Asked(), agents)[0]


LATE, SOON = (Update(kind="addition", text="And tea.", at=at) for at in (5, 1))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Patience(Patience()), "Patience wraps another Patience"),
        (lambda: Interruption((), Patience(Interruption(()))), "Interruption wraps another Interruption"),
        (lambda: Disclosure(FACTS, Patience(TwoStage(()))), "Disclosure cannot wrap TwoStage"),
        (lambda: Interruption((), TwoStage(()), channel="own_words"), "own_words"),
        (lambda: Interruption([LATE, SOON]), "in the order of their points"),
        (lambda: Patience(turns=0), "turns >= 1"),
        (lambda: Disclosure(FACTS, step=0), "step >= 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(make: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        make()
    assert "\n" not in str(refused.value)


def test_a_user_of_rules_needs_no_model_and_says_so_where_it_does() -> None:
    user = User(None, TwoStage((), RuleStages()))
    assert user.name == "rules"
    agents = {"agent": ScriptedModel(["Hello?"]), "user": User(None, Plain())}
    with pytest.raises(AssertionError, match="give it a model"):
        play(Talk(), agents)


def test_facts_come_to_mind_one_by_one_and_a_goodbye_waits_for_them() -> None:
    shown: list[list[str]] = []

    def says(messages: Any) -> str:
        known = [m.text.partition(": ")[2] for m in messages if m.role == "system"]
        shown.append(known)
        return known[-1] if len(messages) < 6 else f"Thanks. {MARK}"

    log = conversation(says, ["Which colour?", "Done?", "Done?"], manner=Disclosure(FACTS, first=1, step=1))
    assert shown[0] == [FACTS[0]]
    assert shown[1] == list(FACTS[:2])
    assert words_of(log) == [FACTS[0], FACTS[1], f"Thanks. {MARK}"]
    secret = [turn for turn in log.turns if turn.message.role == "system"]
    assert [turn.to for turn in secret] == [("user",)] * 3
    early = conversation(lambda messages: MARK, ["Well?"] * 3, manner=Disclosure(FACTS))
    assert words_of(early) == [FACTS[1], MARK]
    assert [note.name for note in early.notes] == ["held_back"]


def test_a_tool_that_is_used_brings_nothing_to_mind() -> None:
    """Facts come with words, not with calls of tools."""

    def looks(messages: Any) -> Any:
        if messages[-1].role == "tool":
            return f"I see {messages[-1].text}."
        return Message(role="assistant", tool_calls=(ToolCall(id="1", name="look"),))

    log, _ = play(
        Talk(spec=("plain", ["disclosure"]), turns=1),
        {"agent": ScriptedModel(["Look again."]), "user": ScriptedModel(looks)},
    )
    assert words_of(log) == ["", "I see look 1.", "", "I see look 2."]
    told = [turn for turn in log.turns if turn.message.role == "system"]
    assert len(told) == 2


def test_patience_ends_after_messages_repetitions_or_with_a_complaint() -> None:
    def asked(*lines: str, **limits: Any) -> list[str]:
        return words_of(conversation(lambda m: "No.", lines, manner=Patience(**limits)))

    different = [f"Is it number {n}?" for n in range(12)]
    # Greeting and nine questions are answered, the tenth is not.
    assert asked(*different, turns=10) == [*["No."] * 10, MARK]
    assert asked(*["Which city?"] * 9, stale=2) == ["No.", "No.", "No.", MARK]
    assert asked("Which city?", "And when?", "Which city?", "And when?", "Why?", stale=3) == ["No."] * 6
    words = asked(*["What is your user id?"] * 5, repeats=3)
    assert words[:5] == ["No."] * 5
    assert words[5] == "You have asked me that before. No."


def test_a_user_interrupts_when_so_much_was_done_and_not_before() -> None:
    updates = (
        Update(kind="revision", text="Not blue, red.", at=2),
        Update(kind="addition", text="Two of them.", at=3),
    )
    lines = ["Blue?", "In the basket.", "Anything else?", "Done."]
    log = conversation(lambda m: "Yes.", lines, manner=Interruption(updates))
    words = ["Yes.", "Yes.", "Yes.\n\nNot blue, red.", "Yes.\n\nTwo of them.", "Yes."]
    assert words_of(log) == words
    notes = [note.value for note in log.notes if note.name == "interrupt"]
    assert [(note["kind"], note["actions"]) for note in notes] == [("revision", 2), ("addition", 3)]
    assert [log.turns[note.turn or 0].text for note in log.notes] == words[2:4]
    tags = conversation(lambda m: "Yes.", lines, manner=Interruption(updates, channel="instead", tags=True))
    assert words_of(tags)[2] == "[User interrupt @action=2] Not blue, red."


def test_a_goodbye_waits_for_what_is_left_to_say_or_does_not() -> None:
    updates = (Update(kind="addition", text="And a cake.", at=5),)
    held = conversation([f"Bye {MARK}", MARK], ["Fine."], manner=Interruption(updates))
    assert words_of(held) == ["Bye\n\nAnd a cake.", MARK]
    gone = conversation([f"Bye {MARK}"], ["Fine."], manner=Interruption(updates, hold=False))
    assert words_of(gone) == [f"Bye {MARK}"]
    assert not gone.notes


def test_a_change_of_mind_in_the_users_own_words_is_told_in_private() -> None:
    def says(messages: Any) -> str:
        private = [m.text for m in messages if m.role == "system"]
        return "Oh, and a cake too!" if private else "Bread."

    updates = (Update(kind="addition", text="You also want a cake.", at=1),)
    log = conversation(says, ["Bread it is.", "Good."], manner=Interruption(updates, channel="own_words"))
    assert words_of(log) == ["Bread.", "Oh, and a cake too!", "Oh, and a cake too!"]
    assert len([turn for turn in log.turns if turn.message.role == "system"]) == 1


def test_what_is_told_in_private_is_told_once_however_often_it_is_drafted() -> None:
    answers = ["true", "false", "false", "false"]

    def says(messages: Any) -> str:
        return answers.pop(0) if "Classification:" in messages[0].text else "Hm."

    updates = (Update(kind="addition", text="You also want a cake.", at=1),)
    log = conversation(says, ["Bread?"], manner=Verify(Interruption(updates, channel="own_words")))
    assert words_of(log) == ["Hm.", "Hm."]
    assert len([turn for turn in log.turns if turn.message.role == "system"]) == 1
    assert [note.name for note in log.notes] == ["interrupt", "verify"]


def test_an_interruption_wraps_a_user_without_any_model() -> None:
    user = TwoStage((), RuleStages(refusal="No idea."))
    updates = (Update(kind="retraction", text="Leave it.", at=1),)
    lines = ["Which city?", "Which city?"]
    for manner in (Interruption(updates, Patience(user)), Patience(Interruption(updates, user))):
        log = conversation(User(None).model, lines, manner=manner)
        assert words_of(log) == ["No idea.", "No idea.\n\nLeave it.", "No idea."]
        assert not log.calls or all(call.role == "agent" for call in log.calls)
