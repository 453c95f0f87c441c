"""Functions as tools, and the Python tool, in whole episodes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import textwrap
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

import turnwise
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.environments.parts.ledger import Budget, Ledger
from turnwise.environments.parts.metered import metered
from turnwise.episode import Episode
from turnwise.errors import ConfigError, SandboxError, ToolError
from turnwise.log import EpisodeLog
from turnwise.message import Image, Message, ToolCall, ToolSpec
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.role import Role
from turnwise.task import Task
from turnwise.tool import Terms
from turnwise.tools.cached import CallCache, Layer, call_key
from turnwise.tools.cells import Cells
from turnwise.tools.function import FunctionTool, tool
from turnwise.tools.python import PythonTool
from turnwise.tools.sandbox import Execution, SandboxLimits, detect

needs_bwrap = pytest.mark.skipif(
    not detect()[0].works, reason="bubblewrap does not work here; get it by: apt-get install bubblewrap"
)


@tool
def book(
    city: str, nights: Annotated[int, msgspec.Meta(ge=1)] = 1, kind: Literal["bed", "suite"] = "bed"
) -> dict[str, Any]:
    """Book a room.

    Args:
        city: Where,
            in full.
        nights: How long.

    Raises:
        ValueError: never.
    """
    return {"city": city, "nights": nights, "kind": kind}


def call(which: FunctionTool, arguments: dict[str, Any], role: Any = None) -> Any:
    return asyncio.run(which.call(arguments, role))


def test_the_schema_is_that_of_the_signature() -> None:
    assert book.spec.name == "book"
    assert book.spec.description == "Book a room."
    assert book.spec.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where, in full."},
            "nights": {"type": "integer", "minimum": 1, "default": 1, "description": "How long."},
            "kind": {"enum": ["bed", "suite"], "default": "bed"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_arguments_are_checked_and_results_told() -> None:
    assert call(book, {"city": "Bern", "nights": 2}) == '{"city":"Bern","nights":2,"kind":"bed"}'
    for arguments, said in [
        ({}, "book: the argument 'city' is missing"),
        ({"city": ["Bern"]}, "book: the argument 'city': expected `str`, got `array`"),
        ({"city": "Bern", "nights": 0}, "book: the argument 'nights': expected `int` >= 1"),
        (
            {"city": "Bern", "kind": "hut"},
            "book: the argument 'kind': expected one of 'bed', 'suite', got 'hut'",
        ),
        ({"city": "Bern", "night": 1}, r"book: unknown argument 'night' \(did you mean 'nights'"),
    ]:
        with pytest.raises(ToolError, match=said):
            call(book, arguments)


def test_a_name_that_an_enumeration_lacks_is_told_with_those_it_has() -> None:
    class Colour(Enum):
        RED = "red"
        BLUE = "blue"

    def paint(colour: Colour) -> str:
        return colour.value

    paint.__annotations__ = {"colour": Colour, "return": str}
    with pytest.raises(ToolError, match="'colour': expected one of 'blue', 'red', got 'green'"):
        call(FunctionTool(paint), {"colour": "green"})


def test_results_of_all_kinds() -> None:
    picture = Image(media_type="image/png", data=b"png")
    assert call(FunctionTool(lambda: "text", name="f"), {}) == "text"
    assert call(FunctionTool(lambda: [1, None], name="f"), {}) == "[1,null]"
    assert call(FunctionTool(lambda: picture, name="f"), {}) == (picture,)
    assert call(FunctionTool(lambda: [picture], name="f"), {}) == (picture,)

    @tool(name="later", replay="record")
    async def slow(x: float) -> float:
        return x * 2

    assert call(slow, {"x": 2}) == "4.0"
    assert (slow.spec.name, slow.replay) == ("later", "record")


def test_nested_types_are_spelt_out() -> None:
    class Point(msgspec.Struct):
        x: int

    def go(to: list[Point]) -> int:
        return sum(point.x for point in to)

    go.__annotations__ = {"to": list[Point], "return": int}
    walk = FunctionTool(go)
    assert walk.spec.parameters["$defs"]["Point"]["properties"] == {"x": {"type": "integer"}}
    assert call(walk, {"to": [{"x": 1}, {"x": 2}]}) == "3"


def test_a_default_that_can_be_changed_is_each_calls_own() -> None:
    def collect(more: int, seen: list[int] = [0]) -> list[int]:  # noqa: B006
        seen.append(more)
        return seen

    gather = FunctionTool(collect)
    assert [call(gather, {"more": 1}), call(gather, {"more": 2})] == ["[0,1]", "[0,2]"]


def test_functions_that_cannot_be_tools() -> None:
    def untyped(x) -> None: ...

    def many(*x: int) -> None: ...

    def placed(x: int, /) -> None: ...

    def foreign(x: Path, y: complex) -> None: ...

    def unknown(x: Nowhere) -> None: ...  # noqa: F821

    def ambiguous(x: list[int] | tuple[int, ...]) -> None: ...

    for function, said in [
        (untyped, "tool 'untyped': the parameter 'x' needs an annotation"),
        (many, "tool 'many': the parameter 'x' cannot be given by name"),
        (placed, "tool 'placed': the parameter 'x' cannot be given by name"),
        (foreign, "tool 'foreign': type <class '.*Path'> is not supported"),
        (unknown, "tool 'unknown': name 'Nowhere' is not defined"),
        (ambiguous, "tool 'ambiguous': Type unions may not contain more than one array-like"),
        (3, "a tool must be a function or method, not int"),
    ]:
        with pytest.raises(ConfigError, match=said) as raised:
            FunctionTool(function)  # pyright: ignore[reportArgumentType]
        assert "\n" not in str(raised.value)


class Counter(Environment, frozen=True, kw_only=True):
    """An agent with a counter whose state is the episode's, and a recorded oracle."""

    async def run(self, task: Task, episode: Episode) -> None:
        total = 0

        @tool
        def add(by: int, role: Role) -> str:
            nonlocal total
            total += by
            return f"{role.name} has {total}"

        @tool(replay="record")
        def oracle() -> int:
            asked.append(1)
            return len(asked)

        await episode.agent.respond("go", tools=[add, oracle])
        episode.reward(total)


