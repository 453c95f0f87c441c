"""What models wrote is told as text, byte for byte, whatever it is; and nothing of it is slow."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import HTML, LONG, MANY, SVG, TEXTS, Hostile, Talk, hostile, talker
from served import Client, serving

import turnwise


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "t.db"


@pytest.fixture(scope="module")
def run(place: Path) -> str:
    return turnwise.run(Hostile(), hostile(), store=place).id


@pytest.fixture(scope="module")
def talk(place: Path) -> str:
    return turnwise.run(Talk(), talker(), store=place).id


@pytest.fixture(scope="module")
def browser(place: Path, run: str, talk: str) -> Iterator[Client]:
    with serving(place) as client:
        yield client


def number(browser: Client, run: str, task: str) -> int:
    rows = browser.get(f"/runs/{run}/episodes", task=task)["rows"]
    assert len(rows) == 1
    return rows[0]["number"]


@pytest.mark.parametrize("task", list(TEXTS))
def test_text_comes_back_as_it_was_said_in_json_alone(browser: Client, run: str, task: str) -> None:
    episode = f"/runs/{run}/episodes/{number(browser, run, task)}"
    turns = browser.get(f"{episode}/turns")["turns"]
    assert [turn["message"]["parts"][0]["text"] for turn in turns[:2]] == [TEXTS[task]] * 2
    paths = [
        "",
        "/turns",
        "/views/agent",
        "/tree",
        "/neighbours",
        "/frames",
        "/credit?method=grpo",
        "/turns/1/tokens",
    ]
    for path in paths:
        answer = browser.ask("GET", f"/api{episode}{path}")
        assert answer.status == 200, (path, answer.data[:300])
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        json.loads(answer.data)


def test_what_is_said_in_an_error_is_text_on_one_line(browser: Client, run: str) -> None:
    for text in TEXTS.values():
        answer = browser.post("/labels", kind="tag", target=f"{text}"[:400], annotator="a", name="x")
        assert answer.status in (400, 404)
        assert answer.headers["content-type"] == "application/json"
        assert "\n" not in answer.json["message"]
        assert "\r" not in answer.json["message"]


def test_a_search_marks_words_and_never_markup(browser: Client, run: str) -> None:
    for query in ("alert", "onerror", "DROP", "marks"):
        for hit in browser.get("/search", q=query)["hits"]:
            units = hit["snippet"].encode("utf-16-le")
            assert hit["ranges"]
            for start, end in hit["ranges"]:
                assert units[2 * start : 2 * end].decode("utf-16-le").lower() == query.lower()


def test_broken_unicode_is_mended(browser: Client, run: str) -> None:
    episode = f"/runs/{run}/episodes/{number(browser, run, 'surrogate')}"
    said = browser.get(f"{episode}/turns")["turns"][1]["message"]["parts"][0]["text"]
    assert said == "half \ufffd of a pair \ufffd"
    label = browser.ask(
        "POST",
        "/api/labels",
        b'{"kind": "note", "target": "%s/0", "annotator": "a\\ud800", "text": "x\\udfff"}' % run.encode(),
        {"Content-Type": "application/json"},
    )
    assert label.status in (201, 400)
    assert browser.get("/labels")["rows"] is not None


def test_tool_calls_are_what_the_model_wrote(browser: Client, run: str) -> None:
    episode = f"/runs/{run}/episodes/{number(browser, run, 'tool')}"
    message = browser.get(f"{episode}/turns")["turns"][1]["message"]
    assert [call["name"] for call in message["tool_calls"]] == ["<script>", "__proto__", "x"]
    assert message["tool_calls"][0]["arguments"] == "{" * 5000
    assert [call["valid"] for call in message["tool_calls"]] == [False, True, False]
    assert message["reasoning"] == "<b>thought</b>"


def test_deep_json_is_cut_where_it_is_too_deep(browser: Client, run: str) -> None:
    page = browser.get(f"/runs/{run}/episodes/{number(browser, run, 'notes')}")
    assert page["notes"][0]["name"] == "<script>alert(1)</script>"
    depth, value = 0, page["notes"][0]["value"]["deep"]
    while isinstance(value, (dict, list)):
        value = value["a"] if isinstance(value, dict) else value[0]
        depth += 1
    assert depth < 30
    # What only looks like a verdict stays a note.
    assert page["verdicts"] == []
    assert len(page["notes"]) == 5


def test_no_bytes_of_a_model_are_run(browser: Client, run: str) -> None:
    episode = f"/runs/{run}/episodes/{number(browser, run, 'media')}"
    turns = browser.get(f"{episode}/turns")["turns"]
    parts = [part for turn in turns for part in turn["message"]["parts"] if part["url"]]
    for part, data in zip(parts, (SVG, HTML), strict=True):
        answer = browser.ask("GET", part["url"])
        assert answer.data == data
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == "attachment"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "x-evil" not in answer.headers


def test_five_megabytes_are_told_in_pieces(browser: Client, run: str) -> None:
    episode = f"/runs/{run}/episodes/{number(browser, run, 'long')}"
    browser.get(episode)
    start = time.perf_counter()
    answer = browser.ask("GET", f"/api{episode}/turns")
    assert time.perf_counter() - start < 1.0
    part = answer.json["turns"][1]["message"]["parts"][0]
    assert part["size"] == LONG
    assert len(answer.data) < 200_000
    more = browser.get(f"{episode}/turns/1/text", start=LONG - 5, count=100)
    assert more == {"start": LONG - 5, "total": LONG, "text": "bcdef"}
    assert len(browser.ask("GET", f"/api{episode}").data) < 50_000
    assert len(browser.ask("GET", f"/api{episode}/views/agent").data) < 200_000


def test_ten_thousand_turns_open_at_once_and_scroll(browser: Client, talk: str) -> None:
    start = time.perf_counter()
    page = browser.get(f"/runs/{talk}/episodes/0")
    first = time.perf_counter() - start
    assert [line["index"] for line in page["turns"]] == list(range(MANY))
    assert first < 3.0
    start = time.perf_counter()
    for place in (0, 5_000, MANY - 50):
        turns = browser.get(f"/runs/{talk}/episodes/0/turns", start=place, count=50)["turns"]
        assert turns[7]["index"] == place + 7
    view = browser.get(f"/runs/{talk}/episodes/0/views/agent", start=9_000, count=50)
    assert (view["total"], view["call"]["shown"], view["call"]["hidden"]) == (MANY - 1, MANY - 1, 0)
    assert time.perf_counter() - start < 2.0
    rows = browser.get("/align", a=f"{talk}/0", b=f"{talk}/0")
    assert rows["shared"] == MANY


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"kind": "thumb", "target": "x", "annotator": "a", "value": 1e999}',
        b'{"environment": "maze", "roles": ["agent"], "settings": ' + b'{"a":' * 450 + b"1" + b"}" * 451,
        b'{"environment": "maze", "roles": ["agent"], "settings": ' + b'{"a":' * 950 + b"1" + b"}" * 951,
        b'{"kind": "thumb", "target": "x/99999999999999999999", "annotator": "a", "value": 1}',
    ],
)
def test_a_body_that_is_no_request_is_refused_in_a_line(browser: Client, body: bytes) -> None:
    for path in ("/labels", "/forks", "/plays"):
        answer = browser.ask("POST", f"/api{path}", body, {"Content-Type": "application/json"})
        assert answer.status in (400, 404), (path, answer.data)
        assert "\n" not in answer.json["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/runs/%00",
        "/runs/%ff%fe",
        "/runs/..%2f..%2fetc",
        "/runs/' OR 1=1 --".replace(" ", "%20"),
        "/runs/x/episodes/-1",
        "/runs/x/episodes/99999999999999999999",
        "/runs/x/episodes/1e3",
        "/runs/%F0%9F%98%80",
        "/runs?offset=99999999999999999999",
        "/runs?since=nan&until=inf&limit=1e2",
        "/runs?limit=-1",
        "/search?q=%00",
        "/search?q=" + "x%20" * 2_000,
        "/align?a=x&b=y",
        "/compare?runs=,",
        "/plays/x?seat=%00",
        "/labels?target=%ff",
    ],
)
def test_a_path_that_means_nothing_is_refused_in_a_line(browser: Client, path: str) -> None:
    answer = browser.ask("GET", f"/api{path}")
    assert answer.status in (200, 400, 404), answer.data
    assert answer.status == 200 or "\n" not in answer.json["message"]


def test_an_episode_that_cannot_be_read_is_a_line_and_hides_no_other(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    run = turnwise.run("maze", "solver", store=place, limit=3)
    for number, data in enumerate((b"\xff\xfe{", b'{"version": 1, "environment": 7}')):
        with sqlite3.connect(place) as store:
            store.execute("UPDATE log SET data = ? WHERE episode = ? AND part = 0", (data, number))
        with serving(place) as client:
            for path in ("", "/turns", "/views/agent", "/frames", "/log", "/tree"):
                answer = client.ask("GET", f"/api/runs/{run.id}/episodes/{number}{path}")
                assert (answer.status, answer.json["code"]) == (500, "failed"), path
                assert f"episode {number} cannot be read" in answer.json["message"]
            assert client.get(f"/runs/{run.id}/episodes")["total"] == 3
            page = client.get(f"/runs/{run.id}")
            assert (page["run"]["done"], page["told_from"]) == (3, 2 - number)
            assert client.get(f"/runs/{run.id}/episodes/2")["turns"]
            assert {hit["episode"] for hit in client.get("/search", q="maze")["hits"]} >= {2}
