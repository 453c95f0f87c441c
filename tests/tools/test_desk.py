"""Desks: tools that share a state, in whole episodes."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.engine.fork import prefix
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ToolError
from turnwise.log import EpisodeLog
from turnwise.message import Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.task import Task
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.tables import Base, Tables

BASE = Base(
    {
        "orders": {f"#{n}": {"status": "open", "total": 10 * n} for n in range(1, 6)},
        "gifts": {"eva": {"balance": 100}},
    }
)


class Shop(Desk):
    """A shop, and the customer's phone."""

    db: Tables
    airplane_mode: bool = False
    signal: str = "good"
    log: list[str]

    def __init__(self) -> None:
        self.db = Tables(BASE)
        self.log = []

    def settle(self) -> None:
        """No signal in the air."""
        self.signal = "none" if self.airplane_mode else "good"

    @tool(kind="read")
    def find_order(self, order: str) -> Any:
        """Look an order up.

        Args:
            order: Its number, with #.
        """
        return self._order(order)

    @tool(callers="agent", cost=2)
    def cancel(self, order: str, reason: str = "no reason") -> str:
        """Cancel an order and refund it to the gift card."""
        record = self._order(order)
        self.log.append(reason)
        self.db["gifts"].edit("eva")["balance"] += record["total"]
        if record["status"] != "open":
            raise ToolError(f"{order} is {record['status']}")  # after the fact: all is taken back
        self.db["orders"].edit(order)["status"] = "cancelled"
        return "done"

    @tool(callers=["user"])
    def toggle(self) -> str:
        """Airplane mode on or off."""
        self.airplane_mode = not self.airplane_mode
        return str(self.airplane_mode)

    @tool(kind="read")
    def liar(self) -> str:
        """Says it reads."""
        self.db["orders"].edit("#1")["total"] = 0
        return "hm"

    @tool
    def break_down(self) -> str:
        """Breaks down half-way."""
        self.db["orders"].edit("#1")["total"] = 0
        raise ZeroDivisionError("half-way")

    @tool(callers="agent", timeout=0.5)
    async def slow(self, seconds: float) -> str:
        """Writes, then takes its time."""
        self.log.append("slow")
        await asyncio.sleep(seconds)
        return "at last"

    def _order(self, order: str) -> Any:
        if order not in self.db["orders"]:
            raise ToolError(f"there is no order {order}")
        return self.db["orders"][order]


class Counter(Environment, kw_only=True, frozen=True):
    """An agent at the shop's counter."""

    name = "counter"
    roles = ("agent", "user")

    async def run(self, task: Task, episode: Episode) -> None:
        desk = Shop()
        await episode.agent.respond("Go.", tools=desk.tools("agent"))
        if episode.rng.random() < 2:
            await episode.user.respond("Go.", tools=desk.tools("user"))
        episode.note({"key": desk.key(), "state": desk.state()}, name="end")


def calls(*wanted: tuple[str, Any]) -> Message:
    return Message(
        role="assistant",
        tool_calls=tuple(
            ToolCall(id=str(n), name=name, arguments=given if isinstance(given, str) else json.dumps(given))
            for n, (name, given) in enumerate(wanted)
        ),
    )


def play(
    lines: list[Any], user: list[Any] | None = None, recording: Recording | None = None, seed: int = 0
) -> EpisodeLog:
    agents = {
        "agent": Agent(ScriptedModel([*lines, "bye"])),
        "user": Agent(ScriptedModel([*(user or []), "bye"])),
    }
    episode = Episode(Counter(), Task(id="0"), agents, seed=seed, recording=recording)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error
    return episode.log()


def said(log: EpisodeLog) -> list[str]:
    return [turn.text for turn in log.turns if turn.message.role == "tool"]


def noted(log: EpisodeLog, name: str) -> list[Any]:
    return [note.value for note in log.notes if note.name == name]


def test_a_desk_offers_each_role_its_own_tools() -> None:
    desk = Shop()
    assert [made.spec.name for made in desk.tools("user")] == ["find_order", "toggle", "liar", "break_down"]
    assert "cancel" in [made.spec.name for made in desk.tools("agent")]
    assert len(desk.tools()) == 6
    (find, *_) = desk.tools()
    assert find.spec.parameters["properties"] == {
        "order": {"type": "string", "description": "Its number, with #."}
    }
    assert find.terms.kind == "read"
    assert desk.cancel.terms.cost == 2


