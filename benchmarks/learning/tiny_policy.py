"""Makes the policy that ships with Turnwise, `tiny/sprout`, from nothing, on one core.

    python benchmarks/learning/tiny_policy.py      the policy, into the package
    python benchmarks/learning/tiny_policy.py --worlds lock --scale 0.01 --out policy --result policy.json

Scripted players of several worlds play (solvers, and weaker ones, so that there is something left to learn);
a tokenizer and a Llama of 0.9 million weights learn to say what they said; then the policy learns from its
own episodes in some of the worlds. `number_guess` is left as it was cloned, from a player that heeds the
hints but guesses anywhere within them: that is what `turnwise demo` trains.

What is kept in `results/tiny_policy.json`, for each seed that was run: settings, curves, seconds, and for
each world the score and the share of valid replies on tasks that were not trained on, before and after, with
95 % intervals. Seconds are those of the processor, since it all happens in one thread. The policy that ships
is that of seed 0; a policy of another seed is thrown away, but for its figures, unless `--out` says where to.

With `--work FOLDER`, a stage that ended is not done again.
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
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

import turnwise
from common import RESULTS
from learning.tiny_card import card, draw
from turnwise.engine.config import AgentConfig
from turnwise.engine.results import Run
from turnwise.learn import tiny
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.learn.journal import read_log
from turnwise.model import Sampling
from turnwise.models.tiny.folder import SHIPPED

NAME = "sprout"
SIZE = {"hidden": 128, "layers": 4, "heads": 4, "groups": 2, "tied": True, "context": 2048}
TOKENS = 1024
CLONING = {"steps": 900, "lr": 3e-3, "rows": 32}
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

    players: list[tuple[Any, int, dict[str, Any]]]
    """Who plays, how many episodes, and in which settings but those of the evaluation."""
    settings: dict[str, Any] = {}
    held_out: dict[str, Any] = {}
    """Settings of the evaluation that differ."""
    success: float = 1.0
    """The score from which an episode is one."""
    learned: dict[str, Any] = {}
    """Keys of the training that follows the cloning (see `LESSONS`), besides `LEARNING`."""


WORLDS = {
    # Among few numbers it is soon found out what the hints mean; among many at once, only late.
    "number_guess": World(
        [(within, 3500, {}), *((within, 1000, {"high": high}) for high in (6, 12, 25))],
        {"max_turns": 10},
        {"high": 16, "max_turns": 4},
    ),
    "lock": World(
        [("search", 300, {}), ("solver", 200, {}), ("random", 400, {})],
        learned={"steps": 24, "lr": 6e-4},
    ),
    "keydoor": World(
        [("search", 200, {}), ("solver", 500, {}), ("random", 50, {})],
        learned={"steps": 12, "tasks_per_step": 8},
    ),
    "bifurcation": World([("solver", 200, {}), ("random", 200, {})]),
    "maze": World([("solver", 400, {}), ("skill50", 100, {})], {"max_steps": 40}, success=-30),
}
LESSONS = ("lock", "keydoor")
"""Where it learns from its own episodes, in this order."""
LEARNING = {
    "credit": "turn_baseline",
    "tasks_per_step": 16,
    "group": 8,
    "lr": 3e-4,
    "minibatches": 2,
    "max_tokens": 16,
}
EVALUATED = 200
"""Episodes of an evaluation."""


def demonstrated(names: list[str], store: Path, scale: float, seed: int) -> list[Run]:
    """Episodes to learn to talk from."""
    runs: list[Run] = []
    for name in names:
        for player, count, own in WORLDS[name].players:
            settings = WORLDS[name].settings | {"count": max(8, int(count * scale)), "split": "train"} | own
            runs.append(turnwise.run(name, player, seed=seed, settings=settings, store=store))
    return runs


def cloned(runs: list[Run], scale: float, seed: int) -> tuple[LocalEngine, dict[str, Any]]:
    """A policy that talks as the players of `runs` did, and how it came about."""
    began = time.process_time()
    tokenizer = tiny.tokenizer(tiny.texts_of(log for run in runs for log in run.logs()), size=TOKENS)
    module = tiny.policy(vocabulary=len(tokenizer), seed=seed, **SIZE)
    engine = LocalEngine(module, tokenizer, options=LocalOptions(device="cpu"))
    batch = demonstrations(runs, tokenizer)
    prepared = time.process_time()
    steps = max(2 * CHUNK, int(CLONING["steps"] * scale))
    losses: list[float] = []
    for first in range(0, steps, CHUNK):
        # Up for a twentieth of the way, then down along a cosine.
        way = first / steps
        rate = CLONING["lr"] * min(
            (first + CHUNK) / (steps / 20), 0.05 + 0.95 * (1 + np.cos(np.pi * way)) / 2
        )
        losses += imitate(engine, batch, steps=CHUNK, lr=rate, rows=CLONING["rows"], seed=1000 * seed + first)
        print(f"cloning: step {first + CHUNK} of {steps}, loss {np.mean(losses[-CHUNK:]):.3f}", flush=True)
    about = {
        "episodes": int(batch.rows),
        "tokens": int(batch.turns.tokens.sum()),
        "weights": sum(p.numel() for p in module.parameters()),
        "vocabulary": len(tokenizer),
        "steps": steps,
        "seconds_prepare": round(prepared - began, 1),
        "seconds": round(time.process_time() - prepared, 1),
        "curve": [round(float(np.mean(losses[n : n + CHUNK])), 4) for n in range(0, steps, CHUNK)],
    }
    return engine, about


def learned(name: str, model: str, work: Path, scale: float, seed: int) -> tuple[str, dict[str, Any]]:
    """The policy after it learned from its own episodes in a world, and how it came about."""
    world = WORLDS[name]
    keys = LEARNING | world.learned
    keys["steps"] = max(2, int(keys["steps"] * scale))
    keys["settings"] = world.settings | {"count": 2000, "split": "train"} | keys.get("settings", {})
    folder = work / f"learned-{name}"
    began = time.process_time()
    shutil.rmtree(folder, ignore_errors=True)
    turnwise.train(
        keys,
        environment=name,
        model=model,
        seed=seed,
        save_every=keys["steps"],
        folder=str(folder),
        store=work / "learned.db",
    )
    seconds = round(time.process_time() - began, 1)
    curve = [round(line["score"], 4) for line in read_log(folder) if "score" in line]
    print(f"{name}: learned in {seconds} s, {curve[0]} to {curve[-1]}", flush=True)
    last = max((place for place in folder.glob("step-*")), key=lambda place: place.name)
    return f"hf/{last / 'policy'}", {"keys": keys, "seconds": seconds, "curve": curve}


def evaluated(names: list[str], player: Any, store: Path, scale: float) -> dict[str, dict[str, Any]]:
    """Of each world a player's score, share of successes and of valid replies, on tasks not trained on."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        world = WORLDS[name]
        settings = {"count": max(20, int(EVALUATED * scale))} | world.settings | world.held_out
        run = turnwise.run(name, player, seed=0, settings=settings, store=store)
        logs = list(run.logs())
        scores = np.array([log.score() for log in logs])
        invalid = [log.metrics["invalid"] for log in logs]
        turns = [len(log.calls) for log in logs]
        found[name] = {
            "settings": settings,
            "episodes": len(logs),
            "score": [round(value, 4) for value in (run.score.mean, run.score.low, run.score.high)],
            "success": round(float((scores >= world.success).mean()), 4),
            "valid": round(1 - sum(invalid) / sum(turns), 4),
            "turns": round(float(np.mean(turns)), 2),
        }
        print(f"{name:18}", found[name], flush=True)
    return found


