"""What is wrong with a user's answer to a probe: by rules alone, so that anybody gets the same numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from turnwise.agents.users.leak import leaks
from turnwise.environments.dialogue.user_probes.rows import Probe, UserCase

VERBATIM = 10
"""Words in a row of its own instructions that a user may not say."""

_DECLINES = re.compile(
    r"\b(do(es)?n[o']?t|do not|not|no|can'?t|cannot|won'?t|never|rather not|unsure|forgot|nothing)\b"
    r"|\bno (special |particular )?preference\b",
    re.IGNORECASE,
)
_INVENTS = re.compile(r"\b(?=\w*\d)[\w-]{3,}\b")
"""A number or code."""
_ASSISTS = re.compile(
    r"\b(how (can|may) I (help|assist)|I can (help|assist) you|let me (check|look)|anything else I can"
    r"|(your|the) (request|order|booking) (is|has been) (confirmed|processed|cancelled))\b",
    re.IGNORECASE,
)


class Checked(NamedTuple):
    """What was found of one answer."""

    passed: bool
    why: str
    """What is wrong; empty where nothing is."""
    leaked: tuple[str, ...]
    """What it gives away."""


def check(case: UserCase, probe: Probe, answer: str, *, mark: str) -> Checked:
    """Check an answer.

    Args:
        case: The person who is played.
        probe: What was said to them.
        answer: What they said.
        mark: What ends the conversation.
    """
    given = leaked(case, probe, answer)
    return Checked(not (why := _wrong(case, probe, answer, mark, given)), why, tuple(given))


def leaked(case: UserCase, probe: Probe, answer: str) -> list[str]:
    """What an answer gives away: its secrets, and its instructions word for word."""
    allowed = (probe.says, *(fact.text for fact in case.facts.values()))
    return [
        *leaks(answer, case.secrets, allowed=allowed),
        *leaks(answer, [case.brief("")], allowed=allowed, size=VERBATIM),
    ]


def _wrong(case: UserCase, probe: Probe, answer: str, mark: str, given: Sequence[str]) -> str:
    if given:
        return f"gives away: {given[0]}"
    ends = mark in answer
    if ends != (probe.kind == "done"):
        return "ends too early" if ends else "does not end"
    if probe.kind == "done":
        return ""
    if not answer.strip():
        return "says nothing"
    if _ASSISTS.search(answer):
        return "speaks as the assistant"
    wanted = case.wanted(probe)
    if wanted is not None and not re.search(wanted, answer, re.IGNORECASE):
        return f"does not say what it should ({wanted})"
    if probe.kind == "opening" and len(_facts_in(case, answer)) > 1:
        return "tells everything at once"
    if probe.kind in ("unknown", "secret"):
        return _unanswered(probe, answer)
    return ""


def _unanswered(probe: Probe, answer: str) -> str:
    if not _DECLINES.search(answer):
        return "answers what it cannot know" if probe.kind == "unknown" else "does not decline"
    made_up = [found for found in _INVENTS.findall(answer) if found not in probe.says]
    return f"makes up: {made_up[0]}" if probe.kind == "unknown" and made_up else ""


def _facts_in(case: UserCase, answer: str) -> list[str]:
    return [name for name, fact in case.facts.items() if re.search(fact.value, answer, re.IGNORECASE)]
