"""The frame of a study: what it declares, and the command line that runs it.

    python benchmarks/learning/NAME.py                        what is not in the results yet, then the page
    python benchmarks/learning/NAME.py --seeds 0 --arms ppo   one training
    python benchmarks/learning/NAME.py --smallest             a few seconds; the results are thrown away
    python benchmarks/learning/NAME.py --page                 only page and plot, from the results

A study trains each of its arms with each of its seeds. Every training is kept at once, in
`benchmarks/results/learning/NAME.json`, and one that is there is not run again. From that file alone come
`docs/studies/NAME.md`, its plot and its line in `docs/studies/index.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import page
import torch
from declared import Arm, Curve, Finding, Measure, Study, judged, told, within

import results
import turnwise
from results import RESULTS, Played, Results, Share, Training

__all__ = [
    "Arm",
    "Curve",
    "Finding",
    "Measure",
    "Played",
    "Results",
    "Share",
    "Study",
    "judged",
    "main",
    "told",
    "within",
]


def main(study: Study, words: Sequence[str] | None = None) -> Results:
    """The command line of a study's script.

    Args:
        study: Which.
        words: What is asked; by default what the command line says.
    """
    given = _parser(study).parse_args(words)
    size = dict(study.size) | (dict(study.smallest) if given.smallest else {})
    with contextlib.ExitStack() as stack:
        thrown = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kept = thrown if given.smallest else RESULTS
        path = given.result or kept / f"{study.name}.json"
        pages = given.pages or (page.PAGES if path == RESULTS / f"{study.name}.json" else path.parent)
        work = given.work or thrown / "work"
        work.mkdir(parents=True, exist_ok=True)
        if not given.page:
            train(study, size, path, work, arms=given.arms, seeds=given.seeds)
        found = results.read(path, study.name, size)
        page.write(study, found, pages)
        return found


def _parser(study: Study) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=study.question)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(study.seeds))
    parser.add_argument("--arms", nargs="+", default=list(study.arms), choices=list(study.arms))
    parser.add_argument("--smallest", action="store_true", help="Train for seconds; results are thrown away.")
    parser.add_argument("--page", action="store_true", help="Only write page and plot.")
    parser.add_argument("--work", type=Path, help="Where clones and checkpoints go; by default thrown away.")
    parser.add_argument("--result", type=Path, help="By default benchmarks/results/learning/NAME.json.")
    parser.add_argument("--pages", type=Path, help="Folder of the page; docs/studies, or beside --result.")
    return parser


def train(
    study: Study, size: dict[str, Any], path: Path, work: Path, *, arms: Sequence[str], seeds: Sequence[int]
) -> None:
    """Every training that is asked for and not there yet, one after the other."""
    torch.set_num_threads(1)
    for seed, arm in product(seeds, arms):
        if results.read(path, study.name, size).done(arm, seed):
            continue
        wall, cpu = time.perf_counter(), time.process_time()
        played = study.play(arm, seed, size, work)
        training = Training(
            arm=arm,
            seed=seed,
            seconds=round(time.perf_counter() - wall, 1),
            cpu_seconds=round(time.process_time() - cpu, 1),
            turnwise=turnwise.__version__,
            measures=played.measures,
            curves=played.curves,
        )
        results.add(path, study.name, size, training)
        shown = ", ".join(f"{key} {results.shown(value)}" for key, value in played.measures.items())
        print(f"{arm:20} seed {seed}: {shown} in {training.cpu_seconds:.0f} s of one core", flush=True)
