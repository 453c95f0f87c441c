"""Printing: consoles, text that models wrote, and the one JSON line."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any, cast

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

    from turnwise.metrics import Estimate

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def console(*, stderr: bool = False) -> Console:
    """Where tables and text go; nothing printed on it is taken for markup."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)


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
