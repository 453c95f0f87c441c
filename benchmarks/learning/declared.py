"""What a study declares, and the words for what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from results import Played, Results
from turnwise.metrics import Estimate

Verdict: TypeAlias = Literal["yes", "no", "undecided"]


class Arm(NamedTuple):
    """One way to train."""

    label: str
    """In plot and table."""
    about: str
    """What it is, in a sentence."""


class Curve(NamedTuple):
    """One panel of the plot: a curve of each arm, mean over the seeds with a band."""

    key: str
    """Of `Played.curves`."""
    title: str
    x: str
    y: str
    smooth: int = 1
    """Steps in a row whose mean a point is."""
    band: Literal["range", "interval"] = "range"
    """Of the seeds: their range, or Student's 95 % interval of their mean."""
    levels: Callable[[Results], Mapping[str, float]] | None = None
    """Dashed lines to compare with, by label."""
    scale: Literal["linear", "log"] = "linear"
    """Of y."""


class Measure(NamedTuple):
    """One column of the table."""

    key: str
    """Of `Played.measures`."""
    label: str
    digits: int = 2


class Finding(NamedTuple):
    """A claim, and what was seen of it."""

    claim: str
    measured: str
    """In words and figures, the figures computed."""
    held: Verdict


class Study(NamedTuple):
    """A study: what is asked, how it is trained, what is read off."""

    name: str
    """Of its script, its results and its page."""
    title: str
    question: str
    """Ends in a question mark."""
    setting: str
    """World, policy, start, budget; Markdown."""
    papers: tuple[str, ...]
    arms: Mapping[str, Arm]
    curves: tuple[Curve, ...]
    measures: tuple[Measure, ...]
    size: Mapping[str, Any]
    """Whatever `play` is to be told of how long and how large, JSON values. Kept with the results."""
    smallest: Mapping[str, Any]
    """What of `size` differs in a training of seconds."""
    play: Callable[[str, int, dict[str, Any], Path], Played]
    """One training, of an arm with a seed and a size, with a folder for its files that its arms and seeds
    share. Deterministic but for the machine."""
    findings: Callable[[Results], list[Finding]]
    """What the results say; they have every arm with the same seeds."""
    baseline: str | None = None
    """The arm from which others' differences are told, paired by seed."""
    seeds: tuple[int, ...] = (0, 1, 2)


def judged(estimate: Estimate, *, above: float = 0.0) -> Verdict:
    """Whether something is more than `above`: its 95 % interval says so, or says the contrary, or neither."""
    if estimate.low > above:
        return "yes"
    return "no" if estimate.high <= above else "undecided"


def within(estimate: Estimate, low: float, high: float) -> Verdict:
    """Whether something lies between two bounds: its interval does, lies wholly outside, or neither."""
    if low <= estimate.low and estimate.high <= high:
        return "yes"
    return "no" if estimate.low > high or estimate.high < low else "undecided"


def told(estimate: Estimate, digits: int = 2) -> str:
    """`0.93 [0.90, 0.96]`: a mean with its interval, where there is one."""
    if estimate.mean != estimate.mean:
        return "–"
    bounds = "" if estimate.low != estimate.low else f" [{_fixed(estimate.low, digits)}, "
    bounds += f"{_fixed(estimate.high, digits)}]" if bounds else ""
    return _fixed(estimate.mean, digits) + bounds


def _fixed(number: float, digits: int) -> str:
    shown = f"{number:.{digits}f}"
    zero = shown.startswith("-") and not shown.strip("-0.")
    return shown[1:] if zero else shown.replace("-", "−")
