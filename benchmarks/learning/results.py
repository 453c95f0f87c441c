"""What a study found: one file, training by training, and the statistics over its seeds."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from turnwise import metrics
from turnwise.metrics import Estimate

RESULTS = Path(__file__).resolve().parents[1] / "results" / "learning"


class Share(msgspec.Struct, frozen=True):
    """A proportion, with its counts."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share; nan of none."""
        return self.count / self.of if self.of else math.nan


Number: TypeAlias = float | Share | None
Points: TypeAlias = list[float | tuple[float, float | None] | None]
"""A curve: one number a step (from 1), or pairs of x and y."""


class Played(msgspec.Struct):
    """What `play` gives of one training."""

    curves: dict[str, Points]
    measures: dict[str, Number]


class Training(msgspec.Struct, kw_only=True):
    """One training, as it is kept."""

    arm: str
    seed: int
    seconds: float
    cpu_seconds: float
    turnwise: str
    measures: dict[str, Number]
    curves: dict[str, Points]


class Results(msgspec.Struct, kw_only=True):
    """All trainings of a study with one size."""

    study: str
    size: dict[str, Any]
    runs: list[Training] = []

    def of(self, arm: str) -> list[Training]:
        """The trainings of an arm, by seed."""
        return sorted((one for one in self.runs if one.arm == arm), key=lambda one: one.seed)

    def done(self, arm: str, seed: int) -> bool:
        """Whether a training is there."""
        return any((one.arm, one.seed) == (arm, seed) for one in self.runs)

    def values(self, arm: str, measure: str) -> list[float]:
        """A measure of an arm, one number a seed; nan where a training lacks it."""
        return [_plain(one.measures.get(measure)) for one in self.of(arm)]

    def mean(self, arm: str, measure: str) -> Estimate:
        """Mean over the seeds, with Student's 95 % interval."""
        return metrics.mean(self.values(arm, measure))

    def difference(self, arm: str, other: str, measure: str, other_measure: str | None = None) -> Estimate:
        """`arm` less `other`, paired by seed: mean with Student's 95 % interval.

        Args:
            arm: Whose measure.
            other: What is taken off it. The same arm, to compare two of its measures.
            measure: Which.
            other_measure: The other's; by default the same.
        """
        name = other_measure or measure
        theirs = {one.seed: _plain(one.measures.get(name)) for one in self.of(other)}
        pairs = [
            _plain(one.measures.get(measure)) - theirs[one.seed] for one in self.of(arm) if one.seed in theirs
        ]
        return metrics.mean(pairs)

    def counted(self, arm: str, measure: str) -> Share | None:
        """The counts of all seeds together; None where the measure is no proportion."""
        found = [one.measures.get(measure) for one in self.of(arm)]
        shares = [one for one in found if isinstance(one, Share)]
        if not shares or len(shares) < len(found):
            return None
        return Share(sum(one.count for one in shares), sum(one.of for one in shares))

    def curves(self, arm: str, curve: str) -> tuple[np.ndarray, np.ndarray]:
        """`[points]`, `[seeds, points]` x and y of a curve, as far as all seeds have it."""
        drawn = [_xy(one.curves[curve]) for one in self.of(arm) if one.curves.get(curve)]
        if not drawn:
            return np.zeros(0), np.zeros((0, 0))
        points = min(len(x) for x, _ in drawn)
        return drawn[0][0][:points], np.array([y[:points] for _, y in drawn])


def _plain(number: Number) -> float:
    if isinstance(number, Share):
        return number.value
    return math.nan if number is None else float(number)


def _xy(points: Points) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        point if isinstance(point, (tuple, list)) else (step, point) for step, point in enumerate(points, 1)
    ]
    x, y = zip(*pairs, strict=True)
    return np.array(x, dtype=float), np.array(y, dtype=float)


def load(path: Path) -> Results:
    """A file of results, whatever its size."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def read(path: Path, study: str, size: dict[str, Any]) -> Results:
    """What is in a file of results; nothing yet where there is none.

    Raises:
        SystemExit: it is of another size, so that more of this one cannot be added.
    """
    if not path.exists():
        return Results(study=study, size=size)
    found = load(path)
    if found.size != msgspec.json.decode(msgspec.json.encode(size)):
        raise SystemExit(
            f"{path}: it holds trainings of {found.size}, the study now says {size}: remove it to train "
            f"anew, or restore the settings"
        )
    return found


def add(path: Path, study: str, size: dict[str, Any], training: Training) -> Results:
    """Add a training to a file, which is read anew: another process may be adding to it."""
    found = read(path, study, size)
    found.runs = [*found.runs, rounded(training)]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    lines = ",\n  ".join(msgspec.json.encode(one).decode() for one in found.runs)
    head = f'{{"study": {_json(study)},\n "size": {_json(found.size)},\n "runs": [\n  '
    partial.write_text(f"{head}{lines}\n ]}}\n")
    partial.replace(path)
    return found


def rounded(training: Training) -> Training:
    """As it is kept: six digits, and null for what is no number."""
    return msgspec.convert(_round(msgspec.to_builtins(training)), Training)


def _round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _round(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_round(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def shown(number: Number) -> str:
    """A measure in a line of progress."""
    if isinstance(number, Share):
        return f"{number.count}/{number.of}"
    return "none" if number is None else f"{number:.4g}"
