"""What the agent is told."""

from __future__ import annotations

from collections.abc import Mapping

from turnwise.environments.service.bird_interact.budget import COSTS

_CONVERSATION = """\
You write {dialect} for people who ask for data, or for changes to it. You work with the database {name!r}.

Its schema:
{schema}

What is known of it besides:
{knowledge}

Requests can be read in several ways. Find out what is meant with ask_user, one question at a time, at \
most {questions} questions altogether; then hand in your SQL with submit_sql. What you hand in is tested. \
If it is wrong you are told so, and have one more try. Once it is right there may be a follow-up, about \
which no questions can be asked."""

_AGENT = """\
You write {dialect} for people who ask for data, or for changes to it. You work with the database {name!r}, \
by tools alone. Requests can be read in several ways, and what words mean here may be written in the \
knowledge base, or known to the user only: find out, then hand in your SQL with submit_sql, which tests it.

You have {coins:g} coins. Each call costs:
{costs}

A call that costs more than you have left is refused, but for one last submit_sql. A submission that is \
wrong may be followed by others while there are coins. Once it is right there may be a follow-up. You are \
done when all is right, when the coins are gone, or when you answer without calling a tool."""


def conversation(*, dialect: str, name: str, schema: str, knowledge: str, questions: int) -> str:
    """How c-Interact begins."""
    return _CONVERSATION.format(
        dialect=dialect, name=name, schema=schema, knowledge=knowledge, questions=questions
    )


def agent(*, dialect: str, name: str, coins: float, costs: Mapping[str, float] = COSTS) -> str:
    """How a-Interact begins."""
    listed = "\n".join(f"- {tool}: {cost:g}" for tool, cost in costs.items())
    return _AGENT.format(dialect=dialect, name=name, coins=coins, costs=listed)
