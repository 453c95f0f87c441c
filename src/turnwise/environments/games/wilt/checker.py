"""Whether a guess is the rule: both are computed on 78,931 triples and must agree on every one.

The triples are those of the official checker: 5,000 drawn from (-200, 200)^3, 5,000 from (-3, 3)^3, all whole
numbers from -20 to 20, and ten float triples. The official draws differ from guess to guess; here they are
drawn once, from a fixed seed.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

from turnwise.environments.games.wilt.expression import Expression, InvalidLambda, compile_lambda
from turnwise.environments.games.wilt.guards import TooMuch
from turnwise.environments.games.wilt.rules import trusted

Triple: TypeAlias = tuple[float, float, float]
Outcome: TypeAlias = Literal["correct", "different", "invalid"]

MOST_WORK = 10_000_000
"""Most items a guess may walk over in one check, over all triples."""

_BLOCK = 2500

_FLOATS: tuple[Triple, ...] = (
    (0.1, 0.2, 0.3),
    (1.1, 1.2, 1.3),
    (2.5, 2.6, 2.7),
    (0.1, 0.2, 0.3),
    (0.3, 0.6, 0.9),
    (0.1234, 0.5678, 0.9123),
    (0, 0.5, 1),
    (1, 1.5, 2),
    (2.5, 3, 3.5),
    (3.9, 4.2, 4.8),
)


class Judged(NamedTuple):
    """What came of a guess."""

    outcome: Outcome
    why: str = ""
    """Where it differs from the rule, or what makes it invalid; one line."""


@cache
def inputs() -> tuple[Triple, ...]:
    """The triples, in the official order."""
    rng = random.Random("wilt")

    def draw(bound: float) -> Triple:
        return (rng.uniform(-bound, bound), rng.uniform(-bound, bound), rng.uniform(-bound, bound))

    wide = [draw(200) for _ in range(5000)]
    narrow = [draw(3) for _ in range(5000)]
    whole = range(-20, 21)
    grid = itertools.product(whole, whole, whole)
    return (*wide, *narrow, *grid, *_FLOATS)


@cache
def truth(source: str) -> bytes:
    """The values of a rule of our own on `inputs()`, a byte each."""
    return b"".join(_values(source, start) for start in range(0, len(inputs()), _BLOCK))


@cache
def _values(source: str, start: int) -> bytes:
    """A block of `truth`: most wrong guesses are found out in the first, so the rest is made on demand."""
    function = trusted(source)
    return bytes(function(*triple) for triple in inputs()[start : start + _BLOCK])


def _wanted(source: str) -> Iterator[tuple[Triple, int]]:
    """The inputs and the rule's values, as far as they are asked for."""
    for start in range(0, len(inputs()), _BLOCK):
        yield from zip(inputs()[start : start + _BLOCK], _values(source, start), strict=True)


def judge(rule: str, guess: str) -> Judged:
    """Compare the text of a guess with the text of a rule."""
    if guess.strip() == rule:
        return Judged("correct")
    try:
        function = compile_lambda(guess)
    except InvalidLambda as error:
        return Judged("invalid", str(error))
    values = _metered(function)
    try:
        for triple, wanted in _wanted(rule):
            if values(triple) != wanted:
                return Judged("different", f"the rule is {bool(wanted)} for {triple}")
    except Exception as error:
        # Whatever a model's function raises makes it invalid, running out of work included.
        return Judged("invalid", f"{type(error).__name__}: {error}"[:200])
    return Judged("correct")


def inclusion(rule: str, guess: str) -> float | None:
    """|guess| / |rule| over the triples each is true of, where one set contains the other.

    None where neither does, where the rule is true of none, or where the guess cannot be computed.
    """
    extra = missing = 0
    try:
        values = _metered(compile_lambda(guess))
        for triple, wanted in _wanted(rule):
            given = bool(values(triple))
            extra += given > wanted
            missing += given < wanted
            if extra and missing:
                return None
    except Exception:
        return None
    size = sum(truth(rule))
    return (size + extra - missing) / size if size else None


def _metered(function: Expression) -> Callable[[Triple], Any]:
    """The function, until it has used up the work of one check."""
    work = 0

    def value(triple: Triple) -> Any:
        nonlocal work
        result = function(*triple)
        work += function.work
        if work > MOST_WORK:
            raise TooMuch("too much work in the function, over all the triples it is checked on")
        return result

    return value