def test_what_a_call_changed_is_noted_where_its_result_is_said() -> None:
    log = play([calls(("find_order", {"order": "#2"})), calls(("cancel", {"order": "#2"}))])
    assert said(log) == ['{"status":"open","total":20}', "done"]
    (note,) = [note for note in log.notes if note.name == "changes"]
    assert note.turn is not None
    assert log.turns[note.turn].text == "done"
    assert note.value == {
        "desk": "Shop",
        "tool": "cancel",
        "by": "agent",
        "changes": [
            {"at": ["db", "orders", "#2", "status"], "was": "open", "now": "cancelled"},
            {"at": ["db", "gifts", "eva", "balance"], "was": 100, "now": 120},
            {"at": ["log"], "was": [], "now": ["no reason"]},
        ],
    }


def test_of_two_at_once_each_change_is_noted_where_its_own_result_is_said() -> None:
    class Rush(Counter, kw_only=True, frozen=True):
        """Both at the counter at once."""

        async def run(self, task: Task, episode: Episode) -> None:
            desk = Shop()
            await asyncio.gather(
                episode.agent.respond("Go.", tools=desk.tools("agent")),
                episode.user.respond("Go.", tools=desk.tools("user")),
            )

    def rush(recording: Recording | None = None) -> EpisodeLog:
        agents = {
            "agent": Agent(ScriptedModel([calls(("cancel", {"order": "#1"})), "bye"])),
            "user": Agent(ScriptedModel([calls(("toggle", {})), calls(("toggle", {})), "bye"])),
        }
        episode = Episode(Rush(), Task(id="0"), agents, recording=recording)
        asyncio.run(episode.play())
        assert episode.error is None, episode.error
        return episode.log()

    log = rush()
    changes = [note for note in log.notes if note.name == "changes"]
    told = [(note.value["tool"], log.turns[note.turn or 0].message.name) for note in changes]
    assert sorted(told) == [("cancel", "cancel"), ("toggle", "toggle"), ("toggle", "toggle")]
    assert rush(Recording(log, live=False, stored=False)).to_json() == log.to_json()


def test_what_follows_by_itself_belongs_to_the_call() -> None:
    log = play([], [calls(("toggle", {}))])
    assert noted(log, "changes")[0]["changes"] == [
        {"at": ["airplane_mode"], "was": False, "now": True},
        {"at": ["signal"], "was": "good", "now": "none"},
    ]


def test_a_call_is_all_or_nothing() -> None:
    untouched = Shop().key()
    log = play(
        [
            calls(("cancel", {"order": "#1"})),
            calls(("cancel", {"order": "#1"})),
            calls(("break_down", {})),
        ]
    )
    first, second, third = said(log)
    assert (first, second) == ("done", "error: #1 is cancelled")
    assert third == "error: 'break_down' failed: ZeroDivisionError: half-way"
    assert len(noted(log, "changes")) == 1
    (end,) = noted(log, "end")
    assert end["state"]["db"]["gifts"] == {"eva": {"balance": 110}}
    assert end["state"]["log"] == ["no reason"]
    assert end["key"] != untouched
    assert log.metrics["tool_errors"] == 1


def test_two_calls_at_once_are_refused_since_who_changed_what_could_not_be_told() -> None:
    class Rush(Counter, kw_only=True, frozen=True):
        """Both at the counter at once."""

        async def run(self, task: Task, episode: Episode) -> None:
            desk = Shop()
            await asyncio.gather(
                episode.agent.respond("Go.", tools=desk.tools("agent")),
                episode.user.respond("Go.", tools=desk.tools("user")),
            )

    agents = {
        "agent": Agent(ScriptedModel([calls(("slow", {"seconds": 0.1})), "bye"])),
        "user": Agent(ScriptedModel([calls(("toggle", {})), "bye"])),
    }
    episode = Episode(Rush(), Task(id="0"), agents)
    asyncio.run(episode.play())
    assert episode.error is not None
    assert episode.error.message.startswith("desk 'Shop': 'toggle' was called while 'slow' was at work; one ")