asked: list[int] = []


def agent(task: Task, rng: Any) -> Any:
    yield
    for place, (name, arguments) in enumerate(
        [
            ("add", '{"by": 2}'),
            ("add", '{"by": "two"}'),
            ("add", "{"),
            ("nothing", "{}"),
            ("oracle", ""),
            ("add", '{"by": 3}'),
        ]
    ):
        yield Message(role="assistant", tool_calls=(ToolCall(id=str(place), name=name, arguments=arguments),))
    yield "done"


def test_bad_calls_are_observations_and_recorded_tools_are_not_asked_again(tmp_path: Path) -> None:
    asked.clear()
    store = tmp_path / "t.db"
    run = turnwise.run(Counter(), agent, store=store)
    log = run.episode(0)
    results = [turn.text for turn in log.turns if turn.role == "tool"]
    assert results[0] == "agent has 2"
    assert results[1] == "error: add: the argument 'by': expected `int`, got `str`"
    assert "are not JSON" in results[2]
    assert "there is no tool 'nothing'" in results[3]
    assert results[4:] == ["1", "agent has 5"]
    assert log.score() == 5
    assert turnwise.replay(run.id, store=store, environment=Counter()).replayed == 1
    assert asked == [1]


@tool(timeout=30)
async def hang_up(role: Role) -> str:
    """End the conversation."""
    role.episode.end("hung_up")
    return "never said"


class Bell:
    """A tool of somebody's own, with terms."""

    spec = ToolSpec(name="ring", description="Ring.", parameters={"type": "object", "properties": {}})
    replay: Literal["run", "record"] = "run"
    terms = Terms(callers=("guest",))

    async def call(self, arguments: dict[str, Any], role: Role) -> str:
        return "Rrring!"


class Desk(Environment, frozen=True, kw_only=True):
    """A clerk and a guest, and tools that are the guest's alone."""

    roles = ("clerk", "guest")

    async def run(self, task: Task, episode: Episode) -> None:
        ask = tool(replay="record", callers="guest")(lookup)
        kept = Layer([ask], mode="replay", cache=CallCache({"lookup": {call_key({}): "kept"}}))
        ledger = Ledger([Budget(name="coins", limit=9)])
        tools: list[Any] = [Bell(), ask, *metered([Bell()], ledger, "coins"), *kept.tools]
        for role in (episode.clerk, episode.guest):
            for one in tools:
                episode.note(await role.answer(one, {}), name=role.name)


def lookup() -> str:
    """Look something up."""
    return "found"


