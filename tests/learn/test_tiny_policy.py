"""The script that makes the shipped policy makes one, at its smallest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import turnwise

for needed in ("torch", "transformers", "matplotlib"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,plot]'")

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "learning" / "tiny_policy.py"


def test_a_policy_is_made_from_nothing(tmp_path: Path) -> None:
    policy, result = tmp_path / "policy", tmp_path / "result.json"
    words = ["--worlds", "lock", "--scale", "0.01", "--out", policy, "--result", result]
    subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    (made,) = json.loads(result.read_text())
    before, after = made["cloned"]["lock"], made["policy"]["lock"]
    assert before["valid"] > 0.5, "it has learned to talk"
    assert after["episodes"] == before["episodes"]
    run = turnwise.run("lock", f"tiny/{policy}", limit=2, store=tmp_path / "runs.db", settings={"count": 2})
    assert run.summary()["failed"] == 0
    assert all(turn.text for log in run.logs() for turn in log.turns)
