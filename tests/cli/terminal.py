"""The command line as a user has it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

COMMAND = [sys.executable, "-c", "from turnwise.cli.main import main; main()"]


def turn(*words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run `turnwise WORDS`."""
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "120", **env},
    )


def ok(*words: str, **options: str) -> str:
    """What it prints, where it must succeed."""
    done = turn(*words, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_json(*words: str, **options: str) -> Any:
    """Its JSON, where it must succeed."""
    return json.loads(ok(*words, "--json", **options).splitlines()[-1])


def refused(*words: str, **env: str) -> str:
    """The one line it says, where it must fail as on bad input."""
    done = turn(*words, **env)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("turnwise: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]
