"""`turnwise judge`: kinds, judging a run, and what those who judged it agree on."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import last_json, ok, refused

from turnwise.store.annotations import Annotation, Annotations, Target
from turnwise.store.store import Store
from turnwise.view.reading import grid
from turnwise.view.reading.source import Source
from turnwise.view.server.shapes import EpisodesQuery


@pytest.fixture
def run(folder: Path) -> str:
    return last_json("run", "mt_eval", "-a", "random", "--limit", "4", "-q")["run"]


def test_without_arguments_it_lists_the_kinds() -> None:
    told = ok("judge")
    for name in ("rubric", "sliding_window", "amulet_maxims", "objexmt"):
        assert name in told
    assert "pairs" in told


def test_a_run_is_judged_and_judged_again(run: str, folder: Path) -> None:
    first = last_json("judge", run, "--judge", "rating", "-a", "solver", "-q")
    second = last_json(
        "judge", run, "--judge", "rating", "-a", "random", "--set", 'criteria=Be "brief"', "-q"
    )
    assert (first["environment"], first["episodes"], first["failed"]) == ("judging", 4, 0)
    assert first["run"] != second["run"]
    shown = ok("judge", run)
    assert f"rating by solver ({first['run']})" in shown
    assert f"rating by random ({second['run']})" in shown
    told = last_json("judge", run)
    assert [rater["episodes"] for rater in told["raters"]][1:] == [4, 4]
    pair = told["pairs"][-1]
    assert (pair["episodes"], pair["differ"]) == (0, [])
    # Marks of 1 to 10 do not say what passes, unless the command does.
    pair = last_json("judge", run, "--solved", "5")["pairs"][-1]
    assert pair["episodes"] == 4
    assert f"judge of {run}" in ok("show", first["run"])


def test_pairs_are_judged_in_both_orders(run: str, folder: Path) -> None:
    other = last_json("run", "mt_eval", "-a", "solver", "--limit", "4", "-q")["run"]
    told = ok("judge", run, "--against", other, "--judge", "pairwise", "-a", "first")
    assert "same winner in both orders 0" in told
    assert "for the first place +1.00" in told


def test_labelled_episodes_are_cases_for_judges(run: str, folder: Path) -> None:
    words = Annotations(Store(folder / "turnwise.db"))
    words.add(Annotation(kind="thumb", target=Target(run, 1), annotator="ada", value=1.0))
    assert "1 cases in cases.jsonl" in ok("judge", run, "--labelled", "cases.jsonl")
    asked = ["--set", "judge=question", "--set", 'config={question="Was it right?"}', "-q"]
    told = last_json("run", "judging", "--tasks", "cases.jsonl", "-a", "solver", *asked)
    assert (told["episodes"], told["failed"], told["score"]["mean"]) == (1, 0, 1.0)


def test_disagreements_are_labelled_for_the_viewer(run: str, folder: Path) -> None:
    for word in ("in", "the"):
        asked = f'criteria=[{{text="It says \\"{word}\\"."}}]'
        last_json("judge", run, "-a", "solver", "--judge", "rubric", "--set", asked, "-q")
    pair = last_json("judge", run)["pairs"][-1]
    apart = [int(name.rpartition("/")[2]) for name in pair["differ"]]
    assert apart == [0]
    for _ in range(2):
        assert last_json("judge", run, "--tag", "to read")["tagged"] == apart
    store = Store(folder / "turnwise.db")
    viewer = Source(store)
    page = grid.page(viewer, viewer.run(run), EpisodesQuery(tag="to read"))
    assert [row.number for row in page.rows] == apart
    held = Annotations(store).held()
    assert [(word.kind, word.target.episode) for word in held] == [
        (kind, number) for number in apart for kind in ("tag", "note")
    ]
    first, second = (held[1].text or "").splitlines()
    assert all(line.startswith("rubric by solver (judging-") for line in (first, second))
    assert {line.partition("): ")[2] for line in (first, second)} == {"passes (1)", "fails (0)"}
    # By another bar the environment differs from them, too; without it the tag goes again.
    more = last_json("judge", run, "--tag", "to read", "--solved", "0")["tagged"]
    assert more == [0, 1, 2]
    shown = ok("judge", run, "--tag", "to read")
    assert f"episodes with the tag 'to read': 1; turnwise view, at /runs/{run}?tag=to%20read" in shown
    tags = [word.target.episode for word in Annotations(store).held() if word.kind == "tag"]
    assert sorted(tags, key=lambda n: n or 0) == apart


def test_what_cannot_be_judged_is_one_line(run: str, folder: Path) -> None:
    for words, said in [
        (["judge", run, "--judge", "rubrik", "-a", "solver"], "did you mean 'rubric'?"),
        (["judge", run, "--judge", "rating", "-a", "solver", "--set", "hi=3"], "no setting 'hi'"),
        (["judge", run, "--judge", "pairwise", "-a", "solver"], "--against"),
        (["judge", run, "--judge", "rating"], "nobody fills the role 'judge'"),
        (["judge", "nothing", "--judge", "rating", "-a", "solver"], "has no run 'nothing'"),
    ]:
        assert said in refused(*words)
    judged = last_json("judge", run, "--judge", "rating", "-a", "solver", "-q")["run"]
    assert "judge the run that it judged" in refused("judge", judged, "--judge", "rating", "-a", "solver")
