"""Makes the policy that ships with Turnwise, `tiny/sprout`, from nothing, on one core.

    python benchmarks/learning/tiny_policy.py                    the policy, into the package
    python benchmarks/learning/tiny_policy.py --scale 0.02 --out /tmp/policy    all steps in a minute

Scripted players of several worlds play (solvers, and weaker ones, so that there is something left to learn);
a tokenizer and a Llama of 0.9 million weights learn to say what they said; then the policy learns from its
own episodes in some of the worlds. `number_guess` is left as it was cloned, from a player that heeds the
hints but guesses anywhere within them: that is what the demo trains.

What is kept in `results/tiny_policy.json`: settings, curves, seconds, and for each world the score and the
share of valid replies on tasks that were not trained on, before and after, with 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

import turnwise
from common import RESULTS
from turnwise.engine.config import AgentConfig
from turnwise.engine.results import Run
from turnwise.learn import tiny
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.learn.journal import read_log
from turnwise.model import Sampling
from turnwise.models.tiny.folder import SHIPPED

SEED = 0
NAME = "sprout"
SIZE = {"hidden": 128, "layers": 4, "heads": 4, "groups": 2, "tied": True, "context": 2048}
TOKENS = 1024
CLONING = {"steps": 420, "lr": 3e-3, "rows": 32}
CHUNK = 10
"""Steps between two learning rates."""


def within(task: Any, rng: random.Random) -> Generator[str | None, Any, None]:
    """Guesses a number anywhere within what the hints leave."""
    said = yield
    low, high = (int(word.strip(".")) for word in said.text.split() if word.strip(".").isdigit())
    while True:
        said = yield str(guess := rng.randint(low, high))
        low, high = (guess + 1, high) if said.text == "higher" else (low, guess - 1)


class World(NamedTuple):
    """A world, whose episodes are imitated in it, and how it is learned and evaluated."""

    players: dict[Any, int]
    """Episodes of each player."""
    settings: dict[str, Any] = {}
    held_out: dict[str, Any] = {}
    """Settings of the evaluation that differ."""
    fixed: int | None = None
    """Tasks there are, where these cannot be chosen: then each is played over and over."""
    success: float = 1.0
    """The score from which an episode is one."""
    learned: dict[str, Any] | None = None
    """Keys of the training that follows the cloning; None: there is none."""


WORLDS = {
    "number_guess": World({within: 3000}, {"max_turns": 10}, {"max_turns": 7}),
    "lock": World({"search": 300, "solver": 300, "random": 900}, learned={"steps": 20}),
    "keydoor": World(
        {"search": 500, "solver": 1200, "random": 150}, learned={"steps": 12, "tasks_per_step": 8}
    ),
    "bifurcation": World({"solver": 200, "random": 300}),
    "maze": World({"solver": 600, "skill50": 400}, {"max_steps": 40}, success=-30),
    "wordle": World({"skill75": 900, "solver": 300}, success=-5),
    "twenty_questions": World({"solver": 1200}, fixed=158, success=-19),
    "earl_compare": World({"solver": 400, "random": 100}),
}
LEARNING = {
    "credit": "turn_baseline",
    "tasks_per_step": 16,
    "group": 8,
    "lr": 3e-4,
    "minibatches": 2,
    "max_tokens": 16,
}
EVALUATED = 150
"""Episodes of an evaluation, about."""


def played(name: str, player: Any, count: int, settings: dict[str, Any], store: Path) -> Run:
    """About `count` episodes of a world."""
    fixed = WORLDS[name].fixed
    if fixed is None:
        return turnwise.run(name, player, seed=SEED, settings={"count": count} | settings, store=store)
    settings = {key: value for key, value in settings.items() if key != "split"}
    return turnwise.run(name, player, seed=SEED, settings=settings, epochs=-(-count // fixed), store=store)


def demonstrated(store: Path, scale: float) -> list[Run]:
    """Episodes to learn to talk from."""
    return [
        played(name, player, max(8, int(count * scale)), world.settings | {"split": "train"}, store)
        for name, world in WORLDS.items()
        for player, count in world.players.items()
    ]


def cloned(runs: list[Run], scale: float) -> tuple[LocalEngine, dict[str, Any]]:
    """A policy that talks as the players of `runs` did, and how it came about."""
    began = time.perf_counter()
    tokenizer = tiny.tokenizer(tiny.texts_of(log for run in runs for log in run.logs()), size=TOKENS)
    module = tiny.policy(vocabulary=len(tokenizer), seed=SEED, **SIZE)
    engine = LocalEngine(module, tokenizer, options=LocalOptions(device="cpu"))
    batch = demonstrations(runs, tokenizer)
    prepared = time.perf_counter()
    steps = max(2 * CHUNK, int(CLONING["steps"] * scale))
    losses: list[float] = []
    for first in range(0, steps, CHUNK):
        # Up for a twentieth of the way, then down along a cosine.
        way = first / steps
        rate = CLONING["lr"] * min(
            (first + CHUNK) / (steps / 20), 0.05 + 0.95 * (1 + np.cos(np.pi * way)) / 2
        )
        losses += imitate(engine, batch, steps=CHUNK, lr=rate, rows=CLONING["rows"], seed=SEED + first)
        print(f"cloning: step {first + CHUNK} of {steps}, loss {np.mean(losses[-CHUNK:]):.3f}", flush=True)
    about = {
        "episodes": int(batch.rows),
        "tokens": int(batch.turns.tokens.sum()),
        "weights": sum(p.numel() for p in module.parameters()),
        "vocabulary": len(tokenizer),
        "steps": steps,
        "seconds_prepare": round(prepared - began, 1),
        "seconds": round(time.perf_counter() - prepared, 1),
        "curve": [round(float(np.mean(losses[n : n + CHUNK])), 4) for n in range(0, steps, CHUNK)],
    }
    return engine, about


def learned(name: str, model: str, work: Path, scale: float) -> tuple[str, dict[str, Any]]:
    """The policy after it learned from its own episodes in a world, and how it came about."""
    world = WORLDS[name]
    assert world.learned is not None
    keys = LEARNING | world.learned
    keys["steps"] = max(2, int(keys["steps"] * scale))
    keys["settings"] = world.settings | {"count": 2000, "split": "train"} | keys.get("settings", {})
    folder = work / f"learned-{name}"
    began = time.perf_counter()
    turnwise.train(
        keys,
        environment=name,
        model=model,
        seed=SEED,
        save_every=keys["steps"],
        folder=str(folder),
        store=work / "learned.db",
    )
    seconds = round(time.perf_counter() - began, 1)
    curve = [round(line["score"], 4) for line in read_log(folder) if "score" in line]
    print(f"{name}: learned in {seconds} s, {curve[0]} to {curve[-1]}", flush=True)
    last = max((place for place in folder.glob("step-*")), key=lambda place: place.name)
    return f"hf/{last / 'policy'}", {"keys": keys, "seconds": seconds, "curve": curve}


def evaluated(folder: Path, store: Path, scale: float) -> dict[str, dict[str, Any]]:
    """Of each world the score, the share of successes and of valid replies, on tasks not trained on."""
    found: dict[str, dict[str, Any]] = {}
    for name, world in WORLDS.items():
        settings = world.settings | world.held_out
        agent = AgentConfig(use=f"tiny/{folder}", sampling=Sampling(temperature=1.0, max_tokens=24))
        run = played(name, agent, max(20, int(EVALUATED * scale)), settings, store)
        logs = list(run.logs())
        scores = np.array([log.score() for log in logs])
        invalid = [log.metrics.get("invalid") for log in logs]
        turns = [len(log.calls) for log in logs]
        found[name] = {
            "settings": settings,
            "episodes": len(logs),
            "score": [round(value, 4) for value in (run.score.mean, run.score.low, run.score.high)],
            "success": round(float((scores >= world.success).mean()), 4),
            "valid": None if None in invalid else round(1 - sum(invalid) / sum(turns), 4),
            "turns": round(float(np.mean(turns)), 2),
        }
        print(f"{name:18}", found[name], flush=True)
    return found


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="Share of all episodes and steps.")
    parser.add_argument("--out", type=Path, default=SHIPPED / NAME, help="Folder of the policy.")
    parser.add_argument(
        "--work", type=Path, help="Where episodes and checkpoints go; by default thrown away."
    )
    parser.add_argument("--result", type=Path, help="By default benchmarks/results/tiny_policy.json.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as thrown:
        work = given.work or Path(thrown)
        work.mkdir(parents=True, exist_ok=True)
        runs = demonstrated(work / "players.db", given.scale)
        engine, cloning = cloned(runs, given.scale)
        engine.save(work / "cloned")
        before = evaluated(work / "cloned", work / "evaluated.db", given.scale)
        model, learning = f"hf/{work / 'cloned'}", dict[str, Any]()
        for name, world in WORLDS.items():
            if world.learned is not None:
                model, learning[name] = learned(name, model, work, given.scale)
        last = LocalEngine(model.removeprefix("hf/"), options=LocalOptions(device="cpu"))
        shutil.rmtree(given.out, ignore_errors=True)
        tiny.shrunk(last.module, last.tokenizer, given.out)
        after = evaluated(given.out, work / "evaluated.db", given.scale)
    result = {
        "seed": SEED,
        "scale": given.scale,
        "size": SIZE,
        "seconds": round(time.perf_counter() - began, 1),
        "cloning": cloning,
        "learning": learning,
        "cloned": before,
        "policy": after,
        "bytes": sum(file.stat().st_size for file in given.out.iterdir()),
    }
    (given.result or RESULTS / "tiny_policy.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
