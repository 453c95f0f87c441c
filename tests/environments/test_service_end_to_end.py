"""Agent, user and judge are models behind a real server that stumbles: nothing is lost, and no fault scores.

The server speaks OpenAI's protocol over HTTP, and serves three models: each role has weights of its own,
taught on the spot. What else the protocol needs (calls of tools, a goodbye, verdicts) follows from the
request, as do calls that no tool takes; so a run over a sound server is what a run over this one must come
to. Every fifth request is answered by a fault of the wire.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import taught
from prodder import Known, arguments

import turnwise
from endpoint import Endpoint, completion
from turnwise.agents.users.marks import STOP
from turnwise.engine.results import Run
from turnwise.errors import StoreError
from turnwise.message import Message, ToolSpec, user
from turnwise.model import Request, Sample, Sampling
from turnwise.models import openai
from turnwise.models.tiny import TinyModel

FAULTS: dict[str, tuple[Any, str]] = {
    "refused": ((429, {"error": {"message": "slow down"}}, {"retry-after": "0.05"}), "rate_limit"),
    "broken": ((500, {"error": {"message": "oh no"}}), "server"),
    "held": ("hang", "timeout"),
    "truncated": ("truncated", "malformed"),
    "cut": ("cut", "connection"),
}
"""What the server does, and what kind of error that is."""
EVERY = 5
"""As many requests as one of which is answered by a fault."""
ROLES = ("agent", "user", "judge")
REPLIES = 9
"""Of the user's, the last of which is a goodbye."""
Weights = dict[str, TinyModel]
"""Of each role."""
_words: dict[str, str] = {}
_lock = threading.Lock()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return taught.models(tmp_path_factory.mktemp("weights"))


