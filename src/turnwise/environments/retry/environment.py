"""Any single-turn problem, asked until the answer is right: one world, three policies, as many problems.

`policy` says what is told and paid (see `policies`), `source` what is asked; tasks of one's own are rows with
`question` and `answer`. Problems with a check of their own are a subclass that overrides `grade` (and `read`,
where a reply is more than a marked answer).

With `oracle=false` nobody says when an answer is right: every attempt is called wrong, and all are used. So
RISE evaluates; the metrics then give its `m1@t1` (`right_at_1`), `m1@tk` (`right_by_majority`) and `p1@tk`
(`right_ever`). UFO's Succ@k is `right_ever` of k attempts, and its share of answers that repeat none
`distinct`. RISE shows its model the last two exchanges only: give the agent such a context.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, ClassVar

from turnwise.environment import Capabilities
from turnwise.environments.earl.expression import Draw
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.staged import Outcome
from turnwise.environments.parts.world import Step, World, WorldEnvironment
from turnwise.environments.retry import answers, sources
from turnwise.environments.retry.answers import Variant
from turnwise.environments.retry.policies import Attempt, Name, Own, Policy, Rise, Ufo
from turnwise.environments.retry.sources import RetryTask, Source
from turnwise.errors import ConfigError
from turnwise.task import Task

Script = Generator[str | None, Any, None]
_RIGHT, _WRONG, _NONE = ("#14532d", "#bbf7d0"), ("#7f1d1d", "#fecaca"), ("#475569", "#e2e8f0")
_WIDTH, _SHOWN = 24, 12


class RetryWorld(World):
    """One problem and the attempts at it."""

    def __init__(self, rules: Retry, task: RetryTask) -> None:
        self.rules = rules
        self.task = task
        self.policy = rules.rule()
        self.attempts: list[Attempt] = []
        self._says = self.policy.opening(task.question)

    def observe(self) -> str:
        """The question at first, then what the policy says."""
        return self._says

    def key(self) -> str:
        """The answers so far."""
        return str([attempt.answer for attempt in self.attempts])

    def step(self, reply: str) -> Step:
        """Grade an attempt."""
        attempt = self._attempt(reply)
        self.attempts.append(attempt)
        told_right = attempt.right and self.rules.oracle
        self.over = told_right or len(self.attempts) == self.rules.attempts
        if self.over:
            self.outcome = "right" if attempt.right else "wrong"
        self._says = "Correct!" if told_right else self.policy.again(self.task.question, attempt)
        return Step(tuple(self.policy.gains(self.attempts, self.over)), valid=attempt.answer is not None)

    def _attempt(self, reply: str) -> Attempt:
        answer = self.rules.read(self.task, reply)
        if answer is None:
            example = answers.write("…", self.policy.marker)
            return Attempt(None, False, f"Your reply holds no answer of the form {example}.")
        graded = self.rules.grade(self.task, answer)
        return Attempt(answers.normal(answer, self.rules.variant), graded.passed, graded.feedback)

    def closing(self) -> str | None:
        """That it is right, where somebody says so."""
        return self._says if self.rules.oracle and self.attempts and self.attempts[-1].right else None

    def metrics(self) -> Mapping[str, float]:
        """Right at which attempts, and how different the answers were."""
        given = [attempt.answer for attempt in self.attempts if attempt.answer is not None]
        right = {attempt.answer for attempt in self.attempts if attempt.right}
        majority = Counter(given).most_common(1)
        numbers: dict[str, float] = {
            "attempts": len(self.attempts),
            "right_at_1": self.attempts[0].right,
            "right_ever": any(attempt.right for attempt in self.attempts),
            "right_at_end": self.attempts[-1].right,
            "right_by_majority": bool(majority) and majority[0][0] in right,
        }
        if given:
            numbers["distinct"] = len(set(given)) / len(given)
        return numbers

    def picture(self) -> Board:
        """The latest answers, red and green."""
        rows: list[tuple[Cell, ...]] = []
        first = max(0, len(self.attempts) - _SHOWN)
        for number in range(first, min(first + _SHOWN, self.rules.attempts)):
            attempt = self.attempts[number] if number < len(self.attempts) else None
            ink, paper = _NONE if attempt is None else _RIGHT if attempt.right else _WRONG
            text = "" if attempt is None else "no answer" if attempt.answer is None else attempt.answer
            line = f"{number + 1:>3}  {text}".ljust(_WIDTH)[:_WIDTH]
            rows.append(tuple(Cell(mark, ink, paper) for mark in line))
        tried = f"{len(self.attempts)} of {self.rules.attempts} tried"
        return Board(tuple(rows), self.task.question, self.outcome or tried)


class Retry(WorldEnvironment, kw_only=True, frozen=True):
    """Answer a question; told that it is wrong, answer it again."""

    name: ClassVar[str] = "retry"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True)
    task_type: ClassVar[type[Task]] = RetryTask

    source: Source = "sample"
    """A few problems of our own, GSM8K (from `TURNWISE_DATA`), or arithmetic drawn from seeds."""
    policy: Name = "ufo"
    """What is told and paid."""
    attempts: int = 5
    """Most answers."""
    oracle: bool = True
    """Whether a right answer is called right, and ends it."""
    decay: float = 0.5
    """UFO: what a right answer is worth, for each attempt before it."""
    repetition: float = 0.5
    """UFO: what repeated answers cost at most."""
    format_penalty: float = 0.1
    """UFO: what a reply without an answer costs."""
    variant: Variant = "corrected"
    """Compare numbers by value, or as the official codes do (see `answers`)."""
    digits: int = 3
    """Arithmetic: most digits of a number."""
    operations: int = 2
    """Arithmetic: operations in an expression."""
    words: float = 0.0
    """Arithmetic: how often an expression is said in words."""

    def __post_init__(self) -> None:
        if not (1 <= self.attempts <= 1000 and 0 <= self.decay <= 1):
            raise ConfigError(
                f"{self.name}: expected attempts 1-1000 and decay 0-1, got {self.attempts} and {self.decay:g}"
            )
        if min(self.repetition, self.format_penalty) < 0:
            raise ConfigError(f"{self.name}: repetition and format_penalty are costs, and not negative")
        if not (1 <= self.digits <= 6 and 1 <= self.operations <= 6 and 0 <= self.words <= 1):
            raise ConfigError(
                f"{self.name}: expected digits 1-6, operations 1-6 and words 0-1, "
                f"got {self.digits}, {self.operations} and {self.words:g}"
            )

    @property
    def reward_range(self) -> tuple[float, float]:
        """The policy's."""
        return self.rule().bounds(self.attempts, self.oracle)

    @property
    def max_replies(self) -> int:
        """See `attempts`."""
        return self.attempts

    def rule(self) -> Policy:
        """The policy of these settings."""
        if self.policy == "ufo":
            return Ufo(self.decay, self.repetition, self.format_penalty)
        return Rise() if self.policy == "rise" else Own()

    def tasks(self) -> Iterable[RetryTask]:
        """The first `count` problems of the source."""
        if self.source == "sample":
            return sources.sample(self.split, self.count)
        if self.source == "gsm8k":
            return sources.gsm8k(self.split, self.count)
        draw = Draw(self.digits, self.words)
        return sources.arithmetic(self.split, self.count, draw, self.operations)

    def read(self, task: RetryTask, reply: str) -> str | None:
        """The answer in a reply; None where there is none, or none that RISE can read as a number."""
        marker = self.rule().marker
        answer = answers.read(reply, marker)
        if answer is None or marker == "answer" or answers.number(task.answer) is None:
            return answer
        return answer if answers.numeric(answer, self.variant) else None

    def grade(self, task: RetryTask, answer: str) -> Outcome:
        """Whether an answer is right, and the problem's own feedback."""
        if self.variant == "published":
            passed = answers.published_same(task.answer, answer, self.rule().marker)
        else:
            passed = answers.same(task.answer, answer)
        return Outcome(passed=passed, feedback="" if passed else _hint(task.answer, answer))

    def world(self, task: RetryTask, rng: random.Random) -> RetryWorld:
        """The problem of `task`, not yet tried."""
        return RetryWorld(self, task)

    def agents(self) -> dict[str, Callable[..., Any]]:
        """Solvers and guessers.

        `solver` is right at once; `reviser` is right at each attempt with a chance of one in three, and never
        gives the same answer twice; `stubborn` repeats one wrong answer; `random` guesses up to a hundred.
        """
        marker = self.rule().marker

        def solver(task: RetryTask, rng: random.Random) -> Script:
            yield
            while True:
                yield answers.write(task.answer, marker)

        def reviser(task: RetryTask, rng: random.Random) -> Script:
            yield
            wrong = 0
            while True:
                if rng.random() < 1 / 3:
                    yield answers.write(task.answer, marker)
                else:
                    wrong += 1
                    yield answers.write(_beside(task.answer, wrong), marker)

        def stubborn(task: RetryTask, rng: random.Random) -> Script:
            yield
            while True:
                yield answers.write(_beside(task.answer, 1), marker)

        def guess(task: RetryTask, rng: random.Random) -> Script:
            yield
            while True:
                yield answers.write(str(rng.randint(0, 100)), marker)

        return {"solver": solver, "reviser": reviser, "stubborn": stubborn, "random": guess}


def _hint(right: str, answer: str) -> str:
    """Which way a number is wrong."""
    expected, given = answers.number(right), answers.number(answer)
    if expected is None or given is None:
        return f"{answer} is wrong."
    return f"{answer} is too {'low' if given < expected else 'high'}."


def _beside(right: str, away: int) -> str:
    """A wrong answer, another for each number."""
    value = answers.number(right)
    return f"not {right} {away}" if value is None else str(int(value) + away + 1)
