"""`extraction`: take the answer out of an assistant's words, then compare it with what is known; two steps.

CRMArena-Pro (Huang et al. 2025, arXiv 2505.18878): one known answer that is given as it stands is right at
once; otherwise a judge takes the answers out of the words (`{"extracted_answers": [...]}`), and the sorted
lists must be equal; no answer is the answer `None`. Open questions are measured by the words that both share
(F1, BLEU, ROUGE-L). The extractors by rule know the forms that the task types have; they need no model.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, cast

import msgspec

from turnwise.judges.criteria import at_path
from turnwise.log import EpisodeLog
from turnwise.verdict import Asker, Unreadable, Verdict, json_objects, judged, no_verdict

Form: TypeAlias = Literal["id", "state", "month", "bant", "stage", "number", "text"]
"""What an answer looks like: record ids, US states, months, BANT factors, a sale's stage, a number, words."""

NOTHING = "None"
"""The answer that there is none."""
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
BANT = ("Budget", "Authority", "Need", "Timeline")
STAGES = ("Qualification", "Discovery", "Quote", "Negotiation", "Closed")
STATES = tuple(
    re.findall(
        "..",
        "ALAKAZARCACOCTDEFLGAHIIDILINIAKSKYLAMEMDMAMIMNMSMOMTNENVNHNJNMNYNCNDOHOKORPARISCSDTNTXUTVTVAWAWVWIWY",
    )
)
"""The fifty, in two letters."""


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """Compares the last answer of an episode with the task's, after taking it out of the words."""

    answer: str = "answer"
    """Where an episode's task holds the known answers, one or several; nothing there is `None`."""
    form: Form = "id"
    """What answers look like."""
    by: Literal["judge", "rule"] = "judge"
    """Who takes them out."""
    fuzzy: bool = False
    """Measure shared words instead, for open questions: the score is F1."""
    bar: float = 1.0
    """With `fuzzy`, the F1 that passes."""
    role: str = ""
    """Whose last words; the episode's first role's by default."""
    unreadable: Unreadable = Unreadable()
    name: str = "extraction"

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict; `read` holds what was taken out.

        Raises:
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        known = [str(value) for value in at_path(log.task, self.answer)] or [NOTHING]
        role = self.role or log.roles[0]
        said = [turn for turn in log.turns if turn.role == role and turn.text]
        if not said:
            return [Verdict(score=0.0, passed=False, reason="there is no answer")]
        verdict = await self.matched(said[-1].text, known, ask)
        return [msgspec.structs.replace(verdict, evidence=(said[-1].index,))]

    async def matched(self, words: str, known: Sequence[str], ask: Asker) -> Verdict:
        """The verdict on an assistant's words, for who has them without a log.

        Args:
            words: What it said.
            known: What is right, one or several; `None` where nothing is.
            ask: The judge, which is asked only where that is what this judge goes `by`.

        Raises:
            ModelError: as for `verdicts`.
        """
        if self.fuzzy:
            return fuzzy_match(words, " ".join(known), bar=self.bar)
        if len(known) == 1 and stripped(words) == stripped(known[0]):
            return Verdict(score=1.0, passed=True, read=list(known))
        if self.by == "rule":
            return exact_match(by_rule(words, self.form), known)
        return await self._asked(words, known, ask)

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The verdict."""
        return verdicts[0]

    async def _asked(self, words: str, known: Sequence[str], ask: Asker) -> Verdict:
        def parse(answer: str) -> Verdict:
            found = extracted_in(answer)
            return no_verdict(found) if isinstance(found, str) else exact_match(found, known)

        prompt = (
            f"Take the answers out of what an assistant said. {_WHAT[self.form]} Take them as they stand; do "
            f"not answer yourself. Where it gives none, the list is empty.\n\nIt said:\n{words}\n\n"
            'Answer in JSON of exactly this form:\n```json\n{"extracted_answers": ["<answer>", ...]}\n```'
        )
        return await judged(ask, prompt, parse, self.unreadable)


_WHAT: dict[Form, str] = {
    "id": "They are ids of records.",
    "state": "They are US states, in two letters.",
    "month": "They are names of months.",
    "bant": "They are those of Budget, Authority, Need and Timeline that are said not to be met.",
    "stage": f"It is exactly one stage: {', '.join(STAGES)}.",
    "number": "It is a number.",
    "text": "They are words.",
}


def exact_match(found: Sequence[str], known: Sequence[str]) -> Verdict:
    """1 where the sorted lists are equal; nothing found is `None`."""
    given = sorted(stripped(one) for one in found) or [NOTHING]
    right = given == sorted(stripped(one) for one in known)
    reason = None if right else f"found {', '.join(given)}; known is {', '.join(known)}"
    return Verdict(score=float(right), passed=right, reason=reason, read=given)


def extracted_in(answer: str) -> list[str] | str:
    """The list in a judge's answer, or why there is none."""
    for one in json_objects(answer):
        found = one.get("extracted_answers")
        if isinstance(found, list):
            values = cast("list[Any]", found)
            if any(isinstance(value, (dict, list)) for value in values):
                return "'extracted_answers' holds more than texts"
            return [NOTHING if value is None else str(value) for value in values]
    return "no JSON object with the list 'extracted_answers'"


