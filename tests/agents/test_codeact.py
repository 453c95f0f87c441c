"""CodeAct: code as action, with the environment's tools inside; beside JSON calls of the same tools."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.agents.codeact import CodeAct, as_function, brief, observation, read_code
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ToolError
from turnwise.limits import Limits
from turnwise.log import EpisodeLog, Stop
from turnwise.message import Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.task import Task
from turnwise.tools.code import stub
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.sandbox import Execution, SandboxLimits, detect

needs_bwrap = pytest.mark.skipif(
    not detect()[0].works, reason="bubblewrap does not work here; get it by: apt-get install bubblewrap"
)
ASKED: list[str] = []
"""What went out to the world, in all episodes of this file."""


class Shelf(Desk):
    """Twenty boxes, each with a weight; some can be moved."""

    place: dict[str, str]

    def __init__(self) -> None:
        self.place = {}

    @tool(kind="read")
    def weigh(self, box: int, unit: str = "kg") -> Any:
        """Weigh a box.

        Args:
            box: From 1 to 20.
        """
        if not 1 <= box <= 20:
            raise ToolError(f"there is no box {box}")
        return {"weight": box * box % 7, "unit": unit}

    @tool
    def move(self, box: int, to: str) -> str:
        """Move a box."""
        self.place[str(box)] = to
        return "moved"


@tool(replay="record", name="look-up")
async def look_up(word: str) -> str:
    """Look a word up, far away."""
    ASKED.append(word)
    return f"{word} means {word.upper()}"


class Warehouse(Environment, kw_only=True, frozen=True):
    """The boxes are to be weighed, and the heavy ones moved."""

    name = "warehouse"

    async def run(self, task: Task, episode: Episode) -> None:
        shelf = Shelf()
        reply = await episode.agent.respond("How heavy are all boxes?", tools=[*shelf.tools(), look_up])
        episode.reward(reply.text == str(sum(box * box % 7 for box in range(1, 21))))
        episode.note(shelf.key(), name="key")


class Staffed(Warehouse, kw_only=True, frozen=True):
    """With somebody who writes code."""

    name = "staffed"

    def agents(self) -> dict[str, Any]:
        return {"writer": writer(*LINES)}


def code(text: str) -> str:
    return f"I will run this.\n<execute>\n{text}\n</execute>"


def play(
    agent: Agent, recording: Recording | None = None, limits: Limits | None = None
) -> tuple[Episode, EpisodeLog]:
    episode = Episode(Warehouse(), Task(id="0"), {"agent": agent}, recording=recording, limits=limits)
    asyncio.run(asyncio.wait_for(episode.play(), 120))
    assert episode.error is None, episode.error
    return episode, episode.log()


def writer(*lines: str, **options: Any) -> CodeAct:
    return CodeAct(ScriptedModel(list(lines)), **options)


def told(log: EpisodeLog) -> list[str]:
    return [turn.text for turn in log.turns if turn.role == "environment"][1:]


ALL = "total = sum(weigh(box)['weight'] for box in range(1, 21))\nprint(total)"


@needs_bwrap
def test_code_needs_two_turns_where_json_calls_need_twenty_one() -> None:
    by_code = writer(code(ALL), "42")
    _, log = play(by_code)
    assert (log.score(), len(log.calls)) == (1.0, 2)
    assert told(log) == ["Observation:\n42"]

    def one_by_one(messages: Any) -> Message:
        weights = [json.loads(message.text)["weight"] for message in messages if message.role == "tool"]
        if len(weights) == 20:
            return Message(role="assistant", content=str(sum(weights)))
        call = ToolCall(id=str(len(weights)), name="weigh", arguments=json.dumps({"box": len(weights) + 1}))
        return Message(role="assistant", tool_calls=(call,))

    _, log = play(Agent(ScriptedModel(one_by_one)))
    assert (log.score(), len(log.calls)) == (1.0, 21)
    limits = Limits(turns=10)
    assert play(Agent(ScriptedModel(one_by_one)), limits=limits)[1].stop is Stop.MAX_TURNS
    assert play(writer(code(ALL), "42"), limits=limits)[1].score() == 1.0
    # Calls from within code count like any.
    episode, log = play(writer(code(ALL), "42"), limits=Limits(tool_calls=20))
    assert (episode.tool_calls, log.score()) == (20, 1.0)
    assert play(writer(code(ALL), "42"), limits=Limits(tool_calls=19))[1].stop is Stop.MAX_TOOL_CALLS


@needs_bwrap
def test_what_code_sees_of_tools() -> None:
    lines = [
        code("x = weigh(2)\nweigh(box=3, unit='lb')"),
        code("print(x)\ntry:\n    weigh(99)\nexcept ToolError as error:\n    print('refused:', error)"),
        code("weigh()"),
        code("weigh(1, 2, 3)"),
        code("weigh(1, box=1)"),
        code("weigh({1})"),
        code("weigh('\\ud800')"),
        code("look_up('tea')"),
        code("y = 1"),
        "done",
    ]
    episode, log = play(writer(*lines))
    first, second, missing, many, twice, unfit, half, word, silent = told(log)
    assert first == "Observation:\n{'weight': 2, 'unit': 'lb'}"
    assert second == "Observation:\n{'weight': 4, 'unit': 'kg'}\nrefused: there is no box 99"
    assert missing.endswith("ToolError: weigh: the argument 'box' is missing")
    assert many.endswith("TypeError: weigh() takes 2 arguments, but 3 were given")
    assert twice.endswith("TypeError: weigh() got two values for the argument 'box'")
    assert unfit.endswith("TypeError: Object of type set is not JSON serializable")
    assert half.endswith("surrogates not allowed")
    assert word == "Observation:\n'tea means TEA'"
    assert silent.startswith("Observation:\nYour code printed nothing.")
    used = [note.value for note in episode.notes if note.name == "tool_call"]
    assert [one["tool"] for one in used] == ["weigh", "weigh", "weigh", "weigh", "look-up"]
    assert used[0] == {
        "tool": "weigh",
        "by": "agent",
        "arguments": {"box": 2},
        "result": '{"weight":4,"unit":"kg"}',
    }


LINES = [
    code("import random\nheavy = [box for box in range(1, 21) if weigh(box)['weight'] > 3]"),
    code("for box in heavy[:2]:\n    move(box, 'cellar')\nprint(look_up('cellar'), random.random())"),
    code("for box in heavy[2:]:\n    move(box, look_up(str(box)))\nprint(len(heavy), random.random())"),
    "42",
]


@needs_bwrap
def test_a_replay_starts_no_sandbox_and_rebuilds_the_desk() -> None:
    ASKED.clear()
    _, log = play(writer(*LINES))
    went_out = list(ASKED)
    dead = writer(backend="no such backend")
    _, again = play(dead, Recording(log, live=False, stored=False))
    assert again.to_json() == log.to_json()
    assert went_out == ASKED


@needs_bwrap
def test_an_episode_goes_on_from_any_effect() -> None:
    _, log = play(writer(*LINES))
    effects = sorted(log.effects, key=lambda effect: (effect.key, effect.n))
    of_code = [effect for effect in effects if effect.key == "code:agent"]
    of_tools = [effect for effect in effects if effect.key == "tool:agent"]
    assert len(of_tools) == len(ASKED[-len(of_tools) :])
    # The first cell has 20 calls and an end; the second two moves, a word and an end.
    for pieces, words, turns, calls in (
        (10, 0, 2, 1),
        (21, 0, 3, 1),
        (23, 0, 4, 2),
        (24, 1, 4, 2),
        (28, 2, 6, 3),
    ):
        head = EpisodeLog(
            **{name: getattr(log, name) for name in ("environment", "settings", "roles", "task", "seed")},
            turns=log.turns[:turns],
            calls=log.calls[:calls],
            effects=tuple(of_code[:pieces] + of_tools[:words]),
        )
        _, resumed = play(writer(*LINES), Recording(head, live=True, stored=False))
        assert [turn.message for turn in resumed.turns] == [turn.message for turn in log.turns]
        assert resumed.notes == log.notes
        assert resumed.score() == 1.0


@needs_bwrap
def test_forks_have_their_variables(tmp_path: Path) -> None:
    environment, store = Staffed(), tmp_path / "t.db"
    run = turnwise.run(environment, "writer", store=store)
    assert turnwise.replay(run.id, store=store, environment=environment).replayed == 1
    given = turnwise.run(environment, agents={"agent": writer(*LINES)}, store=store)
    dead = writer(backend="none")
    replayed = turnwise.replay(given.id, store=store, environment=environment, agents={"agent": dead})
    assert replayed.replayed == 1
    other = writer("", "", code("print(heavy)\nprint(sorted(heavy) == heavy)"), "42")
    fork = turnwise.fork(f"{run.id}/0", 5, store=store, environment=environment, agents={"agent": other})
    (log,) = fork.logs()
    assert log.turns[:5] == run.episode(0).turns[:5]
    assert "True" in log.turns[6].text


@needs_bwrap
def test_an_endless_loop_is_stopped_and_the_episode_goes_on() -> None:
    lines = [
        code("x = 1"),
        code("while True: pass"),
        code("print(x)"),
        code("weigh(1)\nimport os\nos._exit(1)"),
        code("print(x)"),
        code("weigh(1)"),
        "done",
    ]
    _, log = play(writer(*lines, limits=SandboxLimits(wall_seconds=2)))
    _, endless, still, gone, lost, works = told(log)
    assert "Stopped after 2 s" in endless
    assert still == "Observation:\n1"
    assert "all variables" in gone
    assert "all variables are gone" in lost
    assert "NameError" in lost
    assert works == "Observation:\n{'weight': 1, 'unit': 'kg'}"
    _, again = play(writer(backend="none"), Recording(log, live=False, stored=False))
    assert again.to_json() == log.to_json()


def test_it_ends_at_its_most_rounds() -> None:
    _, log = play(writer(*["<execute>1</execute>"] * 3, max_tool_rounds=1))
    assert [turn.text for turn in log.turns if turn.role == "agent"] == ["<execute>1</execute>"]


def test_observations_are_cut() -> None:
    assert observation(Execution(output="x" * 2001)) == "Observation:\n" + "x" * 2000
    assert len(observation(Execution(output="x" * 2000), 10)) == len("Observation:\n") + 10


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no code", None),
        ("<execute>x = 1</execute>", "x = 1"),
        ("a <execute>\nx = 1\n</execute> b <execute>\ny = 2\n</execute>", "x = 1\ny = 2"),
        ("<execute>\n```python\nif x:\n    y()\n```\n</execute>", "if x:\n    y()"),
        ("<execute>\n    print(1)", "    print(1)"),
        ("<execute></execute>", ""),
        ("</execute>", None),
    ],
)
def test_code_is_read(text: str, found: str | None) -> None:
    assert read_code(text) == found


@given(st.text(st.characters(codec="utf-8")))
def test_any_reply_is_read(text: str) -> None:
    assert read_code(text) is None or "<execute>" in text


def test_a_model_is_told_of_its_functions() -> None:
    weigh, _ = Shelf().tools()
    assert as_function(weigh) == (
        "weigh(box: int, unit: str = 'kg')\n    Weigh a box.\n    box: From 1 to 20."
    )
    assert "<execute>" in brief([])
    assert "weigh(box: int" in brief([weigh])
    assert stub(look_up).function == "look_up"

    def named(name: str) -> Any:
        @tool(name=name)
        def function() -> str:
            """x"""
            return ""

        return stub(function).function

    assert [named("class"), named("1st"), named("é-b")] == ["class_", "_1st", "é_b"]


def test_its_view_begins_with_one_system_message() -> None:
    seen: list[Any] = []

    def model(messages: Any) -> str:
        seen.append([(message.role, message.text) for message in messages])
        return "42"

    play(CodeAct(ScriptedModel(model), system="Be brief."))
    ((first, *rest),) = seen
    assert first[0] == "system"
    assert first[1].startswith("Be brief.\n\nYou can run Python.")
    assert rest == [("user", "How heavy are all boxes?")]


def children() -> set[int]:
    """Processes that this one has started and that are there."""
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == os.getpid() and words[0] != "Z":
            found.add(int(path.parent.name))
    return found


@needs_bwrap
@pytest.mark.parametrize("ending", ["end", "failure", "cancelled", "limit"])
def test_its_process_ends_with_the_episode(ending: str) -> None:
    seen: list[set[int]] = []

    class Broken(Warehouse, kw_only=True, frozen=True):
        async def run(self, task: Task, episode: Episode) -> None:
            await episode.agent.respond("Go.")
            seen.append(children())
            if ending == "failure":
                raise RuntimeError("on purpose")
            if ending == "cancelled":
                await asyncio.sleep(60)
            await episode.agent.respond("Go on.")

    before = children()
    limits = Limits(turns=2) if ending == "limit" else None
    agent = writer(code("x = 1"), "done", "done")
    episode = Episode(Broken(), Task(id="0"), {"agent": agent}, limits=limits)

    async def go() -> None:
        playing = asyncio.create_task(episode.play())
        await asyncio.wait({playing}, timeout=20 if ending != "cancelled" else 2)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)

    asyncio.run(go())
    assert len(seen[0] - before) == 1
    assert children() <= before
