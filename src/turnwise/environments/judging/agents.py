"""Judges without a model, for every kind of question: they show what judging does, and cost nothing.

`solver` goes by the words: a criterion is met where all words that it puts in quotation marks were said, and
those after `not` were not; of two responses the better one says more such words. `random` draws; `first`
prefers whatever is shown first. All answer in the form that the question asks for.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeAlias

import msgspec

from turnwise.environments.judging.case import Case
from turnwise.judges import amulet
from turnwise.judges.criteria import criteria_of
from turnwise.judges.extraction import by_rule, token_f1
from turnwise.judges.refusal import by_phrase
from turnwise.message import Message
from turnwise.verdict import json_objects

Script: TypeAlias = Generator[str | None, Message, None]


class Taste(NamedTuple):
    """How a scripted judge decides."""

    met: Callable[[str, str], bool]
    """A criterion, given the conversation."""
    better: Callable[[str, str], float]
    """The first of two responses, if above 0; the second, if below."""
    mark: Callable[[], float]
    """How good something is, from 0 to 1, where words do not tell."""


def by_the_words(task: Case, rng: random.Random) -> Script:
    """Goes by the words in quotation marks."""
    criteria = criteria_of(task.episode, ("rubric",))
    wanted = [words for one in criteria for words in _quoted(one.text)]

    def better(one: str, other: str) -> float:
        return _worth(one, wanted) - _worth(other, wanted)

    yield from _judge(Taste(_says, better, lambda: 0.5))


def by_chance(task: Case, rng: random.Random) -> Script:
    """Draws."""

    def met(criterion: str, shown: str) -> bool:
        return rng.random() < 0.5

    def better(one: str, other: str) -> float:
        return rng.choice((-1, 0, 1))

    yield from _judge(Taste(met, better, rng.random))


def of_the_first_place(task: Case, rng: random.Random) -> Script:
    """Prefers what is shown first, and finds everything met."""

    def met(criterion: str, shown: str) -> bool:
        return True

    def better(one: str, other: str) -> float:
        return 1.0

    yield from _judge(Taste(met, better, lambda: 1.0))


def _judge(taste: Taste) -> Script:
    prompt = yield None
    while True:
        prompt = yield answered(prompt.text, taste)


def answered(prompt: str, taste: Taste) -> str:
    """An answer in the form that a question asks for; an empty one where the form is not known."""
    for mark, answer in _FORMS:
        if mark in prompt:
            return answer(prompt, taste)
    return ""


# Criteria ---------------------------------------------------------------------------------------------


def _says(criterion: str, shown: str) -> bool:
    return all((text in shown) is not negative for text, negative in _quoted(criterion))


def _quoted(text: str) -> list[tuple[str, bool]]:
    """Words in quotation marks, and whether they stand after a `not`."""
    found = re.finditer(r'(\bnot\b[^".]*)?"([^"]+)"', text)
    return [(match[2], match[1] is not None) for match in found]


def _worth(response: str, wanted: list[tuple[str, bool]]) -> float:
    return sum((text in response) is not negative for text, negative in wanted)


def _conversation(prompt: str) -> str:
    """What a prompt shows of the conversation, and of the answer to check."""
    parts = re.findall(
        r"(?:each turn under its number|number in the whole|Answer to check|It said):\n(.*?)"
        r"(?=\n\n(?:Criteria|Answer to check|Question|Answer in JSON|An answer that)|\Z)",
        prompt,
        re.DOTALL,
    )
    return _answers("\n".join(parts))


def _answers(shown: str) -> str:
    """A conversation without what the user said; words that only they said meet no criterion."""
    return re.sub(r"(?m)^\[\d+\] (?:user|system): .*\n?(?:    .*\n?)*", "", shown)


def _listed(prompt: str) -> list[tuple[str, str]]:
    """The criteria that a prompt lists, by id."""
    part = prompt.rpartition("\nCriteria:\n")[2].partition("\n\n")[0]
    return re.findall(r"(?m)^- ([^:\n]+): (.*)$", part)


def _findings(prompt: str, taste: Taste) -> list[dict[str, Any]]:
    shown = _conversation(prompt)
    return [
        {"id": name, "reason": "by the words", "met": taste.met(text, shown)}
        for name, text in _listed(prompt)
    ]


def _rubric(prompt: str, taste: Taste) -> str:
    return _json(_findings(prompt, taste))


def _checklist(prompt: str, taste: Taste) -> str:
    found = _findings(prompt, taste)
    share = sum(item["met"] for item in found) / max(1, len(found))
    return _json({"findings": found, "quality": 1 + round(9 * share)})


def _window(prompt: str, taste: Taste) -> str:
    """A criterion turns true where its words are said in this window, false where a forbidden one is."""
    shown = _conversation(prompt)
    told: list[dict[str, Any]] = []
    for item in json_objects(prompt.partition("\nCriteria as they stand:\n")[2]):
        text = str(item["rubric"])
        if taste.met(text, shown):
            met = True
        elif any(words in shown for words, negative in _quoted(text) if negative):
            met = False
        else:
            continue
        told.append({**item, "justification": "by the words", "meetExpectation": met})
    return _json(told)


# Pairs ------------------------------------------------------------------------------------------------


def _pair(prompt: str, taste: Taste) -> str:
    one, other = _responses(prompt)
    lead = taste.better(one, other)
    return "A" if lead > 0 else "B" if lead < 0 else "tie"


def _responses(prompt: str) -> tuple[str, str]:
    one, _, rest = prompt.partition("\n\nResponse A:\n")[2].partition("\n\nResponse B:\n")
    return _answers(one), _answers(rest.partition("\n\n")[0])


def _brackets(prompt: str, taste: Taste) -> str:
    return f"By the words. [[{_pair(prompt, taste).replace('tie', 'C')}]]"


def _acts(prompt: str, taste: Taste) -> str:
    acts = [
        ["task:question" if text.rstrip().endswith("?") else "task:inform"] for text in _responses(prompt)
    ]
    history = re.findall(r"(?m)^\[\d+\] user: (.*)$", prompt.partition("\n\nResponse A:")[0])
    asked = [["task:request" if text.startswith("Please") else "task:inform"] for text in history]
    told = {"acts": {"history": asked, "A": acts[0], "B": acts[1]}, "verdict": _pair(prompt, taste)}
    return _json({**told, "confidence": taste.mark()})


def _maxims(prompt: str, taste: Taste) -> str:
    names = re.findall(r"(?m)^- ([^:\n]+): ", prompt.rpartition("both or neither.\n")[2]) or [*amulet.MAXIMS]
    winner = _pair(prompt, taste)
    each = {name: {"winner": "both" if winner == "tie" else winner} for name in names}
    return _json({"maxims": each, "verdict": winner, "confidence": taste.mark()})


# Single questions -------------------------------------------------------------------------------------


def _yes_no(prompt: str, taste: Taste) -> str:
    shown, question = _conversation(prompt), prompt.rpartition("Question: ")[2]
    if "decline" in question:
        return "YES" if by_phrase(shown) else "NO"
    return "YES" if taste.met(question, shown) else "NO"


def _mark(low: int, high: int, form: str) -> Callable[[str, Taste], str]:
    def answer(prompt: str, taste: Taste) -> str:
        question = prompt.rpartition("Question: ")[2]
        share = float(taste.met(question, _conversation(prompt))) if '"' in question else taste.mark()
        return form.replace("N", str(low + round((high - low) * share)))

    return answer


def _label(prompt: str, taste: Taste) -> str:
    labels = prompt.rpartition("nothing else: ")[2].split(", ")
    return labels[round((len(labels) - 1) * taste.mark())]


def _objective(prompt: str, taste: Taste) -> str:
    said = re.findall(r"(?m)^\[\d+\] user: (.*)$", prompt)
    return _json({"objective": max(said, key=len, default="nothing"), "confidence": taste.mark()})


def _similarity(prompt: str, taste: Taste) -> str:
    found = re.search(r"\n\nFirst: (.*?)\nSecond: (.*?)\n\n", prompt, re.DOTALL)
    one, other = (found[1], found[2]) if found else ("", "")
    return _json({"similarity": token_f1(one.lower().split(), other.lower().split())})


def _extraction(prompt: str, taste: Taste) -> str:
    said = prompt.partition("\n\nIt said:\n")[2].partition("\n\nAnswer in JSON")[0]
    kinds = {"a number": "number", "ids": "id", "US states": "state", "months": "month", "stage": "stage"}
    form = next((kind for mark, kind in kinds.items() if mark in prompt.partition("\n\n")[0]), "text")
    return _json({"extracted_answers": by_rule(said, form)})  # pyright: ignore[reportArgumentType]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_FORMS: tuple[tuple[str, Callable[[str, Taste], str]], ...] = (
    ('"acts": {', _acts),
    ('"maxims": {', _maxims),
    ("[[A]]", _brackets),
    ('"rubric_idx"', _window),
    ('"quality":', _checklist),
    ('[{"id":', _rubric),
    ('"objective":', _objective),
    ('"similarity":', _similarity),
    ('"extracted_answers":', _extraction),
    ("YES or NO", _yes_no),
    ("[[5]]", _mark(1, 10, "By the words. [[N]]")),
    ('"score":', _mark(1, 5, '{"score": N}')),
    ('"Score":', _mark(1, 10, '{"Rationale": "by the words", "Score": N}')),
    ("nothing else: ", _label),
    ("six lines", _mark(1, 5, "1.b 0\n2.b N\n3.b N")),
    ('"meetExpectation": true or false', lambda _, __: '{"meetExpectation": false}'),
)
"""Words of a question by which its form is known, and who answers it."""
