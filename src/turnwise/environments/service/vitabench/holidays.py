"""China's public holidays and festivals, from 2023 to 2026: the years that tasks play in."""

from __future__ import annotations

from datetime import date, timedelta

_LUNAR: dict[int, dict[str, tuple[int, int]]] = {
    2023: {
        "Lantern Festival": (2, 5),
        "Qixi Festival": (8, 22),
        "Double Ninth Festival": (10, 23),
        "Laba Festival": (12, 30),
        "Mother's Day": (5, 14),
        "Father's Day": (6, 18),
        "Start of Autumn": (8, 8),
        "Winter Solstice": (12, 22),
        "Dragon Head Festival": (2, 21),
    },
    2024: {
        "Lantern Festival": (2, 24),
        "Qixi Festival": (8, 10),
        "Double Ninth Festival": (10, 11),
        "Laba Festival": (1, 18),
        "Mother's Day": (5, 12),
        "Father's Day": (6, 16),
        "Start of Autumn": (8, 7),
        "Winter Solstice": (12, 21),
        "Dragon Head Festival": (3, 11),
    },
    2025: {
        "Lantern Festival": (2, 12),
        "Qixi Festival": (8, 29),
        "Double Ninth Festival": (10, 29),
        "Laba Festival": (1, 7),
        "Mother's Day": (5, 11),
        "Father's Day": (6, 15),
        "Start of Autumn": (8, 7),
        "Winter Solstice": (12, 21),
        "Dragon Head Festival": (3, 1),
    },
    2026: {
        "Lantern Festival": (3, 3),
        "Qixi Festival": (8, 19),
        "Double Ninth Festival": (10, 18),
        "Laba Festival": (1, 26),
        "Mother's Day": (5, 10),
        "Father's Day": (6, 21),
        "Start of Autumn": (8, 7),
        "Winter Solstice": (12, 22),
        "Dragon Head Festival": (3, 20),
    },
}
_FIXED = {
    "Valentine's Day": (2, 14),
    "Women's Day": (3, 8),
    "Children's Day": (6, 1),
    "Party Founding Day": (7, 1),
    "Teachers' Day": (9, 10),
    "Christmas Day": (12, 25),
}
_PUBLIC: dict[str, dict[int, tuple[int, int]]] = {
    "New Year's Day": dict.fromkeys(_LUNAR, (1, 1)),
    "Spring Festival": {2023: (1, 22), 2024: (2, 10), 2025: (1, 29), 2026: (2, 17)},
    "Qingming Festival": {2023: (4, 5), 2024: (4, 4), 2025: (4, 4), 2026: (4, 5)},
    "Labor Day": dict.fromkeys(_LUNAR, (5, 1)),
    "Dragon Boat Festival": {2023: (6, 22), 2024: (6, 10), 2025: (5, 31), 2026: (6, 19)},
    "Mid-Autumn Festival": {2023: (9, 29), 2024: (9, 17), 2025: (10, 6), 2026: (9, 25)},
    "National Day": dict.fromkeys(_LUNAR, (10, 1)),
}
"""Days off by law: the first one of each."""


def festivals(year: int) -> dict[str, date]:
    """Dates of all holidays and festivals of a year by name; none of a year that is not known."""
    if year not in _LUNAR:
        return {}
    public = {name: days[year] for name, days in _PUBLIC.items()}
    return {name: date(year, *day) for name, day in {**public, **_FIXED, **_LUNAR[year]}.items()}


def public_holiday(day: date) -> str | None:
    """The public holiday that a day is part of by law, without days off before or after it."""
    for name, years in _PUBLIC.items():
        if day.year in years:
            first = date(day.year, *years[day.year])
            if name == "Spring Festival" and day.year >= 2025:
                first -= timedelta(days=1)
            if first <= day < first + timedelta(days=_length(name, day.year)):
                return name
    return None


def _length(name: str, year: int) -> int:
    """Days off; since 2025 the Spring Festival has four, its eve first, and Labor Day two."""
    if name == "Spring Festival":
        return 4 if year >= 2025 else 3
    if name == "Labor Day":
        return 2 if year >= 2025 else 1
    return 3 if name == "National Day" else 1
