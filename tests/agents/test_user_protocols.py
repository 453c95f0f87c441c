"""The published protocols of users: tau-bench's four, BIRD-INTERACT's two stages, and what users are told."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talking import conversation, play, words_of

import turnwise
from turnwise.agent import Ask
from turnwise.agents.users import (
    MARK,
    TAU2_MARKS,
    Agenda,
    Constraint,
    Goal,
    ModelStages,
    React,
    Reflection,
    RuleStages,
    Topic,
    TwoStage,
    Verify,
    agenda_user,
    briefs,
    ended,
    mark_in,
    protocol,
    respond,
    unmarked,
)
from turnwise.agents.users.clauses import clauses
from turnwise.agents.users.leak import leaks, tokens
from turnwise.agents.users.tau import GREETING
from turnwise.agents.users.two_stage import read_act
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.message import Message, ToolCall, system
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Script = Callable[[Any], str]
SQL = "SELECT name FROM people WHERE height > 200 AND city = 'Bern' ORDER BY name LIMIT 3"


# tau-bench ---------------------------------------------------------------------------------------------


def test_a_thought_is_kept_and_not_sent() -> None:
    seen: list[list[str]] = []

    def thinks(messages: Any) -> str:
        seen.append([m.text for m in messages])
        return f"Thought:\nhm {len(seen)}\n\nUser Response:\nword {len(seen)}"

    log = conversation(thinks, ["So?"], manner=React(), first=GREETING)
    assert words_of(log) == ["word 1", "word 2"]
    assert [turn.message.reasoning for turn in log.turns if turn.role == "user"] == ["hm 1", "hm 2"]
    agent = [call for call in log.calls if call.role == "agent"]
    assert all("hm" not in message.text for call in agent for message in log.shown(call))
    # Its own model goes on seeing what it wrote.
    form = f"(Only you see this.) Think before you speak. {briefs.REACT_FORM}"
    assert seen[1] == [GREETING, form, "Thought:\nhm 1\n\nUser Response:\nword 1", "So?"]
    assert [call.parent for call in log.calls if call.role == "user"] == [None, 0]


def test_who_was_told_the_form_is_not_told_it_again() -> None:
    class Briefed(Environment, frozen=True, kw_only=True):
        roles: ClassVar[tuple[str, ...]] = ("user",)

        async def run(self, task: Task, episode: Episode) -> None:
            episode.user.tell(system(briefs.tau_bench("Return the lamp.", react=True)))
            episode.user.tell(GREETING)
            await respond(episode.user, React())

    log, _ = play(Briefed(), {"user": ScriptedModel(["User Response: Hello."])})
    assert [turn.message.role for turn in log.turns] == ["system", "user", "assistant"]


@pytest.mark.parametrize(
    ("wrote", "corrected", "published"),
    [
        ("Thought:\na\n\nUser Response:\nYes.", "Yes.", "a\n\nUser Response:\nYes."),
        ("User Response: Yes.", "Yes.", "Yes."),
        ("Thought: done\nUser Response: bye ###STOP###", MARK, MARK),
        ("Just words.", "Just words.", "Just words."),
    ],
)
def test_how_a_thought_is_read(wrote: str, corrected: str, published: str) -> None:
    assert words_of(conversation([wrote], [], manner=React())) == [corrected]
    assert words_of(conversation([wrote], [], manner=React("published"))) == [published]


def supervised(answers: list[str], drafts: list[str]) -> tuple[Script, list[str]]:
    """A model that is user and supervisor at once, and the prompts it was shown as the latter."""
    prompts: list[str] = []

    def says(messages: Any) -> str:
        text = messages[0].text
        if "Classification:" in text or "Reflection:" in text:
            prompts.append(text)
            return answers.pop(0)
        return drafts.pop(0)

    return says, prompts


def test_verify_makes_three_drafts_at_most() -> None:
    says, prompts = supervised(["false", "False.", "true"], ["one", "two", "three"])
    log = conversation(says, [], manner=Verify())
    assert words_of(log) == ["three"]
    assert log.notes[0].value == {"drafts": 3, "passed": True}
    assert "Agent: Hi!" in prompts[0]
    assert "# Response:\ntwo" in prompts[1]
    says, prompts = supervised(["false"] * 3, ["one", "two", "three"])
    log = conversation(says, [], manner=Verify())
    assert words_of(log) == ["three"]
    assert log.notes[0].value == {"drafts": 3, "passed": False}
    assert [call.role for call in log.calls].count("user") == 6


def test_the_published_supervisor_reads_agent_and_customer_the_wrong_way_round() -> None:
    for variant, label in (("corrected", "Agent"), ("published", "Customer")):
        says, prompts = supervised(["true"], ["one"])
        conversation(says, [], manner=Verify(variant=variant))  # type: ignore[arg-type]
        assert f"{label}: Hi!" in prompts[0]


def test_reflection_says_what_is_approved_and_else_what_came_first() -> None:
    says, _ = supervised(["false", "Reflection:\nrude\n\nResponse:\nplease", "true"], ["now!"])
    log = conversation(says, [], manner=Reflection())
    assert words_of(log) == ["please"]
    says, _ = supervised(["false", "Response:\nplease", "false"], ["now!"])
    assert words_of(conversation(says, [], manner=Reflection())) == ["now!"]
    # As published, the proposal is shown to the user's model, and its next words are the draft.
    says, _ = supervised(["false", "Response:\nplease", "true"], ["now!", "well then"])
    assert words_of(conversation(says, [], manner=Reflection(variant="published"))) == ["well then"]


def test_a_protocol_is_named_on_the_command_line_and_replays(tmp_path: Path) -> None:
    (tmp_path / "lines.py").write_text(
        "lines = ['Thought: a\\n\\nUser Response: b'] + ['Thought: c\\n\\nUser Response: d'] * 20\n"
    )
    place = f"{tmp_path}/lines.py:lines"
    run = turnwise.run(
        "user_probes", agents={"user": f"react_user:{place}"}, limit=1, store=tmp_path / "t.db"
    )
    assert words_of(run.episode(0))[:3] == ["b", "d", "d"]
    assert turnwise.replay(run.id, store=tmp_path / "t.db") == turnwise.Replayed(replayed=1)


def test_protocols_have_their_published_names() -> None:
    for name in ("llm", "react", "verify", "reflection"):
        assert protocol(name)
    with pytest.raises(ConfigError, match="did you mean 'reflection'"):
        protocol("reflexion")


def test_users_are_told_the_exact_marks() -> None:
    told = briefs.tau_bench("Return the blue lamp.")
    assert "###STOP###" in told
    assert "Return the blue lamp." in told
    assert "Thought:" not in told
    assert "User Response:\n" in briefs.tau_bench("x", react=True)
    for text in (briefs.tau2_bench("x", tools=True), briefs.vitabench("p", "i")):
        for mark in ("###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###"):
            assert mark in text
    assert "never both at once" in briefs.tau2_bench("x", tools=True)
    assert "more than 3 times" in briefs.vitabench("p", "i")
    assert "[Finish Conversation]" in briefs.travelbench("likes trains", ["go to Bern"], time="noon")
    assert "None" in briefs.crmarena_pro("A calm manager.", "Which region?")
    assert mark_in("well ###TRANSFER###", TAU2_MARKS) == "###TRANSFER###"
    assert unmarked("well ###TRANSFER### ", TAU2_MARKS) == "well"


# BIRD-INTERACT -----------------------------------------------------------------------------------------

TOPICS = (
    Topic(name="tall", meant="More than two metres.", keys=("tall", "height")),
    *(Topic(name=part, meant="", keys=(part,), foreseen=False) for part in clauses(SQL)[2:]),
)


def test_a_query_is_cut_into_its_clauses() -> None:
    assert clauses(SQL) == [
        "SELECT name",
        "FROM people",
        "WHERE height > 200 AND city = 'Bern'",
        "ORDER BY name",
        "LIMIT 3",
    ]
    nested = "SELECT a FROM (SELECT b FROM t WHERE x = 'from') q LEFT JOIN u ON q.b = u.b GROUP  BY a;"
    assert clauses(nested) == [
        "SELECT a",
        "FROM (SELECT b FROM t WHERE x = 'from') q",
        "LEFT JOIN u ON q.b = u.b",
        "GROUP  BY a",
    ]
    assert clauses("UPDATE t SET a = 1") == ["UPDATE t SET a = 1"]
    assert clauses("") == []


@pytest.mark.parametrize(
    ("answer", "act"),
    [
        ('<s>labeled("tall")</s>', 'labeled("tall")'),
        ("<s> labeled('TALL') </s>", 'labeled("tall")'),
        ('I think <s>unlabeled("LIMIT 3")</s>.', 'unlabeled("LIMIT 3")'),
        ("<s>unanswerable()</s>", "unanswerable()"),
        ('<s>labeled("LIMIT 3")</s>', "unanswerable()"),
        ('<s>labeled("SELECT name")</s>', "unanswerable()"),
        ("no idea", "unanswerable()"),
        ("<s>labeled(</s>", "unanswerable()"),
    ],
)
def test_only_allowed_acts_are_read(answer: str, act: str) -> None:
    assert str(read_act(answer, TOPICS)) == act


def test_two_stages_see_the_question_and_nothing_else() -> None:
    shown: list[str] = []

    def stages(messages: Any) -> str:
        assert len(messages) == 1
        shown.append(messages[0].text)
        return '<s>labeled("tall")</s>' if "three acts" in messages[0].text else "<s>Above two metres.</s>"

    log = conversation(stages, ["How tall?", "And then?"], manner=TwoStage(TOPICS, secrets=(SQL,)))
    assert words_of(log) == ["Above two metres."] * 3
    assert "How tall?" in shown[2]
    assert "How tall?" not in shown[4]
    # The second stage knows what is meant by the one topic, not the query.
    assert "More than two metres." in shown[1]
    assert "LIMIT 3" not in shown[1]
    assert [note.value for note in log.notes] == [{"act": 'labeled("tall")'}] * 3


def test_what_gives_the_query_away_is_not_said() -> None:
    def stages(messages: Any) -> str:
        asked = "three acts" in messages[0].text
        return '<s>labeled("tall")</s>' if asked else "<s>Sure: select name from people where</s>"

    log = conversation(stages, [], manner=TwoStage(TOPICS, ModelStages(), secrets=(SQL,), refusal="No."))
    assert words_of(log) == ["No."]
    assert log.notes[0].value["stopped"] == ["select name from people", "name from people where"]
    silent = conversation(lambda m: "labeled", [], manner=TwoStage(TOPICS, ModelStages()))
    assert words_of(silent) == ["I'm not sure I understand"]


QUESTIONS = st.lists(
    st.sampled_from([*tokens(SQL), "what", "is", "tall", "the", "query", "please", "which", "height"]),
    max_size=10,
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(QUESTIONS)
def test_rules_never_say_a_part_of_the_query_whatever_is_asked(question: str) -> None:
    log = conversation(ScriptedModel([]), [], manner=TwoStage(TOPICS, RuleStages()), first=question)
    said = words_of(log)[0]
    assert not leaks(said, [SQL])
    assert said in ("More than two metres.", "I can't answer that.")


@settings(max_examples=200, deadline=None)
@given(QUESTIONS, st.integers(0, len(SQL)), st.integers(0, len(SQL)))
def test_whatever_a_model_blurts_out_the_guard_stops_what_was_not_in_the_question(
    question: str, one: int, other: int
) -> None:
    def blurts(messages: Any) -> str:
        asked = "three acts" in messages[0].text
        return '<s>labeled("tall")</s>' if asked else f"<s>Well, {SQL[min(one, other) : max(one, other)]}</s>"

    log = conversation(blurts, [], manner=TwoStage(TOPICS, secrets=(SQL,)), first=question)
    assert not leaks(words_of(log)[0], [SQL], allowed=[question])


@pytest.mark.parametrize(
    ("question", "act"),
    [
        ("What does tall mean here?", 'labeled("tall")'),
        ("Which height do you mean?", 'labeled("tall")'),
        ("Is it LIMIT 3 or more?", 'unlabeled("LIMIT 3")'),
        ("What is the SQL for tall people?", "unanswerable()"),
        ("How is the weather?", "unanswerable()"),
    ],
)
def test_rules_choose_the_act_by_the_words_of_the_question(question: str, act: str) -> None:
    log = conversation(ScriptedModel([]), [], manner=TwoStage(TOPICS, RuleStages()), first=question)
    assert log.notes[0].value["act"] == act


def test_a_leak_is_a_run_of_words_that_may_not_be_said() -> None:
    assert leaks("He is HEIGHT > 200, tall", [SQL]) == []
    assert leaks("where height  > 200", [SQL]) == ["where height > 200"]
    assert leaks("where height  > 200", [SQL], allowed=["where height > 200"]) == []
    # What is shorter than a run leaks when it is said whole.
    assert leaks("my pin is 4711.", ["4711"]) == ["4711"]
    assert leaks("my pin is 47110.", ["4711"]) == []
    assert leaks("anything", ["", "..."]) == []


# Users with tools (tau2-bench), and without a model ------------------------------------------------------


class Phone(Desk):
    """The user's own device."""

    airplane_mode: bool = True

    @tool(callers="user")
    def toggle_airplane_mode(self) -> str:
        """Turn airplane mode on or off."""
        self.airplane_mode = not self.airplane_mode
        return f"Airplane mode is now {'on' if self.airplane_mode else 'off'}."

    @tool(callers="agent", kind="read")
    def check_line(self) -> str:
        """See whether the line is up."""
        return "down" if self.airplane_mode else "up"


