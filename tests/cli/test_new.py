"""`turnwise new`: what it writes runs at once, as a run and as tests, under its name; what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from terminal import last_json, ok, refused, turn

from turnwise.cli.new import class_name, scaffold

FILES = {
    "README.md",
    "__init__.py",
    "ci.yml",
    "environment.py",
    "policy.md",
    "tasks.toml",
    "tools.py",
    "users.toml",
}


def test_a_new_service_runs_at_once(folder: Path) -> None:
    shown = ok("new", "bike_shop")
    assert {path.name for path in (folder / "bike_shop").iterdir()} == FILES | {"test_bike_shop.py"}
    assert "turnwise run bike_shop:BikeShop --agent solver" in shown
    able = last_json("run", "bike_shop:BikeShop", "--agent", "solver", "-q")
    assert (able["environment"], able["episodes"], able["score"]["mean"]) == ("bike_shop", 5, 1.0)
    idle = last_json("run", "bike_shop:BikeShop", "--agent", "nothing", "-q")
    assert idle["score"]["mean"] < 0.5
    wild = last_json("run", "bike_shop:BikeShop", "--agent", "random", "-q", "--epochs", "4")
    assert wild["failed"] == 0
    ok("replay", wild["run"])


def test_nothing_of_the_pattern_shows(folder: Path) -> None:
    last_json("new", "bike_shop", "--directory", "some/where")
    for path in (folder / "some" / "where" / "bike_shop").iterdir():
        assert "lantern" not in path.name + path.read_text().lower()
        assert "\N{REPLACEMENT CHARACTER}" not in path.read_text()


def test_its_tests_pass_and_count_its_tasks(folder: Path) -> None:
    ok("new", "bike_shop")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:xdist", "bike_shop"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "6 passed, 1 skipped" in done.stdout, done.stdout + done.stderr


def test_two_of_them_stand_side_by_side(folder: Path) -> None:
    for name in ("one", "two"):
        ok("new", name)
        assert last_json("run", f"{name}:{name.title()}", "-a", "solver", "-q")["environment"] == name
    line = refused("run", "one/environment.py:One", "-a", "solver")
    assert line.endswith("as part of a package: one.environment:One")
    ok("run", "one.environment:One", "-a", "solver", "-q")


def test_a_service_named_from_elsewhere_is_told_by_its_right_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shops").mkdir()
    ok("new", "corner", "-d", "shops")
    line = refused("run", "shops/corner:Corner", "-a", "solver")
    assert line.endswith("No module named 'shops/corner'; a package has dots: shops.corner:Corner")
    ok("run", "shops.corner:Corner", "-a", "solver", "-q")
    monkeypatch.chdir(folder / "shops" / "corner")
    line = refused("run", "environment.py:Corner", "-a", "solver")
    assert line.endswith(f"as part of a package: cd {folder / 'shops'}, then corner.environment:Corner")


def test_its_ci_names_commands_that_there_are(folder: Path) -> None:
    text = scaffold("bike_shop")["ci.yml"]
    (line,) = (line for line in text.replace(">\n", "").splitlines() if "turnwise run" in line)
    assert "bike_shop:BikeShop" in line
    ok("new", "bike_shop")
    command = text[text.index("turnwise run") : text.index("      - uses: actions/upload")]
    words = command.replace('"$ASSISTANT"', "solver").replace('"$GITHUB_STEP_SUMMARY"', "summary.md").split()
    assert turn(*words[1:]).returncode == 0
    assert turn(*words[1:]).returncode == 0
    assert (folder / "bike_shop.xml").exists()
    assert (folder / "summary.md").read_text().startswith("# bike_shop: 1.000")


def test_names_of_classes() -> None:
    assert [class_name(name) for name in ("shop", "bike_shop", "a1_b")] == ["Shop", "BikeShop", "A1B"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Bike-Shop", "expected a lower-case letter, then letters, digits and _, such as bike_shop"),
        ("../up", "expected a lower-case letter"),
        ("1st", "expected a lower-case letter"),
        ("", "expected a lower-case letter"),
        ("größe", "expected a lower-case letter"),
        ("class", "is a word of Python: take another, such as class_service"),
        ("none", "is a word of Python"),
        ("json", "is another package's"),
        ("pytest", "is another package's"),
        ("turnwise", "is another package's"),
        ("tests", "is another package's"),
    ],
)
def test_names_that_cannot_be(folder: Path, name: str, words: str) -> None:
    assert words in refused("new", name)
    assert list(folder.iterdir()) == []


def test_what_is_there_is_left_as_it_is(folder: Path) -> None:
    (folder / "bike_shop").mkdir()
    (folder / "bike_shop" / "tools.py").write_text("mine")
    assert "bike_shop is there already" in refused("new", "bike_shop")
    assert (folder / "bike_shop" / "tools.py").read_text() == "mine"
    (folder / "file").write_text("")
    assert "cannot write file/bike_shop" in refused("new", "bike_shop", "-d", "file")
