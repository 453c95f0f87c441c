"""M3ToolEval's published tasks: their loader, and tools written anew; on the real files where they are."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise.environments.m3tooleval import M3ToolEval, load, protocol
from turnwise.environments.m3tooleval.calculator import evaluate
from turnwise.environments.m3tooleval.desks import desk
from turnwise.environments.m3tooleval.published import FAMILIES, WebBrowsing
from turnwise.errors import ConfigError, TaskError, ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.sandbox import detect

REAL = Path(os.environ.get("TURNWISE_DATA", "/nowhere")) / "m3tooleval/impl/dna_sequencer.py"
needs_bwrap = pytest.mark.skipif(
    not detect()[0].works, reason="bubblewrap does not work here; get it by: apt-get install bubblewrap"
)
needs_files = pytest.mark.skipif(not REAL.is_file(), reason="needs TURNWISE_DATA/m3tooleval")

HEAD = "from ..base import Task, register_task_iterator, ToolType\n"
PAGES = '{"name": "/", "content": "Tea house\\nOpen daily\\n[Clickable \'/menu\']\\na\\nb\\nPhone 55"}\n'
PAGES += '{"name": "/menu", "content": "Green 3.50\\nBlack 2.75"}\n'
TRIP_TABLES = """
LOC = ['"P"', '"Q"']
flights = [{"from_location": LOC[0], "to_location": LOC[1], "date": "2026-05-04", "price": 90}]
hotels = [{"location": LOC[1], "preferences": ["wifi"], "price_per_night": 40, "rating": 4}]
"""


def module(family: str, *tasks: tuple[str, str, str], before: str = "", tools: str | None = None) -> str:
    """A module of tasks in the published form: name, instruction, and the answer as code."""
    names = [tool.spec.name for tool in FAMILIES[family].__new__(FAMILIES[family]).tools()]
    made = "{name: ToolType(name=name, description='', function=None, fn_signature='') for name in %r}"
    rows = ", ".join(
        f"Task(name={f'{family}/{name}'!r}, tools={tools or 'TOOLS'}, instruction={asked!r}, "
        f"expected_output={answer}, is_single_tool_task=False)"
        for name, asked, answer in tasks
    )
    end = f"TOOLS = {made % (names,)}\nTASKS = [{rows}]\nregister_task_iterator(TASKS, len(TASKS))\n"
    head = HEAD.replace("..base", "...base") if "web" in family else HEAD
    return f"{head}{before}print('registered')\n{end}"


FILES = {
    "impl/message_decoder.py": module("message_decoder", ("back", "Turn 'ab' round.", "'ab'[::-1]")),
    "impl/dna_sequencer.py": module(
        "dna_sequencer", ("most", "Which is most frequent in CAC, and how often?", "('C', 'CAC'.count('C'))")
    ),
    "impl/trade_calculator.py": module(
        "trade_calculator",
        ("tariff", "250 with a tariff of 2.5 %?", "250 + 250 * 2.5 / 100"),
        ("each", "10 and 20, in a currency at 1.5.", "[price * 1.5 for price in (10, 20)]"),
    ),
    "impl/travel_itinerary_planning.py": module(
        "travel_itinerary_planning",
        ("trip", "From P to Q on 2026-05-04, two nights. What does it cost?", "flights[0]['price'] + 2 * 40"),
        before=TRIP_TABLES,
    ),
    "impl/web_browsing/__init__.py": module(
        "web_browsing",
        ("phone", "The phone of the tea house?", "METADATA['phone']"),
        before="import json, os\n"
        "METADATA = json.load(open(os.path.join(os.path.dirname(__file__), 'metadata.json')))\n",
        tools="lambda: TOOLS",
    ),
    "impl/web_browsing/metadata.json": '{"phone": 55}',
    "impl/web_browsing/web_pages.jsonl": PAGES,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small folder in the published form."""
    for name, text in FILES.items():
        place = tmp_path / "m3tooleval" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    monkeypatch.setenv("TURNWISE_DATA", str(tmp_path))
    return tmp_path / "m3tooleval"