def test_a_tool_that_says_it_reads_and_writes_fails_the_episode() -> None:
    agents = {"agent": Agent(ScriptedModel([calls(("liar", {}))])), "user": Agent(ScriptedModel([]))}
    episode = Episode(Counter(), Task(id="0"), agents)
    asyncio.run(episode.play())
    assert episode.error is not None
    assert episode.error.message == "tool 'liar' says that it only reads, but it changed db/orders/#1/total"


def test_a_tool_is_only_for_its_callers() -> None:
    class Open(Counter, kw_only=True, frozen=True):
        async def run(self, task: Task, episode: Episode) -> None:
            await episode.agent.respond("Go.", tools=Shop().tools())

    agents = {"agent": Agent(ScriptedModel([calls(("toggle", {})), "bye"])), "user": Agent(ScriptedModel([]))}
    episode = Episode(Open(), Task(id="0"), agents)
    asyncio.run(episode.play())
    assert said(episode.log()) == ["error: toggle: this tool is not for agent"]


def test_whether_a_tool_was_in_time_is_recorded() -> None:
    lines = [calls(("slow", {"seconds": 60})), calls(("slow", {"seconds": 0}))]
    log = play(lines)
    assert said(log) == ["error: slow: stopped after 0.5 seconds without a result", "at last"]
    assert noted(log, "end")[0]["state"]["log"] == ["slow"]
    assert [(effect.key, effect.value) for effect in log.effects] == [
        ("time:slow:agent", False),
        ("time:slow:agent", True),
    ]
    assert play(lines, recording=Recording(log, live=False, stored=False)).to_json() == log.to_json()


def test_a_desk_is_copied_and_compared() -> None:
    desk, other = Shop(), Shop()
    before = desk.snapshot()
    asyncio.run(desk.do("cancel", order="#3"))
    assert desk.key() != other.key()
    asyncio.run(other.do("cancel", order="#3"))
    assert desk.key() == other.key()
    desk.restore(before)
    desk.restore(before)
    assert desk.key() == Shop().key()
    assert desk.since() == []
    with pytest.raises(ToolError, match=r"there is no tool 'cancl' \(did you mean 'cancel'"):
        asyncio.run(desk.do("cancl"))


def test_terms_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="rebuilt by running"):

        class Recorded(Desk):
            @tool(replay="record")
            def search(self) -> str:
                """Search."""
                return ""

    with pytest.raises(ConfigError, match="must be async"):

        class Timed(Desk):
            @tool(timeout=1)
            def wait(self) -> str:
                """Wait."""
                return ""

    with pytest.raises(ConfigError, match="cost of 0 or more"):
        tool(cost=-1)(lambda: "x")


def test_state_without_a_value_or_a_json_form_is_refused() -> None:
    class Odd(Desk):
        part: Any

        @tool
        def touch(self) -> str:
            """Touch it."""
            return ""

    odd = Odd()
    with pytest.raises(ConfigError, match="'part' is annotated, and so state, but has no value"):
        asyncio.run(odd.do("touch"))
    odd.part = object()
    with pytest.raises(ConfigError, match=r"'part' has no JSON form .*begin its name with an underscore"):
        asyncio.run(odd.do("touch"))


def test_structs_are_state_too() -> None:
    class Card(msgspec.Struct):
        number: int
        owner: str

    globals()["Card"] = Card

    class Wallet(Desk):
        cards: dict[str, Card]

        def __init__(self) -> None:
            self.cards = {"a": Card(1, "eva")}

        @tool
        def sell(self) -> str:
            """Sell it."""
            self.cards["a"].owner = "max"
            raise ToolError("not today")

    wallet = Wallet()
    with pytest.raises(ToolError):
        asyncio.run(wallet.do("sell"))
    assert wallet.cards == {"a": Card(1, "eva")}


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["find_order", "cancel", "toggle", "break_down", "nothing"])
ORDERS = st.sampled_from(["#1", "#2", "#9"])
GIVEN = (
    st.fixed_dictionaries({"order": ORDERS})
    | st.dictionaries(st.sampled_from(["order", "reason", "x"]), ANY, max_size=3)
    | ANY
).map(lambda value: json.dumps(value)) | st.text(st.characters(codec="utf-8"), max_size=20)
STEPS = st.lists(st.tuples(NAMES, GIVEN).map(lambda pair: calls(pair)), max_size=6)


