"""docs/service.md, line by line: its files are written, its commands run, on a real assistant over HTTP."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import turnwise
from endpoint import Endpoint, closed_port, completion
from turnwise.engine.report import markdown, report

PAGE = (Path(__file__).parents[2] / "docs" / "service.md").read_text()
BLOCK = re.compile(r'```(\w+)(?: title="(.*?)")?\n(.*?)```', re.DOTALL)


def model(asked: dict[str, Any]) -> Any:
    """A user who leaves at once, a judge who finds all is well, an agent of few words."""
    told = asked["messages"][-1]["content"]
    if "Criteria:" in told:
        return (200, completion('[{"id": "rubric_0", "reason": "so it is", "met": true}]'))
    if asked["model"] == "gpt-4o-mini":
        spoken = sum(message["role"] == "assistant" for message in asked["messages"])
        return (200, completion("###STOP###" if spoken else "Hello?"))
    return (200, completion("I see."))


class Reader:
    """Somebody who does what the page says, in one folder."""

    def __init__(self, folder: Path, models: str) -> None:
        self.folder = folder
        self.port = str(closed_port())
        self.assistant: subprocess.Popen[str] | None = None
        self.said: dict[str, str] = {}
        self.models = models
        tools = folder / "bin"
        tools.mkdir()
        for name, code in (
            ("turnwise", 'exec {} -c "from turnwise.cli.main import main; main()" "$@"'),
            ("pytest", 'exec {} -m pytest -p no:asyncio -p no:xdist "$@"'),
        ):
            (tools / name).write_text(f"#!/bin/sh\n{code.format(sys.executable)}\n")
            (tools / name).chmod(0o755)

    def put(self, title: str, text: str) -> None:
        text = text.replace("8080", self.port)
        if title.endswith(": answer"):
            title = title.removesuffix(": answer")
            whole = (self.folder / title).read_text()
            text = f"{whole[: whole.index('def answer')]}{text}\n\n{whole[whole.index('class Assistant') :]}"
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def do(self, line: str) -> None:
        command, _, remark = line.partition("#")
        if "python assistant.py" in command:
            self.start()
            return
        wanted = int(remark.rpartition(" ")[2]) if "exit code" in remark else 0
        text = command.strip().replace("http://localhost:8000/v1", self.models)
        env = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "COLUMNS": "120"}
        env |= {"OPENAI_BASE_URL": self.models, "OPENAI_API_KEY": "none", "GITHUB_STEP_SUMMARY": "summary.md"}
        if "$BEFORE" in text:
            env["AFTER"], env["BEFORE"], *_ = (run.id for run in turnwise.runs(self.folder / "turnwise.db"))
        done = subprocess.run(
            text, shell=True, cwd=self.folder, env={**os.environ, **env}, capture_output=True, text=True
        )
        assert done.returncode == wanted, f"{line}\n{done.stdout}{done.stderr}"
        self.said[command.strip()] = done.stdout + done.stderr

    def start(self) -> None:
        self.stop()
        self.assistant = subprocess.Popen([sys.executable, "assistant.py"], cwd=self.folder, text=True)
        for _ in range(3000):
            try:
                socket.create_connection(("127.0.0.1", int(self.port))).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the assistant does not start")

    def stop(self) -> None:
        if self.assistant is not None:
            self.assistant.kill()
            self.assistant.wait()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Endpoint(model) as models:
        somebody = Reader(tmp_path_factory.mktemp("reader"), models.url)
        try:
            for kind, title, text in BLOCK.findall(PAGE):
                if title:
                    somebody.put(title, text)
                if kind == "sh":
                    for line in text.splitlines():
                        somebody.do(line)
                if kind == "yaml":
                    for line in text[text.index("run: |") :].splitlines()[1:]:
                        somebody.do(line)
            yield somebody
        finally:
            somebody.stop()


def of_the_assistant(reader: Reader) -> list[turnwise.Run]:
    """The runs of the assistant behind HTTP, oldest first."""
    runs = reversed(turnwise.runs(reader.folder / "turnwise.db"))
    return [run for run in runs if run.config.agents["agent"].use.startswith("http")]


def test_the_figures_of_the_page_are_those_of_the_runs(reader: Reader) -> None:
    failed = reader.said["turnwise run -c bookshop/suite.toml --fail-under 0.9 --markdown report.md"]
    (line,) = (line for line in failed.splitlines() if line.startswith("turnwise: "))
    assert line.removeprefix("turnwise: ") in PAGE.replace("\n", " ")
    broken, mended, judged = of_the_assistant(reader)
    assert (broken.score.mean, mended.score.mean) == (0.5, 1.0)
    assert [row.metrics.get("rubric") for row in judged.episodes()] == [None, 1.0, None, None]


def test_the_table_of_the_page_is_the_report(reader: Reader) -> None:
    text = markdown(report(of_the_assistant(reader)[0]))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 6
    for row in rows:
        assert re.sub(r" `bookshop-\w+/\d`", "", row) in PAGE


def test_reports_and_comparisons_are_there(reader: Reader) -> None:
    cases = ET.parse(reader.folder / "report.xml").getroot().iter("testcase")
    names = [case.get("name") for case in cases]
    assert names[:4] == ["cancel", "too-late", "where", "of-somebody-else"]
    assert names[4] == "score >= 0.9"
    assert (reader.folder / "summary.md").read_text().startswith("# bookshop: 1.000")
    assert (reader.folder / "compare.md").exists()
    assert "# bookshop: 1.000" in reader.said["turnwise report"]


def test_tests_are_counted_by_task(reader: Reader) -> None:
    assert "5 passed" in reader.said["pytest bookshop"]
    assert "1 passed, 4 deselected" in reader.said['pytest bookshop -k "cancel"']


def test_what_was_done_is_kept_with_the_run(reader: Reader) -> None:
    """The back end is not asked again: it is gone by then."""
    reader.stop()
    broken = of_the_assistant(reader)[0]
    done = subprocess.run(
        [str(reader.folder / "bin" / "turnwise"), "replay", broken.id],
        cwd=reader.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
