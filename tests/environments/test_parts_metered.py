"""Tools that cost: BIRD-INTERACT's coins, MiroThinker's calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from turnwise.agent import Agent
from turnwise.agents.codeact import CodeAct
from turnwise.environment import Environment
from turnwise.environments.parts.ledger import Budget, Ledger
from turnwise.environments.parts.metered import metered, respond
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ToolError
from turnwise.log import EpisodeLog, Stop
from turnwise.message import Image, Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.task import Task
from turnwise.tools.function import tool
from turnwise.tools.sandbox import detect

COSTS = {
    "execute_sql": 1,
    "get_schema": 1,
    "get_all_knowledge_definitions": 1,
    "get_column_meaning": 0.5,
    "ask_user": 2,
    "submit_sql": 3,
}
"""As the card has them."""


def made(name: str) -> Any:
    @tool(name=name)
    def function() -> str:
        """Do it."""
        return f"{name} done"

    return function


def calls(*names: str) -> Message:
    wanted = tuple(ToolCall(id=f"{n}", name=name) for n, name in enumerate(names))
    return Message(role="assistant", tool_calls=wanted)


class Paid(Environment, kw_only=True, frozen=True, dict=True):
    """One question, and what the class's `ask` makes of it."""

    name = "paid"

    async def run(self, task: Task, episode: Episode) -> None:
        await self.__dict__["ask"](episode)


def play(
    ask: Callable[[Episode], Any], by: list[Any] | Agent, recording: Recording | None = None
) -> EpisodeLog:
    environment = Paid()
    environment.__dict__["ask"] = ask
    agents = {"agent": by if isinstance(by, Agent) else Agent(ScriptedModel(by))}
    episode = Episode(environment, Task(id="0"), agents, recording=recording)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error
    return episode.log()


def said(log: EpisodeLog) -> list[str]:
    return [turn.text for turn in log.turns if turn.message.role == "tool"]


def coins(ledger: Ledger) -> Callable[[Episode], Any]:
    async def ask(episode: Episode) -> None:
        tools = metered(map(made, COSTS), ledger, "coins", costs=COSTS, final=["submit_sql"])
        await episode.agent.respond("Find out.", tools=tools)
        episode.metric("left", ledger.left("coins"))

    return ask


def test_bird_interacts_coins() -> None:
    # 3 to explore, 3 to submit, 2 for each of two ambiguities, 6 of patience.
    ledger = Ledger([Budget(name="coins", limit=3 + 3 + 2 * 2 + 6, policy="free_final")])
    lines = [
        calls(name)
        for name in (
            *("get_schema", "get_all_knowledge_definitions", "ask_user", "ask_user"),
            *("execute_sql", "execute_sql", "submit_sql", "submit_sql", "submit_sql", "submit_sql"),
        )
    ]
    log = play(coins(ledger), lines)
    left = [15, 14, 12, 10, 9, 8, 5, 2, 2]
    assert [line.splitlines()[-1] for line in said(log)] == [f"[{coin} of 16 coins left]" for coin in left]
    # The third submit was the free way out; the episode ends where anything else is wanted.
    assert (log.stop, log.detail) == (Stop.COMPLETED, "coins")


def test_what_costs_more_than_is_left_is_refused_and_nothing_is_taken() -> None:
    ledger = Ledger([Budget(name="coins", limit=1.5, policy="refuse")])
    log = play(coins(ledger), [calls("ask_user", "get_column_meaning", "ask_user", "execute_sql"), "done"])
    assert said(log) == [
        "error: ask_user costs 2 coins, and there are only 1.5 left",
        "get_column_meaning done\n[1 of 1.5 coins left]",
        "error: ask_user costs 2 coins, and there are only 1 left",
        "execute_sql done\n[0 of 1.5 coins left]",
    ]
    assert log.stop is Stop.COMPLETED


def test_what_is_reserved_is_for_the_final_answer_alone() -> None:
    ledger = Ledger([Budget(name="coins", limit=5, policy="force_final", reserve=3)])
    log = play(
        coins(ledger), [calls("ask_user"), calls("execute_sql"), calls("submit_sql"), calls("get_schema")]
    )
    assert said(log) == [
        "ask_user done\n[3 of 5 coins left]",
        "error: execute_sql costs 1 coins, and there are only 3 left; give your final answer now",
        "submit_sql done\n[0 of 5 coins left]",
    ]
    assert (log.stop, log.detail) == (Stop.COMPLETED, "coins")


