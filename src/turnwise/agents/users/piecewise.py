"""A user who needs no model: says what there is to say, piece by piece, agrees, and leaves.

What is asked for confirmation is confirmed; anything else that is said brings the next piece; who has nothing
more to tell and is asked nothing thinks it is done. It shows the machinery, not people: it is for tests,
training and oracles. An instruction in the second person becomes such pieces by `first_person`, as far as a
few rules of grammar go.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from functools import lru_cache

from turnwise.agents.users.marks import STOP, TRANSFER
from turnwise.message import Message

YES = "Yes, please go ahead."
NO_MORE = "I have told you all I know. Please do what you can."
_PATIENCE = 3
"""Questions that are answered once all is told."""
_CONFIRM = re.compile(
    r"\b(confirm|proceed|go ahead|shall I|should I|would you like me to)\b|\(yes/no\)"
    r"|\bis (this|that) (correct|right|okay|ok)\b",
    re.IGNORECASE,
)
_HANDED_OVER = re.compile(r"\btransferred to a human agent\b", re.IGNORECASE)
_PERSONS = (
    (r"\byou are\b|\byou're\b", "I am"),
    (r"\byou were\b", "I was"),
    (r"\byou've\b", "I have"),
    (r"\byou'd\b", "I would"),
    (r"\byou'll\b", "I will"),
    (r"\byourself\b", "myself"),
    (r"\byours\b", "mine"),
    (r"\byour\b", "my"),
    (r"(?<=\bto )you\b|(?<=\bfor )you\b|(?<=\bwith )you\b|(?<=\btell )you\b|(?<=\bgive )you\b", "me"),
    (r"\byou\b", "I"),
)
_RULES = tuple((re.compile(pattern, re.IGNORECASE), word) for pattern, word in _PERSONS)


def piecewise(pieces: Sequence[str]) -> Generator[str | None, Message, None]:
    """The user who has these pieces to say; what is heard first only starts them."""
    left = [piece for piece in pieces if piece] or ["I need help."]
    heard = yield
    patience = _PATIENCE
    heard = yield left.pop(0)
    while True:
        asked = "?" in heard.text
        if _HANDED_OVER.search(heard.text):
            heard = yield TRANSFER
        elif asked and patience and _CONFIRM.search(heard.text):
            patience -= 1
            heard = yield YES
        elif left:
            heard = yield left.pop(0)
        elif asked and patience:
            patience -= 1
            heard = yield NO_MORE
        else:
            heard = yield STOP


@lru_cache(maxsize=4096)
def first_person(text: str) -> str:
    """An instruction to somebody, in their own words."""
    for pattern, word in _RULES:
        text = pattern.sub(word, text)
    return re.sub(r"(^|[.!?]\s+)my\b", lambda found: f"{found[1]}My", text)
