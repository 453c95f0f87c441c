"""The arithmetic: how many questions, how many coins, what each tool costs, what each phase brings.

m is the number of ambiguities that are counted (critical terms and masked entries), p the user's patience.
In c-Interact m + p questions may be asked. In a-Interact there are 3 + 3 + 2m + 2p coins: to explore, to
submit, a question for each ambiguity, and two for each point of patience.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from turnwise.environments.parts.ledger import Budget, Ledger
from turnwise.environments.service.bird_interact.rows import BirdTask

Interact: TypeAlias = Literal["a", "c"]
COINS = "coins"
QUESTIONS = "questions"
ASK = "ask_user"
SUBMIT = "submit_sql"
COSTS: dict[str, float] = {
    "execute_sql": 1,
    "get_schema": 1,
    "get_all_column_meanings": 1,
    "get_column_meaning": 0.5,
    "get_all_external_knowledge_names": 0.5,
    "get_knowledge_definition": 0.5,
    "get_all_knowledge_definitions": 1,
    ASK: 2,
    SUBMIT: 3,
}
"""In coins."""
REWARDS: dict[Interact, tuple[tuple[float, float], tuple[float, float]]] = {
    "c": ((0.7, 0.5), (0.3, 0.2)),
    "a": ((0.7, 0.7), (0.3, 0.3)),
}
"""Of either phase, at the first try and at a later one."""
MODEL_CALLS = 60
"""Most calls of the agent's model."""


def questions(task: BirdTask, patience: int) -> int:
    """How many questions c-Interact allows."""
    return task.ambiguities + patience


def coins(task: BirdTask, patience: int) -> float:
    """How many coins a-Interact begins with."""
    return 3 + 3 + COSTS[ASK] * task.ambiguities + 2 * patience


def ledger(task: BirdTask, interact: Interact, patience: int) -> Ledger:
    """The task's budget: questions that can be refused, or coins and a last submission that is free."""
    if interact == "c":
        return Ledger([Budget(name=QUESTIONS, limit=questions(task, patience), policy="refuse")])
    return Ledger([Budget(name=COINS, limit=coins(task, patience), policy="free_final")])


def spent_by_submitting(book: Ledger) -> bool:
    """Whether a submission just paid for is the last one: nothing is left, or it was the free one."""
    return book.phase != "open"


def reward(interact: Interact, phase: int, tries: int) -> float:
    """What passing brings.

    Args:
        interact: Which setting.
        phase: 1 or 2.
        tries: Which try it was, from 1.
    """
    first, later = REWARDS[interact][phase - 1]
    return first if tries == 1 else later


def normalised(scores: Sequence[float]) -> float:
    """The reward of many tasks as published: their mean times 100.

    Raises:
        ValueError: there are none.
    """
    if not scores:
        raise ValueError("normalised reward: expected at least one score")
    return 100 * sum(scores) / len(scores)
