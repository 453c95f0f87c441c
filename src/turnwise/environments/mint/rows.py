"""MINT's rows: a problem, its reference, and how an answer is checked."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import msgspec

from turnwise.task import Task

Source: TypeAlias = Literal["gsm8k", "hotpotqa", "math", "mmlu", "theoremqa", "humaneval", "mbpp"]
"""The data set a problem comes from; it decides how an answer is checked."""

Subset: TypeAlias = Literal[
    "sample",
    "gsm8k",
    "hotpotqa",
    "math",
    "mmlu",
    "theoremqa",
    "humaneval",
    "mbpp",
    "reasoning",
    "code",
    "all",
]
"""What to play: a small set of our own, one source, or several."""

SOURCES: tuple[Source, ...] = get_args(Source)
CODE: tuple[Source, ...] = ("humaneval", "mbpp")
REASONING: tuple[Source, ...] = tuple(source for source in SOURCES if source not in CODE)


class MintTask(Task, frozen=True, kw_only=True):
    """One problem."""

    source: Source
    prompt: str
    """The problem as the agent reads it."""
    reference: Any
    """The right answer: text, a number, a list; for code, the tests that a right program passes."""
    answer_type: str | None = None
    """TheoremQA's kind of answer: `bool`, `integer`, `float`, `option`, `list of integer` and so on."""
    options: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """MMLU's options by letter, whole; empty for other sources."""
    solution: str
    """What the solver proposes: a right answer, or a program that passes the tests."""

    @property
    def is_code(self) -> bool:
        """Whether a program is asked for."""
        return self.source in CODE

    @property
    def family(self) -> str:
        """Which worked example it is shown."""
        return self.source if self.is_code else "reasoning"