def test_a_tool_of_any_kind_is_only_for_its_callers() -> None:
    agents = {name: Agent(scripted()) for name in ("clerk", "guest")}
    episode = Episode(Desk(), Task(id="0"), agents)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error
    told = {name: [note.value for note in episode.notes if note.name == name] for name in agents}
    refused = [f"error: {name}: this tool is not for clerk" for name in ("ring", "lookup", "ring", "lookup")]
    assert told["clerk"] == refused
    assert told["guest"] == ["Rrring!", "found", "Rrring!\n[8 of 9 coins left]", "kept"]


class Call(Environment, frozen=True, kw_only=True):
    """A conversation that a tool with a time-out may end."""

    async def run(self, task: Task, episode: Episode) -> None:
        await episode.agent.respond("Hello?", tools=[hang_up])


def test_a_tool_in_time_that_ends_the_episode_ends_it_again_in_a_replay(tmp_path: Path) -> None:
    def caller(messages: Any) -> Message:
        return Message(role="assistant", tool_calls=(ToolCall(id="0", name="hang_up"),))

    run = turnwise.run(Call(), caller, store=tmp_path / "t.db")
    assert run.episode(0).detail == "hung_up"
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=Call()).replayed == 1


def test_functions_that_hang_hold_up_neither_each_other_nor_the_end() -> None:
    """In a process of its own, which has to end."""
    code = """
        import time, turnwise
        from turnwise.environment import Environment
        from turnwise.message import Message, ToolCall
        from turnwise.task import Task
        from turnwise.tools.function import tool

        @tool(timeout=1)
        def look(number: int) -> str:
            time.sleep(600 if number else 0)
            return "seen"

        class Hall(Environment, frozen=True, kw_only=True):
            def tasks(self):
                return [Task(id=str(number)) for number in range(99, -1, -1)]

            async def run(self, task, episode):
                await episode.agent.respond(task.id, tools=[look])

        def agent(messages):
            if messages[-1].role == "tool":
                return messages[-1].text
            call = ToolCall(id="0", name="look", arguments='{"number": %s}' % messages[0].text)
            return Message(role="assistant", tool_calls=(call,))

        if __name__ == "__main__":
            logs = turnwise.run(Hall(), agent, store="t.db", concurrency=100).logs()
            said = [log.turns[-1].text for log in logs]
            print(sorted(set(said)), said.count("seen"))
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hall.py").write_text(textwrap.dedent(code))
        ended = subprocess.run(
            [sys.executable, "hall.py"], cwd=folder, capture_output=True, text=True, timeout=60, check=True
        )
    assert ended.stdout == "['error: look: stopped after 1 seconds without a result', 'seen'] 1\n"


class Lab(Environment, frozen=True, kw_only=True):
    """An agent with the Python tool."""

    async def run(self, task: Task, episode: Episode) -> None:
        async with PythonTool() as python:
            await episode.agent.respond("compute", tools=[python])


def coder(task: Task, rng: Any) -> Any:
    yield
    for place, code in enumerate(["x = 20", "x += 1", "x * 2", "1 / 0"]):
        arguments = msgspec.json.encode({"code": code}).decode()
        yield Message(
            role="assistant", tool_calls=(ToolCall(id=str(place), name="python", arguments=arguments),)
        )
    yield "done"


@pytest.mark.parametrize("given", [{}, {"code": 1}, {"code": "1", "timeout": 5}])
def test_the_python_tool_takes_code_and_nothing_else(given: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="python: it takes one argument 'code', which must be text"):
        asyncio.run(PythonTool().call(given, None))  # type: ignore[arg-type]


@needs_bwrap
def test_the_python_tool_keeps_variables_also_in_a_fork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "t.db"
    run = turnwise.run(Lab(), coder, store=store)
    log = run.episode(0)
    shown = [turn.text for turn in log.turns if turn.role == "tool"]
    assert shown[:3] == ["(no output)", "(no output)", "42"]
    assert shown[3].endswith("ZeroDivisionError: division by zero")
    third = next(turn.index for turn in log.turns if turn.text == "42")
    child = turnwise.fork(
        f"{run.id}/0", third, store=store, environment=Lab(), agents={"agent": coder}
    ).episode(0)
    assert [turn.text for turn in child.turns if turn.role == "tool"][:3] == shown[:3]
    monkeypatch.setenv("TURNWISE_SANDBOX", "container")
    assert turnwise.replay(run.id, store=store, environment=Lab()).replayed == 1


class Coding(Environment, frozen=True, kw_only=True):
    """Cells given by the task's test, run one after the other."""

    codes: tuple[str, ...] = ()

    async def run(self, task: Task, episode: Episode) -> None:
        async with PythonTool(limits=SandboxLimits(wall_seconds=20, memory_mb=400)) as python:
            for code in self.codes:
                await episode.agent.respond(code)
                execution = await python.run(code, episode.agent)
                episode.note(msgspec.to_builtins(execution))


