"""EARL's tasks with a calculator: arithmetic, countdown, and counting digits.

A call (` calculate 12 + 6 = `) ends the reply, and its result is the next observation; the first `#### …`
that stands before any call is the answer and ends the episode, with reward 1 where it is right.
"""

from __future__ import annotations

import random
import re
from abc import abstractmethod
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, ClassVar, NamedTuple

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.earl.calculator import (
    ExpressionMode,
    NumberMode,
    Variant,
    calculate,
    calculator,
    expression_answer,
)
from turnwise.environments.earl.expression import Draw, shown
from turnwise.environments.earl.reach import reaches, search
from turnwise.environments.earl.words import cardinal
from turnwise.environments.parts.modes import Mode, Modes
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError

_TOOL = (
    "You have a calculator: write calculate, an expression and = (for example: calculate (12 + 6) / 3 =) and "
    "end your reply there; the result is the next thing you are told. You can use it several times. "
)
_WIDTH = 36


class Question(NamedTuple):
    """What is asked, and how it is answered."""

    text: str
    right: Callable[[str], bool]
    """Whether what stands behind `####` is right."""
    answer: Mode
    by_hand: tuple[str, ...]
    """Replies that lead to the answer; the last one may use `{}`, what was told last."""


class CalculatorWorld(World):
    """One question, and the calculations done for it."""

    def __init__(self, question: Question, tool: ExpressionMode, variant: Variant, told: bool, offer: bool):
        self.question = question
        self.variant: Variant = variant
        self.tool = tool
        self.log: list[tuple[str, str]] = []
        self._read = Modes((tool, question.answer))
        self._modes = self._read if offer else Modes((tool,))
        self._says = f"{_TOOL if told else ''}{question.text}"

    def observe(self) -> str:
        """The question at first, then results."""
        return self._says

    def actions(self) -> Modes:
        """Language, the calculator, and (where it is offered) the answer."""
        return self._modes

    def key(self) -> str:
        """The results so far."""
        return "; ".join(sorted({f"{expression} = {result}" for expression, result in self.log}))

    def step(self, reply: str) -> Step:
        """Do the calculation, or take the answer, whichever is written first."""
        call = self._read.read(reply)
        if call is None:
            self._says = "There is no calculation and no answer in your reply. Write one of them."
            return Step(valid=False)
        if call.mode is not self.tool:
            right = self.question.right(call.body)
            self.over, self.outcome = True, "right" if right else "wrong"
            return Step((Gain(float(right), "correct"),))
        expression = call.body.strip()
        if not self.tool.grammar.accepts(expression):
            self._says = "Error: the calculator takes whole expressions of + - * / ( ) and positive numbers."
            return Step(valid=False)
        self._says = calculate(expression, self.variant)
        self.log.append((expression, self._says))
        return Step()

    def metrics(self) -> dict[str, float]:
        """How often the calculator was used."""
        return {"calls": len(self.log)}

    def picture(self) -> Board:
        """The paper strip of a calculator."""
        lines = [f"{expression} = {result}" for expression, result in self.log[-8:]] or [""]
        paper, last = Cell(" ", "#334155", "#fefce8"), Cell(" ", "#14532d", "#dcfce7")
        rows = tuple(
            tuple(
                (last if number == len(lines) - 1 else paper)._replace(text=mark)
                for mark in line[-_WIDTH:].rjust(_WIDTH)
            )
            for number, line in enumerate(lines)
        )
        return Board(rows, self.question.text, self.outcome or f"{len(self.log)} calculations")