def stripped(text: str) -> str:
    """A text without quotes and space around it."""
    return text.strip().strip("'\"`").strip()


def by_rule(text: str, form: Form) -> list[str]:
    """The answers of a form that stand in a text, each once, in order."""
    found = _RULES[form](text)
    return list(dict.fromkeys(found))


def _ids(text: str) -> list[str]:
    """Salesforce's ids: 18 letters and digits, or 15, with at least two digits."""
    words = re.findall(r"\b(?:[A-Za-z0-9]{18}|[A-Za-z0-9]{15})\b", text)
    return [word for word in words if sum(letter.isdigit() for letter in word) > 1]


def _named(names: Sequence[str]) -> Callable[[str], list[str]]:
    pattern = re.compile(rf"\b({'|'.join(names)})\b", re.IGNORECASE)
    spelt = {name.lower(): name for name in names}
    return lambda text: [spelt[word.lower()] for word in pattern.findall(text)]


def _stage(text: str) -> list[str]:
    """Exactly one stage: the last that is named."""
    return _named(STAGES)(text)[-1:]


def _number(text: str) -> list[str]:
    """The last number, without separators of thousands."""
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    return [found[-1].replace(",", "")] if found else []


def _unmet(text: str) -> list[str]:
    """The BANT factors that are named; where some are said to be met and others not, only the latter."""
    clauses = re.split(r"[.;\n]|\bbut\b|\bwhile\b|\bhowever\b", text)
    not_met = [c for c in clauses if re.search(r"\bnot\b|n't|\bun\w+|\bmissing\b|\black|\bfail", c, re.I)]
    return _named(BANT)(" . ".join(not_met) if not_met else text)


_RULES: dict[Form, Callable[[str], list[str]]] = {
    "id": _ids,
    "state": lambda text: re.findall(rf"\b({'|'.join(STATES)})\b", text),
    "month": _named(MONTHS),
    "bant": _unmet,
    "stage": _stage,
    "number": _number,
    "text": lambda text: [stripped(text)],
}


def fuzzy_match(found: str, known: str, *, bar: float = 1.0) -> Verdict:
    """Shared words after lower-casing, without punctuation and articles; F1 is the score."""
    mine, theirs = _tokens(found), _tokens(known)
    f1 = token_f1(mine, theirs)
    figures = {"f1": f1, "bleu": bleu(mine, theirs), "rouge_l": rouge_l(mine, theirs)}
    return Verdict(score=f1, passed=f1 >= bar, figures=figures)


def token_f1(found: Sequence[str], known: Sequence[str]) -> float:
    """Harmonic mean of the shares of words in common; 1 where both are empty."""
    if not found or not known:
        return float(list(found) == list(known))
    shared = (Counter(found) & Counter(known)).total()
    return 2 * shared / (len(found) + len(known))


def bleu(found: Sequence[str], known: Sequence[str], *, most: int = 4) -> float:
    """Geometric mean of n-gram precisions times brevity, one added above the first order (Lin & Och 2004)."""
    if not found or not known:
        return float(list(found) == list(known))
    logs: list[float] = []
    for n in range(1, most + 1):
        mine, theirs = _grams(found, n), _grams(known, n)
        hits, whole = (mine & theirs).total(), mine.total()
        smooth = int(n > 1)
        if hits + smooth == 0:
            return 0.0
        logs.append(math.log((hits + smooth) / (whole + smooth)))
    brevity = min(0.0, 1 - len(known) / len(found))
    return math.exp(sum(logs) / most + brevity)


def rouge_l(found: Sequence[str], known: Sequence[str]) -> float:
    """F1 of the longest common subsequence of words."""
    if not found or not known:
        return float(list(found) == list(known))
    row = [0] * (len(known) + 1)
    for word in found:
        before = 0
        for place, other in enumerate(known, start=1):
            held = row[place]
            row[place] = before + 1 if word == other else max(held, row[place - 1])
            before = held
    return 2 * row[-1] / (len(found) + len(known))


def _tokens(text: str) -> list[str]:
    plain = text.lower().translate(str.maketrans("", "", string.punctuation))
    return [word for word in plain.split() if word not in ("a", "an", "the")]


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))
