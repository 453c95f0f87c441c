"""The plot of a study: a panel for each of its curves, a line for each arm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from declared import Curve, Study

from results import Results
from turnwise import metrics

COLOURS = ("#2563eb", "#dc2626", "#059669", "#c026d3", "#ca8a04", "#0891b2", "#64748b", "#78350f")
LEVEL = "#0f172a"
DASHES = ((0, (4, 3)), (0, (1, 2)), (0, (6, 2, 1, 2)))


def draw(study: Study, found: Results, path: Path) -> None:
    """Write the plot.

    Args:
        study: Whose.
        found: Its results.
        path: Of the SVG.
    """
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    count = len(study.curves)
    style = {"svg.hashsalt": "turnwise", "font.size": 9, "font.family": "DejaVu Sans"}
    with plt.rc_context(style):
        # Four are two rows, so that each is large enough to read.
        rows = 2 if count > 3 else 1
        columns = -(-count // rows)
        size = (max(6.0, 4.4 * columns), 0.3 + 3.2 * rows)
        plot, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        panels = grid.flatten()
        for axes in panels[count:]:
            axes.set_axis_off()
        for axes, curve in zip(panels, study.curves, strict=False):
            panel(axes, study, curve, found)
        handles: dict[str, Any] = {}
        for axes in panels[:count]:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        if handles:
            across = min(len(handles), 4 if count == 1 else 5)
            plot.legend(
                handles.values(),
                handles,
                loc="outside lower center",
                ncols=across,
                frameon=False,
                fontsize=8,
            )
        plot.savefig(path, metadata={"Date": None})
        plt.close(plot)
    # The drawer leaves blanks at line ends.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def panel(axes: Any, study: Study, curve: Curve, found: Results) -> None:
    """One curve of each arm, with its band over the seeds, and the levels to compare with."""
    for arm, colour in zip(study.arms, COLOURS * 2, strict=False):
        x, ys = found.curves(arm, curve.key)
        if not ys.size:
            continue
        x, ys = smoothed(x, ys, curve.smooth)
        low, high = band(ys, curve.band)
        axes.fill_between(x, low, high, color=colour, alpha=0.14, lw=0)
        marker = {"marker": "o", "ms": 3} if len(x) <= 12 else {}
        axes.plot(x, ys.mean(0), color=colour, lw=1.6, label=study.arms[arm].label, **marker)
    levels = curve.levels(found) if curve.levels is not None else {}
    for (label, level), dashes in zip(levels.items(), DASHES * 3, strict=False):
        axes.axhline(level, color=LEVEL, lw=0.9, ls=dashes, label=label)
    axes.set_yscale(curve.scale)
    axes.set_title(curve.title, fontsize=10)
    axes.set_xlabel(curve.x)
    axes.set_ylabel(curve.y)
    axes.grid(axis="y", color="#e2e8f0", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def smoothed(x: np.ndarray, ys: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of `width` points in a row, at the last of them; fewer where there are not so many."""
    width = min(width, len(x))
    return x[width - 1 :], np.lib.stride_tricks.sliding_window_view(ys, width, axis=1).mean(-1)


def band(ys: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """`[points]` Bounds over the seeds of `[seeds, points]`."""
    if kind == "range" or len(ys) < 2:
        return ys.min(0), ys.max(0)
    found = [metrics.mean(column) for column in ys.T]
    return np.array([one.low for one in found]), np.array([one.high for one in found])