def played(codes: tuple[str, ...], log: EpisodeLog | None = None, effects: int = 0) -> Episode:
    """Live, or resumed over the first effects of another episode's log."""
    agents = {"agent": Agent(scripted())}
    if log is None:
        episode = Episode(Coding(codes=codes), Task(id="0"), agents)
    else:
        part = msgspec.structs.replace(
            log, effects=log.effects[:effects], calls=log.calls[:effects], stop=None
        )
        recording = Recording(part, live=True, stored=False)
        episode = Episode(Coding(codes=codes), Task(id="0"), agents, recording=recording)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


def scripted() -> ScriptedModel:
    return ScriptedModel(lambda messages: "yes")


@needs_bwrap
@pytest.mark.parametrize(
    "codes",
    [
        ("x = 1", "x += 1", "x"),
        ("import random\nx = random.random()", "y = random.random()", "x, y, hash('a'), {'p', 'q', 'r'}"),
        ("x = 1", "import os\nos._exit(3)", "'x' in globals()", "z = 5", "z"),
        ("x = 1", "1 / 0", "import sys\nsys.exit(3)", "x"),
        ("open('kept', 'w').write('here')", "import os\nos.chdir('/')", "open('/tmp/kept').read()"),
    ],
)
def test_resumed_after_any_cell_an_episode_goes_on_as_if_never_stopped(codes: tuple[str, ...]) -> None:
    whole = played(codes).log()
    for effects in range(len(codes)):
        again = played(codes, whole, effects).log()
        assert [note.value for note in again.notes] == [note.value for note in whole.notes]


@needs_bwrap
def test_a_cell_that_lost_the_process_is_not_run_again() -> None:
    codes = ("x = 1", "import os\nos._exit(3)", "1 + 1")
    whole = played(codes).log()
    third = whole.notes[2].value
    assert (third["result_repr"], third["state_lost"]) == ("2", True)

    async def rest() -> tuple[int, Execution]:
        async with Cells(preamble=lambda: "runs = 0") as some:
            for code in codes[:2]:
                some.add(code)
            some.settle(1, Execution(killed="exited"))
            number = some.add("'x' in globals(), runs")
            return number, await some.outcome(number)

    number, execution = asyncio.run(rest())
    assert (number, execution.result_repr, execution.state_lost) == (2, "(False, 0)", True)


@needs_bwrap
def test_cells_asked_for_at_once_come_out_each_as_its_own() -> None:
    async def go() -> list[str | None]:
        async with Cells() as some:
            numbers = [some.add(code) for code in ("x = 1\nx", "x += 1\nx", "x += 1\nx")]
            return [done.result_repr for done in await asyncio.gather(*map(some.outcome, numbers))]

    assert asyncio.run(go()) == ["1", "2", "3"]


@needs_bwrap
def test_a_cell_cut_off_by_its_caller_is_run_again_with_those_before() -> None:
    async def go() -> str | None:
        async with Cells() as some:
            await some.outcome(some.add("x = 1"))
            slow = some.add("import time\ntime.sleep(0.4)\nx += 1")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await some.outcome(slow)
            return (await some.outcome(some.add("x"))).result_repr

    assert asyncio.run(go()) == "2"


@needs_bwrap
def test_the_python_tool_is_one_episodes() -> None:
    python = PythonTool()

    class Shared(Environment, frozen=True, kw_only=True):
        async def run(self, task: Task, episode: Episode) -> None:
            await python.run("1", episode.agent)

    async def go() -> list[Episode]:
        async with python:
            episodes = [Episode(Shared(), Task(id="0"), {"agent": Agent(scripted())}) for _ in range(2)]
            for episode in episodes:
                await episode.play()
            return episodes

    first, second = asyncio.run(go())
    assert first.error is None
    assert second.error is not None
    assert "its variables are another episode's; make one inside Environment.run" in second.error.message


