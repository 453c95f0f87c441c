"""Does the check of each turn teach? A tiny policy learns to call TicketAPI and MathAPI by its own episodes.

    python benchmarks/learn_bfcl.py                                   all rewards and seeds, then the plot
    python benchmarks/learn_bfcl.py --rewards turns --seeds 0 --steps 5

A network with random weights learns from an idle player how calls are written. That player meets two requests
in five and lets the others pass, so that the likeliest of the policy's replies is to do nothing. What it then
learns by its own episodes alone is to do what is asked: rewarded for each turn whose check it passes
(`turns`, BFCL's `reward=turns`), or for entries whose turns are all right (`entry`), everything else alike.
Both are evaluated on entries of another split, sampled as in training, and greedily, too: what is gained
there is more than a loss of chance.

What is kept, in `results/learn_bfcl.json`, are the curves (of each step, the mean score of its episodes) and
the evaluations: the share of right turns, the share of right entries, and what was gained, entry by entry,
with 95 % intervals. A training that is in the file is not run again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken

import turnwise
from common import RESULTS
from turnwise import metrics
from turnwise.engine.config import AgentConfig
from turnwise.engine.results import Run
from turnwise.environments.service.bfcl import BfclTask
from turnwise.environments.service.bfcl.players import calling
from turnwise.environments.service.bfcl.prompts import RULES
from turnwise.learn import tiny
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.imitation import demonstrations, imitate
from turnwise.learn.journal import read_log
from turnwise.message import Message
from turnwise.metrics import Estimate
from turnwise.model import Sampling
from turnwise.tools.written import written_calls

TEMPLATE = (
    "{%- for message in messages -%}"
    "{{ '<|' ~ message.role ~ '|>' }}"
    "{%- for call in message.tool_calls or [] -%}"
    "{{ '<tool_call>' ~ (call.function | tojson | replace('<|', '< |')) ~ '</tool_call>' }}"
    "{%- endfor -%}"
    "{{ (message.content | replace('<|', '< |')) ~ '<|end|>' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}"
)
"""The tiny policies' chat template, with calls. Functions are not shown: they are always the same."""
WRITTEN = ('<tool_call>{"name": "', '", "arguments": {"', "}}</tool_call>")
"""What stands in every call."""
MET = 0.4
REWARDS = {"turns": "each turn that passes", "entry": "entries that pass"}
COLOURS = {"turns": "#2563eb", "entry": "#dc2626"}
SETTINGS: dict[str, Any] = {"split": "train", "count": 3000, "max_steps": 5}
HELD_OUT: dict[str, Any] = {"split": "test", "count": 200, "reward": "turns"}
"""What the evaluation changes; the reward, so that both are measured alike."""
CLONING: dict[str, Any] = {"steps": 450, "lr": 3e-3, "rows": 80}
TRAINING: dict[str, Any] = {
    "credit": "turn_baseline",
    "steps": 60,
    "tasks_per_step": 16,
    "group": 8,
    "lr": {"peak": 7e-4, "warmup": 5},
    "minibatches": 4,
    "max_tokens": 96,
    "eval_every": 20,
}
"""Both rewards share it."""
TOKENS = 768
CONTEXT = 2048
RESULT = RESULTS / "learn_bfcl.json"


def idle(task: BfclTask, rng: random.Random) -> Generator[str | Message | None, Message, None]:
    """Who meets two requests in five."""
    yield
    for ask in task.asks:
        if rng.random() < MET:
            calls = [call for text in ask.calls for call in written_calls(text)]
            yield calling([(call.name, call.named) for call in calls])
        yield "Done."


def tokenizer(run: Run) -> Any:
    """Words and numbers of some episodes; what is said in each of them again and again is a token."""

    def said() -> Iterator[str]:
        for log in run.logs():
            yield from tiny.texts_of([log])
            for call in (call for turn in log.turns for call in turn.message.tool_calls):
                yield call.arguments

    made = tiny.tokenizer(said(), size=TOKENS)
    made.add_tokens([AddedToken(text, normalized=False) for text in (RULES, *WRITTEN)])
    made.chat_template = TEMPLATE
    return made


