"""One training of a study: run it, and read its log."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import turnwise
from turnwise.engine.results import Run
from turnwise.learn.journal import read_log
from turnwise.log import EpisodeLog


class Trained(NamedTuple):
    """A training that is done."""

    run: Run
    folder: Path
    store: Path
    lines: list[dict[str, Any]]
    """Of its log."""

    def curve(self, key: str) -> list[float | None]:
        """A number of each step, e.g. `score`, `entropy` or `turns`."""
        return [line.get(key) for line in self.lines if "eval" not in line]

    def evaluations(self) -> list[tuple[int, list[EpisodeLog]]]:
        """Each evaluation's step and episodes, the one before the first step at 0."""
        evals = [line for line in self.lines if "eval" in line]
        return [
            (line["step"], list(turnwise.open_run(line["eval"]["run"], store=self.store).logs()))
            for line in evals
        ]

    @property
    def policy(self) -> str:
        """The last checkpoint's policy, as `hf/FOLDER`."""
        return f"hf/{max(self.folder.glob('step-*')) / 'policy'}"


def trained(folder: Path, **keys: Any) -> Trained:
    """Train from the beginning, with the keys of `turnwise train --keys`.

    Args:
        folder: Of checkpoints, log and store. What an earlier attempt left there is removed.
        **keys: See `turnwise.train`; `environment` may be made. Only the last step is saved, and 128 episodes
            are played at a time, unless they say otherwise.
    """
    assert keys["model"] != f"hf/{folder}", f"{folder}: a training and its clone need a folder each"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    store = folder / "runs.db"
    keys = {"save_every": keys["steps"], "concurrency": 128} | keys
    run = turnwise.train(**keys, folder=str(folder), store=store)
    return Trained(run, folder, store, read_log(folder))
