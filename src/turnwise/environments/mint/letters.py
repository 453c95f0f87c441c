"""Which options an answer names by their letters."""

from __future__ import annotations

import re

_FORMS = (
    re.compile(r"(?<![\w(])\(?([a-z])\s?\)"),
    re.compile(r"\b(?:option|choice)\s+\(?([a-z])\b"),
    re.compile(r"\banswer(?:\s+is)?\s*:?\s+\(?([a-z])\b\)?(?!\s+\w)"),
)
"""`b) …` and `(b)`, but not the `x)` of `f(x)`; `option b`; `the answer is b`, but not `… is a square`."""


def named(answer: str) -> set[str]:
    """The letters named in an answer, in lower case; a letter on its own names itself."""
    text = answer.lower().strip(" .$\n\t")
    found = {letter for form in _FORMS for letter in form.findall(text)}
    return found | {text} if len(text) == 1 else found
