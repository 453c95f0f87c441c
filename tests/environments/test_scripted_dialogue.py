"""Scripted dialogue: what the agent sees and remembers, twins, and distractors."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from stage import Scripted, play

from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.environments.parts.distractors import SMALL_TALK, insert
from turnwise.environments.parts.scripted import Dialogue, Line, converse, exchanges, scored
from turnwise.environments.parts.twin import answer_alone, pairs, stand_alone
from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError
from turnwise.limits import Limits
from turnwise.log import Stop
from turnwise.recording import Recording
from turnwise.wire import decode, encode


class Talk(Environment):
    task_type = Dialogue
    history: Literal["own", "gold"] = "own"

    async def run(self, task: Dialogue, episode: Episode) -> None:
        await converse(episode.agent, task, history=self.history, told="Be brief.")


RULE = Line(id="rule", user="Answer in French.", reference="OK", scored=False)
DIALOGUE = Dialogue(
    id="d",
    lines=(
        RULE,
        Line(id="1", user="One?", reference="Un.", needs="rule"),
        Line(id="2", user="Two?", reference="Deux.", needs="rule", twin="d#2"),
        Line(id="between", user="Ready?", reference="Yes.", scored=False),
        Line(id="3", user="Three?", reference="Trois.", needs="rule"),
    ),
)


def numbering(messages: Any) -> str:
    """Says how many messages it sees."""
    return f"saw {len(messages)}"


def said(messages: Any) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


def test_the_agent_answers_scored_lines_only_and_remembers_its_own_words() -> None:
    model = Scripted(numbering)
    episode = play(Talk(), DIALOGUE, agent=model)
    assert len(model.seen) == 3
    assert said(model.seen[-1]) == [
        ("system", "Be brief."),
        ("user", "Answer in French."),
        ("assistant", "OK"),
        ("user", "One?"),
        ("assistant", "saw 4"),
        ("user", "Two?"),
        ("assistant", "saw 6"),
        ("user", "Ready?"),
        ("assistant", "Yes."),
        ("user", "Three?"),
    ]
    found = exchanges(DIALOGUE, episode.turns)
    assert [(one.line.id, one.at, one.position, one.reply.text) for one in found] == [
        ("1", 1, 1, "saw 4"),
        ("2", 2, 2, "saw 6"),
        ("3", 4, 3, "saw 10"),
    ]
    assert [one.before for one in found] == ["OK", "OK", "OK"]


def test_with_gold_history_it_remembers_the_stored_answers() -> None:
    model = Scripted(numbering)
    episode = play(Talk(history="gold"), DIALOGUE, agent=model)
    assert said(model.seen[-1])[3:7] == [
        ("user", "One?"),
        ("assistant", "Un."),
        ("user", "Two?"),
        ("assistant", "Deux."),
    ]
    # What it really said is what the log keeps.
    assert [one.reply.text for one in exchanges(DIALOGUE, episode.turns)] == ["saw 4", "saw 6", "saw 10"]


def test_an_error_at_first_goes_on_in_its_own_history_only() -> None:
    # MultiVerse's two regimes: a model that counts on from the last answer, and begins wrongly.
    def counting(messages: Any) -> str:
        before = [message.text for message in messages if message.role == "assistant"]
        return str(int(before[-1]) + 1) if before else "7"

    lines = tuple(Line(id=str(n), user="Next?", reference=str(n)) for n in range(1, 5))
    counted = Dialogue(id="count", lines=lines)
    answers = {
        history: [
            one.reply.text
            for one in exchanges(
                counted, play(Talk(history=history), counted, agent=Scripted(counting)).turns
            )
        ]
        for history in ("own", "gold")
    }
    assert answers == {"own": ["7", "8", "9", "10"], "gold": ["7", "2", "3", "4"]}


@pytest.mark.parametrize("history", ["own", "gold"])
def test_the_log_tells_exactly_what_each_call_was_shown(history: Literal["own", "gold"]) -> None:
    model = Scripted(numbering)
    log = play(Talk(history=history), DIALOGUE, agent=model).log()
    assert [log.shown(call) for call in log.calls] == model.seen


@pytest.mark.parametrize("history", ["own", "gold"])
def test_it_replays_without_a_model_and_resumes_without_asking_again(history: Literal["own", "gold"]) -> None:
    environment = Talk(history=history)
    whole = play(environment, DIALOGUE, agent=numbering).log()
    for kept in range(len(whole.calls) + 1):
        # Cut off after some calls, as a killed run leaves it: the turns up to the last one's answer.
        calls = whole.calls[:kept]
        said = max((turn.index + 1 for turn in whole.turns if turn.calls and turn.calls[0] < kept), default=0)
        cut = structs.replace(whole, calls=calls, turns=whole.turns[:said], stop=None)
        model = Scripted(numbering)
        agents = {"agent": Agent(model)}
        episode = Episode(
            environment,
            DIALOGUE,
            agents,
            recording=Recording(cut, live=kept < len(whole.calls), stored=False),
        )
        asyncio.run(episode.play())
        assert episode.log().to_json() == whole.to_json()
        assert len(model.seen) == len(whole.calls) - kept


def test_an_agent_with_a_system_prompt_of_its_own_keeps_it_under_gold_history() -> None:
    model = Scripted(numbering)
    episode = Episode(Talk(history="gold"), DIALOGUE, {"agent": Agent(model, system="I am Marie.")})
    asyncio.run(episode.play())
    assert said(model.seen[-1])[:2] == [("system", "I am Marie."), ("system", "Be brief.")]


def test_a_dialogue_that_a_limit_ends_keeps_the_answers_before_it() -> None:
    episode = play(Talk(), DIALOGUE, limits=Limits(turns=3), agent=numbering)
    assert episode.stop is Stop.MAX_TURNS
    assert [one.line.id for one in exchanges(DIALOGUE, episode.turns)] == ["1", "2"]


def test_answers_are_found_where_another_role_talks_in_between() -> None:
    class Watched(Environment):
        optional_roles = ("judge",)
        task_type = Dialogue

        async def run(self, task: Dialogue, episode: Episode) -> None:
            await converse(episode.agent, task)
            await ask_alone(episode.judge, "Three?")

    judge = Scripted(lambda messages: f"judged on {len(messages)}")
    episode = play(Watched(), DIALOGUE, agent=numbering, judge=judge)
    assert [one.reply.text for one in exchanges(DIALOGUE, episode.turns)] == ["saw 3", "saw 5", "saw 9"]
    assert episode.turns[-1].text == "judged on 1"


def test_a_question_asked_alone_brings_no_history_but_the_system_prompt() -> None:
    class Twice(Environment):
        async def run(self, task: Any, episode: Episode) -> None:
            await ask_alone(episode.agent, "first")
            await ask_alone(episode.agent, "second")

    model = Scripted(numbering)
    episode = Episode(Twice(), DIALOGUE, {"agent": Agent(model, system="Judge.")})
    asyncio.run(episode.play())
    assert said(model.seen[1]) == [("system", "Judge."), ("user", "second")]
    log = episode.log()
    assert [log.shown(call) for call in log.calls] == model.seen


def test_a_dialogue_survives_json() -> None:
    assert decode(encode(DIALOGUE), Dialogue) == DIALOGUE


def test_distance_counts_lines_back_to_the_content() -> None:
    assert [DIALOGUE.distance(index) for index in range(5)] == [0, 1, 2, 0, 4]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((Line(id="1", user="a"), Line(id="1", user="b")), "line id '1' occurs twice"),
        ((Line(id="1", user="a", needs="2"), Line(id="2", user="b")), "line '1' needs '2'"),
    ],
)
def test_a_script_that_cannot_be_is_refused(lines: tuple[Line, ...], complaint: str) -> None:
    with pytest.raises(TaskError, match=complaint):
        Dialogue(id="d", lines=lines)


# Twins

TWIN = Dialogue(id="d#2", lines=(Line(id="2", user="Answer in French. Two?", reference="Deux."),))


def test_a_line_is_linked_to_its_twin_by_id() -> None:
    (pair,) = pairs([DIALOGUE], [TWIN])
    assert (pair.dialogue.id, pair.line.id, pair.twin) == ("d", "2", TWIN)


def test_a_twin_that_is_not_there_is_named() -> None:
    other = Dialogue(id="d#3", lines=TWIN.lines)
    with pytest.raises(TaskError, match=r"line '2' has no twin 'd#2' \(did you mean 'd#3'\?\)"):
        pairs([DIALOGUE], [other])


def test_a_twin_has_one_scored_line() -> None:
    with pytest.raises(TaskError, match="has 3 scored lines"):
        pairs([DIALOGUE], [DIALOGUE])


def test_a_line_can_be_made_to_stand_alone() -> None:
    line = stand_alone(DIALOGUE, DIALOGUE.lines[2], lambda content, query: f"{content} {query}")
    assert line == TWIN.lines[0]
    assert stand_alone(DIALOGUE, RULE, lambda content, query: "never").user == RULE.user


def test_a_twin_is_answered_as_if_nothing_had_been_said() -> None:
    class Both(Environment):
        async def run(self, task: Dialogue, episode: Episode) -> None:
            await converse(episode.agent, task)
            for pair in pairs([task], [TWIN]):
                episode.note((await answer_alone(episode.agent, pair)).text)

    model = Scripted(numbering)
    episode = play(Both(), DIALOGUE, agent=model)
    assert [note.value for note in episode.notes] == ["saw 1"]
    assert said(model.seen[-1]) == [("user", "Answer in French. Two?")]


# Distractors


def ids(dialogue: Dialogue) -> list[str]:
    return [line.id for line in dialogue.lines]


def test_at_the_front_they_leave_the_distance_and_between_they_add_to_it() -> None:
    front, between = insert(DIALOGUE, 3, "front"), insert(DIALOGUE, 3, "between")
    added = ["distractor-1", "distractor-2", "distractor-3"]
    assert ids(front) == [*added, *ids(DIALOGUE)]
    assert ids(between) == ["rule", *added, "1", "2", "between", "3"]
    assert [front.distance(at) for at in (4, 5, 7)] == [1, 2, 4]
    assert [between.distance(at) for at in (4, 5, 7)] == [4, 5, 7]


def test_an_opening_line_that_is_scored_stays_before_them() -> None:
    dialogue = Dialogue(id="x", lines=(Line(id="a", user="Text. Sum it up."), Line(id="b", user="Shorter.")))
    assert ids(insert(dialogue, 1, "between")) == ["a", "distractor-1", "b"]
    alone = Dialogue(id="x", lines=(Line(id="a", user="Text. Sum it up."),))
    assert ids(insert(alone, 1, "between")) == ["distractor-1", "a"]


@given(
    shape=st.lists(st.booleans(), min_size=1, max_size=8),
    count=st.integers(0, len(SMALL_TALK)),
    position=st.sampled_from(["front", "between"]),
)
def test_they_change_nothing_but_what_stands_between(
    shape: list[bool], count: int, position: Literal["front", "between"]
) -> None:
    lines = tuple(Line(id=str(at), user=f"line {at}", scored=asked) for at, asked in enumerate(shape))
    dialogue = Dialogue(id="d", lines=lines)
    longer = insert(dialogue, count, position)
    extra = [line for line in longer.lines if line not in lines]
    assert tuple(line for line in longer.lines if line in lines) == lines
    assert len(extra) == len({line.user for line in extra}) == count
    assert scored(extra) == []
    assert insert(dialogue, count, position) == longer
    assert insert(dialogue, 0, position) == dialogue


def test_more_distractors_begin_with_the_fewer() -> None:
    few, many = insert(DIALOGUE, 2, "front").lines, insert(DIALOGUE, 5, "front").lines
    assert few[:2] == many[:2]


def test_more_distractors_than_there_are_is_refused() -> None:
    with pytest.raises(ConfigError, match="from 0 to 8"):
        insert(DIALOGUE, 9, "front")