class _Calculation(WorldEnvironment, kw_only=True, frozen=True):
    """What the three share."""

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)
    mentioned: ClassVar[bool] = True
    """Whether the question tells of the calculator."""

    variant: Variant = "corrected"
    """`published` has the original's errors: see `earl.calculator` and `earl.expression.Draw`."""
    decimals: bool = True
    """Whether the calculator has a decimal point."""
    answer_actions: bool = True
    """Offer the answer as actions, too. The paper's policies can only write it."""
    turns: int = 20
    """Replies an episode may have."""

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ConfigError(f"{self.name}: expected turns >= 1, got {self.turns}")

    @property
    def reward_range(self) -> tuple[float, float]:
        """1 for the right answer."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `turns`."""
        return self.turns

    @abstractmethod
    def question(self, task: WorldTask) -> Question:
        """What `task` asks."""

    def world(self, task: WorldTask, rng: random.Random) -> CalculatorWorld:
        """The question of `task`."""
        tool = calculator(self.variant, self.decimals)
        return CalculatorWorld(self.question(task), tool, self.variant, self.mentioned, self.answer_actions)

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` knows what to enter; `random` calculates and answers anything."""

        def solver(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            said = yield
            for reply in self.question(task).by_hand:
                said = yield reply.format(said.text)

        return {"solver": solver, "random": RandomLegal()}


class Arithmetic(_Calculation, kw_only=True, frozen=True):
    """Compute the value of an expression, some of it in words."""

    name: ClassVar[str] = "earl_arithmetic"

    digits: int = 5
    """Most digits of a number."""
    operations: int | None = None
    """Operations in an expression; None is as published, 4 to train and 6 to test."""
    words: float | None = None
    """How often it is said in words; None is as published, 0.1 to train and 0.7 to test."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (
            1 <= self.digits <= 6 and self.operations in (None, *range(1, 7)) and 0 <= (self.words or 0) <= 1
        ):
            raise ConfigError(
                f"{self.name}: expected digits 1-6, operations 1-6, words 0-1, got {self.settings()}"
            )

    def question(self, task: WorldTask) -> Question:
        """An expression; the answer has three decimals where it is not whole."""
        train = self.split == "train"
        words = self.words if self.words is not None else 0.1 if train else 0.7
        draw = Draw(self.digits, words, strict=self.variant == "corrected")
        drawn = draw.expression(random.Random(task.seed), self.operations or (4 if train else 6))
        value = shown(drawn.value)
        return Question(
            f"What is {drawn.said}? Write the answer behind ####, with three decimals where it is not whole: "
            "#### 2 or #### 0.333.",
            partial(_same_number, value),
            NumberMode(),
            (f" calculate {drawn.text} = ", "#### {}"),
        )


class Countdown(_Calculation, kw_only=True, frozen=True):
    """Reach a number with all of some numbers, each used once."""

    name: ClassVar[str] = "earl_countdown"

    digits: int = 4
    """Most digits of a number."""
    operations: int = 3
    """One number more is given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (1 <= self.digits <= 6 and 1 <= self.operations <= 4):
            raise ConfigError(f"{self.name}: expected digits 1-6, operations 1-4, got {self.settings()}")

    def instance(self, task: WorldTask) -> tuple[tuple[int, ...], int]:
        """The numbers and the target, a whole number that can be reached."""
        rng, draw = random.Random(task.seed), Draw(self.digits)
        while True:
            drawn = draw.expression(rng, self.operations)
            if drawn.value.denominator == 1:
                numbers = [int(number) for number in re.findall("[0-9]+", drawn.text)]
                rng.shuffle(numbers)
                return tuple(numbers), int(drawn.value)

    def question(self, task: WorldTask) -> Question:
        """The answer is an expression."""
        numbers, target = self.instance(task)
        return Question(
            f"Using the numbers {list(numbers)}, write an expression that equals {target}. Use + - * / and "
            "parentheses, and each number exactly once. Write it behind ####: from [1, 2, 3] to 1 it would "
            "be #### (1 + 2) / 3.",
            partial(reaches, numbers, target),
            expression_answer(),
            (),
        )

    def agents(self) -> dict[str, Callable[..., Any] | RandomLegal]:
        """`solver` searches all expressions; `random` calculates and answers anything."""

        def solver(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            expression = search(*self.instance(task))
            assert expression is not None, "every target is reached by the expression it was drawn as"
            yield
            yield f" calculate {expression} = "
            yield f"#### {expression}"

        return {**super().agents(), "solver": solver}


class Count(_Calculation, kw_only=True, frozen=True):
    """Count how often a digit stands in a number that is said in words."""

    name: ClassVar[str] = "earl_count"
    mentioned: ClassVar[bool] = False

    digits: int = 20
    """Most digits of the number."""
    words: float = 0.9
    """How often the number is said in words."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (1 <= self.digits <= 20 and 0 <= self.words <= 1):
            raise ConfigError(f"{self.name}: expected digits 1-20, words 0-1, got {self.settings()}")

    def question(self, task: WorldTask) -> Question:
        """The calculator can be entered, as always, but is of no use and not mentioned."""
        rng = random.Random(task.seed)
        number, digit = Draw(self.digits).number(rng), rng.randrange(10)
        said = cardinal(number) if rng.random() < self.words else str(number)
        times = str(str(number).count(str(digit)))
        return Question(
            f"How many times does the digit {digit} stand in the number {said}? Write the answer behind "
            "####: for the digit 1 in 121 it would be #### 2.",
            partial(_same_number, times),
            NumberMode(),
            (f"#### {times}",),
        )


def _same_number(right: str, text: str) -> bool:
    try:
        return float(text.replace(",", "")) == float(right)
    except ValueError:
        return False