@settings(deadline=None, max_examples=60)
@given(STEPS, STEPS)
def test_any_calls_whatever_replay_to_the_same_state(agent: list[Any], user: list[Any]) -> None:
    log = play(agent, user)
    again = play([], [], recording=Recording(log, live=False, stored=False))
    assert again.to_json() == log.to_json()
    assert len(said(log)) == len(agent) + len(user)


@settings(deadline=None, max_examples=40)
@given(STEPS, STEPS, st.integers(0, 99), STEPS)
def test_forks_at_any_turn_keep_the_state_they_share(
    agent: list[Any], user: list[Any], place: int, other: list[Any]
) -> None:
    log = play(agent, user)
    (end,) = noted(log, "end")
    at = 1 + place % (len(log.turns) - 1)
    # The same words go on to the same state; others to the one that their own calls lead to.
    for lines, words in ((agent, user), (other, other)):
        head = prefix(log, at)
        agents = {
            "agent": Agent(ScriptedModel([*_rest(head, "agent", agent, lines), "bye"])),
            "user": Agent(ScriptedModel([*_rest(head, "user", user, words), "bye"])),
        }
        episode = Episode(
            Counter(),
            Task(id="0"),
            agents,
            seed=log.seed,
            recording=Recording(head, live=True, stored=False),
        )
        asyncio.run(episode.play())
        assert episode.error is None
        fork = episode.log()
        assert fork.turns[:at] == log.turns[:at]
        assert noted(fork, "end")[0]["key"] == folded(fork)
        if lines is agent:
            assert noted(fork, "end") == [end]


def _rest(head: EpisodeLog, role: str, said: list[Any], then: list[Any]) -> list[Any]:
    """A list of lines whose head is said already."""
    count = sum(1 for turn in head.turns if turn.role == role)
    return [*said, "bye"][:count] + (said[count:] if then is said else then)


def folded(log: EpisodeLog) -> str:
    """The state that the calls of a log lead to, one after the other."""
    desk = Shop()
    agents = {"agent": desk.tools("agent"), "user": desk.tools("user")}
    for turn in log.turns:
        for wanted in turn.message.tool_calls:
            names = {made.spec.name for made in agents[turn.role]}
            try:
                given = msgspec.json.decode(wanted.arguments or "{}")
                if wanted.name in names and isinstance(given, dict):
                    asyncio.run(desk.do(wanted.name, **given))
            except (ToolError, ZeroDivisionError, msgspec.DecodeError):
                continue
    return desk.key()


@pytest.mark.parametrize("given", ["[" * 100_000, '{"order":' * 20_000 + "1" + "}" * 20_000, ""])
def test_arguments_that_are_hard_to_read_are_an_observation(given: str) -> None:
    (line,) = said(play([calls(("find_order", given))]))
    assert line.startswith("error: ")
    assert "\n" not in line


def test_forks_have_desks_of_their_own(tmp_path: Path) -> None:
    def shopper(task: Task, rng: random.Random) -> Any:
        yield
        for _ in range(4):
            yield calls(("cancel", {"order": f"#{rng.randint(1, 5)}"}))
        yield "bye"

    agents = {"agent": shopper, "user": ["bye"]}
    environment = Counter()
    store = tmp_path / "t.db"
    run = turnwise.run(environment, agents=agents, store=store, seed=1)
    first = run.episode(0)
    assert turnwise.replay(run.id, store=store, environment=environment).replayed == 1
    for turn in (2, 4, 6):
        fork = turnwise.fork(
            f"{run.id}/0", turn, store=store, environment=environment, agents=agents, count=3
        )
        for log in fork.logs():
            shared = log.turns[:turn]
            assert shared == first.turns[:turn]
            desk = Shop()
            for asked in log.turns:
                for wanted in asked.message.tool_calls:
                    try:
                        asyncio.run(desk.do(wanted.name, **json.loads(wanted.arguments)))
                    except ToolError:
                        continue
            assert noted(log, "end")[0]["key"] == desk.key()
