"""The demo: a policy that comes with the package, before and after a few minutes of training on a laptop.

It was cloned from a player of number guess that heeds the hints and guesses anywhere within them. What it has
not learned is to halve what is left. Nobody tells it; it is paid for finding one of 16 numbers in four
guesses, which is just enough for who halves (15 of 16), and takes luck else. Before and after, it plays the
same games, none of which it was trained on, so the gain is a paired difference.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from turnwise.engine import launch
from turnwise.engine.config import parse
from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.learn.checkpoints import owner_of
from turnwise.learn.config import parse_training
from turnwise.learn.journal import read_log
from turnwise.learn.start import train
from turnwise.log import EpisodeLog
from turnwise.metrics import Comparison, compare
from turnwise.models.tiny.folder import find
from turnwise.store.store import Store

POLICY = "sprout"
STEPS = 150
TRAINING: dict[str, Any] = {
    "environment": "number_guess",
    "settings": {"high": 16, "max_turns": 4, "count": 4000, "split": "train"},
    "eval_settings": {"count": 300, "split": "test"},
    "credit": "turn_baseline",
    "max_tokens": 8,
    "tasks_per_step": 16,
    "group": 8,
    "minibatches": 2,
    "lr": 1e-3,
    "concurrency": 128,
}
BESIDE = ("random", "solver")
"""Scripted players of the same games, for scale."""


class Demo(NamedTuple):
    """What came of it."""

    training: Run
    before: Run
    """The evaluation before."""
    after: Run
    """The evaluation after, of the same tasks."""
    beside: dict[str, Run]
    """The same tasks, played by each of `BESIDE`."""
    gain: Comparison
    """The difference, paired by task."""
    seconds: float
    """Of all of it."""

    def pairs(self, count: int) -> list[tuple[EpisodeLog, EpisodeLog]]:
        """Episodes of the same task before and after: first those that were gained, of these the longest.

        Args:
            count: Most pairs.
        """
        after = {log.task["id"]: log for log in self.after.logs()}
        both = [(log, after[log.task["id"]]) for log in self.before.logs() if log.task["id"] in after]

        def order(pair: tuple[EpisodeLog, EpisodeLog]) -> tuple[float, int]:
            first, second = pair
            return (first.score() or 0.0) - (second.score() or 0.0), -len(first.turns) - len(second.turns)

        return sorted(both, key=order)[:count]


async def demo(
    store: Store,
    folder: Path,
    *,
    seed: int = 0,
    steps: int = STEPS,
    say: Callable[[dict[str, Any]], None] = lambda line: None,
) -> Demo:
    """Evaluate, train, evaluate.

    Args:
        store: Where all episodes go.
        folder: Where checkpoints and the log go; each demo has a folder of its own in it.
        seed: Of all draws.
        steps: Of training.
        say: Is told of each line of the log.

    Raises:
        ConfigError: `turnwise[learn]` is not installed.
        RunStopped: by Ctrl-C; it can be resumed.
    """
    mine = _unused(folder, seed)
    own = {"seed": seed, "steps": steps, "eval_every": steps, "save_every": steps, "folder": str(mine)}
    config = parse_training({**TRAINING, **own, "model": f"hf/{find(POLICY)}"}, where="demo")
    began = perf_counter()
    with _one_thread():
        training = await train(config, store, say=say)
    ids = [line["eval"]["run"] for line in read_log(mine) if "eval" in line]
    before, after = (Run(store, store.run(name)) for name in (ids[0], ids[-1]))
    beside = {name: await _played(name, store, seed) for name in BESIDE}
    (tasks_a, scores_a), (tasks_b, scores_b) = (store.scores(run.row.number) for run in (before, after))
    gain = compare(scores_a, tasks_a, scores_b, tasks_b, solved=1.0)
    return Demo(training, before, after, beside, gain, perf_counter() - began)


def _unused(folder: Path, seed: int) -> Path:
    """A place in `folder` that holds no training yet: a demo can be had again and again."""
    names = (f"seed-{seed}" if number == 1 else f"seed-{seed}-{number}" for number in itertools.count(1))
    return next(place for name in names if owner_of(place := folder / name) is None)


@contextmanager
def _one_thread() -> Generator[None]:
    """The policy's matrices are so small that a second thread of torch would only wait, and burn a core."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        raise ConfigError("the demo trains, which needs torch: pip install 'turnwise[learn]'") from None
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


async def _played(player: str, store: Store, seed: int) -> Run:
    """The evaluation's games, played by a scripted player."""
    settings = {**TRAINING["settings"], **TRAINING["eval_settings"]}
    raw = {
        "environment": TRAINING["environment"],
        "settings": settings,
        "seed": seed,
        "agents": {"agent": player},
    }
    return await launch.start(parse(raw, where="demo"), store)
