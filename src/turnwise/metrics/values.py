"""Reading plain sequences: what is missing, which cluster each value is in, what cannot be used."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from turnwise.errors import TurnwiseError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
Values: TypeAlias = Sequence[float | bool | None] | NDArray[Any]
"""Numbers in any plain form. None and nan both mean: there is no verdict."""
Labels: TypeAlias = Sequence[Hashable] | NDArray[Any]
"""One hashable label a value: a task id, a group name."""


class MetricError(TurnwiseError, ValueError):
    """Numbers or settings from which a statistic cannot be computed."""


def as_floats(values: Values, name: str = "values") -> FloatArray:
    """`values` as a one-dimensional float array in which missing ones are nan.

    Raises:
        MetricError: for what is not a number, is infinite, or has more than one dimension.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"{name}: expected numbers or None, found something else ({error})") from None
    if array.ndim != 1:
        raise MetricError(f"{name}: expected one dimension, found {array.ndim}; flatten it first")
    if np.isinf(array).any():
        where = int(np.flatnonzero(np.isinf(array))[0])
        raise MetricError(f"{name}[{where}]: expected a finite number or None, found {array[where]}")
    return array


def present(values: Values) -> tuple[FloatArray, int]:
    """The values that are there, and how many are missing."""
    array = as_floats(values)
    kept = array[~np.isnan(array)]
    return kept, len(array) - len(kept)


def as_codes(labels: Labels, length: int, name: str = "clusters") -> tuple[list[Hashable], IntArray]:
    """Distinct labels in order of first appearance, and for each value the index of its label.

    Raises:
        MetricError: where `labels` is not `length` long.
    """
    if len(labels) != length:
        raise MetricError(f"{name}: expected {length} labels, one a value, found {len(labels)}")
    index: dict[Hashable, int] = {}
    codes = np.fromiter((index.setdefault(label, len(index)) for label in labels), np.int64, count=length)
    return list(index), codes


def check_level(level: float) -> float:
    """`level`, if it is a confidence level."""
    if not 0 < level < 1:
        raise MetricError(f"level: expected a number between 0 and 1 such as 0.95, found {level}")
    return level


def check_choice(value: str, kinds: Any, name: str) -> None:
    """Refuse a word that is none of a `Literal`'s.

    Raises:
        MetricError: it is another one.
    """
    if value not in get_args(kinds):
        raise MetricError(f"{name}: expected one of {', '.join(get_args(kinds))}, found {value!r}")


def check_unit_interval(values: FloatArray, name: str = "values") -> None:
    """Raise MetricError unless every value is missing or within [0, 1]."""
    outside = np.flatnonzero((values < 0) | (values > 1))
    if len(outside):
        where = int(outside[0])
        raise MetricError(f"{name}[{where}]: expected a verdict from 0 to 1 or None, found {values[where]}")


class Joined(NamedTuple):
    """Places of the rows of two tables that belong together, and of those that stand alone."""

    first: list[int]
    second: list[int]
    """As long as `first`: row `first[i]` belongs to row `second[i]`."""
    only_first: list[int]
    only_second: list[int]


def join(first: Labels, second: Labels) -> Joined:
    """Join two tables by unique keys (an episode's id, not a text that several share), in the first's order.

    Raises:
        MetricError: a key occurs twice on one side: each of its rows would be joined to several.
    """
    places: list[dict[Hashable, int]] = []
    for name, keys in (("first", first), ("second", second)):
        known: dict[Hashable, int] = {}
        for index, key in enumerate(keys):
            if known.setdefault(key, index) != index:
                raise MetricError(
                    f"{name}[{index}]: the key {key!r} stands at {known[key]} too; join by one that is unique"
                )
        places.append(known)
    mine, theirs = places
    both = [key for key in mine if key in theirs]
    return Joined(
        first=[mine[key] for key in both],
        second=[theirs[key] for key in both],
        only_first=[index for key, index in mine.items() if key not in theirs],
        only_second=[index for key, index in theirs.items() if key not in mine],
    )
