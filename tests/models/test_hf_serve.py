"""The same tiny model behind a server that nobody here wrote, and in this process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from turnwise.message import Message, ToolCall, ToolSpec, assistant, system, user
from turnwise.model import Request, Sample, Sampling
from turnwise.models.hf import connect as connect_local
from turnwise.models.openai import connect as connect_remote

for needed in ("torch", "transformers", "fastapi", "uvicorn"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[local]' 'transformers[serving]'")

import tiny  # noqa: E402

ADD = ToolSpec(
    name="add",
    description="Adds two numbers.",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
)
CALLED = assistant("", tool_calls=(ToolCall(id="call-1", name="add", arguments='{"a": 1, "b": 2}'),))
RESULT = Message(role="tool", content="3", tool_call_id="call-1", name="add")
CONVERSATIONS: list[tuple[list[Message], list[ToolSpec]]] = [
    ([user("hi there")], []),
    ([system("Be lazy."), user("Is it 50?"), assistant("higher!"), user("The lazy dog, " * 5)], []),
    ([user("What is 1 and 2?")], [ADD]),
    ([user("What is 1 and 2?"), CALLED, RESULT], [ADD]),
]


def requests() -> list[Request]:
    sampling = Sampling(temperature=0.0, max_tokens=20)
    return [Request(messages=messages, tools=tools, sampling=sampling) for messages, tools in CONVERSATIONS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny.save(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(folder: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`transformers serve` with the model; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("transformers"), "serve", folder, "--device", "cpu"]
    log = tmp_path_factory.mktemp("log") / "serve.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*map(str, command), "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            start_new_session=True,
        )
    try:
        for _ in range(500):
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise AssertionError(f"the server did not come up: {log.read_text()}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_real_server_and_this_process_say_the_same(folder: str, server: str) -> None:
    remote, local = connect_remote(folder, {"base_url": server}), connect_local(folder, {"max_wait_ms": 50})

    async def go() -> tuple[list[Sample], list[Sample]]:
        # The server answers one at a time, this process all at once.
        theirs = [await remote.sample(request) for request in requests()]
        ours = await asyncio.gather(*(local.sample(request) for request in requests()))
        await remote.close()
        await local.close()
        return theirs, list(ours)

    theirs, ours = asyncio.run(go())
    assert local.counters.widest == len(CONVERSATIONS)
    for their, our in zip(theirs, ours, strict=True):
        assert their.message == our.message
        assert their.usage is not None
        assert our.usage is not None
        assert (their.usage.input, their.usage.output) == (our.usage.input, our.usage.output)
        assert (their.finish, our.usage.output) == (our.finish, 20)
    assert len({our.message.text for our in ours}) == len(ours)
