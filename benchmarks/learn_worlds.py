"""Does training climb? A tiny policy with random weights, cloned for a minute, then trained by several
methods.

    python benchmarks/learn_worlds.py                          all worlds, methods and seeds, then the plot
    python benchmarks/learn_worlds.py --worlds number_guess --methods grpo --seeds 0 --steps 30

Each policy is cloned from a mix of a solver's and a blind player's episodes, so that it knows a world's
language and plays badly; each method then trains the same clone. What is kept, in
`results/learn_worlds.json`, are the curves (mean score of each step's episodes) and evaluations before and
after on tasks that were not trained on, with 95 % intervals. A combination that is in the file is not run
again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import turnwise
from common import RESULTS
from learning import begin
from turnwise.engine.results import Run
from turnwise.environments import lmrl_gym
from turnwise.environments.lmrl_gym.maze import STARTS
from turnwise.environments.parts.world import WorldTask
from turnwise.learn.journal import read_log

METHODS: dict[str, dict[str, Any]] = {
    "ppo_masked_gae": {"credit": {"name": "gae", "gamma": 1.0, "lam": 0.95}},
    "grpo": {"credit": "grpo"},
    "turn_baseline": {"credit": "turn_baseline"},
    "gigpo": {"credit": "gigpo"},
    "rloo": {"credit": "rloo"},
    "reinforce_plus_plus": {"credit": "reinforce_plus_plus"},
}
NAMES = {
    "ppo_masked_gae": "PPO, masked GAE",
    "grpo": "trajectory GRPO",
    "turn_baseline": "unbiased turn baseline",
    "gigpo": "GiGPO",
    "rloo": "RLOO",
    "reinforce_plus_plus": "REINFORCE++",
}
COLOURS = dict(zip(NAMES, ("#c026d3", "#2563eb", "#dc2626", "#0891b2", "#ca8a04", "#64748b"), strict=True))
RESULT = RESULTS / "learn_worlds.json"


class Starts(lmrl_gym.Maze, kw_only=True, frozen=True):
    """LMRL-Gym's maze with starts held out: of its 25, every fourth is of split `test`, for evaluation."""

    def tasks(self) -> Iterable[WorldTask]:
        """`count` tasks; the starts of the split go round."""
        mine = [start for start in range(len(STARTS)) if (start % 4 == 1) == (self.split == "test")]
        return [
            WorldTask(id=f"{self.split}-{number}", seed=mine[number % len(mine)])
            for number in range(self.count)
        ]


class World(NamedTuple):
    """A world, and how a tiny policy begins in it."""

    environment: str
    settings: dict[str, Any]
    held_out: dict[str, Any]
    """Settings that the evaluation changes."""
    players: dict[str, int]
    """Whose episodes are imitated, and how often each task is played for it."""
    context: int
    max_tokens: int
    clone_steps: int
    steps: int
    train: dict[str, Any]
    label: str


WORLDS = {
    "number_guess": World(
        environment="number_guess",
        settings={"high": 16, "max_turns": 4, "count": 400, "split": "train"},
        held_out={"count": 300, "split": "test"},
        players={"random": 2, "solver": 1},
        context=512,
        max_tokens=4,
        clone_steps=200,
        steps=100,
        train={"tasks_per_step": 16, "group": 8, "lr": 1e-3, "critic_lr": 3e-3, "minibatches": 2},
        label="Number Guess: 16 numbers, 4 guesses",
    ),
    "maze": World(
        environment=f"{Path(__file__).resolve()}:Starts",
        settings={"max_steps": 20, "rules": False, "count": 19, "split": "train"},
        held_out={"count": 180, "split": "test"},
        players={"random": 4, "solver": 2},
        context=2048,
        max_tokens=8,
        clone_steps=200,
        steps=40,
        train={"tasks_per_step": 16, "group": 8, "lr": 5e-4, "critic_lr": 3e-3, "minibatches": 2},
        label="Maze, fully observed: 19 starts, 21 moves",
    ),
}
"""All methods of a world share its settings."""
SMOOTH = 5
"""Steps whose mean a point of the plot is: each step plays other tasks."""


def clone(name: str, seed: int, work: Path) -> str:
    """A policy that has learned a world's language, as `hf/FOLDER`."""
    world = WORLDS[name]
    return begin.clone(
        work / f"{name}-{seed}",
        environment=world.environment,
        settings=world.settings,
        players=world.players,
        steps=world.clone_steps,
        context=world.context,
        seed=seed,
    )


def train(name: str, method: str, seed: int, work: Path, **changed: Any) -> dict[str, Any]:
    """Train one clone by one method; its curve."""
    world, policy = WORLDS[name], clone(name, seed, work)
    steps, folder = changed.get("steps", world.steps), work / f"{name}-{seed}-{method}"
    wall, cpu = time.perf_counter(), time.process_time()
    turnwise.train(
        world.train | METHODS[method] | {"steps": steps} | changed,
        environment=world.environment,
        settings=world.settings,
        model=policy,
        max_tokens=world.max_tokens,
        concurrency=128,
        seed=seed,
        eval_every=steps,
        eval_settings=world.held_out,
        save_every=steps,
        folder=str(folder),
        store=work / "runs.db",
    )
    lines = read_log(folder)
    before, after = (evaluated(line["eval"], work / "runs.db") for line in lines if "eval" in line)
    return {
        "world": name,
        "method": method,
        "seed": seed,
        "before": before,
        "after": after,
        "climbed": after["low"] > before["high"],
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "curve": [round(line["score"], 4) for line in lines if "score" in line],
    }


