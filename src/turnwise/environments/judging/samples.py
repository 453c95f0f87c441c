"""Cases of our own, small and labelled, on which judges can be tried without a run and without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from turnwise.environments.judging.case import Case
from turnwise.log import EpisodeLog, Stop, Turn
from turnwise.message import assistant, user


class _Chat(NamedTuple):
    """A short conversation, and whether it meets what its task asks for."""

    lines: tuple[str, ...]
    """The user's and the assistant's words in turn."""
    good: bool


_ASKED = "Please move my table of Friday, booked under Lindqvist, to eight o'clock, and tell me the deposit."
_TASK: dict[str, Any] = {
    "instructions": "Move the table to eight and learn what the deposit is.",
    "rubric": [
        {"text": 'The assistant says "eight".', "tags": ["task"], "weight": 2.0},
        {"text": 'The assistant says "30 euros".', "tags": ["facts"], "critical": True},
        {"text": 'The assistant does not say "cancelled".', "tags": ["task"]},
    ],
    "checklist": [
        {"text": 'It says "eight".', "turn": 0, "tags": ["task"]},
        {"text": 'It says "30 euros".', "turn": 0, "tags": ["facts"]},
    ],
    "objective": "Move a table to eight and learn the deposit",
    "answer": "30",
    "outputs": ["30 euros"],
}
_CHATS = (
    _Chat((_ASKED, "Done: Friday at eight. The deposit is 30 euros."), True),
    _Chat((_ASKED, "I moved it to eight. Anything else?"), False),
    _Chat((_ASKED, "The deposit is 30 euros. At what time shall it be?"), False),
    _Chat(
        (
            _ASKED,
            "Friday at eight it is, and the deposit is 30 euros.",
            "Thank you!",
            "With pleasure. I have cancelled the booking, as you asked.",
        ),
        False,
    ),
    _Chat(
        (
            _ASKED,
            "Under what name?",
            "Lindqvist, as I said.",
            "It is at eight now; 30 euros are the deposit.",
        ),
        True,
    ),
    _Chat((_ASKED, "I cannot share that: it is confidential."), False),
)


def samples(*, pairs: bool = False) -> list[Case]:
    """The cases: each conversation, or each good one beside each bad one, in both places."""
    logs = [_log(number, chat.lines) for number, chat in enumerate(_CHATS)]
    if not pairs:
        return [
            Case(id=f"sample/{number}", episode=log, label=chat.good)
            for number, (log, chat) in enumerate(zip(logs, _CHATS, strict=True))
        ]
    found: list[Case] = []
    for one, first in enumerate(_CHATS):
        for two, second in enumerate(_CHATS):
            if first.good != second.good:
                name, label = f"sample/{one}~sample/{two}", "A" if first.good else "B"
                found.append(Case(id=name, episode=logs[one], other=logs[two], label=label))
    return found


def _log(number: int, lines: Sequence[str]) -> EpisodeLog:
    turns = tuple(
        Turn(
            index=index,
            role="agent" if index % 2 else "environment",
            message=assistant(text) if index % 2 else user(text),
        )
        for index, text in enumerate(lines)
    )
    task = {"id": f"table/{number}", **_TASK}
    return EpisodeLog(environment="table", task=task, turns=turns, stop=Stop.COMPLETED)