def clone(seed: int, work: Path, *, steps: int = CLONING["steps"], count: int = SETTINGS["count"]) -> str:
    """A policy that calls as the idle player does, as `hf/FOLDER`.

    Args:
        seed: Of play, weights and imitation.
        work: Where its folder goes. One that is there is taken as it is.
        steps: Of imitation.
        count: How many entries are played for it.
    """
    folder = work / f"clone-{seed}"
    if folder.exists():
        return f"hf/{folder}"
    began = time.process_time()
    settings = SETTINGS | {"count": count}
    run = turnwise.run("bfcl", idle, settings=settings, seed=seed, store=work / f"players-{seed}.db")
    reads = tokenizer(run)
    module = tiny.policy(vocabulary=len(reads), context=CONTEXT, seed=seed)
    engine = LocalEngine(module, reads, options=LocalOptions(device="cpu"))
    losses = imitate(engine, demonstrations(run, reads), **CLONING | {"steps": steps}, seed=seed)
    seconds = time.process_time() - began
    print(f"{folder.name}: cloned in {seconds:.0f} s, loss {losses[0]:.2f} to {losses[-1]:.3f}", flush=True)
    engine.save(folder)
    return f"hf/{folder}"


def train(reward: str, seed: int, work: Path, policy: str, **changed: Any) -> dict[str, Any]:
    """Train one clone by one reward; its curve and its evaluations.

    Args:
        reward: Of `REWARDS`.
        seed: Of tasks and samples.
        work: Where checkpoints and episodes go.
        policy: Whom.
        **changed: Keys of the training that differ.
    """
    keys, folder = TRAINING | changed, work / f"{reward}-{seed}"
    settings = SETTINGS | {"reward": reward} | keys.pop("settings", {})
    held_out = HELD_OUT | keys.pop("eval_settings", {})
    store = folder.with_suffix(".db")
    wall, cpu = time.perf_counter(), time.process_time()
    turnwise.train(
        keys,
        environment="bfcl",
        settings=settings,
        model=policy,
        concurrency=64,
        seed=seed,
        eval_settings=held_out,
        save_every=keys["steps"],
        folder=str(folder),
        store=store,
    )
    lines = read_log(folder)
    played = {
        line["step"]: turnwise.open_run(line["eval"]["run"], store=store) for line in lines if "eval" in line
    }
    last = f"hf/{max(folder.glob('step-*')) / 'policy'}"
    best = [greedy(one, settings | held_out, store, keys["max_tokens"]) for one in (policy, last)]
    return {
        "reward": reward,
        "seed": seed,
        "sampled": compared(played[0], played[max(played)]),
        "greedy": compared(*best),
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "curve": [round(line["score"], 4) for line in lines if "score" in line],
        "evaluations": [
            {"step": step}
            | {what: round(float(np.mean([*read(run).values()])), 4) for what, read in READ.items()}
            for step, run in played.items()
        ],
    }


def greedy(policy: str, settings: dict[str, Any], store: Path, max_tokens: int) -> Run:
    """A policy that says what it takes for most likely, word by word."""
    agent = AgentConfig(use=policy, sampling=Sampling(temperature=0.0, max_tokens=max_tokens))
    return turnwise.run("bfcl", agent, settings=settings, store=store)


def right_turns(run: Run) -> dict[str, float]:
    """Of each entry the share of its turns that passed."""
    return {log.task["id"]: log.score() for log in run.logs()}


def right_entries(run: Run) -> dict[str, float]:
    """Of each entry whether all passed."""
    return {log.task["id"]: float(log.metrics["right"]) for log in run.logs()}


READ: dict[str, Callable[[Run], dict[str, float]]] = {"turns": right_turns, "entries": right_entries}