def evaluated(line: dict[str, Any], store: Path) -> dict[str, float]:
    """An evaluation's mean score with its interval, and the share of its tasks that were solved."""
    return {
        **{key: line[key] for key in ("mean", "low", "high")},
        "solved": solved(turnwise.open_run(line["run"], store=store)),
    }


def solved(run: Run) -> float:
    """The share of episodes that ended well."""
    ends = [log.detail in ("correct", "success") for log in run.logs()]
    return round(float(np.mean(ends)), 4)


def played(name: str, player: str, **changed: Any) -> dict[str, float]:
    """How a scripted player does in a world whose settings are changed."""
    world = WORLDS[name]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs.db"
        run = turnwise.run(world.environment, player, settings=world.settings | changed, store=store)
        return {"mean": run.score.mean, "solved": solved(run)}


def told(result: dict[str, Any]) -> str:
    """One line of the table."""
    before, after = result["before"], result["after"]
    return (
        f"{result['world']:14} {result['method']:20} seed {result['seed']}: "
        f"{before['mean']:.3f} [{before['low']:.3f}, {before['high']:.3f}] to "
        f"{after['mean']:.3f} [{after['low']:.3f}, {after['high']:.3f}] "
        f"in {result['cpu_seconds']:.0f} s of one core{'' if result['climbed'] else '   did not climb'}"
    )


def kept(path: Path) -> dict[str, Any]:
    """What is in the file of results."""
    return json.loads(path.read_text()) if path.exists() else {"players": {}, "runs": []}


def keep(path: Path, result: dict[str, Any]) -> None:
    """Add a training to the file. It is read anew: others may be adding to it."""
    found = kept(path)
    name = result["world"]
    if name not in found["players"]:
        held_out = {who: played(name, who, **WORLDS[name].held_out) for who in ("solver", "random")}
        found["players"][name] = {"train": {"solver": played(name, "solver")}, "held_out": held_out}
    order = (list(WORLDS), list(METHODS))
    found["runs"] = sorted(
        [*found["runs"], result],
        key=lambda one: (order[0].index(one["world"]), order[1].index(one["method"]), one["seed"]),
    )
    path.write_text(json.dumps(found, indent=1) + "\n")


def smooth(curves: Any) -> Any:
    """`[seeds, steps - SMOOTH + 1]` The mean of `SMOOTH` steps in a row."""
    return np.lib.stride_tricks.sliding_window_view(np.asarray(curves), SMOOTH, axis=1).mean(-1)


def panel(axes: Any, name: str, found: dict[str, Any]) -> None:
    """One world: mean and range over the seeds of each method's curve, and the solver's level."""
    for method, colour in COLOURS.items():
        curves = [one["curve"] for one in found["runs"] if (one["world"], one["method"]) == (name, method)]
        if not curves:
            continue
        lines = smooth(curves)
        steps = np.arange(lines.shape[1]) + SMOOTH
        axes.fill_between(steps, lines.min(0), lines.max(0), color=colour, alpha=0.1, lw=0)
        axes.plot(steps, lines.mean(0), color=colour, lw=1.5, label=NAMES[method])
    best = found["players"][name]["train"]["solver"]["mean"]
    axes.axhline(best, color="#0f172a", lw=0.8, ls=(0, (4, 3)), label="the exact solver")
    axes.set_title(WORLDS[name].label, fontsize=10)
    axes.set_xlabel(f"step (mean of the last {SMOOTH})")
    axes.grid(axis="y", color="#e2e8f0", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw(path: Path) -> None:
    """The curves beside the file of results, one panel a world."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    found = kept(path)
    names = [name for name in WORLDS if name in found["players"]]
    plt.rcParams.update({"svg.hashsalt": "turnwise", "font.size": 9})
    figure, panels = plt.subplots(1, len(names), figsize=(4.6 * len(names), 3.4), squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        panel(axes, name, found)
    panels[0][0].set_ylabel("mean score of a step's episodes")
    panels[0][-1].legend(frameon=False, loc="lower right", fontsize=8)
    figure.tight_layout()
    plot = path.with_suffix(".svg")
    figure.savefig(plot, metadata={"Date": None})
    # The drawer leaves blanks at line ends.
    plot.write_text("\n".join(line.rstrip() for line in plot.read_text().splitlines()) + "\n")


def main() -> None:
    """Run what is asked for and not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="By default the world's own.")
    parser.add_argument("--work", type=Path, help="Where clones and checkpoints go; by default thrown away.")
    parser.add_argument("--result", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    runs = kept(given.result)["runs"]
    done = {(one["world"], one["method"], one["seed"]) for one in runs}
    changed = {"steps": given.steps} if given.steps else {}
    place = contextlib.nullcontext(given.work) if given.work else tempfile.TemporaryDirectory()
    with place as work:
        Path(work).mkdir(parents=True, exist_ok=True)
        for name, seed, method in product(given.worlds, given.seeds, given.methods):
            if (name, method, seed) not in done:
                result = train(name, method, seed, Path(work), **changed)
                keep(given.result, result)
                print(told(result), flush=True)
    draw(given.result)


if __name__ == "__main__":
    main()