class Support(Environment, frozen=True, kw_only=True):
    """A phone that only its user can mend."""

    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    manner: str = "llm"

    async def run(self, task: Task, episode: Episode) -> None:
        phone = Phone()
        episode.user.tell("Hi! How can I help you today?")
        said = await respond(episode.user, protocol(self.manner), Ask(tools=phone.tools()))
        for _ in range(6):
            if ended(said, TAU2_MARKS):
                break
            answer = await episode.agent.respond(said, tools=phone.tools("agent"))
            episode.user.tell(answer)
            said = await respond(episode.user, protocol(self.manner), Ask(tools=phone.tools()))
        episode.reward(not phone.airplane_mode)


def calls(name: str) -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(id="1", name=name),))


def test_only_the_user_can_mend_the_phone_and_the_agent_does_not_see_how() -> None:
    lines = ["No signal.", calls("toggle_airplane_mode"), "It says off now.", MARK]
    agent = ["Please turn airplane mode off.", calls("check_line"), "It works."]
    log, _ = play(Support(), {"agent": ScriptedModel(agent), "user": ScriptedModel(lines)})
    assert log.score() == 1.0
    for call in log.calls:
        if call.role == "agent":
            assert all("is now off" not in message.text for message in log.shown(call))
    assert [[tool.name for tool in tools] for tools in log.toolsets] == [
        ["toggle_airplane_mode"],
        ["check_line"],
    ]
    alone = [calls("toggle_airplane_mode"), "I mended it."]
    log, _ = play(Support(), {"agent": ScriptedModel(alone), "user": ScriptedModel(["No signal.", MARK])})
    assert log.score() == 0.0
    assert any("there is no tool" in turn.text for turn in log.turns)


