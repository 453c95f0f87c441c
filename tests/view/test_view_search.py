"""Full-text search: what it finds, how it says where, how it catches up, and that it can be thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House
from served import Client, serving

import turnwise
from turnwise.errors import ConfigError
from turnwise.store import search
from turnwise.store.search import Found, Place, Term, snippet, terms
from turnwise.store.store import Store


def texts(house: House, run: str) -> list[tuple[int, int, str, str]]:
    logs = enumerate(turnwise.open_run(run, store=house.place).logs())
    return [(number, turn.index, turn.role, turn.text.lower()) for number, log in logs for turn in log.turns]


def found(client: Client, q: str, **query: object) -> set[tuple[str, int, int]]:
    page = client.get("/search", q=q, limit=500, **query)
    assert page["total"] == len(page["hits"])
    return {(hit["run"], hit["episode"], hit["turn"]) for hit in page["hits"]}


def test_it_finds_every_turn_that_holds_the_words_and_no_other(client: Client, house: House) -> None:
    wanted = {(house.desk, n, turn) for n, turn, _, text in texts(house, house.desk) if "crowns" in text}
    assert found(client, "crowns") == wanted
    assert found(client, "CROWNS madam") | found(client, "crowns -madam") == wanted
    assert found(client, '"12 crowns, sir"', run=house.desk) == {
        (house.desk, n, turn) for n, turn, _, text in texts(house, house.desk) if "12 crowns, sir" in text
    }
    assert found(client, "quest*") == {
        (house.desk, n, turn) for n, turn, _, text in texts(house, house.desk) if "question" in text
    }
    # A tool call's arguments and thoughts are searched, too.
    assert found(client, "price lamp look") == {(house.desk, 0, 2)}


def test_it_looks_within_a_run_an_episode_or_a_role(client: Client, house: House) -> None:
    mine = {(house.lost, n, turn) for n, turn, role, text in texts(house, house.lost) if "up" in text.split()}
    few = {place for place in mine if place[1] == 2}
    assert found(client, "up", run=house.lost, episode=2, role="agent") <= few
    assert {place[:2] for place in found(client, "up", run=house.lost, episode=2)} == {(house.lost, 2)}
    said = {
        (house.lost, n, t)
        for n, t, role, text in texts(house, house.lost)
        if role == "agent" and "up" in text
    }
    assert found(client, "up", run=house.lost, episode=2, role="agent") == {p for p in said if p[1] == 2}


def test_the_grid_filters_by_words(client: Client, house: House) -> None:
    rows = client.get(f"/runs/{house.desk}/episodes", text="kettle")["rows"]
    assert [row["task"] for row in rows] == ["kettle"]


def test_a_snippet_is_plain_text_with_ranges_in_utf16() -> None:
    text, ranges = snippet(Found(1, 0, 0, "agent", "a 😀 \x02<b>bold</b>\x03 end \x02x\x03"))
    assert text == "a 😀 <b>bold</b> end x"
    units = text.encode("utf-16-le")
    assert [units[2 * a : 2 * b].decode("utf-16-le") for a, b in ranges] == ["<b>bold</b>", "x"]


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("a b*", [Term("a"), Term("b", prefix=True)]),
        ('"a b" -c', [Term("a b"), Term("c", without=True)]),
        ('say "never closed', [Term("say"), Term("never closed")]),
        ("NEAR(a) AND {x}: y", [Term("NEAR(a)"), Term("AND"), Term("{x}:"), Term("y")]),
        ("a\x00b", [Term("a b")]),
    ],
)
def test_a_query_is_words_and_nothing_else(query: str, meant: list[Term]) -> None:
    assert terms(query) == meant


@pytest.mark.parametrize("query", ["", "-", '""', "!?*", "-without"])
def test_a_query_without_words_is_refused(query: str) -> None:
    with pytest.raises(ConfigError, match="nothing to look for"):
        terms(query)


def test_operators_of_the_index_are_only_words(client: Client) -> None:
    for query in ('crowns" OR "x', "text:crowns", "crowns NOT madam", "rowid:1", "(", "^a", "a AND", "{"):
        answer = client.ask("GET", f"/api/search?q={query.replace(' ', '%20').replace(chr(34), '%22')}")
        assert answer.status in (200, 400), (query, answer.data)


def test_the_index_follows_the_logs(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    first = turnwise.run("maze", "solver", store=place, limit=2)
    store = Store(place)
    index = search.open_index(store)
    assert tuple(index.catch_up(10)) == (2, 2)
    before = index.count(terms("maze"), Place(), 1000)
    again = turnwise.run("maze", "solver", store=place, limit=3)
    assert tuple(index.catch_up(10)) == (5, 5)
    assert index.count(terms("maze"), Place(), 1000) == before // 2 * 5
    assert index.episodes(terms("maze"), again.row.number) == [0, 1, 2]
    # A run that is deleted gives its number to the next one.
    store.delete(again.row.number)
    third = turnwise.run("number_guess", "solver", store=place, limit=1)
    assert third.row.number == again.row.number
    index.catch_up(10)
    assert index.episodes(terms("maze"), third.row.number) == []
    assert index.count(terms("maze"), Place(first.row.number), 1000) == before
    # Thrown away, it is made again.
    for file in tmp_path.glob("t.db-search*"):
        file.unlink()
    fresh = search.open_index(store)
    assert tuple(fresh.catch_up(10)) == (3, 3)
    assert fresh.count(terms("maze"), Place(first.row.number), 1000) == before


def test_an_episode_that_is_played_again_is_found_as_it_is_now(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    run = turnwise.run("maze", "random", store=place, limit=1)
    store = Store(place)
    index = search.open_index(store)
    index.catch_up(10)
    store.cut(run.row.number, 0)
    other = turnwise.run("wilt", "random", store=place, limit=1)
    index.catch_up(10)
    assert index.count(terms("maze"), Place(other.row.number), 10) == 0
    words = terms("wilt") if index.count(terms("wilt"), Place(), 10) else terms("rule")
    assert index.episodes(words, other.row.number) == [0]


def test_scripts_without_spaces_are_found_by_any_part_of_a_word(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    lines = ["这是一个很大的迷宫,出口在北方。", "迷い込んだ東京タワー", "宫迷"]
    run = turnwise.run("number_guess", lines * 9, store=place, limit=1, limits={"turns": 3})
    with serving(place) as client:
        page = client.get("/search", q="迷宫", run=run.id)
        assert [hit["turn"] for hit in page["hits"]] == [1]
        (hit,) = page["hits"]
        assert hit["snippet"] == lines[0]
        assert [hit["snippet"][start:end] for start, end in hit["ranges"]] == ["迷宫"]
        assert [hit["turn"] for hit in client.get("/search", q="東京", run=run.id)["hits"]] == [3]
        assert client.get("/search", q="北宫", run=run.id)["hits"] == []


def test_a_file_that_is_no_index_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "t.db"
    turnwise.run("maze", "solver", store=place, limit=1)
    Path(f"{place}-search").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    index = search.open_index(Store(place))
    assert tuple(index.catch_up(10)) == (1, 1)
    assert index.count(terms("maze"), Place(), 10) > 0
