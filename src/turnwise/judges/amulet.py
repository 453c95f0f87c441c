"""`amulet_acts` and `amulet_maxims`: pairs judged through dialog acts and conversational maxims.

Amulet (Ramnath et al. 2025, arXiv 2505.20451): before it decides which of two last responses is better, the
judge says what each utterance does (dialog acts after ISO 24617-2: a dimension and a function), or which
response keeps each of twelve maxims better (Grice's four, benevolence and transparency). What it says is kept
with its verdict (`Verdict.read`), for analysis: how often people change what they are after from turn to
turn, and for how many pairs acts or maxims tell the responses apart at all. The maxims are a table, so that
others can be put in their place. The words are ours; votes of several such judges: `turnwise.judges.jury`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, cast

import msgspec

from turnwise.judges import reducers
from turnwise.judges.pairwise import BothOrders, Pair, shown_pair
from turnwise.verdict import Asker, Verdict, json_objects, judged, no_verdict

DIMENSIONS = (
    "task",
    "auto-feedback",
    "allo-feedback",
    "turn management",
    "time management",
    "discourse structuring",
    "own communication management",
    "partner communication management",
    "social obligations",
)
"""What an utterance is about: the dimensions of ISO 24617-2."""

FUNCTIONS = (
    "inform",
    "answer",
    "confirm",
    "disconfirm",
    "agree",
    "disagree",
    "correct",
    "question",
    "check question",
    "choice question",
    "request",
    "instruct",
    "suggest",
    "offer",
    "accept",
    "decline",
    "promise",
    "greet",
    "thank",
    "apologise",
    "say goodbye",
)
"""What it does: the functions that conversations with assistants need."""

MAXIMS: dict[str, str] = {
    "quantity 1": "says enough for what is asked",
    "quantity 2": "says no more than is needed",
    "quality 1": "says nothing false",
    "quality 2": "says nothing it has no grounds for",
    "relation 1": "keeps to what the person is after now",
    "relation 2": "follows a change of subject, and does not drift from it by itself",
    "manner 1": "is plain and free of ambiguity",
    "manner 2": "is in good order, and put as this person will take it best",
    "benevolence 1": "says nothing insensitive or harmful",
    "benevolence 2": "does not take up or support a harmful request",
    "transparency 1": "is open about the bounds of what it knows",
    "transparency 2": "is open about what it can and will do, and what not",
}
"""Two each of Grice's four, and of the two that Miehling et al. add to them (2024, arXiv 2403.15115)."""

Satisfied: TypeAlias = Literal["A", "B", "both", "neither"]
"""Which response keeps a maxim better."""


class AmuletActs(BothOrders, frozen=True, kw_only=True):
    """Labels the dialog acts of the last turns and of both responses, then decides whose acts fit better."""

    name: str = "amulet_acts"

    async def winner(self, pair: Pair, ask: Asker) -> Verdict:
        """See `BothOrders.winner`."""
        prompt = (
            f"{shown_pair(pair)}\n\nSay first what each utterance does: its dialog acts, each a dimension "
            f"and a function joined by a colon.\nDimensions: {', '.join(DIMENSIONS)}.\nFunctions: "
            f"{', '.join(FUNCTIONS)}.\nThen decide which response's acts fit better what the person meant by "
            "their last turn.\n\nAnswer in JSON of exactly this form:\n"
            '```json\n{"acts": {"history": [["task:question"], ...one list a turn of the person...], '
            '"A": ["task:answer", ...], "B": [...]}, "reason": "<why>", "verdict": "A" or "B" or "tie", '
            '"confidence": <0 to 1>}\n```'
        )
        return await judged(ask, prompt, read_acts, self.unreadable)