def outcomes(agent: Any, path: Any, **settings: Any) -> dict[str, tuple[float | None, float, str | None]]:
    made = M3ToolEval(split="published", **settings)
    run = turnwise.run(made, agent, store=path / "t.db")
    found = {log.task["id"]: (log.score(), log.metrics["turns"], log.detail) for log in run.logs()}
    assert turnwise.replay(run.id, store=path / "t.db").replayed == len(found)
    return found


def said(made: Desk, tool: str, **arguments: Any) -> Any:
    return asyncio.run(made.do(tool, **arguments))


# The loader ---------------------------------------------------------------------------------------------


@needs_bwrap
def test_modules_are_listed_in_the_sandbox(folder: Path, tmp_path: Path) -> None:
    made = {task.id: task for task in load.tasks()}
    assert {name: task.answer for name, task in made.items()} == {
        "message_decoder/back": "ba",
        "dna_sequencer/most": ("C", 2),
        "trade_calculator/tariff": 256.25,
        "trade_calculator/each": [15.0, 30.0],
        "travel_itinerary_planning/trip": 170,
        "web_browsing/phone": 55,
    }
    # A pair has no JSON; a list has.
    assert made["dna_sequencer/most"].literal == "('C', 2)"
    assert made["trade_calculator/each"].literal == ""
    assert made["web_browsing/phone"].world["pages"]["/menu"] == "Green 3.50\nBlack 2.75"
    assert outcomes("oracle", tmp_path) == dict.fromkeys(made, (1.0, 1, "correct"))
    assert outcomes("empty", tmp_path, variant="published") == dict.fromkeys(made, (0.0, 10, "limit"))


@needs_bwrap
@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("import nothing_of_the_kind", "No module named 'nothing_of_the_kind'"),
        (HEAD + "register_task_iterator([Task('x/y', {}, 'do', object(), False)], 1)", "no literal"),
        (HEAD + "register_task_iterator([Task('x/y', {'f': 1}, 'do', 1, False)], 1)", "not the tools of"),
        ("import os\nos._exit(0)", "not the published tasks"),
        ("import socket\nsocket.create_connection(('198.51.100.1', 80), 1)", "not the published tasks"),
    ],
)
def test_what_is_not_published_is_refused(folder: Path, broken: str, says: str) -> None:
    (folder / "impl/message_decoder.py").write_text(broken)
    with pytest.raises(TaskError, match=says):
        load.tasks()


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "impl/web_browsing/metadata.json").unlink()
    with pytest.raises(ConfigError, match=r"m3tooleval/impl/web_browsing/metadata\.json"):
        load.tasks()
    with pytest.raises(ConfigError, match=r"no family 'dna' in split=published"):
        M3ToolEval(split="published", family="dna").tasks()


@needs_bwrap
@pytest.mark.parametrize(
    ("actions", "family", "action", "shown"),
    [
        ("code", "dna_sequencer", "print(find_max_nucleotide('A', 2, 'C', 3))", "['C', 3]"),
        ("code", "travel_itinerary_planning",
         "print(max([2, 5], key=abs), sum(1, 2), sum([1, 2]), book_hotel('Q', 'wifi', 'pool'))", "5 3 3 []"),
        ("code", "message_decoder", "minimum_value()", "ToolError: minimum_value: "),
        ("text", "dna_sequencer", "find_max_nucleotide, A, 2, C, 3", "['C', 3]"),
        ("text", "dna_sequencer", "is_valid_dna_sequence, ACGX", "False"),
        ("json", "travel_itinerary_planning", '{"tool": "book_hotel", "args": ["Q", "wifi"]}',
         "[{'location': '\"Q\"', 'preferences': ['wifi'], 'price_per_night': 40, 'rating': 4}]"),
        ("json", "message_decoder", '{"tool": "string_length", "args": [1, 2]}', "takes 1 arguments, not 2"),
    ],
)  # fmt: skip
def test_tools_take_items_loose_and_say_what_python_would(
    folder: Path, tmp_path: Path, actions: Any, family: str, action: str, shown: str
) -> None:
    made = M3ToolEval(split="published", actions=actions, family=family, max_turns=2)
    lines = [f"Action: {action}\nEnd Action", "Answer: ?"]
    run = turnwise.run(made, lines, limit=1, store=tmp_path / "t.db")
    (log,) = run.logs()
    said = [turn.text for turn in log.turns if turn.role == "environment"][1]
    assert shown in said