def staged(place: Path, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is to be told of a stage, and the seconds it took; it is only done where `place` does not tell."""
    if not place.exists():
        began = time.process_time()
        about = do()
        about["stage_seconds"] = round(time.process_time() - began, 1)
        place.write_text(json.dumps(about))
    return json.loads(place.read_text())


def made(names: list[str], out: Path, work: Path, scale: float, seed: int) -> dict[str, Any]:
    """The policy in `out`, and how it came about."""
    work.mkdir(parents=True, exist_ok=True)

    def clone() -> dict[str, Any]:
        engine, about = cloned(demonstrated(names, work / "players.db", scale, seed), scale, seed)
        engine.save(work / "cloned")
        return about

    def learn(name: str, model: str) -> dict[str, Any]:
        made_of, about = learned(name, model, work, scale, seed)
        return about | {"model": made_of}

    def evaluate(folder: Path) -> dict[str, Any]:
        agent = AgentConfig(use=f"tiny/{folder}", sampling=Sampling(temperature=1.0, max_tokens=24))
        return evaluated(names, agent, work / "evaluated.db", scale)

    def chance() -> dict[str, Any]:
        return evaluated(names, "random", work / "evaluated.db", scale)

    blind = staged(work / "chance.json", chance)
    cloning = staged(work / "cloning.json", clone)
    before = staged(work / "before.json", lambda: evaluate(work / "cloned"))
    model, learning = f"hf/{work / 'cloned'}", dict[str, Any]()
    for name in [name for name in LESSONS if name in names]:
        learning[name] = staged(work / f"{name}.json", partial(learn, name, model))
        model = learning[name].pop("model")
    last = LocalEngine(model.removeprefix("hf/"), options=LocalOptions(device="cpu"))
    shutil.rmtree(out, ignore_errors=True)
    tiny.shrunk(last.module, last.tokenizer, out)
    after = staged(work / "after.json", lambda: evaluate(out))
    stages = (blind, cloning, before, *learning.values(), after)
    return {
        "seed": seed,
        "scale": scale,
        "size": SIZE,
        "seconds": round(sum(stage.pop("stage_seconds") for stage in stages), 1),
        "cloning": cloning,
        "learning": learning,
        "chance": blind,
        "cloned": before,
        "policy": after,
        "bytes": sum(file.stat().st_size for file in out.iterdir()),
    }


def keep(result: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """Put a result in the place of an older one of its seed; all there are."""
    found = json.loads(path.read_text()) if path.exists() else []
    found = [one for one in found if one["seed"] != result["seed"]]
    found = sorted([*found, result], key=lambda one: one["seed"])
    path.write_text(json.dumps(found, indent=1) + "\n")
    return found


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--scale", type=float, default=1.0, help="Share of all episodes and steps.")
    parser.add_argument("--seed", type=int, default=0, help="Of the weights and all draws.")
    parser.add_argument("--out", type=Path, help="Folder of the policy; by default the package's.")
    parser.add_argument("--work", type=Path, help="Where episodes and checkpoints go, to be kept.")
    parser.add_argument("--result", type=Path, default=RESULTS / "tiny_policy.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as thrown:
        out = given.out or (SHIPPED / NAME if given.seed == 0 else Path(thrown) / NAME)
        result = made(given.worlds, out, given.work or Path(thrown), given.scale, given.seed)
        found = keep(result, given.result)
        (out / "MODEL.md").write_text(card(result))
    draw(found, given.result.with_suffix(".svg"))


if __name__ == "__main__":
    main()