def test_six_hundred_calls_and_a_final_answer() -> None:
    async def ask(episode: Episode) -> None:
        ledger = Ledger([Budget(name="calls", limit=600, policy="free_final")])
        tools = metered([made("search")], ledger, "calls", show=False)
        reply = await respond(episode.agent, "Find.", tools=tools, ledger=ledger, last_call="Answer now.")
        episode.reward(reply.text == "42")
        episode.metric("left", ledger.left("calls"))

    three = [calls("search", "search", "search")] * 199
    log = play_with_rounds(ask, [*three, calls("search", "search", "search", "search"), "42"])
    assert (log.score(), log.metrics["left"]) == (1.0, 0)
    assert len(said(log)) == 601
    assert said(log)[-1] == (
        "error: search costs 1 calls, and there are only 0 left; give your final answer now"
    )
    assert log.turns[-2].text == "Answer now."
    early = play_with_rounds(ask, [calls("search"), "42"])
    assert (early.score(), early.metrics["left"]) == (1.0, 599)


def play_with_rounds(ask: Callable[[Episode], Any], lines: list[Any]) -> EpisodeLog:
    environment = Paid()
    environment.__dict__["ask"] = ask
    agent = Agent(ScriptedModel(lines), max_tool_rounds=1000)
    episode = Episode(environment, Task(id="0"), {"agent": agent})
    asyncio.run(episode.play())
    assert episode.error is None, episode.error
    return episode.log()


@pytest.mark.skipif(not detect()[0].works, reason="bubblewrap does not work here")
def test_code_that_spends_all_is_told_the_last_call_too() -> None:
    async def ask(episode: Episode) -> None:
        ledger = Ledger([Budget(name="calls", limit=2, policy="free_final")])
        tools = metered([made("find")], ledger, "calls")
        turn = await respond(episode.agent, "Find it.", tools=tools, ledger=ledger, last_call="Answer now.")
        episode.note(turn.text)

    code = "<execute>\nwhile True:\n    print(find())\n</execute>"
    log = play(ask, CodeAct(ScriptedModel([code, "It is there."])))
    heard = [turn.text for turn in log.turns if turn.message.role == "user"]
    assert "[1 of 2 calls left]" in heard[1]
    assert "ToolError: find costs 1 calls, and there are only 0 left" in heard[1]
    assert heard[2:] == ["Answer now."]
    assert [note.value for note in log.notes if note.name == "note"] == ["It is there."]


def test_what_is_recorded_stays_recorded_and_is_paid_again() -> None:
    asked: list[str] = []

    @tool(replay="record", cost=2)
    async def search(query: str) -> str:
        """Search."""
        asked.append(query)
        if query == "bad":
            raise ToolError("no such thing")
        return "found"

    async def ask(episode: Episode) -> None:
        ledger = Ledger([Budget(name="coins", limit=9, policy="refuse")])
        await episode.agent.respond("Find.", tools=metered([search], ledger, "coins"))
        episode.metric("left", ledger.left("coins"))

    lines = [
        Message(
            role="assistant",
            tool_calls=tuple(
                ToolCall(id=query, name="search", arguments=json.dumps({"query": query}))
                for query in ("a", "bad")
            ),
        ),
        "done",
    ]
    log = play(ask, lines)
    assert said(log) == ["found\n[7 of 9 coins left]", "error: no such thing\n[5 of 9 coins left]"]
    assert play(ask, [], Recording(log, live=False, stored=False)).to_json() == log.to_json()
    assert asked == ["a", "bad"]


def test_pictures_get_a_line_too_and_budgets_must_exist() -> None:
    @tool
    def look() -> Image:
        """Look."""
        return Image(media_type="image/png", data=b"x")

    ledger = Ledger([Budget(name="coins", limit=9)])

    async def ask(episode: Episode) -> None:
        await episode.agent.respond("Look.", tools=metered([look], ledger, "coins"))

    (line,) = said(play(ask, [calls("look"), "done"]))
    assert line == "[8 of 9 coins left]"
    with pytest.raises(ConfigError, match="no budget 'coin' "):
        metered([look], ledger, "coin")
