"""BFCL multi-turn: the checks, the protocol, categories made by rules; the published entries."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise.agent import Agent
from turnwise.environments.parts.asks import MORE_TOOLS, Ask
from turnwise.environments.service.bfcl import Bfcl, BfclTask, facts, load, published, sample
from turnwise.environments.service.bfcl.grading import FORCED, check, differences, missing, passed
from turnwise.environments.service.bfcl.players import calling
from turnwise.environments.service.bfcl.rows import CATEGORIES
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError
from turnwise.message import Message
from turnwise.models.scripted import ScriptedModel
from turnwise.tools.written import written_calls

DATA = Path(os.environ.get("TURNWISE_DATA", "no-data"))
entries = pytest.mark.skipif(
    not (DATA / "bfcl/BFCL_v4_multi_turn_base.json").is_file(), reason="needs bfcl/: set TURNWISE_DATA"
)
LIBRARY, HELP_DESK, *_ = sample.tasks("base")
PWD = ("pwd", {})


def saying(*said: str | Message) -> ScriptedModel:
    """Somebody who says these things, the last one again and again."""

    def script(task: BfclTask, rng: random.Random) -> Iterator[Any]:
        yield
        for one in chain(said, repeat(said[-1])):  # noqa: UP028
            yield one

    return ScriptedModel(script)


def play(environment: Bfcl, task: BfclTask, agent: str | ScriptedModel) -> Episode:
    """The finished episode."""
    model = ScriptedModel(environment.agents()[agent]) if isinstance(agent, str) else agent
    episode = Episode(environment, task, {"agent": Agent(model)})
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode


def turn_by_turn(environment: Bfcl, task: BfclTask, *turns: Sequence[str]) -> Episode:
    """An episode in which the agent makes these calls, written in Python, one message a turn."""
    shelf = environment.shelf(task)
    said: list[str | Message] = []
    for calls in turns:
        made = [call for text in calls for call in written_calls(text)]
        said += (
            [calling([(call.name, shelf.arguments(call)) for call in made]), "Done."] if made else ["Done."]
        )
    return play(environment, task, saying(*said))


def faults(episode: Episode) -> list[str | None]:
    return [note.value.get("fault") for note in episode.notes if note.name == "check"]


def reference(task: BfclTask) -> list[list[str]]:
    return [list(ask.calls) for ask in task.asks]


# The checks ------------------------------------------------------------------------------------------------


def judged(**changed: Any) -> str | None:
    given: dict[str, Any] = {
        "reference": ["f()"],
        "calls": 1,
        "state": {"A": {"x": 1, "y": []}},
        "expected": {"A": {"x": 1, "y": []}},
        "results": ["r"],
        "expected_results": ["r"],
    }
    return check(0, **given | changed).fault


def test_the_checks_come_in_their_order() -> None:
    other = {"A": {"x": 2, "y": []}}
    assert judged() is None
    assert judged(calls=0, state=other, results=[]) == "empty_turn_model_response"
    assert judged(state=other, results=[]) == "instance_state_mismatch"
    assert judged(results=[]) == "execution_response_mismatch"


def test_a_turn_without_a_reference_is_checked_only_strictly() -> None:
    nothing = {"reference": [], "expected_results": [], "state": {"A": {}}}
    assert judged(**nothing) is None
    assert judged(**nothing, strict=True) == "irrelevance_error"
    assert judged(**nothing, calls=0, strict=True) is None


def test_results_are_a_multiset() -> None:
    assert missing(["a", "b"], ["b", "c", "a"]) == []
    assert missing(["a", "a"], ["a"]) == ["a"]
    assert missing([], []) == []
    assert differences({"A": {"x": 1.0}}, {"A": {"x": 1}}) == [], "numbers are equal as in Python"
    assert differences({"A": {}, "B": {"z": 0}}, {"A": {"x": None}, "B": {"z": 1}}) == ["B.z"]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_what_is_missing_makes_it_whole(expected: list[str], results: list[str]) -> None:
    lacking = missing(expected, results)
    assert missing(expected, results + lacking) == []
    assert len(lacking) == sum(max(0, expected.count(one) - results.count(one)) for one in set(expected))


def test_an_entry_is_right_where_all_turns_are() -> None:
    nothing: dict[str, Any] = {"reference": [], "results": [], "expected_results": []}
    right = [check(0, calls=0, state={}, expected={}, **nothing)]
    assert passed(right, 1)
    assert not passed(right, 2), "turns that were not played"


# Our own entries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("calls", ["native", "text"])
def test_the_oracle_is_right_and_who_does_nothing_is_not(category: Any, calls: Any, tmp_path: Path) -> None:
    environment = Bfcl(category=category, calls=calls)
    scores = {
        agent: [log.score() for log in turnwise.run(environment, agent, store=tmp_path / "t.db").logs()]
        for agent in ("solver", "nothing")
    }
    assert scores == {"solver": [1.0] * 7, "nothing": [0.0] * 7}


@pytest.mark.parametrize("task", sample.tasks("base"), ids=lambda task: task.id)
def test_dropping_the_last_call_of_a_turn_fails_that_turn(task: BfclTask) -> None:
    for turn, ask in enumerate(task.asks):
        turns = reference(task)
        turns[turn] = turns[turn][:-1]
        episode = turn_by_turn(Bfcl(), task, *turns)
        expected = {"instance_state_mismatch", "execution_response_mismatch"}
        if len(ask.calls) == 1:
            expected = {"empty_turn_model_response"}
        assert faults(episode)[turn] in expected, f"turn {turn}"
        assert faults(episode)[:turn] == [None] * turn
        assert episode.score() == 0.0


def test_a_harmless_read_does_no_harm() -> None:
    turns = [["pwd()", *calls, "ls(a=True)"] for calls in reference(LIBRARY)]
    assert turn_by_turn(Bfcl(), LIBRARY, *turns).score() == 1.0


def test_independent_reads_come_in_any_order_and_earlier_ones_count() -> None:
    task = msgspec.structs.replace(
        LIBRARY,
        asks=(
            Ask(says="Where am I?", calls=("pwd()",)),
            Ask(
                says="What is here, and what do the notes say?", calls=("ls()", "cat(file_name='notes.txt')")
            ),
        ),
    )
    assert turn_by_turn(Bfcl(), task, ["pwd()"], ["ls()", "cat(file_name='notes.txt')"]).score() == 1.0
    assert turn_by_turn(Bfcl(), task, ["pwd()"], ["cat(file_name='notes.txt')", "ls()"]).score() == 1.0
    early = turn_by_turn(Bfcl(), task, ["ls()", "pwd()"], ["cat(file_name='notes.txt')"])
    assert early.score() == 1.0, "a read that was done before need not be repeated"
    late = turn_by_turn(Bfcl(), task, ["ls()"], ["cat(file_name='notes.txt')", "pwd()"])
    assert faults(late) == ["execution_response_mismatch", None], "but it cannot come too late"


def test_a_wrong_write_stays_wrong() -> None:
    turns = reference(LIBRARY)
    turns[0] = ["touch(file_name='extra')", *turns[0]]
    episode = turn_by_turn(Bfcl(), LIBRARY, *turns)
    assert faults(episode) == ["instance_state_mismatch"] * 4
    note = next(note for note in episode.notes if note.name == "check")
    assert list(note.value["details"]) == ["GorillaFileSystem.root"]


def test_twenty_steps_are_allowed_and_the_next_ends_it() -> None:
    look = calling([PWD])
    turns = [
        calling([(c.name, c.named)]) for ask in LIBRARY.asks[:1] for t in ask.calls for c in written_calls(t)
    ]
    within = play(Bfcl(), LIBRARY, saying(*[look] * 18, *turns, "Done."))
    assert faults(within)[0] is None
    assert within.detail is None
    beyond = play(Bfcl(), LIBRARY, saying(*[look] * 19, *turns, "Done."))
    assert (beyond.detail, beyond.score(), faults(beyond)) == (FORCED, 0.0, [])
    assert sum(turn.role == "tool" for turn in beyond.turns) == 21
    text = play(Bfcl(calls="text", max_steps=3), LIBRARY, saying("[pwd()]"))
    assert (text.detail, text.tool_calls) == (FORCED, 4)


def test_turns_are_rewarded_by_their_share() -> None:
    turns = reference(HELP_DESK)
    turns[2] = []
    episode = turn_by_turn(Bfcl(reward="turns"), HELP_DESK, *turns)
    assert faults(episode) == [None, None, "empty_turn_model_response", "instance_state_mismatch"]
    assert [reward.value for reward in episode.rewards] == [0.25, 0.25, 0.0, 0.0]
    assert [episode.turns[reward.turn or 0].text for reward in episode.rewards] == ["Done."] * 4
    assert episode.metrics["turns_right"] == 2
    assert (
        play(Bfcl(reward="turns", category="miss_func"), sample.tasks("miss_func")[0], "solver").score()
        == 1.0
    )


def test_calls_as_text() -> None:
    said = [
        "[mkdir(dir_name='archive'), mv('notes.txt', destination='archive')]",
        "[nowhere(), pwd(1)]",
        "ok",
    ]
    episode = play(Bfcl(calls="text"), LIBRARY, saying(*said))
    assert faults(episode)[0] is None
    told = [turn.text for turn in episode.turns if turn.text.startswith("Results:")]
    assert '"name":"mv"' in told[0]
    assert "there is no function 'nowhere'" in told[1]
    assert "pwd takes 0 arguments, got 1" in told[1]
    assert "mkdir" in episode.turns[0].text, "the functions are told in the beginning"


def test_what_cannot_be_read_ends_the_turn() -> None:
    episode = play(Bfcl(calls="text"), LIBRARY, saying("[__import__('os').system('id')]"))
    assert faults(episode) == ["empty_turn_model_response"] * 4


# The harder categories -------------------------------------------------------------------------------------


def offered(episode: Episode) -> list[set[str]]:
    return [{spec.name for spec in specs} for specs in episode.toolsets]


def test_a_function_that_is_held_out_comes_a_turn_later() -> None:
    task = sample.tasks("miss_func")[0]
    assert [bool(ask.calls) for ask in task.asks] == [True, True, False, True, True]
    assert task.asks[3].says == MORE_TOOLS
    episode = play(Bfcl(category="miss_func"), task, "solver")
    before, after = offered(episode)
    assert after - before == {"grep"}
    assert sum(turn.text == MORE_TOOLS for turn in episode.turns) == 1
    text = play(Bfcl(category="miss_func", calls="text"), task, "solver")
    (given,) = [turn.text for turn in text.turns if MORE_TOOLS in turn.text]
    assert '"name":"grep"' in given
    assert '"name":"grep"' not in text.turns[0].text


def test_a_call_where_none_can_be_right_is_flagged_strictly() -> None:
    task = sample.tasks("miss_func")[0]
    turns = reference(task)
    turns[2] = ["cat(file_name='notes.txt')"]
    assert turn_by_turn(Bfcl(category="miss_func"), task, *turns).score() == 1.0, "as published"
    episode = turn_by_turn(Bfcl(category="miss_func", strict=True), task, *turns)
    assert (faults(episode)[2], episode.score()) == ("irrelevance_error", 0.0)
    assert play(Bfcl(category="miss_func", strict=True), task, "solver").score() == 1.0


def test_a_held_out_function_cannot_be_called_too_early() -> None:
    task = sample.tasks("miss_func")[0]
    turns = reference(task)
    turns[2] = ["grep(file_name='notes.txt', pattern='loans')"]
    episode = turn_by_turn(Bfcl(category="miss_func"), task, *turns)
    assert any(turn.text.startswith("error: there is no tool 'grep'") for turn in episode.turns)
    text = play(Bfcl(category="miss_func", calls="text"), task, saying("[grep('notes.txt', 'loans')]", "ok"))
    assert "there is no function 'grep'" in "".join(turn.text for turn in text.turns)


def test_as_published_a_held_out_function_can_be_called_all_the_same() -> None:
    task = sample.tasks("miss_func")[0]
    turns = reference(task)
    turns[2], turns[3] = turns[3], ["pwd()"]
    for variant, score in (("published", 1.0), ("corrected", 0.0)):
        environment = Bfcl(category="miss_func", variant=variant)  # pyright: ignore[reportArgumentType]
        assert turn_by_turn(environment, task, *turns).score() == score
        assert offered(turn_by_turn(environment, task, *turns))[0] < {
            tool.spec.name for tool in environment.shelf(task).tools
        }


def test_a_parameter_that_is_left_out_is_supplied_in_the_next_turn() -> None:
    task = sample.tasks("miss_param")[0]
    assert [bool(ask.calls) for ask in task.asks] == [True, True, True, False, True]
    assert "quill-7" not in task.asks[3].says
    assert "quill-7" in task.asks[4].says


def test_noise_is_told_and_not_compared() -> None:
    task = sample.tasks("long_context")[0]
    episode = play(Bfcl(category="long_context", noise=2000), task, "solver")
    lengths = [len(turn.text) for turn in episode.turns if turn.role == "tool"]
    assert min(lengths) > 2000
    assert episode.score() == 1.0
    again = play(Bfcl(category="long_context", noise=2000), task, "solver")
    assert [turn.text for turn in again.turns] == [turn.text for turn in episode.turns]


# Rows ------------------------------------------------------------------------------------------------------


def write(folder: Path, row: dict[str, Any], calls: list[list[str]]) -> None:
    name = "BFCL_v4_multi_turn_miss_func.json"
    (folder / "bfcl/possible_answer").mkdir(parents=True, exist_ok=True)
    (folder / "bfcl" / name).write_bytes(msgspec.json.encode(row))
    answer = {"id": row["id"], "ground_truth": calls}
    (folder / "bfcl/possible_answer" / name).write_bytes(msgspec.json.encode(answer))
    load._tasks.cache_clear()  # pyright: ignore[reportPrivateUsage]


ROW: dict[str, Any] = {
    "id": "multi_turn_miss_func_0",
    "question": [[{"role": "user", "content": "Add 1 and 2."}], []],
    "initial_config": {},
    "involved_classes": ["MathAPI"],
    "missed_function": {"1": ["add"]},
    "excluded_function": ["cp"],
}


def test_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    write(tmp_path, ROW, [[], ["add(1, b=2)"]])
    (task,) = load.tasks("miss_func")
    assert task.asks == (
        Ask(says="Add 1 and 2."),
        Ask(says=MORE_TOOLS, calls=("add(1, b=2)",), gives=("add",)),
    )
    assert task.meta == {"excluded_function": ["cp"]}
    environment = Bfcl(category="miss_func", split="published")
    assert play(environment, task, "solver").score() == 1.0
    assert play(environment, task, "nothing").score() == 0.0
    write(tmp_path, ROW, [[]])
    with pytest.raises(TaskError, match="expected 2 turns of calls for 'multi_turn_miss_func_0'"):
        load.tasks("miss_func")
    write(tmp_path, {**ROW, "question": "?"}, [])
    with pytest.raises(TaskError, match="1: no row of BFCL"):
        load.tasks("miss_func")


def test_an_api_that_is_not_there_is_named() -> None:
    task = msgspec.structs.replace(LIBRARY, apis=("SpaceAPI",))
    with pytest.raises(ConfigError, match="needs the API 'SpaceAPI'; there are GorillaFileSystem, MathAPI"):
        Bfcl().shelf(task)


PUBLISHED = """
from bfcl_eval.eval_checker.multi_turn_eval.func_source_code.long_context import SIGNS
class TicketAPI:
    def __init__(self):
        self._private = 0
    def _load_scenario(self, scenario, long_context=False):
        self.count = scenario.get("count", 0)
        self.sign = SIGNS if long_context else ""
    def raise_count(self, by=1):
        self._private += 1
        self.count += by
        return {"count": self.count, "sign": self.sign}
    def plain(self):
        return [1, "a"]
    def run(self):
        raise AssertionError("never called")
