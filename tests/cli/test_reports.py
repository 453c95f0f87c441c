"""Runs held against thresholds and earlier runs: exit codes, one line of why, JUnit and Markdown."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from terminal import last_json, ok, refused, turn

import turnwise
from turnwise import Environment, Task
from turnwise.engine.report import (
    CheckFailed,
    Threshold,
    at_least,
    junit,
    markdown,
    paired,
    regression,
    report,
    threshold,
)
from turnwise.errors import ConfigError
from turnwise.store.store import Store

LANTERN = ("run", "lantern", "-q", "--agent")


def failed(*words: str) -> str:
    """The one line it says, where it must end with 1."""
    done = turn(*words)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("turnwise: "))
    assert "Traceback" not in done.stderr
    return line


# On the command line ------------------------------------------------------------------------------------


def test_a_run_that_is_good_enough_passes_and_another_ends_with_one(folder: Path) -> None:
    summary = last_json(*LANTERN, "solver", "--fail-under", "1", "--fail-under", "said=0.9")
    assert [check["passed"] for check in summary["checks"]] == [True, True]
    line = failed(*LANTERN, "nothing", "--fail-under", "0.5", "--fail-under", "state=0.5")
    assert line == "turnwise: score 0.200 [0.036, 0.624] is under 0.5"
    line = failed(*LANTERN, "nothing", "--fail-under", "said=0.5", "--fail-under", "state=0.7")
    assert "said 0.250" in line
    assert "; state 0.600" in line
    shown = ok("run", "lantern", "--agent", "solver", "--fail-under", "0.8")
    assert "passed: score 1.000 [0.566, 1.000] is at least 0.8" in shown


def test_a_metric_that_is_not_there_does_not_pass(folder: Path) -> None:
    assert "no episode has a sad (did you mean 'said'?)" in failed(
        *LANTERN, "solver", "--fail-under", "sad=1"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--fail-under", "x"], "--fail-under 'x': expected a number such as 0.8, or METRIC=NUMBER"),
        (["--fail-under", "=1"], "--fail-under '=1': expected a number"),
        (["--fail-under", "said="], "--fail-under 'said=': expected a number"),
        (["--fail-under", "nan"], "--fail-under 'nan': expected a number"),
        (["--fail-under", "80"], "scores of lantern are from 0 to 1"),
        (["--junit", "no/where.xml"], "--junit: cannot write no/where.xml: No such file or directory"),
        (["--markdown", "."], "--markdown: cannot write .: Is a directory"),
        (["--max-lost", "1"], "give --baseline"),
        (["--baseline", "lantern-nosuch"], "has no run 'lantern-nosuch'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_played(
    folder: Path, flags: list[str], words: str
) -> None:
    assert words in refused(*LANTERN, "solver", *flags)
    assert last_json("ls") == [] if (folder / "turnwise.db").exists() else True


def test_junit_and_markdown_of_a_run(folder: Path) -> None:
    files = ("--junit", "j.xml", "--markdown", "r.md")
    failed(*LANTERN, "nothing", "--epochs", "2", "--fail-under", "0.5", *files)
    run = last_json("show", "last")["run"]
    suite = ET.parse(folder / "j.xml").getroot()[0]
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["6", "5", "0", "0"]
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == ["cancel", "too-late", "moved", "of-somebody-else", "when", "score >= 0.5"]
    why = cases["cancel"].find("failure")
    assert why is not None
    assert why.get("message") == 'score 0: orders/L-1001/status: "open", expected "cancelled"'
    assert why.text is not None
    assert f"{run}/0: never said: '18.50'" in why.text.splitlines()
    assert f"{run}/5  score 0  turnwise show {run}/5" in (cases["cancel"].findtext("system-out") or "")
    assert cases["of-somebody-else"].find("failure") is None
    text = (folder / "r.md").read_text()
    assert text.startswith("# lantern: 0.200 [0.036, 0.624]\n\n1 of 5 tasks passed. 10 episodes of run")
    assert "- **failed**: score 0.200 [0.036, 0.624] is under 0.5" in text
    assert f"| `when` | **failed** | 0 | 2 | never said: '5 June' `{run}/4` |" in text
    assert text.index("`when`") < text.index("`of-somebody-else`"), "what failed stands first"
    assert "why: never said: '5 June'" in ok("show", f"{run}/4")
    # A stored run gives the same reports.
    failed("report", run, "--fail-under", "0.5", "--junit", "again.xml", "--markdown", "again.md")
    assert (folder / "again.xml").read_text() == (folder / "j.xml").read_text()
    assert (folder / "again.md").read_text() == text
    assert ok("report") == ok("report", run)
    assert last_json("report")["tasks"][0]["result"] == "failed"


def test_a_baseline_is_the_last_run_of_the_environment_or_one_by_name(folder: Path) -> None:
    first = turn(*LANTERN, "solver", "--baseline", "last", "--json")
    summary = json.loads(first.stdout)
    assert "no earlier run of lantern" in summary["checks"][0]["line"]
    last_json("run", "number_guess", "-n", "2", "-a", "solver", "-q")
    line = failed(*LANTERN, "nothing", "--baseline", "last")
    assert f"against {summary['run']}, p = 0.12 over 5 tasks, too few for a fall to be significant" in line
    assert "lost cancel, too-late, moved, when (4, at most 0 may be)" in line
    ok(*LANTERN, "nothing", "--baseline", "last")
    ok(*LANTERN, "nothing", "--baseline", summary["run"], "--max-lost", "4")
    failed(*LANTERN, "nothing", "--baseline", summary["run"], "--max-lost", "3")
    assert "is one of lantern, not of number_guess" in refused(
        "run", "number_guess", "-n", "2", "-a", "solver", "--baseline", summary["run"]
    )
    failed("report", "--baseline", summary["run"])
    assert "have no scored task in common" in failed(
        *LANTERN,
        "solver",
        "--task",
        "cancel",
        "--baseline",
        last_json(*LANTERN, "solver", "--task", "when")["run"],
    )


def test_compare_fails_on_a_regression_where_it_is_told_to(folder: Path) -> None:
    play = ("run", "number_guess", "-q", "-n", "30", "-a")
    good, bad = (last_json(*play, name)["run"] for name in ("solver", "random"))
    ok("compare", good, bad)
    ok("compare", bad, good, "--fail-on-regression", "--max-lost", "0")
    line = failed("compare", good, bad, "--fail-on-regression", "--markdown", "c.md")
    assert f"against {good}" in line
    text = (folder / "c.md").read_text()
    assert text.startswith("# number_guess: B - A is -")
    assert "- **failed**: -" in text
    assert "Lost: `" in text
    failed("compare", good, bad, "--max-lost", "1")
    checks = json.loads(turn("compare", good, bad, "--max-lost", "29", "--json").stdout)["checks"]
    assert checks[0]["passed"]
    assert "cannot write" in refused("compare", good, bad, "--markdown", "no/where.md")


def test_reports_are_written_of_a_run_that_was_stopped(folder: Path) -> None:
    (folder / "broken.py").write_text(
        "from turnwise import Environment, Task\n"
        "class Broken(Environment, frozen=True, kw_only=True):\n"
        "    def tasks(self):\n        return [Task(id=str(n)) for n in range(4)]\n"
        "    async def run(self, task, episode):\n"
        "        await episode.agent.respond('hi')\n"
        "        if task.id == '2':\n            raise ValueError('<b> & `|` \\x07 down')\n"
        "        episode.reward(1.0)\n"
        "    def agents(self):\n        return {'yes': lambda messages: 'yes'}\n"
    )
    words = ("run", "broken.py:Broken", "-q", "-a", "yes", "--concurrency", "1", "--junit", "j.xml")
    done = turn(*words, "--markdown", "r.md", "--max-errors", "0")
    assert done.returncode == 2
    suite = ET.parse(folder / "j.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("errors")) == ("3", "1")
    text = (folder / "r.md").read_text()
    assert "| `2` | **error** | - | 1 | ValueError: \\<b\\> \\& \\`\\|\\` " in text
    # An episode without a score counts as 0.
    line = failed(*words, "--fail-under", "0.8")
    assert "score 1.000 [0.439, 1.000] of 3 episodes, 0.750 with 1 that have none, is under 0.8" in line
    ok(*words, "--fail-under", "0.75")


# In Python ----------------------------------------------------------------------------------------------


class Says(Environment, frozen=True, kw_only=True):
    """Pays what the agent says."""

    count: int = 6

    def tasks(self) -> list[Task]:
        return [Task(id=f"t{n}") for n in range(self.count)]

    async def run(self, task: Task, episode: turnwise.Episode) -> None:
        reply = await episode.agent.respond(task.id)
        episode.reward(None if reply.text == "none" else float(reply.text))


def paying(store: Store, *values: object, count: int = 6) -> turnwise.Run:
    """A run in which task n is paid `values[n]`."""
    told = {f"t{n}": str(value) for n, value in enumerate(values)}
    return turnwise.run(Says(count=count), lambda messages: told[messages[-1].text], store=store)


def test_scores_below_zero_and_missing_ones() -> None:
    store = Store(":memory:")
    run = paying(store, -2, 1, 1, 1, 1, "none")
    # Worst case: the missing one as the least that was seen: (-2 + 4 - 2) / 6.
    assert at_least(run, Threshold(of="score", least=0.0)).passed
    assert not at_least(run, Threshold(of="score", least=0.01)).passed
    assert not at_least(paying(store, *["none"] * 6), Threshold(of="score", least=0.0)).passed


def test_a_mean_that_is_only_rounded_lower_is_enough() -> None:
    run = paying(Store(":memory:"), 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    assert at_least(run, Threshold(of="score", least=0.1)).passed


def test_a_fall_counts_where_it_is_significant() -> None:
    store = Store(":memory:")
    before = paying(store, 1, 1, 1, 1, 1, 1)
    # All six fell: of 64 sign patterns 2 are as extreme, p = 0.031; five of six: 4 of 64, p = 0.0625.
    for after, passed in (([0] * 6, False), ([1, *[0] * 5], True), ([1] * 6, True)):
        later = paying(store, *after)
        check = regression(before, paired(before, later))
        assert check.passed is passed, check.line
    worse = paying(store, 1, *[0] * 5)
    assert not regression(before, paired(before, worse), most_lost=4).passed
    assert regression(before, paired(before, worse), most_lost=5).passed
    assert regression(worse, paired(worse, before), most_lost=0).line.startswith("+0.833")


def test_over_five_tasks_a_lost_one_counts() -> None:
    store = Store(":memory:")
    before = paying(store, *[1] * 5, count=5)
    lost = paired(before, paying(store, 0, *[1] * 4, count=5))
    assert not regression(before, lost).passed
    assert regression(before, lost, most_lost=1).passed
    assert regression(before, lost, falls=False).passed
    assert regression(before, paired(before, paying(store, 0.9, *[1] * 4, count=5))).passed


def test_what_is_no_text_of_xml_or_markdown() -> None:
    run = paying(Store(":memory:"), *["none"] * 6)
    made = report(run)
    assert made.tasks[0].result == "error"
    assert "no score: no verdict; completed" in junit(made)
    assert "**error**" in markdown(made)
    assert str(threshold("a=b=0.5")) == "a=b >= 0.5"
    with pytest.raises(ConfigError):
        threshold("inf")
    assert CheckFailed("x").exit_code == 1