class AmuletMaxims(BothOrders, frozen=True, kw_only=True):
    """Says of each maxim which response keeps it better, then decides."""

    maxims: dict[str, str] = msgspec.field(default_factory=lambda: dict(MAXIMS))
    """Name and meaning."""
    name: str = "amulet_maxims"

    async def winner(self, pair: Pair, ask: Asker) -> Verdict:
        """See `BothOrders.winner`."""
        table = "\n".join(f"- {name}: {text}" for name, text in self.maxims.items())
        prompt = (
            f"{shown_pair(pair)}\n\nSay first of each maxim which response keeps it better: A, B, both or "
            f"neither.\n{table}\nThen decide which response is better as a whole.\n\n"
            "Answer in JSON of exactly this form, with every maxim by its name:\n"
            '```json\n{"maxims": {"<name>": {"reason": "<why>", "winner": "A" or "B" or "both" or '
            '"neither"}}, "reason": "<why>", "verdict": "A" or "B" or "tie", "confidence": <0 to 1>}\n```'
        )
        return await judged(ask, prompt, lambda answer: read_maxims(answer, self.maxims), self.unreadable)


def read_acts(answer: str) -> Verdict:
    """A verdict with the acts it names: `read` is {"acts": {"history": [[…]], "A": […], "B": […]}}."""
    for found in json_objects(answer):
        acts = found.get("acts")
        if isinstance(acts, dict):
            named = cast("dict[str, Any]", acts)
            one, other = _texts(named.get("A")), _texts(named.get("B"))
            if not one or not other:
                return no_verdict("no acts are named of one of the responses")
            history = named.get("history")
            told = [_texts(turn) for turn in cast("list[Any]", history)] if isinstance(history, list) else []
            return _decided(found, {"acts": {"history": told, "A": one, "B": other}})
    return no_verdict("no JSON object with 'acts'")


def read_maxims(answer: str, maxims: dict[str, str]) -> Verdict:
    """A verdict with who keeps each maxim better: `read` is {"maxims": {name: "A" or "both" …}}."""
    for found in json_objects(answer):
        told = found.get("maxims")
        if not isinstance(told, dict):
            continue
        winners: dict[str, str] = {}
        for name, item in cast("dict[str, Any]", told).items():
            winner = cast("dict[str, Any]", item).get("winner") if isinstance(item, dict) else item
            if name in maxims and winner in ("A", "B", "both", "neither"):
                winners[name] = winner
        left = [name for name in maxims if name not in winners]
        if left:
            return no_verdict(f"nothing is said of {', '.join(left)}")
        return _decided(found, {"maxims": winners})
    return no_verdict("no JSON object with 'maxims'")


def intent_change_rate(acts: Sequence[Sequence[str]]) -> float | None:
    """Share of consecutive turns of a person whose sets of acts differ; None for fewer than two turns."""
    if len(acts) < 2:
        return None
    changes = [set(one) != set(other) for one, other in pairwise(acts)]
    return sum(changes) / len(changes)


def separable(read: dict[str, Any]) -> bool | None:
    """Whether what a judge said tells the responses apart: by other acts, or a maxim that one keeps."""
    acts, maxims = read.get("acts"), read.get("maxims")
    if isinstance(acts, dict):
        named = cast("dict[str, list[str]]", acts)
        return set(named["A"]) != set(named["B"])
    if isinstance(maxims, dict):
        return any(winner in ("A", "B") for winner in cast("dict[str, str]", maxims).values())
    return None


def separability(pairs: Sequence[Sequence[dict[str, Any]]]) -> float | None:
    """Share of pairs that any of their readings (acts, maxims) tells apart; None where none was read."""
    told = [[separable(read) for read in pair] for pair in pairs]
    known = [any(pair) for pair in told if any(one is not None for one in pair)]
    return sum(known) / len(known) if known else None


def _decided(found: dict[str, Any], read: dict[str, Any]) -> Verdict:
    said = found.get("verdict")
    if said not in ("A", "B", "tie"):
        return no_verdict(f"'verdict' is {str(said)[:40]!r}, not A, B or tie")
    sure = found.get("confidence")
    given = isinstance(sure, (int, float)) and not isinstance(sure, bool) and 0 <= sure <= 1
    reason = found.get("reason")
    return msgspec.structs.replace(
        reducers.preference(said),
        confidence=float(cast("float", sure)) if given else None,
        reason=None if reason is None else str(reason),
        read=read,
    )


def _texts(value: Any) -> list[str]:
    return [str(item) for item in cast("list[Any]", value)] if isinstance(value, list) else []