class Town:
    """What the server says, and what it counts.

    Args:
        weights: Who speaks, by the name of the model that is asked.
        every: One of so many requests is answered by a fault of the wire, of all kinds in turn; 0 is none.
        garbage: Changes to `SENSELESS`.
    """

    def __init__(self, weights: Weights, every: int = 0, garbage: dict[str, float] | None = None) -> None:
        self.weights = weights
        self.every = every
        self.garbage = SENSELESS | (garbage or {})
        self.requests = 0
        self.answered = 0
        """Requests that were answered, by sense or garbage."""
        self.faults: Counter[str] = Counter()
        self.rubbish: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> Any:
        with _lock:
            self.requests += 1
            if self.every and self.requests % self.every == 0:
                fault = list(FAULTS)[self.requests // self.every % len(FAULTS)]
                self.faults[fault] += 1
                return FAULTS[fault][0]
            self.answered += 1
            fingerprint = self.weights[body["model"]].version
            return 200, {**self.answer(body), "system_fingerprint": fingerprint}

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """What is said in the end, whatever went wrong before."""
        name = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        rng, role = random.Random(place(body)), body["model"]
        if rng.random() < self.garbage[role]:
            self.rubbish[role] += 1
            return completion(None, tool_calls=[_call(rng.choice(GARBAGE), name)])
        words = spoken(self.weights[role], body, name)
        if role == "judge":
            met = [
                {"rubric_idx": rubric, "justification": words, "meetExpectation": rng.random() < 0.7}
                for rubric in re.findall(r'"rubric_idx": "(.*?)"', body["messages"][-1]["content"])
            ]
            return completion(json.dumps(met))
        if role == "user":
            replies = sum(message["role"] == "assistant" for message in body["messages"])
            return completion(f"{words} {STOP}" if replies >= REPLIES - 1 else words)
        if body.get("tools") and rng.random() < 0.4:
            return completion(words, tool_calls=[_call(_sensible(body, rng), name)])
        return completion(words)


SENSELESS = {"agent": 0.15, "user": 0.15, "judge": 0.4}
"""Share of a role's answers that are calls no tool takes."""
GARBAGE = (
    ("no_such_tool", "{}"),
    ("", "{}"),
    ("get_user_all_orders", '{"user_id": '),
    ("get_user_all_orders", "[1, 2]"),
    ("get_user_all_orders", '{"user_id": {"a": [null]}, "more": 1e300}'),
    ("get_user_all_orders", {"user_id": "an object, and no text"}),
)
"""Names and arguments of calls that come to nothing."""


def place(body: dict[str, Any]) -> str:
    """Where in a conversation a request stands, whatever was said there: no two processors round alike."""
    told = body["messages"][0]["content"].partition("\nMessages, each")[0]
    course = [(message["role"], len(message.get("tool_calls") or ())) for message in body["messages"]]
    return json.dumps([body["model"], told, course])


def _call(called: tuple[str, Any], name: str) -> dict[str, Any]:
    tool, given = called
    return {"id": f"call_{name[:8]}", "type": "function", "function": {"name": tool, "arguments": given}}


def _sensible(body: dict[str, Any], rng: random.Random) -> tuple[str, str]:
    """A call of an offered tool by its schema."""
    told = rng.choice(body["tools"])["function"]
    tool = ToolSpec(name=told["name"], parameters=told["parameters"])
    heard = [Message(role="user", content=message["content"] or "") for message in body["messages"]]
    return tool.name, arguments(tool, "fitting", Known({}, heard), rng)


def spoken(weights: TinyModel, body: dict[str, Any], name: str) -> str:
    """What weights say after the end of a conversation; the same to the same request."""
    if name not in _words:
        last = user((body["messages"][-1]["content"] or "")[-200:])
        sampling = Sampling(max_tokens=24, temperature=body.get("temperature", 1.0))
        request = Request(messages=(last,), sampling=sampling, session=name, rng_seed=name)
        _words[name] = asyncio.run(weights.sample(request)).message.text.strip() or "Hm."
    return _words[name]


@contextmanager
def served(town: Town) -> Iterator[str]:
    with Endpoint(town) as server:
        yield server.url


def options(url: str) -> dict[str, Any]:
    """A run of VitaBench's deliveries between three models of a server."""
    return {
        "environment": "vita_delivery",
        "settings": {"max_steps": 60},
        "agents": {role: f"openai/{role}" for role in ROLES},
        "models": {f"openai/{role}": {"base_url": url} for role in ROLES},
        "calls": {"timeout_seconds": 0.4, "attempts": 12, "backoff_seconds": 0.01, "backoff_max": 0.05},
        "seed": 1,
    }


def played(url: str, store: Path) -> Run:
    return turnwise.run(**options(url), store=store)


@pytest.fixture(scope="module")
def sound(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], Town]:
    """The logs of a run over a server that never stumbles."""
    town = Town(weights)
    with served(town) as url:
        run = played(url, tmp_path_factory.mktemp("sound") / "t.db")
    return told(run), town


def told(run: Run) -> list[bytes]:
    return [log.to_json() for log in run.logs()]


def test_each_role_has_weights_of_its_own(weights: Weights) -> None:
    assert len({model.version for model in weights.values()}) == len(ROLES)
    town = Town(weights, garbage=dict.fromkeys(ROLES, 0.0))
    # One question to all; at temperature 0 nothing but weights decides what is said.
    question = Request(
        messages=(user('What do you say? {"rubric_idx": "one"}'),), sampling=Sampling(temperature=0)
    )
    with served(town) as url:
        samples = {role: asyncio.run(asked(role, url, question)) for role in ROLES}
    assert {role: sample.version for role, sample in samples.items()} == {
        role: model.version for role, model in weights.items()
    }
    said = {role: sample.message.text for role, sample in samples.items()}
    said["judge"] = json.loads(said["judge"])[0]["justification"]
    assert len(set(said.values())) == len(ROLES), said
    for role, words in said.items():
        assert learned(role, words), said


async def asked(role: str, url: str, request: Request) -> Sample:
    model = openai.connect(role, {"base_url": url})
    try:
        return await model.sample(request)
    finally:
        await model.close()


