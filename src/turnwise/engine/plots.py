"""Pictures of runs: success by turn with interval bands, success against cost, learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from turnwise.engine.learning import learning_curve
from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.metrics.by_turn import success_by_turn as curve_of

# Okabe and Ito's palette: told apart by colour-blind readers, and in grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

_ENDINGS = (".png", ".svg", ".pdf")


def success_by_turn(runs: Sequence[Run], to: Path, *, solved: float = 1.0) -> None:
    """Draw the share of episodes solved by each turn of the first role, with 95 % bands clustered by task.

    Raises:
        ConfigError: matplotlib is not installed, or the file cannot be written.
    """
    _check_name(to)
    figure, axes = _figure()
    curves = [curve_of(run.logs(), solved=solved).solved for run in runs]
    most = max(map(len, curves))
    for place, (run, curve) in enumerate(zip(runs, curves, strict=True)):
        # Beyond a run's longest episode its share stays what it was.
        points = [*curve, *[curve[-1]] * (most - len(curve))]
        turns, colour = range(1, most + 1), _COLOURS[place % len(_COLOURS)]
        means = [point.mean for point in points]
        axes.plot(turns, means, color=colour, marker="o", ms=3.5, lw=1.6, label=_label(run))
        low, high = [point.low for point in points], [point.high for point in points]
        axes.fill_between(turns, low, high, color=colour, alpha=0.16, lw=0)
    axes.set(xlabel="turns of the agent", ylabel="share of episodes solved", ylim=(-0.02, 1.02))
    axes.xaxis.get_major_locator().set_params(integer=True)
    _finish(figure, axes, runs, to)


def success_against_cost(runs: Sequence[Run], to: Path) -> None:
    """Draw each run's mean score with its interval against the mean cost of an episode.

    Where no run has a cost, sampled tokens stand for it; where no model counts those, turns.

    Raises:
        ConfigError: matplotlib is not installed, or the file cannot be written.
    """
    _check_name(to)
    figure, axes = _figure()
    columns = ("cost", "output", "turns")
    means = [_means(run, columns) for run in runs]
    kind = next((name for name in columns if any(mean[name] for mean in means)), "turns")
    for place, (run, mean) in enumerate(zip(runs, means, strict=True)):
        score = run.score
        colour = _COLOURS[place % len(_COLOURS)]
        error = [[max(0.0, score.mean - score.low)], [max(0.0, score.high - score.mean)]]
        axes.errorbar(
            mean[kind], score.mean, yerr=error, fmt="o", color=colour, capsize=3, ms=6, label=_label(run)
        )
    names = {"cost": "cost an episode", "output": "sampled tokens an episode", "turns": "turns an episode"}
    axes.set(xlabel=names[kind], ylabel="mean score")
    axes.set_xlim(left=0)
    _finish(figure, axes, runs, to)


def learning_curves(runs: Sequence[Run], to: Path) -> None:
    """Draw the mean score of each training's steps with its 95 % band, and its evaluations with theirs.

    Raises:
        ConfigError: a run is no training, matplotlib is not installed, or the file cannot be written.
    """
    _check_name(to)
    curves = [learning_curve(run) for run in runs]
    figure, axes = _figure()
    for place, (run, curve) in enumerate(zip(runs, curves, strict=True)):
        colour = _COLOURS[place % len(_COLOURS)]
        steps = [point.step for point in curve.played]
        bands = [[getattr(point.score, name) for point in curve.played] for name in ("mean", "low", "high")]
        axes.plot(steps, bands[0], color=colour, lw=1.4, label=_label(run))
        axes.fill_between(steps, bands[1], bands[2], color=colour, alpha=0.16, lw=0)
        for point in curve.evaluated:
            score = point.score
            error = [[max(0.0, score.mean - score.low)], [max(0.0, score.high - score.mean)]]
            axes.errorbar(point.step, score.mean, yerr=error, fmt="o", color=colour, capsize=3, ms=5)
    axes.set(xlabel="steps (points: evaluations)", ylabel="mean score")
    axes.xaxis.get_major_locator().set_params(integer=True)
    _finish(figure, axes, runs, to)


def _check_name(to: Path) -> None:
    """What has no ending would be given one, and stand elsewhere than was said."""
    if to.suffix.lower() not in _ENDINGS:
        raise ConfigError(f"cannot write {str(to)!r}: expected a name that ends in {', '.join(_ENDINGS)}")


def _means(run: Run, columns: Sequence[str]) -> dict[str, float]:
    rows = run.store.columns(run.row.number, columns)
    return {
        name: sum(row[place] or 0 for row in rows) / max(1, len(rows)) for place, name in enumerate(columns)
    }


def _figure() -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("plots need matplotlib: install turnwise[plot]") from None
    figure = Figure(figsize=(6.4, 4.0), dpi=160, layout="constrained")
    axes: Any = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _label(run: Run) -> str:
    agents = ", ".join(agent.use for agent in run.config.agents.values())
    return f"{run.id} ({agents})".replace("$", r"\$")


def _finish(figure: Any, axes: Any, runs: Sequence[Run], to: Path) -> None:
    environments = sorted({run.row.environment for run in runs})
    axes.set_title(", ".join(environments), loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    try:
        figure.savefig(to)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot write {to}: {error}") from None