def compared(before: Run, after: Run) -> dict[str, Any]:
    """Shares of right turns and of right entries before and after, and the mean gain of an entry."""
    found: dict[str, Any] = {}
    for what, read in READ.items():
        one, other = read(before), read(after)
        assert one.keys() == other.keys(), "both evaluations play the same entries"
        found[what] = {
            "before": bounds(share([*one.values()])),
            "after": bounds(share([*other.values()])),
            "gain": bounds(metrics.mean([other[name] - one[name] for name in one])),
        }
    return found


def share(values: list[float]) -> Estimate:
    """The mean of some values between 0 and 1: of verdicts with Wilson's interval, else with Student's."""
    verdicts = set(values) <= {0.0, 1.0}
    return metrics.proportion(values) if verdicts else metrics.mean(values)


def bounds(estimate: Estimate) -> dict[str, float]:
    """A mean and its interval."""
    return {key: round(getattr(estimate, key), 4) for key in ("mean", "low", "high")}


def told(result: dict[str, Any]) -> str:
    """One line of the table."""
    shares: list[str] = []
    for how, what in product(("sampled", "greedy"), READ):
        before, after, gain = (result[how][what][when] for when in ("before", "after", "gain"))
        shares.append(
            f"{how} {what} {before['mean']:.3f} to {after['mean']:.3f}, "
            f"gain {gain['mean']:.3f} [{gain['low']:.3f}, {gain['high']:.3f}]"
        )
    return f"{result['reward']:6} seed {result['seed']}: {'; '.join(shares)} in {result['cpu_seconds']:.0f} s"


def kept(path: Path) -> list[dict[str, Any]]:
    """What is in the file of results."""
    return json.loads(path.read_text()) if path.exists() else []


def keep(path: Path, result: dict[str, Any]) -> None:
    """Add a training to the file. It is read anew: others may be adding to it."""
    order = list(REWARDS)
    found = sorted([*kept(path), result], key=lambda one: (order.index(one["reward"]), one["seed"]))
    path.write_text(json.dumps(found, indent=1) + "\n")


def panel(axes: Any, what: str, found: list[dict[str, Any]]) -> None:
    """Evaluations on the way: mean and range over the seeds of each reward."""
    for reward, colour in COLOURS.items():
        mine = [one["evaluations"] for one in found if one["reward"] == reward]
        if not mine:
            continue
        steps = [point["step"] for point in mine[0]]
        lines = np.array([[point[what] for point in points] for points in mine])
        axes.fill_between(steps, lines.min(0), lines.max(0), color=colour, alpha=0.14, lw=0)
        axes.plot(steps, lines.mean(0), color=colour, lw=1.6, marker="o", ms=3, label=REWARDS[reward])
    axes.set_title(f"right {what}, held-out entries", fontsize=10)
    axes.set_xlabel("step")
    axes.set_ylim(0, 1)
    axes.grid(axis="y", color="#e2e8f0", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw(path: Path) -> None:
    """The evaluations beside the file of results, a panel a measure."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "turnwise", "font.size": 9})
    figure, panels = plt.subplots(1, len(READ), figsize=(4.6 * len(READ), 3.4))
    for axes, what in zip(panels, READ, strict=True):
        panel(axes, what, kept(path))
    panels[0].set_ylabel("share")
    panels[1].legend(frameon=False, loc="upper left", fontsize=8, title="rewarded:", alignment="left")
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
    parser.add_argument("--rewards", nargs="+", default=list(REWARDS), choices=list(REWARDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=TRAINING["steps"])
    parser.add_argument("--work", type=Path, help="Where clones and checkpoints go; by default thrown away.")
    parser.add_argument("--result", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    done = {(one["reward"], one["seed"]) for one in kept(given.result)}
    place = contextlib.nullcontext(given.work) if given.work else tempfile.TemporaryDirectory()
    with place as folder:
        work = Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        for reward, seed in product(given.rewards, given.seeds):
            if (reward, seed) not in done:
                result = train(reward, seed, work, clone(seed, work), steps=given.steps)
                keep(given.result, result)
                print(told(result), flush=True)
    draw(given.result)


if __name__ == "__main__":
    main()
