"""Whole numbers in English words."""

from __future__ import annotations

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_SMALL, _TENS = _WORDS.split()[:20], ("", "", *_WORDS.split()[20:])
_SCALES = ("", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion")


def cardinal(number: int) -> str:
    """A number in words, British style: 1234 is `one thousand, two hundred and thirty-four`.

    Args:
        number: From 0 to 10 ** 21 - 1.

    Raises:
        ValueError: the number is outside of that.
    """
    if not 0 <= number < 1000 ** len(_SCALES):
        raise ValueError(f"cardinal: expected a number from 0 to 1e21 - 1, got {number}")
    if number == 0:
        return _SMALL[0]
    groups: list[str] = []
    rest = number
    for scale in _SCALES:
        rest, group = divmod(rest, 1000)
        if group:
            groups.insert(0, _below_thousand(group) + scale)
    last = number % 1000
    if len(groups) > 1 and 0 < last < 100:
        # What is left below a hundred is joined by "and": one thousand and five.
        return f"{', '.join(groups[:-1])} and {groups[-1]}"
    return ", ".join(groups)


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    low = _SMALL[rest] if rest < 20 else _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")
    if not hundreds:
        return low
    return f"{_SMALL[hundreds]} hundred" + (f" and {low}" if rest else "")
