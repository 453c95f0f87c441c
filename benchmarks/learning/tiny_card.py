"""What is told of the policy that ships: its card, and a picture of how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_CARD = """\
# sprout

A language model of {weights:,} weights ({bytes:.1f} MB) that knows the language of a few text worlds, and
nothing else. It comes with Turnwise, so that there is a real policy to evaluate, to train and to test with,
without a download: `tiny/sprout` runs on numpy alone, `hf/FOLDER` is the same in torch.

- **Kind**: a Llama (RMS norm, rotary positions, grouped heads, SwiGLU): width {hidden}, {layers} layers,
  {heads} heads in {groups} groups, context {context}; byte-level BPE of {vocabulary} tokens; weights of two
  bytes, computed with in single precision.
- **Made from nothing** by `python benchmarks/learning/tiny_policy.py`, seed {seed}, in {minutes:.0f} minutes
  on one core: random weights; {episodes:,} episodes of scripted players ({tokens:,} tokens of theirs)
  imitated for {steps} steps; then multi-turn reinforcement learning, from its own episodes:
  {lessons}.
- **Not trained on** any text that people wrote, but for the worlds' own rules and hints.
- **Left to learn**: number guess. It was cloned from a player that heeds the hints, but guesses anywhere
  within them; `turnwise demo` trains it there.
- **Licence**: Apache-2.0, like the package.

On tasks that were not trained on, sampled at temperature 1:

{table}
"""
_SMOOTH = 3


def card(result: dict[str, Any]) -> str:
    """The card of a policy, its figures from a result of `tiny_policy.py`."""
    cloning = result["cloning"]
    lessons = " and ".join(
        f"{lesson['keys']['steps']} steps of `{lesson['keys']['credit']}` in `{name}`"
        for name, lesson in result["learning"].items()
    )
    return _CARD.format(
        **result["size"],
        **{key: cloning[key] for key in ("weights", "vocabulary", "episodes", "tokens", "steps")},
        bytes=result["bytes"] / 1e6,
        seed=result["seed"],
        minutes=result["seconds"] / 60,
        lessons=lessons,
        table=table(result),
    )


def table(result: dict[str, Any]) -> str:
    """Each world's scores, cloned and in the end, in Markdown."""
    lines = [
        "| world | settings | at random | cloned | in the end | replies that are moves |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, after in result["policy"].items():
        settings = ", ".join(f"{key} {value}" for key, value in after["settings"].items() if key != "count")
        chance, before = (_interval(result[who][name]["score"]) for who in ("chance", "cloned"))
        learned = name in result["learning"]
        shown = f"**{_interval(after['score'])}**" if learned else _interval(after["score"])
        cells = [f"`{name}`", settings or "its own", chance, before, shown, f"{after['valid']:.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(score: list[float]) -> str:
    mean, low, high = score
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """The curves of all seeds as SVG: the loss of cloning, and the score of each lesson."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "turnwise", "font.size": 9})
    lessons = list(dict.fromkeys(name for one in found for name in one["learning"]))
    figure, panels = plt.subplots(
        1, 1 + len(lessons), figsize=(3.6 * (1 + len(lessons)), 2.9), squeeze=False, layout="constrained"
    )
    cloning, *learning = panels[0]
    for one in found:
        curve = one["cloning"]["curve"]
        steps = np.linspace(0, one["cloning"]["steps"], len(curve), endpoint=False)
        cloning.plot(steps, curve, lw=1.3, label=f"seed {one['seed']}")
        for axes, name in zip(learning, lessons, strict=True):
            if name in one["learning"]:
                scores = np.array(one["learning"][name]["curve"])
                width = min(_SMOOTH, len(scores))
                smooth = np.lib.stride_tricks.sliding_window_view(scores, width).mean(-1)
                axes.plot(np.arange(len(smooth)) + (width - 1) / 2, smooth, lw=1.3)
    cloning.set(title="cloning", xlabel="step", ylabel="loss of a token, nats", ylim=(0, 4))
    cloning.legend(frameon=False)
    for axes, name in zip(learning, lessons, strict=True):
        axes.set(title=f"RL in {name}", xlabel=f"step (mean of {_SMOOTH})", ylabel="score of its episodes")
    for axes in panels[0]:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e2e8f0", lw=0.6)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    # The drawer leaves blanks at line ends.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
