"""Does training climb? A tiny policy with random weights, cloned for a minute, then trained by several
methods.

    python benchmarks/learn_worlds.py                          all worlds, methods and seeds
    python benchmarks/learn_worlds.py --worlds number_guess --methods grpo --seeds 0 --steps 30

Each policy is cloned from a mix of a solver's and a random player's episodes, so that it knows a world's
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
from pathlib import Path
from typing import Any, NamedTuple

import torch

import turnwise
from common import RESULTS
from turnwise.learn import tiny
from turnwise.learn.checkpoints import read_log
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate

METHODS = {
    "ppo_masked_gae": {"credit": "gae", "credit_options": {"gamma": 1.0, "lam": 0.95}},
    "grpo": {"credit": "grpo"},
    "turn_baseline": {"credit": "turn_baseline"},
    "gigpo": {"credit": "gigpo"},
}
RESULT = RESULTS / "learn_worlds.json"


class World(NamedTuple):
    """A world, and how a tiny policy begins in it."""

    settings: dict[str, Any]
    held_out: dict[str, Any]
    """Settings of the evaluation."""
    players: dict[str, int]
    """Whose episodes are imitated, and how often each task is played for it."""
    context: int
    max_tokens: int
    clone_steps: int
    train: dict[str, Any]


WORLDS = {
    "number_guess": World(
        settings={"high": 8, "max_turns": 3, "count": 400, "split": "train"},
        held_out={"count": 300, "split": "test"},
        players={"random": 2, "solver": 1},
        context=512,
        max_tokens=4,
        clone_steps=150,
        train={"tasks_per_step": 16, "group": 8, "lr": 1e-3, "critic_lr": 3e-3, "minibatches": 2},
    ),
    "maze": World(
        settings={"max_steps": 12, "rules": False, "count": 25},
        held_out={},
        players={"random": 4, "solver": 4},
        context=4096,
        max_tokens=16,
        clone_steps=100,
        train={"tasks_per_step": 8, "group": 8, "lr": 2e-3, "critic_lr": 2e-3, "minibatches": 2},
    ),
}


def clone(name: str, world: World, seed: int, work: Path) -> str:
    """A policy that has learned a world's language; its folder."""
    folder = work / f"{name}-{seed}"
    if folder.exists():
        return str(folder)
    store = work / "clones.db"
    runs = [
        turnwise.run(name, player, epochs=epochs, seed=seed, settings=world.settings, store=store)
        for player, epochs in world.players.items()
    ]
    module = tiny.policy(context=world.context, seed=seed)
    engine = LocalEngine(module, tiny.tokenizer(), options=LocalOptions(device="cpu"))
    batch = demonstrations(runs, engine.tokenizer)
    began = time.perf_counter()
    losses = imitate(engine, batch, steps=world.clone_steps, lr=3e-3, seed=seed)
    seconds = time.perf_counter() - began
    print(f"{folder.name}: cloned in {seconds:.0f} s, loss {losses[0]:.2f} to {losses[-1]:.2f}", flush=True)
    engine.save(folder)
    return str(folder)


def train(name: str, world: World, method: str, seed: int, steps: int, work: Path) -> dict[str, Any]:
    """Train one clone by one method; its curve."""
    folder = work / f"{name}-{seed}-{method}"
    began = time.perf_counter()
    turnwise.train(
        world.train | METHODS[method],
        environment=name,
        settings=world.settings,
        model=f"hf/{clone(name, world, seed, work)}",
        max_tokens=world.max_tokens,
        concurrency=64,
        steps=steps,
        seed=seed,
        eval_every=steps,
        eval_settings=world.held_out,
        save_every=steps,
        folder=str(folder),
        store=work / "runs.db",
    )
    lines = read_log(folder)
    before, after = (line["eval"] for line in lines if "eval" in line)
    curve = [round(line["score"], 4) for line in lines if "score" in line]
    return {
        "world": name,
        "method": method,
        "seed": seed,
        "before": before | {"run": None},
        "after": after | {"run": None},
        "seconds": round(time.perf_counter() - began, 1),
        "curve": curve,
    }


def told(result: dict[str, Any]) -> str:
    """One line of the table."""
    before, after = result["before"], result["after"]
    return (
        f"{result['world']:14} {result['method']:16} seed {result['seed']}: {before['mean']:.3f} to "
        f"{after['mean']:.3f} [{after['low']:.3f}, {after['high']:.3f}] in {result['seconds']:.0f} s"
        f"{'' if after['low'] > before['high'] else '   did not climb'}"
    )


def main() -> None:
    """Run what is asked for and not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--work", type=Path, help="Where clones and checkpoints go; by default thrown away.")
    parser.add_argument("--result", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    results: list[dict[str, Any]] = json.loads(given.result.read_text()) if given.result.exists() else []
    done = {(one["world"], one["method"], one["seed"]) for one in results}
    place = contextlib.nullcontext(given.work) if given.work else tempfile.TemporaryDirectory()
    with place as work:
        Path(work).mkdir(parents=True, exist_ok=True)
        for name in given.worlds:
            for seed in given.seeds:
                for method in given.methods:
                    if (name, method, seed) in done:
                        continue
                    result = train(name, WORLDS[name], method, seed, given.steps, Path(work))
                    results.append(result)
                    print(told(result), flush=True)
                    given.result.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
