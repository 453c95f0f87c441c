"""The same tiny model behind a server that nobody here wrote, and in this process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from turnwise.agent import Agent
from turnwise.engine.gateway import Gateway
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message, ToolCall, ToolSpec, assistant, system, user
from turnwise.model import Model, Request, Sample, Sampling
from turnwise.models.hf import connect as connect_local
from turnwise.models.openai import connect as connect_remote
from turnwise.models.policy import CallPolicy
from turnwise.task import Task
from turnwise.tools.function import tool

for needed in ("torch", "transformers", "fastapi", "uvicorn"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]' 'transformers[serving]'")

import tiny  # noqa: E402
from turnwise.models.hf.chat import as_function, plain  # noqa: E402


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


QUESTION, ANSWER = "What is 1 and 2?", "It is 3."
CALLED = assistant("", tool_calls=(ToolCall(id="call-1", name="add", arguments='{"a": 1, "b": 2}'),))
RESULT = Message(role="tool", content="3", tool_call_id="call-1", name="add")
CONVERSATIONS: list[tuple[list[Message], list[ToolSpec]]] = [
    ([user("hi there")], []),
    ([system("Be lazy."), user("Is it 50?"), assistant("higher!"), user("The lazy dog, " * 5)], []),
    ([user(QUESTION)], [add.spec]),
    ([user(QUESTION), CALLED, RESULT], [add.spec]),
]


def requests() -> list[Request]:
    sampling = Sampling(temperature=0.0, max_tokens=20)
    return [Request(messages=messages, tools=tools, sampling=sampling) for messages, tools in CONVERSATIONS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that knows one conversation by heart: it adds with the tool, then answers."""
    folder = tiny.save(tmp_path_factory.mktemp("taught"), response=tiny.RESPONSE)
    shown = [plain(message) for message in (user(QUESTION), CALLED, RESULT, assistant(ANSWER))]
    tiny.teach(folder, [{"conversation": shown, "tools": [as_function(add.spec)]}])
    return folder


class Server(NamedTuple):
    """A running `transformers serve`, which loads what a request names."""

    address: str
    log: Path

    def connect(self, folder: str) -> Gateway:
        """A model behind it, as runs use it: what can pass (a server out of threads, say) is tried again."""
        remote = connect_remote(folder, {"base_url": self.address})
        return Gateway(remote, CallPolicy(attempts=4, timeout_seconds=120))

    @contextmanager
    def heard(self) -> Generator[None]:
        """Adds to an error what the server has to say."""
        try:
            yield
        except BaseException as error:
            error.add_note(f"transformers serve: {self.log.read_text()[-6000:]}")
            raise


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("log") / "serve.txt"
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--device", "cpu"]
    with log.open("w") as out:
        process = subprocess.Popen(
            # It takes a free port by itself, so that nobody else can have it in the meantime.
            [*command, "--host", "127.0.0.1", "--port", "0"],
            stdout=out,
            stderr=subprocess.STDOUT,
            # One thread, as here: sums in the same order, and no waiting for busy cores.
            env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
    try:
        yield Server(f"{_address(process, log)}/v1", log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path, patience: float = 180.0) -> str:
    """Where a server listens that was just started: uvicorn says so once it does."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if found := re.search(r"running on (http://[\d.]+:\d+)", log.read_text()):
            return found[1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the server did not come up: {log.read_text()}")


def test_a_real_server_and_this_process_say_the_same(folder: str, server: Server) -> None:
    remote, local = server.connect(folder), connect_local(folder, {"max_wait_ms": 50})

    async def go() -> tuple[list[Sample], list[Sample]]:
        # The server answers one at a time, this process all at once.
        theirs = [await remote.sample(request) for request in requests()]
        ours = await asyncio.gather(*(local.sample(request) for request in requests()))
        await remote.close()
        await local.close()
        return theirs, list(ours)

    with server.heard():
        theirs, ours = asyncio.run(go())
    assert local.counters.widest == len(CONVERSATIONS)
    for their, our in zip(theirs, ours, strict=True):
        assert their.message == our.message
        assert their.usage is not None
        assert our.usage is not None
        assert (their.usage.input, their.usage.output) == (our.usage.input, our.usage.output)
        assert (their.finish, our.usage.output) == (our.finish, 20)
    assert len({our.message.text for our in ours}) == len(ours)


class Sum(Environment, frozen=True, kw_only=True):
    """Asks for a sum that the agent has a tool for."""

    name = "sum"

    async def run(self, task: Task, episode: Episode) -> None:
        reply = await episode.agent.respond(QUESTION, tools=[add])
        episode.reward(float(reply.text == ANSWER))


def play(model: Model) -> Episode:
    agent = Agent(model, sampling=Sampling(temperature=0.0, max_tokens=60))
    episode = Episode(Sum(), Task(id="1"), {"agent": agent})

    async def go() -> None:
        await episode.play()
        await model.close()

    asyncio.run(go())
    assert episode.error is None, episode.error.traceback
    return episode


def test_an_episode_with_a_tool_takes_the_same_way_on_both(taught: str, server: Server) -> None:
    local = connect_local(taught, {})
    with server.heard():
        theirs = play(server.connect(taught))
    ours = play(local)
    for episode in (theirs, ours):
        assert [turn.message.role for turn in episode.turns] == ["user", "assistant", "tool", "assistant"]
        wish = episode.turns[1].message.tool_calls[0]
        assert (wish.name, wish.arguments) == ("add", '{"a": 1, "b": 2}')
        assert episode.turns[2].text == "3"
        assert episode.turns[3].text == ANSWER
        assert [reward.value for reward in episode.rewards] == [1.0]
    first, second = ours.log().calls
    # The view graph is one path: what the second call adds is what came after the first one's sample.
    assert (first.parent, second.parent) == (None, first.n)
    tokens = tiny.tokenizer()
    added = "\n<|im_start|>tool\n3<|im_end|>\n<|im_start|>assistant\n"
    assert list(second.added_ids or ()) == tokens.encode(added, add_special_tokens=False)
    assert tokens.decode(second.sampled_ids or ()) == f"{ANSWER}<|im_end|>"
    assert local.counters.fed == len(first.added_ids or ()) + 1 + len(second.added_ids or ())