def learned(role: str, words: str) -> bool:
    """Whether more of the words are from the role's lines than from any other role's."""
    own = {name: set(re.findall(r"\w+", " ".join(lines))) for name, lines in taught.LINES.items()}
    heard = re.findall(r"\w+", words)
    known = {name: sum(word in vocabulary for word in heard) for name, vocabulary in own.items()}
    return max(known, key=lambda name: known[name]) == role


def test_faults_of_the_wire_cost_time_and_nothing_else(
    weights: Weights, sound: tuple[list[bytes], Town], tmp_path: Path
) -> None:
    town = Town(weights, EVERY)
    with served(town) as url:
        run = played(url, tmp_path / "t.db")
    assert told(run) == sound[0]
    summary = run.summary()
    assert (summary["status"], summary["episodes"], summary["failed"]) == ("done", 3, 0)
    # Each call was answered by the weights of who made it.
    answered = {(call.role, call.version) for log in run.logs() for call in log.calls}
    assert answered == {(role, model.version) for role, model in weights.items()}
    # All kinds of faults, and garbage in every role, were there.
    assert set(town.faults) == set(FAULTS)
    assert all(town.rubbish[role] for role in ROLES), town.rubbish
    assert_counted(run, town)
    shown = subprocess.run(
        [sys.executable, "-m", "turnwise", "show", run.id, "--store", str(tmp_path / "t.db")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(rf"retries +{sum(run.retries().values())} ", shown.stdout), shown.stdout


def assert_counted(run: Run, town: Town) -> None:
    """The run tells of as many retries as the server knows of."""
    calls, retries = sum(len(log.calls) for log in run.logs()), run.retries()
    faults = {kind: town.faults[fault] for fault, (_, kind) in FAULTS.items()}
    assert town.requests <= calls + sum(retries.values())
    assert sum(faults.values()) <= sum(retries.values())
    if town.requests == calls + sum(faults.values()):
        # Nothing stood still for so long that a sound answer came too late.
        assert retries == faults


def test_killed_in_the_middle_it_goes_on_and_asks_nothing_again(
    weights: Weights, sound: tuple[list[bytes], Town], tmp_path: Path
) -> None:
    town, store = Town(weights, EVERY), tmp_path / "t.db"
    with served(town) as url:
        given = json.dumps({**options(url), "concurrency": 3, "store": str(store)})
        process = subprocess.Popen([sys.executable, "-c", PLAY, given], stderr=subprocess.PIPE)
        while (town.answered < 20 or recorded(store)[0] < 15) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, process.stderr.read() if process.stderr else b""
        before = settled(town)
        known = recorded(store)
        run = turnwise.resume("last", store=store)
    assert told(run) == sound[0]
    assert run.summary()["status"] == "done"
    # Each further request was for a call that was not recorded, or a retry.
    calls, retries = (now - then for now, then in zip(recorded(store), known, strict=True))
    assert calls > 0
    assert town.requests - before <= calls + retries


PLAY = "import json, sys, turnwise; turnwise.run(**json.loads(sys.argv[1]))"


def recorded(store: Path) -> tuple[int, int]:
    """How many answered calls a store holds, and how many retries."""
    try:
        run = turnwise.open_run(store=store) if store.exists() else None
    except StoreError:
        run = None
    return (0, 0) if run is None else (sum(len(log.calls) for log in run.logs()), sum(run.retries().values()))


def settled(town: Town) -> int:
    """How many requests came, once nobody is left who asks."""
    count = -1
    while count != town.requests:
        count = town.requests
        time.sleep(0.2)
    return count


def test_a_judge_who_talks_nonsense_gives_no_verdict(weights: Weights, tmp_path: Path) -> None:
    town = Town(weights, garbage={"judge": 1.0})
    with served(town) as url:
        run = played(url, tmp_path / "t.db")
    logs = list(run.logs())
    assert run.summary()["failed"] == 0
    judged = [log for log in logs if any(call.role == "judge" for call in log.calls)]
    assert judged
    assert all(log.score() is None for log in judged), [log.score() for log in judged]
