"""What is said and paid when an answer is wrong: three policies over the same attempts.

- `ufo` (Liu et al. 2025, "A Simple 'Try Again' Can Elicit Multi-Turn LLM Reasoning", arXiv 2507.14295):
  always the same few words; a right answer at the t-th attempt, counted from 0, is worth `decay ** t`, and at
  the end every repetition is paid for: `penalty * (1 - E / T)` for `E` different answers among `T`.
- `rise` (Qu et al. 2024, "Recursive Introspection", arXiv 2407.18219): the question again; every attempt is
  worth 1 where it is right, 0 where it is wrong and -1 where it cannot be read.
- `environment`: what the problem itself has to say about the answer; 1 for a right one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.parts.world import Gain
from turnwise.environments.retry.answers import Marker

Name: TypeAlias = Literal["ufo", "rise", "environment"]


class Attempt(NamedTuple):
    """One answer that was given."""

    answer: str | None
    """In its normal form; None where the reply has none."""
    right: bool
    feedback: str = ""
    """What the problem says about it."""


class Policy(ABC):
    """The words and the rewards; made anew from the settings, it keeps nothing."""

    marker: Marker = "answer"

    @abstractmethod
    def opening(self, question: str) -> str:
        """The question, and how to answer it."""

    @abstractmethod
    def again(self, question: str, attempt: Attempt) -> str:
        """What is said to an attempt that counts as wrong."""

    @abstractmethod
    def gains(self, attempts: Sequence[Attempt], last: bool) -> list[Gain]:
        """What the newest attempt earns; `last` where none follows."""

    @abstractmethod
    def bounds(self, attempts: int, oracle: bool) -> tuple[float, float]:
        """Least and greatest sum of gains of an episode."""


def first_right(attempts: Sequence[Attempt]) -> bool:
    """Whether the newest attempt is right and none before it was."""
    return attempts[-1].right and not any(attempt.right for attempt in attempts[:-1])


_MARK = "Think step by step and put your final answer between <answer> and </answer>."


class Ufo(Policy):
    """Unary feedback as observation."""

    def __init__(self, decay: float, repetition: float, format_penalty: float) -> None:
        self.decay = decay
        self.repetition = repetition
        self.format_penalty = format_penalty

    def opening(self, question: str) -> str:
        """The question and the marker."""
        return f"{question}\n\n{_MARK}"

    def again(self, question: str, attempt: Attempt) -> str:
        """Always the same."""
        return "Incorrect. Think about it once more."

    def gains(self, attempts: Sequence[Attempt], last: bool) -> list[Gain]:
        """The decayed reward, the format penalty, and at the end the penalty of repetitions."""
        gains: list[Gain] = []
        if attempts[-1].answer is None and self.format_penalty:
            gains.append(Gain(-self.format_penalty, "format"))
        if first_right(attempts):
            gains.append(Gain(self.decay ** (len(attempts) - 1), "correct"))
        if last:
            given = [attempt.answer for attempt in attempts if attempt.answer is not None]
            penalty = self.repetition * (1 - len(set(given)) / len(given)) if given else 0.0
            if penalty:
                gains.append(Gain(-penalty, "repetition"))
        return gains

    def bounds(self, attempts: int, oracle: bool) -> tuple[float, float]:
        """Nothing but repetitions or nothing readable; right at once."""
        return (-self.repetition - self.format_penalty * attempts, 1.0)


_INSTRUCTION = (
    "You are going to solve problems step by step, showing how you get from each step to the next. End with "
    "your final answer as \\boxed{answer}."
)
_EXAMPLE = (
    "Problem: A box holds 48 pencils. Two fifths of the 30 red ones and a third of the others are sharp. How "
    "many pencils are sharp?\n"
    "Solution: Two fifths of 30 are 12 sharp red pencils. The others are 48 - 30 = 18, of which a third, 6, "
    "are sharp. Together that makes 12 + 6 = 18. \\boxed{18}"
)


class Rise(Policy):
    """Recursive introspection."""

    marker: Marker = "boxed"

    def opening(self, question: str) -> str:
        """The instruction, a solved example, the question."""
        return f"{_INSTRUCTION}\n\n{_EXAMPLE}\n\nThat was right. Here is the next one.\nProblem: {question}"

    def again(self, question: str, attempt: Attempt) -> str:
        """The question again."""
        return f"Your answer is not correct. Have another try. This is the problem: {question}"

    def gains(self, attempts: Sequence[Attempt], last: bool) -> list[Gain]:
        """1, 0 or -1."""
        attempt = attempts[-1]
        return [Gain(-1.0 if attempt.answer is None else float(attempt.right), "correct")]

    def bounds(self, attempts: int, oracle: bool) -> tuple[float, float]:
        """Nothing readable; right at once, or, where nobody says so, every time."""
        return (-float(attempts), 1.0 if oracle else float(attempts))


class Own(Policy):
    """The problem's own feedback."""

    def opening(self, question: str) -> str:
        """The question and the marker."""
        return f"{question}\n\n{_MARK}"

    def again(self, question: str, attempt: Attempt) -> str:
        """What the problem says, and to try again."""
        return f"{attempt.feedback or 'Your answer is wrong.'} Try again."

    def gains(self, attempts: Sequence[Attempt], last: bool) -> list[Gain]:
        """1 for the first right answer."""
        return [Gain(1.0, "correct")] if first_right(attempts) else []

    def bounds(self, attempts: int, oracle: bool) -> tuple[float, float]:
        """Right or not."""
        return (0.0, 1.0)
