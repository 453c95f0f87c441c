"""Reading WILT's messages: is it a test or the final guess, and what does it say.

`published` reads as the official harness does. `corrected` differs where that misreads what an agent
plainly means:

- Dispatch: official, any "final guess:" (or "### final guess") anywhere makes the message a guess, even where
  the agent says that it is not ready for one and ends with a test. Corrected, the last marker decides.
- The guess: official, it must follow the last "final guess" in the message, so "… ```lambda …``` is my final
  guess." has none; and a fence marked `py` or `python3` does not parse. Corrected, the last "final guess"
  that is followed by backticks counts, and those marks are known.
- A test of `nan` or `inf` is read (and some rules raise on it, which ends the official run). Corrected, it
  cannot be parsed.
"""

from __future__ import annotations

import math
import re
from typing import Literal, TypeAlias

from turnwise.environments.games.wilt.checker import Triple

Kind: TypeAlias = Literal["test", "guess"]

UNREADABLE = "Unable to parse test case."
WRONG_LENGTH = "Please provide exactly 3 numbers for the test case."
NO_TEST = "There is no test case after 'Test Case:'."

_TEST = re.compile("test case:", re.IGNORECASE)
_GUESS = re.compile("final guess", re.IGNORECASE)
_GUESS_MARK = re.compile("final guess:|### final guess", re.IGNORECASE)


def kind_of(text: str, *, published: bool) -> Kind | None:
    """What a message is; None where it is neither."""
    guess, test = _last(_GUESS_MARK, text), _last(_TEST, text)
    if guess < 0 and test < 0:
        return None
    if published:
        return "guess" if guess >= 0 else "test"
    return "guess" if guess > test else "test"


def read_test(text: str, *, published: bool) -> Triple | str:
    """The triple after the last "test case:", or what to tell the agent that wrote none."""
    after = text[_last(_TEST, text) :]
    inside = _parenthesised(after)
    if inside is None:
        return NO_TEST
    try:
        numbers = [float(number) for number in inside.split(",")]
    except ValueError:
        return UNREADABLE
    if len(numbers) != 3:
        return WRONG_LENGTH
    if not published and not all(map(math.isfinite, numbers)):
        return UNREADABLE
    return numbers[0], numbers[1], numbers[2]


def read_guess(text: str, *, published: bool) -> str | None:
    """The function of a final guess, or None where no backticks hold one."""
    starts = [match.end() for match in _GUESS.finditer(text)]
    for start in starts[-1:] if published else reversed(starts[-20:]):
        found = _fenced(text[start:], ("python",) if published else ("python3", "python", "py"))
        if found is not None:
            return found
    return None


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match starts, or -1."""
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _parenthesised(text: str) -> str | None:
    """What the first parentheses that open and close on one line hold."""
    for line in text.split("\n"):
        start = line.find("(")
        end = line.find(")", start)
        if 0 <= start < end:
            return line[start + 1 : end]
    return None


def _fenced(text: str, languages: tuple[str, ...]) -> str | None:
    """What the first ``` fence holds, without its language mark; else what other backticks hold."""
    _, fence, after = text.partition("```")
    inside, closed, _ = after.partition("```")
    if fence and closed and inside.strip():
        mark = next((one for one in languages if inside.startswith(one)), "")
        return inside.removeprefix(mark).strip()
    inside, closed, _ = text.partition("`")[2].lstrip("`").partition("`")
    return inside.strip() or None if closed else None
