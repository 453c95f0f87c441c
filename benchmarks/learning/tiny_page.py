"""Writes `docs/tiny.md`: the policy that ships, how it was made, and the demo, from what was measured.

python benchmarks/learning/tiny_page.py
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import RESULTS
from learning.tiny_card import table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = Path(__file__).with_suffix(".md")


def loaded(name: str) -> Any:
    """What was measured."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def demo_table(demo: dict[str, Any]) -> str:
    """A line a seed."""
    lines = [
        "| seed | before | after | gain, 95 % interval | seconds of one core |",
        "| --- | --- | --- | --- | --- |",
    ]
    for run in demo["runs"]:
        gain = run["gain"]
        lines.append(
            f"| {run['seed']} | {run['before']:.1%} | {run['after']:.1%} | "
            f"{gain['mean']:.3f} [{gain['low']:.3f}, {gain['high']:.3f}] | {run['cpu_seconds']:.0f} |"
        )
    told = f"In {demo['intervals_above_zero']} of {demo['seeds']} seeds the interval is above zero."
    return f"{told}\n\n" + "\n".join(lines)


def policies(found: list[dict[str, Any]]) -> str:
    """The table of each seed's policy."""
    shipped, *others = found
    parts = [
        f"Seed {shipped['seed']}, which ships ({shipped['seconds'] / 60:.0f} minutes):\n\n{table(shipped)}"
    ]
    parts += [f"Seed {one['seed']} ({one['seconds'] / 60:.0f} minutes):\n\n{table(one)}" for one in others]
    return "\n\n".join(parts)


def speed_table(speed: dict[str, Any]) -> str:
    """A line a world."""
    lines = ["| world | tokens said a second | read | said |", "| --- | --- | --- | --- |"]
    for name, row in speed.items():
        lines.append(
            f"| `{name}` | {row['said_per_cpu_s']:.0f} | {row['tokens_read']:,} | {row['tokens_said']:,} |"
        )
    return "\n".join(lines)


def text() -> str:
    """The page."""
    found, demo, tiny = loaded("tiny_policy"), loaded("demo"), loaded("tiny")
    shipped = found[0]
    cloning, greedy = shipped["cloning"], tiny["greedy"]
    lessons = " and ".join(
        f"{lesson['keys']['steps']} steps in `{name}` ({lesson['seconds']:.0f} seconds)"
        for name, lesson in shipped["learning"].items()
    )
    return PAGE.read_text().format(
        **{key: cloning[key] for key in ("weights", "vocabulary", "episodes")},
        bytes=shipped["bytes"] / 1e6,
        layers=shipped["size"]["layers"],
        minutes=shipped["seconds"] / 60,
        cloning_steps=cloning["steps"],
        cloning_minutes=cloning["seconds"] / 60,
        lessons=lessons,
        forgot=list(shipped["learning"].values())[-1]["curve"][0],
        demo_steps=demo["steps"],
        demo=demo_table(demo),
        slowest=max(run["seconds"] for run in demo["runs"]) / 60,
        policies=policies(found),
        speed=speed_table(tiny["speed"]),
        prompts=greedy["prompts"],
        same=greedy["same"],
        most=greedy["most_tokens"],
    )


def main() -> None:
    """Write it."""
    (DOCS / "tiny.md").write_text(text())
    shutil.copy(RESULTS / "tiny_policy.svg", DOCS / "assets" / "tiny_policy.svg")


if __name__ == "__main__":
    main()
