"""How much a test tells: a space of rules of which each result rules out those that disagree.

The space is the 50 rules and 150 drawn at random from ten simple kinds, as in the official harness. A test
that rules out hardly any of what is left *confirms a bias*: the agent tested what it believed already.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from turnwise.environments.games.wilt.checker import Triple
from turnwise.environments.games.wilt.rules import RULES, trusted

DRAWN = 150
"""Rules drawn beside the 50."""


class Tracker:
    """The hypotheses that agree with all tests so far.

    Args:
        hypotheses: Texts of functions of three numbers.
    """

    def __init__(self, hypotheses: Sequence[str]) -> None:
        self.total = len(hypotheses)
        self._left = [trusted(text) for text in hypotheses]

    @property
    def explored(self) -> float:
        """Share of the space that is ruled out."""
        return (self.total - len(self._left)) / self.total

    def update(self, triple: Triple, result: bool) -> bool:
        """Rule out what disagrees with a test; whether the test confirms a bias.

        A hypothesis that cannot be computed for the triple stays.
        """
        before = len(self._left)
        self._left = [one for one in self._left if _agrees(one, triple, result)]
        return (before - len(self._left)) / self.total <= self.threshold

    @property
    def threshold(self) -> float:
        """Share of the space up to which a test counts as confirming."""
        base = max(0.01, min(0.1, 1 / math.log(self.total)))
        return base * (1 - 0.5 * self.explored)


def space(rng: random.Random, *, published: bool) -> list[str]:
    """The hypotheses of one episode.

    Official code means to leave out duplicates but compares functions, which never are equal, so some rules
    count several times. `corrected` leaves out those of the same text.
    """
    texts = [*RULES["full"], *(_draw(rng) for _ in range(DRAWN))]
    return texts if published else list(dict.fromkeys(texts))


def _agrees(hypothesis: Callable[..., object], triple: Triple, result: bool) -> bool:
    try:
        return hypothesis(*triple) == result
    except Exception:
        # E.g. math.exp of a large number; such a hypothesis is neither confirmed nor ruled out.
        return True


def _draw(rng: random.Random) -> str:
    return f"lambda x, y, z: {rng.choice(_KINDS)(rng)}"


def _order(rng: random.Random) -> str:
    return f" {rng.choice(['>', '<', '>=', '<='])} ".join("xyz")


def _equality(rng: random.Random) -> str:
    return " == ".join(rng.sample("xyz", 2))


def _inequality(rng: random.Random) -> str:
    return "x != y and y != z and x != z"


def _sign(rng: random.Random) -> str:
    return _each("{} " + rng.choice("<>") + " 0")


def _parity(rng: random.Random) -> str:
    return _each("int({}) % 2 == " + rng.choice("01"))


def _arithmetic(rng: random.Random) -> str:
    operator = rng.choice("+-*")
    first, second, third = rng.sample("xyz", 3)
    return f"{first} {operator} {second} == {third}"


def _extreme(rng: random.Random) -> str:
    return f"{rng.choice(['max', 'min'])}(x, y, z) == {rng.choice('xyz')}"


def _modulo(rng: random.Random) -> str:
    modulus = rng.randint(2, 5)
    return _each(f"int({{}}) % {modulus} == {rng.randrange(modulus)}")


def _rounding(rng: random.Random) -> str:
    function = rng.choice(["math.floor", "math.ceil", "round"])
    return " == ".join(f"{function}({name})" for name in "xyz")


def _function(rng: random.Random) -> str:
    function = rng.choice(["abs", "math.sin", "math.cos", "math.exp"])
    return f" {rng.choice(['<', '>', '=='])} ".join(f"{function}({name})" for name in "xyz")


def _each(form: str) -> str:
    """The same condition on x, y and z."""
    return " and ".join(form.format(name) for name in "xyz")


_KINDS: tuple[Callable[[random.Random], str], ...] = (
    *(_order, _equality, _inequality, _sign, _parity),
    *(_arithmetic, _extreme, _modulo, _rounding, _function),
)
