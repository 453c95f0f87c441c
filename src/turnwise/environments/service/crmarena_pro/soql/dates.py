"""Dates in queries: read, checked, and given by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from turnwise.environments.service.crmarena_pro.soql.errors import malformed

_STAMP = re.compile(r"(.{16})(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
MOST_UNITS = 10_000
"""Most days, weeks, … that a date by name may count."""


def stamp(moment: datetime) -> str:
    """A moment as it is stored and shown: in UTC, to the millisecond."""
    told = moment.astimezone(UTC)
    return f"{told:%Y-%m-%dT%H:%M:%S}.{told.microsecond // 1000:03d}+0000"


def day(text: str) -> str:
    """A date that there is.

    Raises:
        SoqlError: there is no such date.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise malformed(f"there is no date {text}") from None


def moment(text: str) -> str:
    """A date and time, as it is stored.

    Raises:
        SoqlError: there is no such date or time.
    """
    found = _STAMP.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        head, seconds, part, zone = found.groups()
        zone = "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"
        whole = f"{head}:{seconds or '00'}.{(part or '0').ljust(3, '0')}{zone}"
        return stamp(datetime.fromisoformat(whole))
    except (ValueError, OverflowError):
        raise malformed(f"there is no date and time {text}") from None


def span(name: str, count: int | None, today: date) -> tuple[date, date]:
    """A date by name as a span: its first day, and the one after its last.

    Raises:
        SoqlError: there is no such name; it lacks its number, or has one too many; or it is out of all time.
    """
    known = name.upper()
    try:
        if known in _PLAIN and count is None:
            return _PLAIN[known](today)
        if known in _COUNTED and count is not None and 0 <= count <= MOST_UNITS:
            return _COUNTED[known](today, count)
    except (ValueError, OverflowError):
        raise malformed(f"{known}:{count} is out of all time") from None
    if known in _COUNTED:
        raise malformed(f"{known} is written {known}:n, with n from 0 to {MOST_UNITS:,}")
    if known in _PLAIN:
        raise malformed(f"{known} takes no number")
    raise malformed(f"unexpected token: '{name[:40]}' (neither a value nor a date by name)")


def named(name: str) -> bool:
    """Whether it is a date by name."""
    return name.upper() in _PLAIN or name.upper() in _COUNTED


def _months(start: date, count: int) -> date:
    """The first day of the month so many months from `start`'s."""
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return date(year, month + 1, 1)


def _week(today: date) -> date:
    """The Sunday a week begins with."""
    return today - timedelta(days=(today.weekday() + 1) % 7)


def _quarter(today: date) -> date:
    return date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)


def _around(today: date, unit: str, first: int, end: int) -> tuple[date, date]:
    """The units from `first` to before `end`, counted from this one, which is 0."""
    if unit == "DAY":
        return today + timedelta(days=first), today + timedelta(days=end)
    if unit == "WEEK":
        return _week(today) + timedelta(weeks=first), _week(today) + timedelta(weeks=end)
    if unit == "YEAR":
        return date(today.year + first, 1, 1), date(today.year + end, 1, 1)
    start, size = (_quarter(today), 3) if unit == "QUARTER" else (today.replace(day=1), 1)
    return _months(start, first * size), _months(start, end * size)


def _plain(unit: str, first: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: _around(today, unit, first, first + 1)


def _last_n(unit: str) -> Callable[[date, int], tuple[date, date]]:
    """The last n units; counted in days, this day is one of the span."""
    days = unit == "DAY"
    return lambda today, n: _around(today, unit, -n, 1 if days else 0)


def _next_n(unit: str) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, n: _around(today, unit, 1, n + 1)


def _ago(unit: str) -> Callable[[date, int], tuple[date, date]]:
    return lambda today, n: _around(today, unit, -n, 1 - n)


_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_PLAIN: dict[str, Callable[[date], tuple[date, date]]] = {
    "YESTERDAY": _plain("DAY", -1),
    "TODAY": _plain("DAY", 0),
    "TOMORROW": _plain("DAY", 1),
    "LAST_90_DAYS": lambda today: (today - timedelta(days=90), today + timedelta(days=1)),
    "NEXT_90_DAYS": lambda today: (today + timedelta(days=1), today + timedelta(days=91)),
    **{
        f"{word}_{kind}{unit}": _plain(unit, first)
        for unit in _UNITS[1:]
        for word, first in (("LAST", -1), ("THIS", 0), ("NEXT", 1))
        for kind in (("", "FISCAL_") if unit in ("QUARTER", "YEAR") else ("",))
    },
}
_COUNTED: dict[str, Callable[[date, int], tuple[date, date]]] = {
    **{f"LAST_N_{unit}S": _last_n(unit) for unit in _UNITS},
    **{f"NEXT_N_{unit}S": _next_n(unit) for unit in _UNITS},
    **{f"N_{unit}S_AGO": _ago(unit) for unit in _UNITS},
}
