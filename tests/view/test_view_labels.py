"""Labels: written, superseded, taken back, agreed upon, exported; in the store and never overwritten."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from served import Client, serving

import turnwise
from turnwise.store.probe import probe


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels") / "t.db"


@pytest.fixture(scope="module")
def run(place: Path) -> str:
    return turnwise.run("maze", "random", store=place, limit=4).id


@pytest.fixture(scope="module")
def fork(place: Path, run: str) -> str:
    return turnwise.fork(f"{run}/0", 3, store=place, count=2).id


@pytest.fixture(scope="module")
def browser(place: Path, run: str, fork: str) -> Iterator[Client]:
    with serving(place) as client:
        yield client


def test_words_hold_until_a_later_one_or_a_retraction(browser: Client, place: Path, run: str) -> None:
    target = f"{run}/0@1"
    first = browser.post("/labels", kind="thumb", target=target, annotator="ana", value=1).json
    second = browser.post("/labels", kind="thumb", target=target, annotator="ana", value=-1).json
    browser.post("/labels", kind="thumb", target=target, annotator="ben", value=1)
    held = browser.get("/labels", target=target)["rows"]
    assert [(label["annotator"], label["value"]) for label in held] == [("ben", 1.0), ("ana", -1.0)]
    assert browser.post(f"/labels/{first['id']}/retract", annotator="ana").status == 404
    refused = browser.post(f"/labels/{second['id']}/retract", annotator="ben")
    assert (refused.status, refused.json["message"]) == (
        400,
        f"label {second['id']} is ana's: only they can take it back",
    )
    assert browser.post(f"/labels/{second['id']}/retract", annotator="ana").status == 200
    assert [label["annotator"] for label in browser.get("/labels", target=target)["rows"]] == ["ben"]
    # Nothing was overwritten: four rows and one that takes back.
    with sqlite3.connect(place) as connection:
        count = "SELECT count(*), count(retracts) FROM annotations"
        assert connection.execute(count).fetchone() == (4, 1)


def test_tags_and_notes_are_in_the_grid_and_notes_keep_their_words(browser: Client, run: str) -> None:
    browser.post("/labels", kind="tag", target=f"{run}/1", annotator="ana", name="odd")
    browser.post("/labels", kind="tag", target=run, annotator="ana", name="baseline")
    said = browser.get(f"/runs/{run}/episodes/1/turns", start=1, count=1)["turns"][0]["message"]["parts"][0][
        "text"
    ]
    note = browser.post(
        "/labels", kind="note", target=f"{run}/1@1", annotator="ana", text="why?", part=0, start=0, end=4
    )
    assert note.status == 201
    row = browser.get(f"/runs/{run}/episodes", tag="odd")["rows"]
    assert [(one["number"], one["tags"], one["labels"]) for one in row] == [(1, ["odd"], 1)]
    assert browser.get(f"/runs/{run}/episodes", labelled="false")["total"] == 2
    assert browser.get("/runs", tag="baseline")["rows"][0]["tags"] == ["baseline"]
    about = browser.get("/about")
    assert (about["annotators"], about["tags"]) == (["ana", "ben"], ["baseline", "odd"])
    lines = browser.ask("GET", f"/api/export/labels.jsonl?run={run}").data.splitlines()
    exported = next(row for line in lines if (row := json.loads(line))["kind"] == "note")
    assert (exported["text"], exported["span"]) == ("why?", said[:4])
    assert exported["completion"] == [{"role": "assistant", "content": said}]


def test_the_first_words_may_come_all_at_once(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    run = turnwise.run("maze", "solver", store=place, limit=1).id
    with serving(place) as client, ThreadPoolExecutor(8) as pool:

        def label(number: int) -> int:
            return client.post("/labels", kind="tag", target=run, annotator=f"a{number}", name="x").status

        assert list(pool.map(label, range(8))) == [201] * 8
        assert client.get("/labels")["total"] == 8


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"kind": "thumb", "value": 2}, "value: a thumb is one of 1, -1"),
        ({"kind": "score", "value": 1}, "name: a score has a name"),
        ({"kind": "note", "text": " "}, "text: a note has a text"),
        ({"kind": "choice", "value": 1}, "between two"),
        ({"kind": "note", "text": "x", "start": 3}, "start, end"),
        ({"kind": "tag", "name": "x", "target": "nothing"}, "no run"),
        ({"kind": "tag", "name": "x", "target": "a/b@c"}, "expected RUN"),
        ({"kind": "tag", "name": "x", "annotator": " "}, "annotator"),
        ({"kind": "wish"}, "$.kind"),
        ({"kind": "thumb", "value": 1, "extra": 1}, "unknown field"),
    ],
)
def test_a_word_that_says_nothing_is_refused(
    browser: Client, run: str, said: dict[str, object], why: str
) -> None:
    before = browser.get("/labels")["total"]
    answer = browser.post("/labels", **{"target": f"{run}/0", "annotator": "ana", **said})
    assert answer.status in (400, 404)
    assert why in answer.json["message"]
    assert browser.get("/labels")["total"] == before


def test_choices_are_a_preference_data_set(browser: Client, fork: str) -> None:
    one, two = f"{fork}/0@3", f"{fork}/1@3"
    browser.post("/labels", kind="choice", target=one, other=two, annotator="ana", name="better", value=-1)
    # The same two, named the other way round: this stands instead.
    browser.post("/labels", kind="choice", target=two, other=one, annotator="ana", name="better", value=-1)
    browser.post("/labels", kind="choice", target=one, other=two, annotator="ben", name="better", value=0)
    lines = browser.ask("GET", "/api/export/preferences.jsonl?name=better").data.splitlines()
    assert len(lines) == 1
    row = json.loads(lines[0])
    assert (row["chosen_source"], row["rejected_source"]) == (two, one)
    turns = {name: browser.get(f"/runs/{fork}/episodes/{name}/turns")["turns"] for name in "01"}
    assert [m["content"] for m in row["prompt"]] == [t["message"]["parts"][0]["text"] for t in turns["0"][:3]]
    assert row["chosen"] == [{"role": "assistant", "content": turns["1"][3]["message"]["parts"][0]["text"]}]
    assert row["rejected"] == [{"role": "assistant", "content": turns["0"][3]["message"]["parts"][0]["text"]}]


def test_whole_episodes_can_be_preferred(browser: Client, fork: str) -> None:
    browser.post(
        "/labels",
        kind="choice",
        target=f"{fork}/0",
        other=f"{fork}/1",
        annotator="cyd",
        name="whole",
        value=1,
    )
    row = json.loads(browser.ask("GET", "/api/export/preferences.jsonl?name=whole").data)
    assert len(row["prompt"]) >= 3
    assert row["chosen"] != row["rejected"]
    assert row["chosen"][-1]["role"] == row["rejected"][-1]["role"] == "assistant"


def test_agreement_is_cohens_kappa_with_an_interval(browser: Client, run: str) -> None:
    """The table 2 1 / 1 4 by hand: 6 of 8 equal; chance 3/8 · 3/8 + 5/8 · 5/8 = 34/64; kappa 7/15."""
    mine = [1, 1, 1, -1, -1, -1, -1, -1]
    theirs = [1, 1, -1, 1, -1, -1, -1, -1]
    for number, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        target = f"{run}/{number % 4}@{3 + 2 * (number // 4)}"
        browser.post("/labels", kind="thumb", target=target, annotator="dan", name="clear", value=a)
        browser.post("/labels", kind="thumb", target=target, annotator="eve", name="clear", value=b)
    page = browser.get("/agreement", kind="thumb", name="clear")
    (pair,) = page["pairs"]
    assert (pair["a"], pair["b"], pair["items"], pair["agreement"]) == ("dan", "eve", 8, 0.75)
    assert pair["kappa"]["mean"] == pytest.approx(7 / 15)
    assert pair["kappa"]["low"] <= 7 / 15 <= pair["kappa"]["high"]
    assert len(pair["disagree"]) == 2
    # Krippendorff's alpha of two raters: 1 - (n - 1) D_o / D_e = 1 - 15 · 4 / (2 · 6 · 10).
    assert page["alpha"]["mean"] == pytest.approx(0.5)
    assert {"kind": "thumb", "name": "clear", "labels": 16, "annotators": ["dan", "eve"]} in page["criteria"]
    assert browser.get("/agreement", kind="score", name="nothing")["pairs"] == []


def test_a_store_from_before_there_were_labels_gets_them_with_the_first(
    place: Path, run: str, tmp_path: Path
) -> None:
    older = tmp_path / "older.db"
    with sqlite3.connect(place) as whole, sqlite3.connect(older) as copy:
        whole.backup(copy)
        copy.execute("DROP TABLE annotations")
    probe(older)
    with serving(older) as client:
        assert client.get("/labels")["rows"] == []
        assert client.get(f"/runs/{run}/episodes/0")["line"]["labels"] == 0
        client.post("/labels", kind="thumb", target=f"{run}/0", annotator="ana", value=1)
        assert client.get(f"/runs/{run}/episodes/0")["line"]["labels"] == 1