# The tools ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "tool", "arguments", "result"),
    [
        ("message_decoder", "convert_hex_to_ascii", ["48 69"], "Hi"),
        ("message_decoder", "caesar_decode", ["Dbc, z1", 3], "Ayz, w1"),
        ("message_decoder", "minimum_value", [4, 2, 3], "2"),
        ("message_decoder", "maximum_value", [["a", "c", "b"]], "c"),
        ("dna_sequencer", "count_nucleotides", ["GATTACA"], '{"G":1,"A":3,"T":2,"C":1}'),
        ("dna_sequencer", "transcribe_dna_to_mrna", ["ACGTN"], "UGCAN"),
        ("dna_sequencer", "reverse_transcribe_mrna_to_dna", ["UGCA"], "ACGT"),
        ("dna_sequencer", "translate_mrna_to_amino_acid", ["AUGUUCGGGA"], "Methionine-Phenylalanine-X-X"),
        ("dna_sequencer", "find_max_nucleotide", ["A", 2, "T", 5, "C", 5], '["T",5]'),
        ("dna_sequencer", "is_valid_dna_sequence", ["ACXGT"], "false"),
        ("trade_calculator", "convert_currency", [40, 3], "120"),
        ("trade_calculator", "calculate_tariff", [150, 7.5], "11.25"),
        ("trade_calculator", "estimate_final_value", [1.5, 2], "3.5"),
        ("trade_calculator", "calculator", ["2 + (3 * 4)"], "14"),
        ("trade_calculator", "find_maximum", [1, 2.5], "2.5"),
    ],
)
def test_what_tools_say(family: str, tool: str, arguments: list[Any], result: str) -> None:
    made = FAMILIES[family]()
    schema = next(known.spec.parameters for known in made.tools() if known.spec.name == tool)
    assert said(made, tool, **(protocol.by_name(arguments, schema) or {})) == result


def test_loose_items_are_a_list() -> None:
    schema = {"properties": {"place": {"type": "string"}, "wishes": {"type": "array"}}}
    assert protocol.by_name(["A"], schema) == {"place": "A"}
    assert protocol.by_name(["A", "x"], schema) == {"place": "A", "wishes": ["x"]}
    assert protocol.by_name(["A", "x", "y"], schema) == {"place": "A", "wishes": ["x", "y"]}
    assert protocol.by_name(["A", ["x", "y"]], schema) == {"place": "A", "wishes": ["x", "y"]}
    assert protocol.by_name([1, 2], {"properties": {"one": {"type": "integer"}}}) is None