"""


def test_published_code_runs_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    for folder in ("func_source_code", "multi_turn_func_doc"):
        (tmp_path / "bfcl" / folder).mkdir(parents=True)
    (tmp_path / "bfcl/func_source_code/ticket_api.py").write_text(PUBLISHED)
    (tmp_path / "bfcl/func_source_code/long_context.py").write_text("SIGNS = '!'\n")
    by = {"type": "dict", "properties": {"by": {"type": "integer"}}, "required": []}
    none = {"type": "dict", "properties": {}, "required": []}
    rows = [
        {"name": name, "description": name, "parameters": parameters}
        for name, parameters in (("raise_count", by), ("plain", none), ("run", none))
    ]
    lines = b"\n".join(msgspec.json.encode(row) for row in rows)
    (tmp_path / "bfcl/multi_turn_func_doc/ticket_api.json").write_bytes(lines)
    api = published.PublishedApi("TicketAPI", {"count": 4}, long=True)
    assert [tool.spec.name for tool in api.tools()] == ["raise_count", "plain"], "banned names are none"
    assert api.tools()[0].spec.parameters["type"] == "object"
    assert asyncio.run(api.do("raise_count", {"by": 2})) == '{"count":6,"sign":"!"}'
    assert asyncio.run(api.do("plain", {})) == "[1, 'a']"
    assert asyncio.run(api.do("raise_count", {"by": "x"})).startswith("Error during execution: unsupported")
    assert api.state() == {"count": 6, "sign": "!"}
    task = BfclTask(
        id="t",
        category="base",
        apis=("TicketAPI",),
        config={"TicketAPI": {"count": 1}},
        asks=(Ask(says="Raise it by 3.", calls=("raise_count(3)",)),),
    )
    environment = Bfcl(code="published")
    assert play(environment, task, "solver").score() == 1.0
    wrong = turn_by_turn(environment, task, ["raise_count(by=2)"])
    assert faults(wrong) == ["instance_state_mismatch"]
    assert play(environment, task, "nothing").score() == 0.0
    assert published.available("TicketAPI")
    assert not published.available("MathAPI")


TABLES = {
    "vehicle_control": """