CRITERIA = Goal(
    opening="Which accounts do you find?",
    constraints=tuple(
        Constraint(slot=slot, value=value, says=("The {slot} is {value}.",))
        for slot, value in (("region", "West"), ("year", "2024"), ("state", "open"))
    ),
    closing="Thank you.",
)


@pytest.mark.parametrize(("questions", "score"), [(0, 0.0), (1, 0.0), (2, 1.0)])
def test_a_criterion_a_turn_must_be_asked_for(questions: int, score: float) -> None:
    """CRMArena-Pro's case: who answers after the first criterion is wrong, who asks twice is right."""

    class Crm(Environment, frozen=True, kw_only=True):
        roles: ClassVar[tuple[str, ...]] = ("agent", "user")

        async def run(self, task: Task, episode: Episode) -> None:
            said = await episode.user.respond("Hello.")
            known = said.text
            for _ in range(10):
                reply = await episode.agent.respond(said)
                if reply.text == "I answer.":
                    break
                said = await episode.user.respond(reply)
                known += said.text
            episode.reward(all(word in known for word in ("West", "2024", "open")))

    user = ScriptedModel(agenda_user(lambda task: CRITERIA, most=1))
    agent = ScriptedModel([*["And else?"] * questions, "I answer."])
    assert play(Crm(), {"agent": agent, "user": user})[0].score() == score


def test_an_agenda_tells_one_thing_at_a_time() -> None:
    agenda = Agenda(CRITERIA, random.Random(0), most=1)
    assert agenda.first() == "Which accounts do you find? The region is West."
    assert [agenda.next("Hm.") for _ in range(3)] == [
        "The year is 2024.",
        "The state is open.",
        f"Thank you. {MARK}",
    ]