def test_a_browser_shows_five_lines_at_a_time() -> None:
    browser = WebBrowsing({"/": "\n".join("abcdefghij"), "/x": "one"})
    assert said(browser, "view") == "[Page /, part 1 of 2]\n\na\nb\nc\nd\ne"
    assert said(browser, "scroll_down") == "[Page /, part 2 of 2]\n\nf\ng\nh\ni\nj"
    assert said(browser, "scroll_down") == "[This is the end of the page.]"
    assert said(browser, "click_url", url="'/x'") == "[Opened /x]\n[Page /x, part 1 of 1]\n\none"
    assert said(browser, "click_url", url="/y") == "[There is no such URL.]"
    # Back at the top of the page that was left in its middle.
    assert said(browser, "go_to_previous_page").endswith("part 1 of 2]\n\na\nb\nc\nd\ne")
    assert said(browser, "go_to_previous_page") == "[There is no page before this one.]"
    assert said(browser, "scroll_up") == "[This is the beginning of the page.]"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + (3 * 4)", 14),
        ("-3 ** 2", -9),
        ("7 // 2 + 7 % 4 / 2", 4.5),
        ("round(10 / 3, 2)", 3.33),
        ("sum([1, 2.5]) > max(3, 2)", True),
    ],
)
def test_arithmetic(expression: str, value: Any) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    ["1 / 0", "9 ** 9 ** 9", "1e308 * 10", "(-8) ** 0.5", "'a' * 3", "[1] * 10**9", "open('x')", "x", "",
     "__import__('os').system('true')", "1" * 2_001, "(" * 1_000 + "1" + ")" * 1_000, "round(1, '2')"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        evaluate(expression)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


@given(st.data(), st.sampled_from(sorted(FAMILIES)))
def test_tools_refuse_but_never_fail(data: st.DataObject, family: str) -> None:
    world: dict[str, Any] = {
        "web_browsing": {"pages": {"/": "x"}},
        "travel_itinerary_planning": {"places": ["A"], "flights": [], "hotels": []},
    }.get(family, {})
    made = FAMILIES[family](**world)
    tool = data.draw(st.sampled_from(made.tools()))
    arguments = {name: data.draw(JSON) for name in tool.spec.parameters["properties"]}
    with contextlib.suppress(ToolError):
        assert isinstance(said(made, tool.spec.name, **arguments), str)


# The real tasks -----------------------------------------------------------------------------------------

CHEAP = 'cheap = lambda found, key: min(one[key] for one in found)\nbed = "price_per_night"\n'
SOLUTIONS: dict[str, str] = {
    "message_decoder/full_alien_message_decoding": (
        'print(caesar_decode(reverse_string(convert_hex_to_ascii("7a686b7a686d666d686b")), 5))'
    ),
    "message_decoder/shortest_caesar_decoded_message": (
        'codes = ["636261", "686766", "6365646362", "6867666865"]\n'
        "plain = [caesar_decode(reverse_string(convert_hex_to_ascii(code)), 4) for code in codes]\n"
        "print(minimum_value(*[string_length(one) for one in plain]))"
    ),
    "message_decoder/maximum_value_decoding": (
        'codes = ["313233", "343536", "373839"]\n'
        "plain = [reverse_string(caesar_decode(convert_hex_to_ascii(code), 4)) for code in codes]\n"
        "print(maximum_value(list(map(int, plain))))"
    ),
    "cryptobotanists_plant_dna_sequencer/find_most_common_nucleotide_and_transcribe": (
        'counts = count_nucleotides("AGCTAGCCGATGCA")\n'
        "most, _ = find_max_nucleotide(*[part for pair in counts.items() for part in pair])\n"
        "print(transcribe_dna_to_mrna(3 * most))"
    ),
    "cryptobotanists_plant_dna_sequencer/validate_transcribe_translate": (
        'dna = "AGCTTX"\nchain = lambda: translate_mrna_to_amino_acid(transcribe_dna_to_mrna(dna))\n'
        'print(chain() if is_valid_dna_sequence(dna) else "Invalid DNA sequence")'
    ),
    "cryptobotanists_plant_dna_sequencer/reverse_transcribe_palindrome_check": (
        'print(count_nucleotides(reverse_transcribe_mrna_to_dna("AUGCGU")))'
    ),
    "trade_calculator/interstellar_trade_transaction": (
        "local = convert_currency(100 * 50, 1.5)\n"
        "print(estimate_final_value(local, calculate_tariff(local, 8)))"
    ),
    "trade_calculator/best_trade_route_selection": (
        "local = [(convert_currency(500, rate), tariff) for rate, tariff in [(1.3, 7), (1.4, 9), (1.2, 4)]]\n"
        "print(find_minimum(*[estimate_final_value(v, calculate_tariff(v, tariff)) for v, tariff in local]))"
    ),
    "trade_calculator/fluctuating_conversion_rates_impact": (
        "local = [convert_currency(200 * n, rate) for n, rate in [(100, 1.7), (150, 1.5), (200, 1.6)]]\n"
        "print([estimate_final_value(value, calculate_tariff(value, 7)) for value in local])"
    ),
    "travel_itinerary_planning/plan_trip_to_0": (
        'print(budget_calculator(find_flights("E", "A", "2023-12-25")[0]["price"], '
        'book_hotel("A", "wifi", "pool")[0]["price_per_night"], 5))'
    ),
    "travel_itinerary_planning/luxury_tokyo_trip": (
        CHEAP + 'best = max(book_hotel("C"), key=lambda hotel: hotel["rating"])\n'
        'print(budget_calculator(cheap(find_flights("E", "C", "2023-10-05"), "price"), best[bed], 7))'
    ),
    "travel_itinerary_planning/leisure_and_business_combo": (
        CHEAP + 'legs = [("E", "D", "2023-08-15", ["wifi", "gym"], 3), ("D", "A", "2023-08-18", ["pool"], 2),'
        ' ("A", "C", "2023-08-20", ["wifi", "gym"], 2)]\n'
        'costs = [budget_calculator(cheap(find_flights(a, b, day), "price"), '
        "cheap(book_hotel(b, *want), bed), nights) for a, b, day, want, nights in legs]\nprint(sum(*costs))"
    ),
    "web_browsing/price_of_legendary_wand": (
        "import re\ndef pages(name, seen):\n    text = click_url(name)\n    seen[name] = text\n"
        "    while True:\n        more = scroll_down()\n"
        "        if more.startswith('[This is the end'):\n            break\n"
        "        seen[name] += more\n"
        "    for link in re.findall(r\"Clickable '([^']+)'\", seen[name]):\n"
        "        if link not in seen and link.startswith('/products'):\n            pages(link, seen)\n"
        "    return seen\n"
        "found = ' '.join(t for n, t in pages('/products', {}).items() if 'legendary' in n and 'wand' in n)\n"
        "print(re.findall(r'\\$?(\\d+\\.\\d\\d)', found)[0])"
    ),
    "web_browsing/email_of_allison_hill": (
        "import re\npage = click_url('/team/engineering/allison_hill')\n"
        "print(re.search(r'Email: (\\S+)', page)[1])"
    ),
    "web_browsing/phone_number_of_henry_santiago": (
        "import re\nclick_url('/team')\nseen = view()\n"
        "while not (more := scroll_down()).startswith('[This is the end'):\n    seen += more\n"
        "team = next(url for url in re.findall(r\"Clickable '([^']+)'\", seen) if 'marketing' in url)\n"
        "click_url(team)\n"
        "print(re.search(r'Phone: (\\S+)', click_url('/team/marketing/henry_santiago'))[1])"
    ),
}


@needs_files
@needs_bwrap
def test_the_82_published_tasks(tmp_path: Path) -> None:
    made = load.tasks()
    assert Counter(task.family for task in made) == {
        "web_browsing": 34,
        "trade_calculator": 17,
        "travel_itinerary_planning": 15,
        "message_decoder": 8,
        "dna_sequencer": 8,
    }
    everything = [task.id for task in made]
    for variant in ("published", "corrected"):
        found = outcomes("oracle", tmp_path, variant=variant)
        assert found == dict.fromkeys(everything, (1.0, 1, "correct"))
    assert outcomes("empty", tmp_path) == dict.fromkeys(everything, (0.0, 10, "limit"))


@needs_files
@needs_bwrap
@pytest.mark.parametrize("variant", ["published", "corrected"])
def test_three_of_each_family_are_solved_by_their_tools(variant: Any, tmp_path: Path) -> None:
    def coding(task: Any, rng: random.Random) -> Any:
        yield
        heard = yield f"Action:\n{SOLUTIONS[task.id]}\nEnd Action"
        yield f"Answer: {heard.text.strip()}"

    tasks = [task for task in load.tasks() if task.id in SOLUTIONS]
    assert Counter(task.family for task in tasks) == dict.fromkeys(FAMILIES, 3)
    made = M3ToolEval(split="published", variant=variant)
    run = turnwise.run(made, coding, tasks=tasks, store=tmp_path / "t.db")
    found = {log.task["id"]: (log.score(), log.metrics["turns"]) for log in run.logs()}
    assert found == dict.fromkeys(SOLUTIONS, (1.0, 2))
    assert all(any(note.name == "tool_call" for note in log.notes) for log in run.logs())


@needs_files
@needs_bwrap
def test_each_task_has_its_own_desk() -> None:
    one, other = (desk(load.tasks()[-1]) for _ in range(2))
    assert one.key() == other.key()
    assert len(one.tools()) == 6
