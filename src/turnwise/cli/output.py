"""Printing: consoles, text that models wrote, and the one JSON line."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from turnwise.metrics import Estimate

_ENDLESS = 10_000
_GAP = 2
"""Cells between two columns."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def console(*, stderr: bool = False) -> Console:
    """Where tables and text go; nothing printed on it is taken for markup."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)
    if not made.is_terminal and not os.environ.get("COLUMNS"):
        # A file or another program: nothing is folded or left out for want of room.
        made.width = _ENDLESS
    return made


class Column(NamedTuple):
    """One column of a table."""

    name: str
    right: bool = False
    """Set flush right: numbers."""
    spare: int = 0
    """Where there is no room for all: left out, the highest first; 0 is never left out."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Table:
    """A table that fits `width`: columns that can be spared are left out, and what is left is folded."""
    from rich.cells import cell_len
    from rich.table import Table

    needs = [
        max(cell_len(text) for text in (column.name, *(row[place] for row in rows))) + _GAP
        for place, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    while sum(needs[place] for place in shown) - _GAP > width:
        least = max(shown, key=lambda place: columns[place].spare)
        if not columns[least].spare:
            break
        shown.remove(least)
    made = Table(box=None, pad_edge=False)
    for place in shown:
        right = columns[place].right
        made.add_column(columns[place].name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(row[place] for place in shown))
    return made


def clean(text: str) -> str:
    """`text` that a model may have written, without what a terminal would obey."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str, width: int = 80) -> str:
    """The beginning of `text`, on one line."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def print_json(value: Any) -> None:
    """One JSON value as one line; what is not a number is null."""
    sys.stdout.write(msgspec.json.encode(_finite(msgspec.to_builtins(value))).decode() + "\n")
    sys.stdout.flush()


def interval(estimate: Estimate) -> str:
    """`0.83 [0.71, 0.92]`."""
    if math.isnan(estimate.mean):
        return "-"
    if math.isnan(estimate.low):
        return f"{estimate.mean:.3f}"
    return f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def number(value: float | None, digits: int = 3) -> str:
    """A number or `-`."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"


def duration(seconds: float | None) -> str:
    """`1:02:03`, `2:03` or `0.4 s`."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def short(seconds: float) -> str:
    """`1.25 s` or `0.84 ms`."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def moment(seconds: float) -> str:
    """A time of the epoch, as the local clock shows it."""
    from datetime import datetime

    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in cast("list[Any]", value)]
    return value
