"""Our environments through the verifiers library: its rollouts, rewards and metrics are those of a run."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise import Environment, Episode, Task
from turnwise.environments.adapters import vf_messages
from turnwise.message import Message, ToolCall
from turnwise.tools.function import FunctionTool

vf = pytest.importorskip("verifiers", reason="verifiers is not installed")

from verifiers.clients import Client  # noqa: E402
from verifiers.types import Response, ResponseMessage  # noqa: E402

from turnwise.serving.verifiers import TurnwiseEnv, load_environment  # noqa: E402


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The library takes over Ctrl-C with every environment it makes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


class Scripted(Client):  # type: ignore[misc]
    """A model of the library that is a function of our messages."""

    def __init__(self, script: Callable[[Sequence[Message]], str | Message]) -> None:
        super().__init__(None)
        self.script = script
        self.tools: list[list[str]] = []

    def setup_client(self, config: Any) -> Any: ...

    async def to_native_tool(self, tool: Any) -> Any:
        return tool

    async def to_native_prompt(self, messages: Any) -> Any:
        return messages, {}

    async def get_native_response(
        self, prompt: Any, model: Any, sampling: Any, tools: Any = None, **kw: Any
    ) -> Any:
        self.tools.append([tool.name for tool in tools or ()])
        said = self.script([vf_messages.message(message) for message in prompt])
        return Message(role="assistant", content=said) if isinstance(said, str) else said

    async def raise_from_native_response(self, response: Any) -> None: ...

    async def from_native_response(self, response: Message) -> Any:
        calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in response.tool_calls]
        said = {"content": response.text, "tool_calls": calls}
        message = ResponseMessage(**said, finish_reason="stop", is_truncated=False)
        return Response(id="x", created=0, model="m", message=message)

    async def close(self) -> None: ...


def rollout(environment: Any, row: int, script: Callable[[Sequence[Message]], str | Message]) -> Any:
    """One rollout of the library, as it writes it out."""
    rows = environment.get_dataset().to_list()
    return asyncio.run(
        environment.run_rollout(
            rows[row], Scripted(script), "m", {}, state_columns=["trajectory", "turnwise"]
        )
    )


def reciting(lines: Sequence[str]) -> Callable[[Sequence[Message]], str]:
    """Says the lines in their order."""
    return lambda messages: lines[sum(message.role == "assistant" for message in messages)]


@pytest.mark.parametrize(
    ("name", "agent"), [("lock", "search"), ("wilt", "solver"), ("twenty_questions", "solver")]
)
def test_scores_and_metrics_are_those_of_a_run(name: str, agent: str, tmp_path: Path) -> None:
    run = turnwise.run(name, agent, limit=3, store=tmp_path / "s.db")
    environment = vf.load_environment("turnwise.serving.verifiers", environment=name, limit=3)
    for log in run.logs():
        said = [turn.text for turn in log.turns if turn.role == log.roles[0]]
        row = [json.loads(row["info"])["id"] for row in environment.get_dataset().to_list()].index(
            log.task["id"]
        )
        environment._seed = log.seed
        output = rollout(environment, row, reciting(said))
        assert output["error"] is None
        assert output["reward"] == pytest.approx(log.score())
        assert {key: output["metrics"][key] for key in log.metrics} == log.metrics
        assert output["metrics"]["num_turns"] == len(said)
        assert sum(step["reward"] for step in output["trajectory"]) == pytest.approx(log.score())
        heard = [message["content"] for message in output["prompt"] + output["completion"]]
        assert heard == [
            turn.text
            for turn in log.turns
            if turn.role == log.roles[0] or log.roles[0] in (turn.to or log.roles)
        ]


class Shop(Environment, kw_only=True, frozen=True):
    """Asks for a price that only a tool knows."""

    def tasks(self) -> list[Task]:
        return [Task(id="pear")]

    async def run(self, task: Task, episode: Episode) -> None:
        def price(fruit: str) -> str:
            """The price of a fruit."""
            return {"pear": "5"}[fruit]

        reply = await episode.agent.respond(f"What is a {task.id}?", tools=[FunctionTool(price)])
        episode.reward(reply.text == "5", reply)
        again = await episode.agent.respond("And now without?")
        episode.reward(again.text == "still 5", again, name="again")


def test_tools_are_offered_and_run_by_the_script() -> None:
    def shopper(messages: Sequence[Message]) -> str | Message:
        last = messages[-1]
        if last.role == "tool":
            return last.text
        if last.text == "And now without?":
            return "still 5"
        call = ToolCall(id="1", name="price", arguments='{"fruit": "pear"}')
        return Message(role="assistant", tool_calls=(call,))

    environment = TurnwiseEnv(Shop())
    client = Scripted(shopper)
    row = environment.get_dataset().to_list()[0]
    output = asyncio.run(environment.run_rollout(row, client, "m", {}, state_columns=["trajectory"]))
    assert output["reward"] == 2.0
    assert client.tools == [["price"], ["price"], []]
    assert [message["role"] for message in output["completion"]] == [
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    assert [step["reward"] for step in output["trajectory"]] == [0.0, 1.0, 1.0]


def test_the_librarys_own_limit_and_system_prompt() -> None:
    environment = load_environment("lock", settings={"horizon": 3}, max_turns=2, system_prompt="Be quick.")
    output = rollout(environment, 0, lambda messages: messages[0].text)
    assert output["stop_condition"] == "max_turns_reached"
    assert output["prompt"][0] == {"role": "system", "content": "Be quick."}
    assert output["completion"][0]["content"] == "Be quick."
    assert output["reward"] == 0.0


def test_groups_are_scored() -> None:
    environment = load_environment("lock", settings={"horizon": 1, "digits": 2, "slack": 1}, limit=1)
    rows = environment.get_dataset().to_list() * 3
    answers = iter(["0", "1", "x"])
    client = Scripted(lambda messages: next(answers))
    outputs = asyncio.run(environment.run_group(rows, client, "m", {}))
    # One of the two digits opens it, with the only try there is.
    assert sorted(output["reward"] for output in outputs) == [0.0, 0.0, 1.0]
    assert [output["metrics"]["invalid"] for output in outputs] == [0.0, 0.0, 1.0]


def test_a_failing_environment_is_the_librarys_error() -> None:
    class Broken(Environment, kw_only=True, frozen=True):
        """Fails."""

        async def run(self, task: Any, episode: Episode) -> None:
            await episode.agent.respond("?")
            raise ZeroDivisionError("by hand")

    output = rollout(TurnwiseEnv(Broken()), 0, lambda messages: "!")
    assert "ZeroDivisionError: by hand" in str(output["error"])


def test_there_and_back_again(tmp_path: Path) -> None:
    run = turnwise.run(
        "verifiers:turnwise.serving.verifiers",
        reciting(["0", "1", "2"] * 5),
        settings={"args": {"environment": "lock", "settings": {"horizon": 2}, "limit": 2}},
        store=tmp_path / "s.db",
    )
    plain = turnwise.run(
        "lock", reciting(["0", "1", "2"] * 5), settings={"horizon": 2}, limit=2, store=tmp_path / "s.db"
    )
    assert [log.score() for log in run.logs()] == [log.score() for log in plain.logs()]
    assert [[t.text for t in log.turns] for log in run.logs()] == [
        [t.text for t in log.turns] for log in plain.logs()
    ]
