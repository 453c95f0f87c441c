"""Write `docs/credit.md` and its plot from the ranking and the registry, so that it follows the code."""

from __future__ import annotations

import json
from string import Template
from typing import Any

from common import HERE, RESULTS
from turnwise.learn import credit

TEXT = HERE / "credit_page.md"
PAGE = HERE.parent / "docs" / "credit.md"
PLOT = HERE.parent / "docs" / "assets" / "credit_ranking.svg"
FAMILIES = {
    "uniform": "none",
    "turn_baseline": "group, by turn",
    "turn_grpo": "group, by turn",
    "mt_grpo": "group, by turn",
    "mapo": "group, by turn",
    "mars": "group, by turn",
    "gigpo": "state groups",
    "gae, λ = 0": "critic",
    "gae, λ = 0.95": "critic",
    "gae, λ = 1": "critic",
    "vine Monte Carlo": "forks",
    "vine Monte Carlo, by state": "forks",
    "counterfactual": "forks",
    "counterfactual, rest anew": "forks",
    "Shapley": "forks",
    "return decomposition, differences": "regressor",
    "return decomposition, parts": "regressor",
    "information gain": "belief",
    "softmin (PURE)": "belief",
    "implicit reward": "log-ratios",
    "implicit reward, ITPO's shares": "log-ratios",
    "hindsight": "hindsight",
    "judge (simulated)": "judge",
}
"""What a method rests on; the others compare outcomes within a group."""
COLOURS = {
    "none": "#64748b",
    "group": "#2563eb",
    "group, by turn": "#0891b2",
    "state groups": "#7c3aed",
    "critic": "#c026d3",
    "forks": "#dc2626",
    "regressor": "#ea580c",
    "belief": "#ca8a04",
    "log-ratios": "#65a30d",
    "hindsight": "#059669",
    "judge": "#78350f",
}


def ranking() -> dict[str, Any]:
    """The result of `credit_ranking.py`."""
    return json.loads((RESULTS / "credit_ranking.json").read_text())


def ordered(found: dict[str, Any]) -> list[str]:
    """Methods, the best at the largest budget first."""
    most = str(max(found["budgets"]))
    return sorted(found["methods"], key=lambda name: -found["methods"][name][most]["all"][0])


def family(name: str) -> str:
    """What a method rests on."""
    return FAMILIES.get(name, "group")


def alike(found: dict[str, Any]) -> dict[str, list[str]]:
    """Methods with the same numbers throughout, under the first of them, in order."""
    seen: dict[str, str] = {}
    together: dict[str, list[str]] = {}
    for name in ordered(found):
        first = seen.setdefault(json.dumps(found["methods"][name], sort_keys=True), name)
        together.setdefault(first, []).append(name)
    return together


def draw(found: dict[str, Any]) -> None:
    """Two panels, one row a method: a dot for each budget, with its interval."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "turnwise", "font.size": 9})
    together = alike(found)
    names = list(together)[::-1]
    figure, panels = plt.subplots(1, 2, figsize=(9, 0.29 * len(names) + 1.2), sharey=True)
    for panel, kind, title in zip(panels, ("all", "within"), ("all turns", "within an episode"), strict=True):
        for budget, alpha in zip(found["budgets"], (0.3, 0.6, 1.0), strict=False):
            for row, name in enumerate(names):
                mid, low, high = found["methods"][name][str(budget)][kind]
                colour = COLOURS[family(name)]
                panel.plot([low, high], [row, row], color=colour, alpha=alpha, lw=1.2)
                panel.plot(mid, row, "o", color=colour, alpha=alpha, ms=4.5, mew=0)
        panel.axvline(0, color="#94a3b8", lw=0.8)
        panel.set_xlim(-0.5, 1.04)
        panel.set_xlabel("Spearman correlation with exact credit")
        panel.set_title(title, fontsize=10)
        panel.grid(axis="x", color="#e2e8f0", lw=0.6)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(names)), [label(together[name]) for name in names])
    panels[0].set_ylim(-0.7, len(names) - 0.3)
    figure.tight_layout()
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, metadata={"Date": None})
    # The drawer leaves blanks at line ends.
    PLOT.write_text("\n".join(line.rstrip() for line in PLOT.read_text().splitlines()) + "\n")


def label(names: list[str]) -> str:
    """A row's name in the plot."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} alike"


def rows(found: dict[str, Any]) -> list[str]:
    """The table of the ranking."""
    budgets = found["budgets"]
    head = " | ".join(f"{budget} rollouts" for budget in budgets)
    lines = [
        f"| method | rests on | {head} | within an episode, {budgets[-1]} |",
        "| --- | --- |" + " --- |" * (len(budgets) + 1),
    ]
    for first, names in alike(found).items():
        cells = [found["methods"][first][str(budget)] for budget in budgets]
        shown = [spread(cell["all"]) for cell in cells] + [spread(cells[-1]["within"])]
        rests = "; ".join(dict.fromkeys(family(name) for name in names))
        lines.append(f"| {', '.join(names)} | {rests} | {' | '.join(shown)} |")
    return lines


def spread(numbers: list[float]) -> str:
    """A mean and half the width of its interval."""
    mid, low, high = numbers
    return f"{mid:.2f} ± {(high - low) / 2:.2f}".replace("-0.00", "0.00")


def registered() -> list[str]:
    """The table of methods by name."""
    lines = ["| name | gives | an environment must declare | must be given |", "| --- | --- | --- | --- |"]
    for name in credit.names():
        method = credit.get(name)
        needs = ", ".join(f"`{need}`" for need in method.needs) or "-"
        takes = ", ".join(f"`{take}`" for take in method.takes) or "-"
        lines.append(f"| `{name}` | one number a {method.per} | {needs} | {takes} |")
    return lines


def page(found: dict[str, Any]) -> str:
    """The whole page: `credit_page.md` with its numbers and tables."""
    *few, most = found["budgets"]
    return Template(TEXT.read_text()).substitute(
        seeds=found["seeds"],
        episodes=found["episodes"],
        count=len(found["tasks"]),
        tasks="; ".join(found["tasks"]),
        budgets=f"{', '.join(map(str, few))} or {most}",
        version=found["machine"]["turnwise"],
        date=found["machine"]["date"],
        ranking="\n".join(rows(found)),
        registered="\n".join(registered()),
    )


def main() -> None:
    """Write the page and the plot."""
    found = ranking()
    draw(found)
    PAGE.write_text(page(found))
    print(page(found))


if __name__ == "__main__":
    main()
