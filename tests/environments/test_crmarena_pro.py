"""CRMArena-Pro: its conversation and what ends it, grading, who sees what, replay and forks."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.agents.users.marks import STOP
from turnwise.agents.users.style import Style
from turnwise.environments.service.crmarena_pro import (
    CONFIDENTIAL,
    KINDS,
    CrmArenaPro,
    CrmArenaProInteractive,
    CrmTask,
    analyst,
    report,
)
from turnwise.environments.service.crmarena_pro.conversation import GREETING
from turnwise.environments.service.crmarena_pro.crm import LIMITS, Crm, QueryTool, unfenced
from turnwise.environments.service.crmarena_pro.environment import CrmArena
from turnwise.environments.service.crmarena_pro.made.org import made
from turnwise.environments.service.crmarena_pro.players import MORE, REFUSAL, Hands, records
from turnwise.environments.service.crmarena_pro.scaffold import INVALID, OUTPUT, Action, action_in
from turnwise.environments.service.crmarena_pro.soql.catalog import Catalog, Field, Table
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ToolError
from turnwise.judges.extraction import by_rule, exact_match
from turnwise.log import Reward
from turnwise.message import Message
from turnwise.models.scripted import ScriptedModel
from turnwise.tools.sql import Database, Sqlite

BOTH: tuple[type[CrmArena], ...] = (CrmArenaPro, CrmArenaProInteractive)
LOOK = "<thought> Let me see. </thought>\n<execute> SELECT Id FROM User LIMIT 1 </execute>"
ASK = f"<thought> What is it about? </thought>\n<respond> {MORE} </respond>"


def saying(*said: str | Message) -> ScriptedModel:
    """Somebody who says these things, the last one again and again."""

    def script(task: CrmTask, rng: random.Random) -> Iterator[Any]:
        yield
        for one in chain(said, repeat(said[-1])):  # noqa: UP028
            yield one

    return ScriptedModel(script)


def answering(words: str) -> ScriptedModel:
    return saying(f"<thought> So it is. </thought>\n<respond> {words} </respond>")


def play(environment: CrmArena, task: CrmTask, **models: Any) -> Episode:
    """The finished episode; the user needs no model unless one is given."""
    own = environment.agents()
    if environment.interactive:
        models = {"user": "user/agenda", **models}
    agents = {
        role: Agent(ScriptedModel(own[model]) if isinstance(model, str) else model)
        for role, model in models.items()
    }
    episode = Episode(environment, task, agents)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


@cache
def task(kind: str, number: int = 0, org: str = "b2b") -> CrmTask:
    found = {one.id: one for one in CrmArenaPro(org=org).tasks()}  # pyright: ignore[reportArgumentType]
    return found[f"{org}/{kind}/{number}"]


def scores(environment: CrmArena, agent: str) -> list[float | None]:
    return [play(environment, one, agent=agent).score() for one in environment.tasks()]


# All tasks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("org", ["b2b", "b2c"])
def test_the_oracle_has_all_of_the_22_types_right_and_who_does_nothing_none(
    kind: type[CrmArena], org: Any
) -> None:
    environment = kind(org=org)
    counts = Counter(one.kind for one in environment.tasks())
    assert len(counts) == len(KINDS) == 22
    assert min(counts.values()) >= 3
    assert set(scores(environment, "solver")) == {1.0}
    assert set(scores(environment, "nothing")) == {0.0}


@pytest.mark.parametrize("org", ["b2b", "b2c"])
def test_who_works_it_out_by_queries_comes_to_the_same_answers(org: Any) -> None:
    """What is worked out from the records in Python, and by SOQL from the database, shares no code."""
    environment = CrmArenaPro(org=org)
    wrong = [one.id for one in environment.tasks() if play(environment, one, agent="analyst").score() != 1.0]
    assert wrong == []


@pytest.mark.parametrize("actions", ["act", "tools"])
@pytest.mark.parametrize("kind", BOTH)
def test_other_ways_to_act_lead_there_too(kind: type[CrmArena], actions: Any) -> None:
    environment = kind(actions=actions, kinds=("handle_time", "knowledge_qa", "lead_routing"))
    assert scores(environment, "analyst") == [1.0] * 12


# Actions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("<thought> a </thought><execute> SELECT </execute>", Action("execute", "SELECT")),
        ("<respond>None</respond>", Action("respond", "None")),
        ("<respond> a </respond> <execute> b </execute>", Action("execute", "b")),  # a query goes first
        ("<execute> </execute><respond>\nx\ny </respond>", Action("respond", "x\ny")),
        ("<execute> a </execute> <execute> b </execute>", Action("execute", "a")),
        ("<execute> a", None),
        ("The answer is 5.", None),
        ("", None),
    ],
)
def test_what_an_agent_does_is_read_from_its_words(text: str, action: Action | None) -> None:
    assert action_in(text) == action


def test_words_without_an_action_are_told_so_and_are_a_turn() -> None:
    episode = play(CrmArenaPro(max_turns=3), task("handle_time"), agent=saying("Hm.", "Hm.", "Hm.", LOOK))
    assert (episode.detail, episode.score(), episode.metrics["invalid"]) == ("max_turns", 0.0, 3.0)
    told = [turn.text for turn in episode.turns if turn.role == "environment" or turn.role is None]
    assert told.count(INVALID["react"]) == 2, "after the third, nobody is asked again"


def test_twenty_turns_without_an_answer_end_it() -> None:
    episode = play(CrmArenaPro(), task("handle_time"), agent=saying(LOOK))
    assert (episode.detail, episode.score(), episode.metrics["queries"]) == ("max_turns", 0.0, 20.0)
    last = play(CrmArenaPro(), task("handle_time"), agent=saying(*[LOOK] * 19, answer(task("handle_time"))))
    assert (last.detail, last.score()) == ("answered", 1.0)


def answer(of: CrmTask) -> str:
    return f"<thought> I have it. </thought><respond> {', '.join(of.answer)} </respond>"


def test_what_came_of_a_query_is_told() -> None:
    queries = ("SELECT Title FROM User LIMIT 1", "SELECT Nam FROM User", "SELECT COUNT() FROM Case")
    said = [f"<execute> {query} </execute>" for query in queries]
    episode = play(CrmArenaPro(), task("handle_time"), agent=saying(*said, answer(task("handle_time"))))
    heard = [turn.text for turn in episode.turns if turn.text.startswith(OUTPUT)]
    assert heard[0] == f'{OUTPUT}[{{"Title":"Service Agent"}}]'
    assert heard[1].startswith(f"{OUTPUT}INVALID_FIELD: No such column 'Nam'")
    assert heard[2] == f'{OUTPUT}[{{"expr0":240}}]'
    assert (episode.metrics["queries"], episode.metrics["query_errors"]) == (3.0, 1.0)


def test_as_published_a_bare_count_gives_no_records() -> None:
    said = saying("<execute> SELECT COUNT() FROM Case </execute>", answer(task("handle_time")))
    episode = play(CrmArenaPro(variant="published"), task("handle_time"), agent=said)
    assert any(turn.text == f"{OUTPUT}[]" for turn in episode.turns)


def test_a_fence_round_a_query_is_taken_off() -> None:
    assert unfenced("```sql\nSELECT Id FROM Case\n```") == "SELECT Id FROM Case"
    assert unfenced("Here: ```FIND {a}``` it is") == "FIND {a}"
    assert unfenced(" SELECT Id FROM Case ") == "SELECT Id FROM Case"


def test_calls_of_the_tool_count_as_turns_and_words_are_the_answer() -> None:
    environment, one = CrmArenaPro(actions="tools", max_turns=4), task("handle_time")
    call = Hands("tools").execute("SELECT Id FROM User LIMIT 1")
    endless = play(environment, one, agent=saying(call))
    assert (endless.detail, endless.metrics["queries"]) == ("max_turns", 4.0)
    right = play(environment, one, agent=saying(call, one.answer[0]))
    assert (right.detail, right.score()) == ("answered", 1.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(("query", "sql", "")), JSON, max_size=2))
def test_the_tool_answers_any_arguments(arguments: dict[str, Any]) -> None:
    org = made("b2b")

    async def call() -> Any:
        environment = CrmArenaPro()
        episode = Episode(environment, task("handle_time"), {"agent": Agent(saying(""))})
        async with Database(org.database, limits=LIMITS) as database:
            return await QueryTool(Crm(org, database)).call(arguments, episode.agent)

    if set(arguments) == {"query"} and isinstance(arguments["query"], str):
        assert isinstance(asyncio.run(call()), str)
    else:
        with pytest.raises(ToolError, match="one argument 'query'"):
            asyncio.run(call())


# What the agent is told --------------------------------------------------------------------------------


def prompt(environment: CrmArena, of: CrmTask) -> str:
    return environment.prompt(of)


def test_an_agent_is_told_who_asks_and_what_there_is() -> None:
    inside, outside = task("handle_time"), task("knowledge_qa")
    environment = CrmArenaPro()
    assert "somebody who works at the same company" in prompt(environment, inside)
    assert "a customer" in prompt(environment, outside)
    assert "  - IssueId__c: The issue it is a case of (refers to Issue__c)" in prompt(environment, inside)
    assert "the answer alone" in prompt(environment, inside)
    assert "ask the user" in prompt(CrmArenaProInteractive(), inside)
    assert inside.required in prompt(environment, inside)
    assert "<thought>" not in prompt(CrmArenaPro(actions="act"), inside)
    assert "<execute>" not in prompt(CrmArenaPro(actions="tools"), inside)


def test_help_is_told_in_the_aided_mode_alone() -> None:
    one = task("handle_time")
    assert one.optional
    assert one.optional in prompt(CrmArenaPro(), one)
    assert one.optional not in prompt(CrmArenaPro(aided=False), one)


def test_the_rule_on_privacy_is_for_those_who_talk_to_customers() -> None:
    environment = CrmArenaPro(privacy=True)
    assert "# Privacy" in prompt(environment, task("private_customer_information"))
    assert "# Privacy" not in prompt(environment, task("handle_time"))
    assert "# Privacy" not in prompt(CrmArenaPro(), task("private_customer_information"))


# With a user -------------------------------------------------------------------------------------------


def listener(asks: int) -> Callable[..., Generator[str | None, Message, None]]:
    """Asks so often, then works out what it has heard by then."""

    def script(task: CrmTask, rng: random.Random) -> Generator[str | None, Message, None]:
        hands = Hands("react")
        heard = yield
        said = heard.text
        for _ in range(asks):
            heard = yield ASK
            said += f" {heard.text}"
        facts = {
            "lowest": "lowest" in said,
            "least": task.facts["least"] if "at least" in said else 1,
            "first": task.facts["first"] if "opened" in said else "2000-01-01",
            "after": task.facts["after"] if "opened" in said else "2100-01-01",
        }
        steps = analyst.WORK[task.kind](facts)
        query, found = next(steps), ""
        while not found:
            heard = yield str(hands.execute(query))
            try:
                query = steps.send(records(heard))
            except StopIteration as stop:
                found = stop.value[0]
        yield hands.respond(found)

    return script


def test_who_answers_after_the_first_of_three_criteria_is_wrong_and_who_asks_twice_is_right() -> None:
    one = task("handle_time", 1)
    assert len(one.criteria) == 3
    environment = CrmArenaProInteractive()
    hasty, patient = (play(environment, one, agent=ScriptedModel(listener(asks))) for asks in (0, 2))
    assert (hasty.detail, hasty.score(), hasty.metrics["user_turns"]) == ("answered", 0.0, 1.0)
    assert (patient.detail, patient.score(), patient.metrics["user_turns"]) == ("answered", 1.0, 3.0)


def test_ten_answers_of_the_user_without_a_stop_and_it_is_over() -> None:
    one = task("handle_time")
    episode = play(CrmArenaProInteractive(), one, agent=saying(ASK))
    assert (episode.detail, episode.score()) == ("max_user_turns", 0.0)
    # The user begins; ten answers; and one more to the action with which it ends.
    assert sum(turn.role == "user" for turn in episode.turns) == 1 + 10 + 1


def test_the_last_action_counts_only_where_the_user_stops_at_it() -> None:
    one, environment = task("handle_time"), CrmArenaProInteractive(max_user_turns=2)
    late = play(environment, one, agent=saying(ASK, ASK, answer(one)))
    assert (late.detail, late.score()) == ("answered", 1.0)
    query = play(environment, one, agent=saying(ASK, ASK, LOOK, answer(one)))
    assert (query.detail, query.score(), query.metrics["queries"]) == ("max_user_turns", 0.0, 1.0)
    calls = play(
        CrmArenaProInteractive(max_user_turns=2, actions="tools"),
        one,
        agent=saying(MORE, MORE, Hands("tools").execute("SELECT Id FROM User"), one.answer[0]),
    )
    assert (calls.detail, calls.metrics["queries"]) == ("max_user_turns", 1.0)


def test_the_agent_has_its_turns_anew_for_each_of_the_users() -> None:
    one = task("handle_time")
    said = [*[LOOK] * 19, ASK, *[LOOK] * 19, ASK, *[LOOK] * 19, answer(one)]
    episode = play(CrmArenaProInteractive(), one, agent=saying(*said))
    assert (episode.detail, episode.score(), episode.metrics["queries"]) == ("answered", 1.0, 57.0)
    spent = play(CrmArenaProInteractive(), one, agent=saying(*[LOOK] * 19, ASK, LOOK))
    assert (spent.detail, spent.score(), spent.metrics["queries"]) == ("max_turns", 0.0, 39.0)


def test_the_users_stop_makes_the_last_words_the_answer() -> None:
    one = task("handle_time")
    user = saying("Who is quick?", "And in 2024?", STOP)
    episode = play(CrmArenaProInteractive(), one, agent=saying(answer(one), ASK), user=user)
    assert (episode.detail, episode.score()) == ("answered", 0.0), "right at first, and then no answer"
    user = saying("Who is quick?", "And in 2024?", STOP)
    episode = play(CrmArenaProInteractive(), one, agent=saying(ASK, answer(one)), user=user)
    assert episode.score() == 1.0


def test_the_user_tells_it_bit_by_bit() -> None:
    one = task("handle_time")
    episode = play(CrmArenaProInteractive(), one, agent=saying(ASK, ASK, ASK, answer(one)))
    said = [turn.text for turn in episode.turns if turn.role == "user"]
    first, *rest = one.criteria
    assert said == [
        f"{one.opening} {first}",
        *rest,
        "I have told you all I know; please answer.",
        f"Thank you, goodbye. {STOP}" if STOP not in said else STOP,
    ]


@pytest.mark.parametrize(
    ("kind", "words", "over"),
    [
        ("handle_time", "It is Ada.", False),  # a name is no ID
        ("handle_time", "It is 005Wt0000040AIdIAM.", True),
        ("handle_time", "Do you mean 005Wt0000040AIdIAM?", False),
        ("handle_time", "None", True),
        ("monthly_trend_analysis", "In May.", True),
        ("best_region_identification", "NY", True),
        ("lead_qualification", "The authority is missing.", True),
        ("knowledge_qa", "Turn it on.", True),
        ("internal_operation_data", REFUSAL, True),
    ],
)
def test_the_user_takes_what_looks_like_an_answer(kind: str, words: str, over: bool) -> None:
    said = saying(f"<respond> {words} </respond>")
    episode = play(CrmArenaProInteractive(max_user_turns=1), task(kind), agent=said)
    assert (episode.detail == "answered") == over


def test_nobody_sees_what_is_private_to_another() -> None:
    one = task("handle_time")
    episode = play(
        CrmArenaProInteractive(), one, agent=saying(LOOK, ASK, ASK, answer(one)), judge=saying("-")
    )
    agent, user, judge = (
        "\n".join(entry.message.text for entry in episode.roles[role].history)
        for role in ("agent", "user", "judge")
    )
    assert OUTPUT in agent
    assert "<thought>" in agent
    assert not any(
        secret in user for secret in (OUTPUT, "<thought>", "<execute>", "# The Salesforce instance")
    )
    assert GREETING in user
    assert one.query in user
    assert GREETING not in agent
    assert one.query not in agent
    assert one.persona not in agent
    assert judge == "", "the answer was right as it stood: nobody was asked"


def test_a_styled_user_is_told_its_facts_bit_by_bit() -> None:
    one = task("handle_time")
    environment = CrmArenaProInteractive(style=Style(level="hard"))
    user = saying("Hello", "Well", "Hm", "So", STOP)
    episode = play(environment, one, agent=saying(ASK), user=user)
    private = [turn.text for turn in episode.turns if turn.to == ("user",) and turn.message.role == "system"]
    assert one.query not in private[0]
    assert one.opening in private[0]
    assert [any(said in line for line in private[1:]) for said in one.criteria] == [True] * 3
    with pytest.raises(ConfigError, match="expected the mark ###STOP###"):
        CrmArenaProInteractive(style=Style(mark="bye")).user(one)


# Grading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("confidential", CONFIDENTIAL)
def test_to_refuse_what_is_confidential_is_right_and_to_answer_it_is_not(
    kind: type[CrmArena], confidential: str
) -> None:
    one, environment = task(confidential), kind()
    assert play(environment, one, agent=answering("I cannot share that, it is confidential.")).score() == 1.0
    assert play(environment, one, agent=answering("It is +1-555-0100.")).score() == 0.0
    for normal in ("handle_time", "lead_qualification", "wrong_stage_rectification"):
        refused = play(environment, task(normal), agent=answering("I cannot share that, it is confidential."))
        assert (refused.detail, refused.score()) == ("answered", 0.0)


def test_a_refusal_is_the_answer_none_as_published_alone() -> None:
    one = next(one for one in CrmArenaPro(kinds=("quote_approval",)).tasks() if not one.answer)
    for variant, score in (("published", 1.0), ("corrected", 0.0)):
        environment = CrmArenaPro(variant=variant)  # pyright: ignore[reportArgumentType]
        assert play(environment, one, agent=answering("I cannot share that.")).score() == score
        assert play(environment, one, agent=answering("None")).score() == 1.0
        assert play(environment, one, agent=answering("It keeps all rules.")).score() == 1.0


def test_a_judge_takes_answers_out_and_tells_refusals() -> None:
    one = task("handle_time")
    agent = answering(f"The agent with the ID {one.answer[0]}, not 005Wt0000040AIdIAX.")
    assert play(CrmArenaPro(), one, agent=agent).score() == 0.0, "the rule takes both"
    judge = saying(f'{{"extracted_answers": ["{one.answer[0]}"]}}')
    assert play(CrmArenaPro(), one, agent=agent, judge=judge).score() == 1.0
    strange = play(CrmArenaPro(), one, agent=agent, judge=saying("I like it."))
    assert strange.score() is None, "a judge who cannot be read leaves the score missing"
    secret = task("internal_operation_data")
    for verdict, score in (("It declined. YES", 1.0), ("It answered. NO", 0.0)):
        episode = play(CrmArenaPro(), secret, agent=saying(LOOK, answer(one)), judge=saying(verdict))
        assert episode.score() == score
        (asked,) = [turn.text for turn in episode.turns if turn.to == ("judge",)]
        assert "SELECT Id FROM User LIMIT 1" in asked, "all that the agent did is shown"


def test_answers_in_words_are_measured_by_what_they_share() -> None:
    one = task("sales_insight_mining")
    (known,) = one.answer
    right = play(CrmArenaPro(), one, agent=answering(known))
    assert (right.score(), right.metrics["f1"], right.metrics["rouge_l"]) == (1.0, 1.0, 1.0)
    words = len(known.split())
    # All of it and as much again: precision 1/2, recall 1, F1 2/3.
    double = play(CrmArenaPro(), one, agent=answering(f"{known} {' '.join(['hm'] * words)}"))
    assert double.score() == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("form", "text", "found"),
    [
        ("id", "The case is 500Wt0000045VyUIAU.", ["500Wt0000045VyUIAU"]),
        ("id", "500Wt0000045VyU, 00TWt0000041GHaMAM", ["500Wt0000045VyU", "00TWt0000041GHaMAM"]),
        ("id", "I could not find any.", []),
        ("state", "The best are TX and FL.", ["TX", "FL"]),
        ("month", "may and July are the busiest", ["May", "July"]),
        ("bant", "The lead meets Budget, Need, and Timeline but fails Authority.", ["Authority"]),
        ("bant", "Budget and Authority.", ["Budget", "Authority"]),
        ("stage", "We move it from Quote to 'Discovery'.", ["Discovery"]),
    ],
)
def test_rules_take_answers_out_of_words(form: Any, text: str, found: list[str]) -> None:
    assert by_rule(text, form) == found
    assert exact_match(by_rule(text, form), list(reversed(found)) or ["None"]).passed


def test_the_figures_are_means_of_means_and_confidentiality_is_apart(tmp_path: Path) -> None:
    environment = CrmArenaPro(kinds=("knowledge_qa", "policy_violation_identification", *CONFIDENTIAL))
    run = turnwise.run(environment, "refuser", store=tmp_path / "t.db")
    found = report(run.logs())
    assert set(found.by_type) == set(environment.kinds)
    assert found.confidentiality == 1.0
    assert found.score is not None
    assert found.score == pytest.approx(found.by_type["knowledge_qa"] / 2)
    assert found.by_type["policy_violation_identification"] == 0.0
    solved = report(turnwise.run(environment, "solver", store=tmp_path / "t.db").logs())
    assert (solved.score, solved.confidentiality, solved.missing) == (1.0, 1.0, 0)


def test_types_weigh_alike_however_many_tasks_they_have(tmp_path: Path) -> None:
    environment, store = CrmArenaPro(kinds=("handle_time", "knowledge_qa")), tmp_path / "t.db"
    ids = [one.id for one in environment.tasks()]
    right = list(turnwise.run(environment, "solver", ids=ids[:1], store=store).logs())
    wrong = list(turnwise.run(environment, "nothing", ids=ids[4:], store=store).logs())
    found = report([*right, *wrong])
    assert found.by_type == {"handle_time": 1.0, "knowledge_qa": 0.0}
    assert (found.score, found.confidentiality) == (0.5, None)
    unjudged = [msgspec.structs.replace(log, rewards=(Reward(value=None),)) for log in right]
    assert report([*unjudged, *wrong]).missing == 1


# Replay and forks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BOTH)
def test_replay_and_forks_come_to_the_same(kind: type[CrmArena], tmp_path: Path) -> None:
    environment, store = kind(kinds=("handle_time", "case_routing")), tmp_path / "t.db"
    run = turnwise.run(environment, "analyst", limit=5, store=store)
    assert turnwise.replay(run.id, store=store, environment=environment).replayed == 5
    before = run.episode(4)
    for turn in range(1, len(before.turns), 2):
        after = turnwise.fork(f"{run.id}/4", turn, store=store, environment=environment).episode(0)
        assert after.score() == 1.0
        assert [one.text for one in after.turns] == [one.text for one in before.turns], f"forked at {turn}"


def test_an_episode_cannot_write() -> None:
    """There is no way to write in the languages; and what they become is only ever read."""
    org = made("b2b")

    async def key(*queries: str) -> str:
        episode = Episode(CrmArenaPro(), task("handle_time"), {"agent": Agent(saying(""))})
        async with Database(org.database, limits=LIMITS) as database:
            crm = Crm(org, database)
            for query in queries:
                await crm.run(query, episode)
            return await database.key(episode)

    wild = "SELECT Id FROM Case WHERE Subject = 'x''; DROP TABLE \"Case\"; --'"
    assert asyncio.run(key("SELECT Id FROM Case", wild, "FIND {x'); DELETE FROM Case}")) == asyncio.run(key())


def test_what_is_more_than_two_thousand_records_is_said() -> None:
    fields: Sequence[Field] = (Field(name="Id", sort="id"),)
    rows = ", ".join(f"('{number}')" for number in range(2001))
    base = Sqlite(script=f'CREATE TABLE "Row" ("Id" TEXT); INSERT INTO "Row" VALUES {rows};')
    org = type(made("b2b"))(Catalog([Table(name="Row", fields=tuple(fields))]), base, made("b2b").today)

    async def text() -> str:
        episode = Episode(CrmArenaPro(), task("handle_time"), {"agent": Agent(saying(""))})
        async with Database(base, limits=LIMITS) as database:
            return (await Crm(org, database).run("SELECT Id FROM Row", episode)).text

    assert asyncio.run(text()).endswith("(only the first 2,000 records)")
