"""Whether an answer is right: as the official code decides it (`published`), or strictly (`corrected`).

The official checks are generous. Numbers within 5 % are right, and so is any text that holds the reference as
a substring ("16" for 6). An MMLU answer is right where the reference's *letter* occurs anywhere in it ("None
of the above" for a): only the marker `a)` is ever recognised, since the loop over letters returns in its
first round; failing that, an answer is right that holds the right option's text and no other's.

The strict checks want what the problem asked for and nothing that would cover a second answer:

- numbers: every number in the answer is the reference, to the precision to which the reference is written;
- text: the reference's words occur as whole words in a row; an answer to yes or no begins with it;
- MMLU: exactly one option is named, by its letter or in its own words.
"""

from __future__ import annotations

import math
import re
import string

from turnwise.environments.mint import letters, theorem
from turnwise.environments.mint.rows import MintTask

_TOLERANCE = 0.05


def is_right(task: MintTask, answer: str, *, published: bool) -> bool:
    """Whether `answer` solves a problem that does not ask for a program."""
    if task.source == "theoremqa":
        return theorem.is_right(answer, task.reference, task.answer_type, published=published)
    if task.source == "mmlu":
        return published_choice(task, answer) if published else strict_choice(task, answer)
    return published_text(task.reference, answer) if published else strict_text(task.reference, answer)


# As published -----------------------------------------------------------------------------------------


def published_text(reference: str, answer: str) -> bool:
    """Two numbers within 5 %, or the reference anywhere in the answer."""
    answer = answer.lower().strip()
    try:
        expected, given = float(reference), float(answer)
    except ValueError:
        return reference in answer
    return abs(expected - given) <= _TOLERANCE * abs(expected)


def published_choice(task: MintTask, answer: str) -> bool:
    """The official check of a multiple choice, its slips included."""
    answer = answer.lower().strip()
    if "a)" in answer or "a )" in answer:
        answer = "a"
    if _choice_matches(task.reference, answer):
        return True
    options = _published_options(task.prompt)
    right = options[task.reference]
    others = list(options.values())
    for option in others:  # The official loop removes while it iterates, and so skips neighbours.
        if option in right:
            others.remove(option)
    if any(_choice_matches(option, answer) or option in answer for option in others):
        return False
    return _choice_matches(right, answer) or right in answer


def _choice_matches(reference: str, answer: str) -> bool:
    if reference.isdigit() and answer.isdigit():
        return abs(float(reference) - float(answer)) <= _TOLERANCE * float(reference)
    return reference in answer


def _published_options(prompt: str) -> dict[str, str]:
    """Options by letter as the official code cuts them: at the second closing bracket, in lower case."""
    found: dict[str, str] = {}
    for option in prompt.split("Options: ")[-1].split(" , "):
        pieces = option.strip("[]' ").split(")")
        found[pieces[0].lower().strip()] = pieces[1].lower().strip(".").strip()
    return found


# Strict -----------------------------------------------------------------------------------------------

_NUMBER = r"[-−+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(
    rf"\\d?frac\s*\{{\s*(?P<above>{_NUMBER})\s*\}}\s*\{{\s*(?P<below>{_NUMBER})\s*\}}"
    rf"|(?<![\w.])(?P<whole>{_NUMBER})(?:\s*/\s*(?P<part>{_NUMBER}))?"
)
_ARTICLES = frozenset(("a", "an", "the"))


def strict_text(reference: str, answer: str) -> bool:
    """Every number in the answer is the reference; or, for text, its words occur in a row."""
    try:
        expected = float(reference)
    except ValueError:
        return _words_within(reference, answer)
    decimals = reference.partition(".")[2]
    slack = 0.5 * 10 ** -len(decimals) if decimals.strip("0") else 1e-6 * max(1.0, abs(expected))
    given = numbers(re.split("[=≈]", answer)[-1])
    return bool(given) and all(abs(number - expected) <= slack for number in given)


def numbers(text: str) -> list[float]:
    """All numbers in a text; `3/4` and `\\frac{3}{4}` are one number each, `1,200` too.

    Digits within a word or name (`x2`) are no number.
    """
    found: list[float] = []
    for match in _NUMBERS.finditer(text):
        above = _number(match["above"] or match["whole"])
        below = _number(match["below"] or match["part"] or "1")
        found.append(above / below if below else math.nan)
    return found


def _number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _words_within(reference: str, answer: str) -> bool:
    wanted, given = _words(reference), _words(answer)
    if wanted in (["yes"], ["no"]):
        return given[:1] == wanted
    size = len(wanted)
    return any(given[at : at + size] == wanted for at in range(len(given) - size + 1))


def _words(text: str) -> list[str]:
    plain = text.lower().translate(str.maketrans("", "", string.punctuation + "“”’‘"))
    return [word for word in plain.split() if word not in _ARTICLES]


def strict_choice(task: MintTask, answer: str) -> bool:
    """The answer names the right option, and no other one."""
    chosen = letters.named(answer) & task.options.keys()
    if not chosen:
        chosen = {letter for letter, text in task.options.items() if _plain(text) == _plain(answer)}
    return chosen == {task.reference}


def _plain(text: str) -> str:
    return "".join(text.lower().split()).strip(".$")