@tool
def shift(day: str, hours: list[int], factor: float = 1.0, paid: bool = False) -> Any:
    """Enter a shift."""
    return {"day": day, "hours": hours, "factor": factor, "paid": paid}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"day": 12, "hours": [1]}, {"day": "12", "hours": [1], "factor": 1.0, "paid": False}),
        ({"day": "a", "hours": "[1, 2]"}, {"day": "a", "hours": [1, 2], "factor": 1.0, "paid": False}),
        (
            {"day": "a", "hours": ["3"], "factor": "0.5", "paid": "true"},
            {"day": "a", "hours": [3], "factor": 0.5, "paid": True},
        ),
    ],
)
def test_what_models_mix_up_is_mended(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert msgspec.json.decode(call(shift, given)) == meant


class Guest(msgspec.Struct):
    name: str
    rooms: list[str] = []


@tool
def invite(
    guests: list[Guest] | None = None,
    first: Guest | None = None,
    notes: dict[str, int | str] | None = None,
    table: str | None = None,
) -> Any:
    """Invite people."""
    given = {"guests": guests, "first": first, "notes": notes, "table": table}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"guests": '[{"name": 7, "rooms": "[1]"}]'}, {"guests": [{"name": "7", "rooms": ["1"]}]}),
        ({"first": '{"name": "Ann"}'}, {"first": {"name": "Ann", "rooms": []}}),
        ({"notes": '{"a": "1", "b": 2}'}, {"notes": {"a": "1", "b": 2}}),
        ({"table": 12, "guests": "null"}, {"table": "12"}),
    ],
)
def test_it_is_mended_wherever_it_stands(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert msgspec.json.decode(call(invite, given)) == meant


@pytest.mark.parametrize("given", ["nan", "-inf", "Infinity"])
def test_what_is_no_number_in_json_is_none_here(given: str) -> None:
    with pytest.raises(ToolError, match="shift: the argument 'factor': expected `float`, got `str`"):
        call(shift, {"day": "a", "hours": [], "factor": given})


@pytest.mark.parametrize("given", [{"day": "a", "hours": "1, 2"}, {"day": "a", "hours": [None]}])
def test_what_cannot_be_mended_is_told_as_it_was_given(given: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="shift: the argument 'hours"):
        call(shift, given)


def test_a_sandbox_that_fails_is_no_observation() -> None:
    class Broken:
        spec, replay = book.spec, "run"

        async def call(self, arguments: dict[str, Any], role: Role) -> str:
            raise SandboxError("no wall here")

    class Booking(Environment, kw_only=True, frozen=True):
        async def run(self, task: Task, episode: Episode) -> None:
            await episode.agent.respond("Book.", tools=[Broken()])  # type: ignore[list-item]

    line = Message(role="assistant", tool_calls=(ToolCall(id="1", name="book"),))
    episode = Episode(Booking(), Task(id="0"), {"agent": Agent(ScriptedModel([line]))})
    asyncio.run(episode.play())
    assert episode.error is not None
    assert (episode.error.type, episode.error.message) == ("SandboxError", "no wall here")
    assert [turn for turn in episode.turns if turn.message.role == "tool"] == []


@tool(timeout=5)
async def wait(seconds: float, name: str) -> str:
    """Wait, and be noted."""
    await asyncio.sleep(seconds)
    ORDER.append(name)
    return name


ORDER: list[str] = []


class Two(Environment, kw_only=True, frozen=True):
    """Two roles that work at once."""

    roles = ("a", "b")

    async def run(self, task: Task, episode: Episode) -> None:
        both = (episode.a.respond("Go.", tools=[wait]), episode.b.respond("Go.", tools=[wait]))
        await asyncio.gather(*both)


def test_tools_with_effects_of_their_own_work_at_once_and_in_order() -> None:
    def agents() -> dict[str, Agent]:
        def line(name: str, seconds: float) -> Message:
            given = msgspec.json.encode({"seconds": seconds, "name": name}).decode()
            return Message(role="assistant", tool_calls=(ToolCall(id=name, name="wait", arguments=given),))

        return {
            "a": Agent(ScriptedModel([line("slow", 0.2), "bye"])),
            "b": Agent(ScriptedModel([line("quick", 0.05), "bye"])),
        }

    episode = Episode(Two(), Task(id="0"), agents())
    asyncio.run(asyncio.wait_for(episode.play(), 10))
    assert episode.error is None
    log = episode.log()
    assert ORDER == ["quick", "slow"]
    said = [turn.text for turn in log.turns if turn.role == "tool"]
    assert said == ["slow", "quick"]
    again = Episode(Two(), Task(id="0"), agents(), recording=Recording(log, live=False, stored=False))
    asyncio.run(asyncio.wait_for(again.play(), 10))
    assert again.log().to_json() == log.to_json()
