"""VitaBench: the conversation and its ends, gold orders and the state check, rubrics, published tasks."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.agents.users import Style
from turnwise.agents.users.marks import OUT_OF_SCOPE, STOP, TRANSFER
from turnwise.environments.parts.calls import calling
from turnwise.environments.service.vitabench import (
    Criteria,
    ExpectedState,
    VitaDelivery,
    VitaInstore,
    VitaTask,
    load,
    sample,
)
from turnwise.environments.service.vitabench.conversation import GREETING, NOBODY
from turnwise.environments.service.vitabench.environment import VitaBench
from turnwise.environments.service.vitabench.gold import Deal, gold
from turnwise.environments.service.vitabench.grading import difference
from turnwise.environments.service.vitabench.players import DONE
from turnwise.environments.service.vitabench.policy import policy
from turnwise.environments.service.vitabench.town import town
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError
from turnwise.judges.sliding_window import SlidingWindow, windows
from turnwise.limits import Limits
from turnwise.message import Message
from turnwise.metrics.passk import pass_at_k_of, pass_curve, pass_hat_k_of
from turnwise.models.scripted import ScriptedModel
from turnwise.verdict import Unreadable, json_objects

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"))
PUBLISHED = pytest.mark.skipif(
    not all((DATA / "vitabench" / f"{name}_tasks_en.json").is_file() for name in ("delivery", "instore")),
    reason="needs vitabench/*_tasks_en.json: set TURNWISE_DATA",
)
SUPPER, SWAP, NOTE = sample.tasks("delivery")
EVENING, REST, CHANGE = sample.tasks("instore")
SOUP: dict[str, Any] = {
    "user_id": "U100001",
    "store_id": "S1",
    "product_ids": ["P11"],
    "product_cnts": [2],
    "address": "7 Willow Lane, Harbour Quarter, Lindau",
    "dispatch_time": "2025-03-14 17:30:00",
}
ORDER = calling("create_delivery_order", SOUP, 1)
LOOK = calling("get_user_all_orders", {}, 1)
WRONG = calling("get_delivery_store_info", {"store_id": "?"}, 1)


def saying(*said: str | Message) -> ScriptedModel:
    """Somebody who says these things, the last one again and again."""

    def script(task: VitaTask, rng: random.Random) -> Iterator[Any]:
        yield
        for one in chain(said, repeat(said[-1])):  # noqa: UP028
            yield one

    return ScriptedModel(script)


def play(environment: VitaBench, task: VitaTask, *, limits: Limits | None = None, **models: Any) -> Episode:
    """The finished episode; the user needs no model unless one is given."""
    own = environment.agents()
    models = {"user": ScriptedModel(own["user/scripted"]), **models}
    agents = {
        role: Agent(ScriptedModel(own[model]) if isinstance(model, str) else model)
        for role, model in models.items()
    }
    episode = Episode(environment, task, agents, limits=limits)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


def noted(episode: Episode, name: str) -> list[Any]:
    return [note.value for note in episode.notes if note.name == name]


# How it goes, and how it ends --------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [VitaDelivery(), VitaInstore()])
def test_the_oracle_and_who_does_nothing(environment: VitaBench) -> None:
    for judge in ({}, {"judge": "judge/clerk"}):
        for agent, score in (("solver", 1.0), ("nothing", 0.0)):
            played = [play(environment, task, agent=agent, **judge) for task in environment.tasks()]  # pyright: ignore[reportArgumentType]
            assert [episode.score() for episode in played] == [score] * 3


def test_the_agent_speaks_first_and_the_user_says_all() -> None:
    episode = play(VitaDelivery(), SUPPER, agent="nothing")
    told = [turn for turn in episode.turns if turn.message.role != "system"]
    assert (told[0].text, told[0].role, told[1].role) == (GREETING, "agent", "user")
    said = " ".join(turn.text for turn in told if turn.role == "user")
    assert said.startswith("Hello, my user id is U100001. I come home from the boat yard, tired.")
    assert "I want two bowls of the same soup, brought home." in said
    assert "a rating above 4.5" in said
    assert told[-1].text.endswith(STOP), "patience ends"


@pytest.mark.parametrize("mark", [STOP, TRANSFER, OUT_OF_SCOPE])
def test_the_user_ends_it_with_a_mark(mark: str) -> None:
    episode = play(VitaDelivery(), SUPPER, agent=saying(ORDER, "Hm?"), user=saying("Soup.", f"Bye. {mark}"))
    assert (episode.detail, episode.score()) == ("user_stop", 1.0)


def test_the_agent_may_end_it() -> None:
    episode = play(VitaDelivery(), SUPPER, agent=saying(ORDER, f"Done. {STOP}"))
    assert (episode.detail, episode.score()) == ("agent_stop", 1.0)
    assert episode.turns[-1].role == "agent"
    both = msgspec.structs.replace(ORDER, content=STOP)
    early = play(VitaDelivery(), SUPPER, agent=saying(both))
    assert (early.detail, early.score()) == ("agent_stop", 0.0), "calls beside the mark are not made"


def test_what_breaks_off_scores_0_unjudged() -> None:
    judge = saying("[]")
    steps = play(
        VitaDelivery(max_steps=8), SUPPER, agent=saying(ORDER, "Hm?"), user=saying("Well."), judge=judge
    )
    assert (steps.detail, steps.score()) == ("max_steps", 0.0)
    assert sum(turn.message.role != "system" for turn in steps.turns) == 1 + 8
    errors = play(VitaDelivery(), SUPPER, agent=saying(ORDER, WRONG), judge=judge)
    assert (errors.detail, errors.score()) == ("too_many_errors", 0.0)
    assert sum(turn.text.startswith("error:") for turn in errors.turns) == 10
    silent = play(VitaDelivery(), SUPPER, agent=saying(ORDER, "Hm?", "", " ", "\n"), judge=judge)
    assert (silent.detail, silent.score()) == ("invalid_agent_message", 0.0)
    for episode in (steps, errors, silent):
        assert not any(turn.role == "judge" for turn in episode.turns)
        assert "orders" not in episode.metrics


def test_errors_count_in_a_row() -> None:
    turns = [WRONG] * 9 + [LOOK] + [WRONG] * 9 + [ORDER, "Done."]
    episode = play(VitaDelivery(), SUPPER, agent=saying(*turns))
    assert (episode.detail, episode.score()) == ("user_stop", 1.0)


def test_an_empty_message_is_asked_for_again() -> None:
    episode = play(VitaDelivery(), SUPPER, agent=saying("", ORDER, "", "", DONE))
    assert (episode.detail, episode.score()) == ("user_stop", 1.0)


def test_a_limit_of_the_run_scores_0() -> None:
    episode = play(VitaDelivery(), SUPPER, agent=saying(ORDER, "Hm?"), limits=Limits(turns=4))
    assert (str(episode.stop), episode.score()) == ("max_turns", 0.0)


def test_alone_the_agent_is_told_everything_at_once() -> None:
    episode = play(VitaDelivery(solo=True), SUPPER, agent=saying(ORDER, "And now?", f"Done. {STOP}"))
    assert (episode.detail, episode.score()) == ("agent_stop", 1.0)
    told = [turn.text for turn in episode.turns if turn.role == "environment"]
    assert SUPPER.instructions in told[1]
    assert told[2] == NOBODY
    assert not any(turn.role == "user" for turn in episode.turns)
    chatty = play(VitaDelivery(solo=True), SUPPER, agent=saying("And now?"))
    assert (chatty.detail, chatty.score()) == ("invalid_agent_message", 0.0)
    long = play(VitaDelivery(solo=True, max_steps=5), SUPPER, agent=saying(LOOK))
    assert (long.detail, long.score()) == ("max_steps", 0.0)
    assert play(VitaDelivery(solo=True), SWAP, agent="solver").score() == 1.0


def test_what_the_agent_and_the_user_are_told() -> None:
    assert policy("2025-03-14 17:30:00").startswith("It is 2025-03-14 17:30:00 Friday.")
    assert policy("some day").startswith("It is some day.")
    episode = play(VitaDelivery(), SUPPER, agent="nothing")
    agent, user = (turn for turn in episode.turns if turn.message.role == "system")
    assert (agent.to, user.to) == (("agent",), ("user",))
    assert "Precondition" in agent.text
    for told in (SUPPER.instructions, "personality: Dry, short of words, patient", "user id: U100001", STOP):
        assert told in user.text
    tools = {spec.name: spec.description for spec in episode.toolsets[0]}
    assert "Precondition" in tools["pay_delivery_order"]
    assert "Postcondition" in tools["create_delivery_order"]


def test_a_user_with_a_style() -> None:
    environment = VitaDelivery(user=Style(repeats=1))
    episode = play(environment, SUPPER, agent="nothing", user=saying(*["Well."] * 4, STOP))
    said = [turn.text for turn in episode.turns if turn.role == "user"]
    assert said[2:4] == ["Well.", "You have asked me that before. Well."]
    with pytest.raises(ConfigError):
        Style(persona="plane")


@settings(max_examples=30, deadline=None)
@given(
    domain=st.sampled_from([VitaDelivery, VitaInstore]),
    agent=st.sampled_from(["solver", "nothing", "random"]),
    place=st.integers(0, 2),
)
def test_nobody_sees_what_is_private_to_another(domain: type[VitaBench], agent: str, place: int) -> None:
    environment = domain()
    task: VitaTask = list(environment.tasks())[place]  # pyright: ignore[reportAssignmentType]
    own = environment.agents()
    agent_side, user_side = Listener(own[agent]), Listener(own["user/scripted"])
    episode = play(environment, task, agent=agent_side, user=user_side, judge="judge/clerk")
    results = {turn.text for turn in episode.turns if turn.role == "tool" and len(turn.text) > 5}
    judged = {turn.text for turn in episode.turns if turn.to == ("judge",) or turn.role == "judge"}
    assert not any(task.instructions in text for text in agent_side.shown)
    assert any(task.instructions in text for text in user_side.shown)
    assert not results & user_side.shown
    assert not judged & (agent_side.shown | user_side.shown)
    for text in agent_side.shown | user_side.shown:
        assert not any(rubric in text for rubric in task.criteria.rubrics)


class Listener(ScriptedModel):
    """Keeps what it was shown."""

    def __init__(self, script: Callable[..., Any]) -> None:
        super().__init__(script)
        self.shown: set[str] = set()

    async def sample(self, request: Any) -> Any:
        self.shown |= {message.text for message in request.messages}
        return await super().sample(request)


# Replay and forks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [VitaDelivery(), VitaInstore()])
def test_replay_and_forks_keep_the_state(environment: VitaBench, tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    run = turnwise.run(environment, "solver", store=store)
    assert turnwise.replay(run.id, store=store, environment=environment).replayed == 3
    before = run.episode(2)
    for turn in range(0, len(before.turns), 3):
        after = turnwise.fork(f"{run.id}/2", turn, store=store, environment=environment).episode(0)
        for name in ("final_state", "changes"):
            assert [note.value for note in after.notes if note.name == name] == [
                note.value for note in before.notes if note.name == name
            ]
        assert after.score() == before.score() == 1.0


# Gold orders -------------------------------------------------------------------------------------------


def with_gold(task: VitaTask, *records: Any, orders: Any = None) -> VitaTask:
    criteria = Criteria(expected_states=(ExpectedState(required_orders=records),))
    world = {**task.environment, "orders": task.environment["orders"] if orders is None else orders}
    return msgspec.structs.replace(task, environment=world, evaluation_criteria=criteria)


def record(task: VitaTask, at: int) -> dict[str, Any]:
    states = task.criteria.expected_states
    assert states
    return states[0].required_orders[at]


def test_what_the_sample_asks_for() -> None:
    (new,) = gold(SUPPER).new
    assert new.deal == Deal("delivery", "S1", (("P11", 2),), "7 Willow Lane, Harbour Quarter, Lindau")
    assert (new.paid, new.dispatch) == (True, "2025-03-14 17:30:00")
    swap = gold(SWAP)
    assert (swap.cancel, [one.deal.products for one in swap.new]) == (
        (("delivery", "T2"),),
        [(("P21", 1), ("P22", 1))],
    )
    assert (gold(NOTE).note, gold(NOTE).cancel) == ((("T3", "No onions"),), ())
    assert [one.deal for one in gold(EVENING).new] == [
        Deal("instore", "H1", (("Q11", 1),)),
        Deal("book", "H1", time="2025-03-15 19:30:00", people=4),
    ]
    assert gold(REST).new[1].deal == Deal("reservation", "H2", time="2025-03-15 10:00:00", people=1)
    assert gold(CHANGE).cancel == (("instore", "V1"), ("book", "B1"))


def test_gold_that_swapped_ids_goes_by_content() -> None:
    old = record(SWAP, 0)
    other = {**record(SUPPER, 0), "order_id": "T2"}
    # The old order under a new id, and something else under the old one's.
    swapped = gold(with_gold(SWAP, {**old, "order_id": "T7"}, other))
    assert (swapped.cancel, [one.deal.store for one in swapped.new]) == ((("delivery", "T2"),), ["S1"])
    replaced = gold(with_gold(SWAP, other))
    assert replaced.cancel == (("delivery", "T2"),), "what stands in its place replaces it"


def test_gold_in_odd_forms() -> None:
    soup = record(SUPPER, 0)
    inside = {**soup, "products": [*soup["products"], {**record(SWAP, 1), "order_id": "X"}]}
    assert [one.deal.store for one in gold(with_gold(SUPPER, inside)).new] == ["S1", "S2"]
    moved = gold(with_gold(SUPPER, {**soup, "store_id": "S2 "})).new[0]
    assert moved.deal.store == "S1", "a product belongs to the store that has it"
    unknown = {**soup, "products": [{"product_id": "P99", "quantity": 1}]}
    assert gold(with_gold(SUPPER, unknown)).new[0].deal.products == ()
    table = {**record(EVENING, 1), "reservation_id": "R", "reservation_time": "2025-3-15 9:30"}
    del table["book_id"], table["book_time"]
    assert gold(with_gold(EVENING, table)).new[0].deal == Deal(
        "book", "H1", time="2025-03-15 09:30:00", people=4
    )
    with pytest.raises(TaskError, match="supper: a gold order lacks its form"):
        gold(with_gold(SUPPER, {"order_id": "T1"}))


def test_an_unpaid_old_order_is_paid() -> None:
    old = record(SWAP, 0)
    task = with_gold(SWAP, {**old, "status": "paid"})
    assert gold(task).pay == ("T2",)
    assert play(VitaDelivery(), task, agent="solver").score() == 1.0
    assert play(VitaDelivery(), task, agent="nothing").score() == 0.0


def test_any_product_of_the_store_where_gold_names_none() -> None:
    task = with_gold(SUPPER, {**record(SUPPER, 0), "products": [{"product_id": "P99", "quantity": 1}]})
    assert play(VitaDelivery(), task, agent="solver").score() == 1.0
    assert play(VitaDelivery(), task, agent=saying(ORDER, DONE)).score() == 1.0
    elsewhere = calling("create_delivery_order", {**SOUP, "address": "Boat Works, 2 Pier Road, Lindau"}, 1)
    assert play(VitaDelivery(), task, agent=saying(elsewhere, DONE)).score() == 0.0
    assert play(VitaDelivery(), task, agent="nothing").score() == 0.0


@pytest.mark.parametrize(
    ("other", "score"),
    [
        ({}, 1.0),
        ({"product_cnts": [1]}, 0.0),
        ({"product_cnts": [3]}, 0.0),
        ({"product_ids": ["P12"]}, 0.0),
        ({"product_ids": ["P11", "P12"], "product_cnts": [2, 1]}, 0.0),
        ({"product_ids": ["P11", "P11"], "product_cnts": [1, 1]}, 1.0),
        ({"address": "Willow Lane 7, Harbour Quarter"}, 1.0),
        ({"address": "Boat Works, 2 Pier Road, Lindau"}, 0.0),
        ({"note": "Quick!", "dispatch_time": "2025-03-14 18:00:00"}, 1.0),
    ],
)
def test_the_state_check_of_a_delivery(other: dict[str, Any], score: float) -> None:
    agent = saying(calling("create_delivery_order", {**SOUP, **other}, 1), DONE)
    episode = play(VitaDelivery(), SUPPER, agent=agent)
    assert (episode.score(), episode.metrics["orders"]) == (score, score)
    assert bool(noted(episode, "orders")) is (score == 0.0)


def test_what_else_was_ordered_counts() -> None:
    twice = play(VitaDelivery(), SUPPER, agent=saying(ORDER, ORDER, DONE))
    assert twice.score() == 0.0
    (told,) = noted(twice, "orders")
    assert (told["missing"], len(told["extra"])) == ([], 1)

    def thinks_better(task: VitaTask, rng: random.Random) -> Iterator[Any]:
        yield
        heard = yield ORDER
        name = json.loads(heard.text)["order_id"]
        yield calling("cancel_delivery_order", {"order_id": name}, 2)
        yield ORDER
        while True:
            yield DONE

    assert play(VitaDelivery(), SUPPER, agent=ScriptedModel(thinks_better)).score() == 1.0


def test_vouchers_count_in_sum() -> None:
    one = {"user_id": "U100001", "shop_id": "H2", "product_id": "Q21"}
    single = calling("create_instore_product_order", one, 1)
    time = {"user_id": "U100001", "shop_id": "H2", "time": "2025-03-15 10:00:00"}
    come = calling("instore_reservation", time, 2)
    assert play(VitaInstore(), REST, agent=saying(single, single, come, DONE)).score() == 1.0
    assert play(VitaInstore(), REST, agent=saying(single, come, DONE)).score() == 0.0
    late = calling("instore_reservation", {**time, "time": "2025-03-15 11:00:00"}, 2)
    assert play(VitaInstore(), REST, agent=saying(single, single, late, DONE)).score() == 0.0


def test_notes_of_old_orders_count() -> None:
    lemonade = {
        **SOUP,
        "store_id": "S2",
        "product_ids": ["P22"],
        "product_cnts": [3],
        "address": "Boat Works, 2 Pier Road, Lindau",
    }
    order = calling("create_delivery_order", lemonade, 1)
    note = calling("modify_delivery_order", {"order_id": "T3", "note": "Without onions, please"}, 2)
    assert play(VitaDelivery(), NOTE, agent=saying(order, note, DONE)).score() == 1.0, "in other words"
    forgotten = play(VitaDelivery(), NOTE, agent=saying(order, DONE))
    assert noted(forgotten, "orders") == [{"missing": ["1 x note T3"], "extra": []}]


def test_a_task_without_criteria_scores_1() -> None:
    for criteria in (None, Criteria()):
        task = msgspec.structs.replace(SUPPER, evaluation_criteria=criteria)
        episode = play(VitaDelivery(), task, agent="nothing", judge=saying("[]"))
        assert episode.score() == 1.0
        assert not any(turn.role == "judge" for turn in episode.turns)


# Rubrics -----------------------------------------------------------------------------------------------


def judged_by(*rubrics: str) -> VitaTask:
    """The soup, judged by these rubrics."""
    criteria = msgspec.structs.replace(SUPPER.criteria, overall_rubrics=rubrics)
    states = (msgspec.structs.replace((criteria.expected_states or ())[0], state_rubrics=()),)
    return msgspec.structs.replace(
        SUPPER, evaluation_criteria=msgspec.structs.replace(criteria, expected_states=states)
    )


def shown_in(prompt: str) -> list[str]:
    """The lines of the conversation in a window."""
    part = prompt.partition("number in the whole:\n")[2].partition("\n\nCriteria as they stand")[0]
    return re.split(r"\n(?=\[\d+\] )", part)


def by_rules(messages: Sequence[Message]) -> str:
    """A judge by rules: `order` goes by what the agent does, `+word` holds once the word was said, `-word`
    until it was; a window with the word garbage gets no answer."""
    prompt = messages[-1].text
    lines = shown_in(prompt)
    if any("garbage" in line for line in lines):
        return "I cannot say."
    told: list[dict[str, Any]] = []
    for item in json_objects(prompt.partition("Criteria as they stand:\n")[2]):
        met = item["meetExpectation"]
        word = item["rubric"][1:]
        said = any(word in line for line in lines)
        asked = any("user: Please cancel" in line for line in lines)
        if item["rubric"] == "order":
            for line in lines:
                if "calls create_delivery_order" in line:
                    met = True
                elif "calls cancel_delivery_order" in line and not asked:
                    met = False
        elif item["rubric"][0] == "+":
            met = met or said
        else:
            begins = any(GREETING in line for line in lines)
            met = (met or begins) and not said
        told.append({**item, "justification": "by rule", "meetExpectation": met})
    return json.dumps(told)


def chatting(*said: str | Message) -> ScriptedModel:
    """An agent who says these things, and cancels what it ordered last."""

    def script(task: VitaTask, rng: random.Random) -> Iterator[Any]:
        heard = yield
        name = ""
        for one in chain(said, repeat("Bye.")):
            if one is CANCEL:
                heard = yield calling("cancel_delivery_order", {"order_id": name}, 2)
            else:
                heard = yield one
            found = re.match(r'{"order_id":"(\w+)"', heard.text)
            name = found[1] if found else name

    return ScriptedModel(script)


CANCEL = calling("cancel_delivery_order", {}, 2)
CHAT = ["Fine day."] * 5


def test_a_rubric_turns_false_where_the_agent_undoes_it() -> None:
    task = judged_by("order")
    kept = play(
        VitaDelivery(),
        task,
        agent=chatting(ORDER, *CHAT),
        user=saying(*["Soup."] * 6, STOP),
        judge=ScriptedModel(by_rules),
    )
    assert (kept.score(), kept.metrics["orders"]) == (1.0, 1.0)
    undone = play(
        VitaDelivery(),
        task,
        agent=chatting(ORDER, *CHAT, CANCEL, *CHAT),
        user=saying(*["Soup."] * 12, STOP),
        judge=ScriptedModel(by_rules),
    )
    assert (undone.score(), undone.metrics["orders"]) == (0.0, 0.0)
    turned = [(note["window"], one["met"]) for note in noted(undone, "rubric") for one in note["turned"]]
    assert turned == [(1, True), (2, False)], "each update is kept with its window"
    wanted = play(
        VitaDelivery(),
        task,
        agent=chatting(ORDER, *CHAT, CANCEL, *CHAT),
        user=saying(*["Soup."] * 5, *["Please cancel it."] * 2, *["Soup."] * 3, STOP),
        judge=ScriptedModel(by_rules),
    )
    assert wanted.score() == 1.0, "the user's change of mind takes nothing away"
    assert wanted.metrics["orders"] == 0.0


def test_met_in_the_first_window_and_violated_in_the_third() -> None:
    agent = saying(*["Fine."] * 9, "alas", "Bye.")
    episode = play(
        VitaDelivery(),
        judged_by("-alas"),
        agent=agent,
        user=saying(*["Well."] * 11, STOP),
        judge=ScriptedModel(by_rules),
    )
    turned = [(note["window"], one["met"]) for note in noted(episode, "rubric") for one in note["turned"]]
    assert (episode.score(), turned) == (0.0, [(1, True), (3, False)])


def test_a_window_that_cannot_be_read_leaves_the_state() -> None:
    words = ["yes", *["Fine."] * 5, "garbage", *["Fine."] * 6]
    for unread, score in ((False, 1.0), (True, 1.0)):
        agent = saying(*(word if unread else word.replace("garbage", "Fine.") for word in words))
        episode = play(
            VitaDelivery(),
            judged_by("+yes"),
            agent=agent,
            user=saying(*["Well."] * 12, STOP),
            judge=ScriptedModel(by_rules),
        )
        assert episode.score() == score
        assert bool(episode.metrics["unread_windows"]) is unread
        windows = noted(episode, "rubric")
        assert [note["window"] for note in windows if note["unread"]] == ([2] if unread else [])
        assert [note["window"] for note in windows if note["turned"]] == [1]


def test_the_reward_is_1_only_where_all_rubrics_hold() -> None:
    task = judged_by("+one", "+two", "+three", "+four")
    words = ["one two", "three", "Fine."]
    for last, share, score in (("none", 0.75, 0.0), ("four", 1.0, 1.0)):
        episode = play(
            VitaDelivery(),
            task,
            agent=saying(*words, last),
            user=saying(*["Well."] * 5, STOP),
            judge=ScriptedModel(by_rules),
        )
        assert (episode.metrics["rubric_score"], episode.score()) == (share, score)


def test_a_judge_who_cannot_be_read_gives_no_reward() -> None:
    episode = play(VitaDelivery(), SUPPER, agent="solver", judge=saying("Hm."))
    assert episode.score() is None
    assert episode.metrics["orders"] == 1.0
    strict = VitaDelivery(rubric=SlidingWindow(unreadable=Unreadable(ask_again=1)))
    again = play(strict, SUPPER, agent="solver", judge=saying("Hm.", "still not", "[]"))
    assert sum(turn.role == "judge" for turn in again.turns) == 2
    assert again.score() is None


@settings(max_examples=40, deadline=None)
@given(
    words=st.lists(st.sampled_from(["Fine.", "yes", "no", "Well."]), min_size=1, max_size=24),
    carried=st.booleans(),
)
def test_windows_and_the_whole_agree_for_what_only_grows(words: list[str], carried: bool) -> None:
    task = judged_by("+yes", "+no")
    whole, parts = (
        play(
            VitaDelivery(rubric=SlidingWindow(windows=cut)),
            task,
            agent=saying(*words, "Bye."),
            user=saying(*["Well."] * len(words), STOP),
            judge=ScriptedModel(by_rules),
        )
        for cut in (False, True)
    )
    assert whole.score() == parts.score() == float({"yes", "no"} <= set(words))
    assert whole.metrics["rubric_score"] == parts.metrics["rubric_score"]
    assert whole.metrics["windows"] == 1


def test_a_judge_who_remembers_ten_messages_misses_what_is_further_apart() -> None:
    """Evidence for one criterion lies in two windows: only who carries the state finds both."""

    def forgetful(messages: Sequence[Message]) -> str:
        shown = " ".join(shown_in(messages[-1].text))
        items = json_objects(messages[-1].text.partition("Criteria as they stand:\n")[2])
        return json.dumps(
            [{**item, "meetExpectation": "first half" in shown and "second half" in shown} for item in items]
        )

    def mindful(messages: Sequence[Message]) -> str:
        shown = " ".join(shown_in(messages[-1].text))
        (item,) = json_objects(messages[-1].text.partition("Criteria as they stand:\n")[2])
        seen = {half for half in ("first half", "second half") if half in shown + item["justification"]}
        return json.dumps(
            [{**item, "justification": ", ".join(sorted(seen)), "meetExpectation": len(seen) == 2}]
        )

    for judge, size, score in ((forgetful, 10, 0.0), (mindful, 10, 1.0), (forgetful, 100, 1.0)):
        episode = play(
            VitaDelivery(rubric=SlidingWindow(size=size)),
            judged_by("both halves"),
            agent=saying("first half", *["Fine."] * 8, "second half", "Bye."),
            user=saying(*["Well."] * 11, STOP),
            judge=ScriptedModel(judge),
        )
        assert episode.score() == score


def test_without_a_rubrics_state_the_judge_keeps_a_memory() -> None:
    def remembers(messages: Sequence[Message]) -> str:
        prompt = messages[-1].text
        if "Did the assistant achieve all of this?" in prompt:
            return json.dumps({"justification": "notes", "meetExpectation": "yes was said" in prompt})
        return "yes was said" if "agent: yes" in prompt or "yes was said" in prompt else "nothing"

    for word, score in (("yes", 1.0), ("no", 0.0)):
        episode = play(
            VitaDelivery(rubric=SlidingWindow(rubrics=False)),
            judged_by("+yes"),
            agent=saying(word, *["Fine."] * 10),
            user=saying(*["Well."] * 10, STOP),
            judge=ScriptedModel(remembers),
        )
        assert (episode.score(), episode.metrics["windows"] > 1) == (score, True)


def test_the_windows_of_a_conversation() -> None:
    assert windows(10) == [(0, 10)]
    assert windows(11) == [(0, 10), (8, 11)]
    assert windows(18) == [(0, 10), (8, 18)]
    assert windows(19) == [(0, 10), (8, 18), (16, 19)]
    listener = Listener(by_rules)
    # 19 messages: the greeting, and nine times user and agent.
    episode = play(
        VitaDelivery(max_steps=400),
        judged_by("+yes"),
        agent=saying(*["Fine."] * 8, f"Bye. {STOP}"),
        user=saying("Well."),
        judge=listener,
    )
    told = [turn.index for turn in episode.turns if turn.role in ("agent", "user")]
    assert len(told) == 19
    shown = sorted(
        ([int(n) for n in re.findall(r"(?m)^\[(\d+)\] ", text)] for text in listener.shown), key=min
    )
    assert shown == [told[0:10], told[8:18], told[16:19]], "under their numbers in the whole"


# Published tasks ---------------------------------------------------------------------------------------


@PUBLISHED
@pytest.mark.parametrize("environment", [VitaDelivery(split="english"), VitaInstore(split="english")])
def test_the_oracle_places_every_gold_order(environment: VitaBench) -> None:
    tasks = list(environment.tasks())
    assert len(tasks) == 100
    assert all(play(environment, task, agent="solver").score() == 1.0 for task in tasks)
    assert all(play(environment, task, agent="nothing").score() == 0.0 for task in tasks[::5])


@PUBLISHED
def test_what_the_gold_orders_come_to() -> None:
    counts: dict[str, tuple[int, ...]] = {}
    for domain in ("delivery", "instore"):
        found = [gold(task) for task in load.tasks(domain)]
        made = [new.deal.kind for one in found for new in one.new]
        counts[domain] = (
            len(made),
            sum(len(one.cancel) for one in found),
            sum(len(one.note) for one in found),
            sum(len(one.pay) for one in found),
        )
        assert all(one.new for one in found), "doing nothing is never right"
    assert counts == {"delivery": (181, 16, 3, 1), "instore": (305, 15, 0, 0)}


@PUBLISHED
def test_the_untouched_world_is_never_the_gold_one() -> None:
    for domain in ("delivery", "instore"):
        for task in load.tasks(domain):
            world = town(task)
            differs = difference(world, gold(task), world.base.tables)
            assert differs.missing


@PUBLISHED
@pytest.mark.parametrize(("domain", "rubrics", "most"), [("delivery", 931, 26), ("instore", 2104, 38)])
def test_published_rubrics(domain: Any, rubrics: int, most: int) -> None:
    found = [task.criteria.rubrics for task in load.tasks(domain)]
    assert sum(map(len, found)) == rubrics
    assert max(map(len, found)) == most
    assert all(found)
    assert all(rubric.strip() for every in found for rubric in every)
    assert all(len(set(every)) == len(every) for every in found)

    def pleased(messages: Sequence[Message]) -> str:
        items = json_objects(messages[-1].text.partition("Criteria as they stand:\n")[2])
        return json.dumps([{**item, "meetExpectation": True} for item in items])

    environment = VitaDelivery() if domain == "delivery" else VitaInstore()
    for task in load.tasks(domain)[::25]:
        episode = play(environment, task, agent="nothing", judge=ScriptedModel(pleased))
        assert (episode.score(), episode.metrics["rubric_score"]) == (1.0, 1.0)
        assert episode.metrics["orders"] == 0.0


def test_without_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match=r"vitabench/delivery_tasks_en\.json"):
        list(VitaDelivery(split="english").tasks())
    (tmp_path / "vitabench").mkdir()
    place = tmp_path / "vitabench" / "delivery_tasks_en.json"
    place.write_text("[1]")
    with pytest.raises(TaskError, match="expected a list of tasks"):
        list(VitaDelivery(split="english").tasks())
    row = json.loads(msgspec.json.encode(SUPPER))
    place.write_text(json.dumps([{**row, "environment": 3}]))
    with pytest.raises(TaskError, match=r"task supper: Expected `object`"):
        list(VitaDelivery(split="english").tasks())
    with pytest.raises(TaskError, match="has begun already"):
        load.task_of({**row, "message_history": [{"role": "user", "content": "Hi"}]})
    place.write_text(json.dumps([{**row, "message_history": []}]))
    assert [task.id for task in VitaDelivery(split="english").tasks()] == ["supper"]


# Several tries -----------------------------------------------------------------------------------------


def test_pass_at_k_and_pass_hat_k() -> None:
    assert (pass_at_k_of(4, 1, 2), pass_hat_k_of(4, 1, 2)) == (0.5, 0.0)
    assert (pass_at_k_of(4, 3, 2), pass_hat_k_of(4, 3, 2)) == (1.0, 0.5)
    for count in range(5):
        for k in range(1, 5):
            assert pass_hat_k_of(4, count, k) <= count / 4 <= pass_at_k_of(4, count, k)


def test_tries_of_one_task_make_a_curve(tmp_path: Path) -> None:
    place = tmp_path / "agents.py"
    place.write_text(UNSTEADY)
    run = turnwise.run(VitaDelivery(), f"{place}:unsteady", epochs=4, limit=2, store=tmp_path / "t.db")
    logs = list(run.logs())
    tasks, scores = [log.task["id"] for log in logs], [log.score() or 0.0 for log in logs]
    right = [sum(s for s, t in zip(scores, tasks, strict=True) if t == name) for name in ("supper", "swap")]
    assert 0 < sum(right) < 8
    # Of the 6 pairs of 4 tries, c(c - 1)/2 have both right, and all but (4 - c)(3 - c)/2 have one.
    both = sum(c * (c - 1) / 12 for c in right) / 2
    either = sum(1 - (4 - c) * (3 - c) / 12 for c in right) / 2
    assert pass_curve(scores, tasks, kind="hat")[1].mean == pytest.approx(both)
    assert pass_curve(scores, tasks)[1].mean == pytest.approx(either)


UNSTEADY = """
from turnwise.environments.service.vitabench.players import nothing, solver


def unsteady(task, rng):
    yield from (solver if rng.random() < 0.75 else nothing)(task, rng)
"""