def get_zipcode_based_on_city(self, city):
    if city == "Ulm":
        return {"zipcode": "1"}
    elif city == "Bern":
        return {"zipcode": "2"}
    return {"zipcode": "0"}
def estimate_distance(self, cityA, cityB):
    if cityA == "1" and cityB == "2" or (cityA == "2" and cityB == "1"):
        distance = {"distance": 250.0}
    else:
        distance = {"error": "?"}
    if self.long:
        distance["more"] = MORE
""",
    "travel_booking": """
def get_flight_cost(self):
    base_costs: dict = {("ULM", "BRN"): 90}
def get_nearest_airport_by_city(self):
    airport_map = {"Ulm": "ULM"}
def compute_exchange_rate(self):
    exchange_rates = {("USD", "EUR"): 0.5}
def list_all_airports(self):
    return ["ULM", "BRN"]
""",
    "trading_bot": """
DEFAULT_STATE = {"orders": {5: {"id": 5, "status": "Open"}}}
raise SystemExit("never run")
def f(self):
    symbol_map = {"Ulm": "U"}
    sector_map = {"Towns": ["U"]}
""",
}


def test_tables_are_read_as_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    folder = tmp_path / "bfcl/func_source_code"
    folder.mkdir(parents=True)
    for name, source in TABLES.items():
        (folder / f"{name}.py").write_text(source)
    assert facts.facts("VehicleControlAPI") == {
        "zipcodes": {"Ulm": "1", "Bern": "2"},
        "distances": {("1", "2"): 250.0},
    }
    assert facts.facts("TravelAPI") == {
        "fares": {("ULM", "BRN"): 90},
        "cities": {"Ulm": "ULM"},
        "rates": {("USD", "EUR"): 0.5},
        "airports": ["ULM", "BRN"],
    }
    trading = facts.facts("TradingBot")
    assert trading is not None
    assert trading["state"] == {"orders": {5: {"id": 5, "status": "Open"}}}
    assert facts.facts("TicketAPI") is None
    task = BfclTask(
        id="t",
        category="base",
        apis=("TradingBot", "VehicleControlAPI", "TravelAPI"),
        asks=(
            Ask(says="Cancel order 5.", calls=("cancel_order(order_id=5)",)),
            Ask(says="How far?", calls=("estimate_distance(cityA='2', cityB='1')", "list_all_airports()")),
        ),
    )
    assert play(Bfcl(split="published"), task, "solver").score() == 1.0
    (folder / "long_context.py").write_text("WATCH_LIST_EXTENSION = ['A', ...]\n")
    with pytest.raises(TaskError, match=r"long_context\.py: the tables .*content.* are not in it"):
        facts.bulk()


# The published entries -------------------------------------------------------------------------------------

TURNS = {"base": 734, "miss_func": 934, "miss_param": 934, "long_context": 734}
CALLS = {"base": 1142, "miss_func": 1140, "miss_param": 1140, "long_context": 1203}


@entries
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_published_entries(category: Any) -> None:
    tasks = load.tasks(category)
    assert len(tasks) == 200
    assert sum(len(task.asks) for task in tasks) == TURNS[category]
    calls = [
        call for task in tasks for ask in task.asks for text in ask.calls for call in written_calls(text)
    ]
    assert len(calls) == CALLS[category]
    apis = [name for task in tasks for name in task.apis]
    assert {name: apis.count(name) for name in set(apis)} == {
        "GorillaFileSystem": 50,
        "VehicleControlAPI": 50,
        "TradingBot": 50,
        "TravelAPI": 50,
        "MessageAPI": 40,
        "TwitterAPI": 39,
        "TicketAPI": 31,
        "MathAPI": 25,
    }


def verdicts(environment: Bfcl, tasks: Sequence[BfclTask], agent: str) -> int:
    return sum(play(environment, task, agent).score() == 1.0 for task in tasks)


@entries
@pytest.mark.skipif(not published.available("TravelAPI"), reason="needs bfcl/func_source_code")
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_oracle_is_right_in_all_published_entries_over_our_own_apis(category: Any) -> None:
    environment = Bfcl(category=category, split="published", variant="published")
    tasks = load.tasks(category)
    assert verdicts(environment, tasks, "solver") == 200
    assert verdicts(environment, tasks, "nothing") == 0


@entries
@pytest.mark.skipif(not published.available("TravelAPI"), reason="needs bfcl/func_source_code")
def test_one_published_reference_calls_what_is_held_out() -> None:
    task = next(task for task in load.tasks("miss_func") if task.id == "multi_turn_miss_func_49")
    episode = play(Bfcl(category="miss_func", split="published"), task, "solver")
    assert faults(episode) == [None, "execution_response_mismatch", None, None, None]


@entries
@pytest.mark.skipif(not published.available("TravelAPI"), reason="needs bfcl/func_source_code")
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_oracle_is_right_with_the_published_code(category: Any) -> None:
    pytest.importorskip("mpmath")
    environment = Bfcl(category=category, split="published", code="published", variant="published")
    tasks = load.tasks(category)[::5]
    assert verdicts(environment, tasks, "solver") == len(tasks)
    assert verdicts(environment, tasks, "nothing") == 0
