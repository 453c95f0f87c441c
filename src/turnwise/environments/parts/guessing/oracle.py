"""The oracle that needs no model: finds out what a free question asks for, and looks it up.

Whether a question is a correct guess follows LMRL-Gym's `is_done`: apart from a few neutral words (such as
object, something, type, kind) and the target's own, it has no noun (a noun before "of" does not count), and
the target's words end it. There is no part-of-speech tagger here: every word outside a closed list of
pronouns, articles, auxiliary verbs and the like counts as a noun. That is stricter by adjectives ("Is it a
red apple?" is no guess here) and refuses comparisons ("Is it bigger than a car?").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from turnwise.environments.parts.guessing.table import Attribute, Table, Thing

_FREE_WORDS = (
    "a an the some any one this that these those it its they i you we he she your my me us is are was am "
    "be been being do does did have has had can could may might must shall should will would think "
    "thinking thought guess say said mean talking called known about of by if and or as so not yes no ok "
    "okay well then now also just simply actually really maybe perhaps probably possibly definitely s m "
    "re ve "
)
_FREE = frozenset(_FREE_WORDS.split())
_ARTICLES = (" a", " an", " the")
_WORDS = re.compile(r"[a-z0-9]+")


def the_question(text: str) -> str:
    """The question in a message: its last sentence that ends in a question mark, else all of it."""
    # No regular expression: one that looks for the mark from every letter takes a minute for a long reply.
    end = text.rfind("?")
    if end < 0:
        return text.strip()
    start = max(text.rfind(mark, 0, end) for mark in ".?!\n") + 1
    return text[start : end + 1].strip()


class Oracle:
    """Answers questions about the things of a table.

    Args:
        table: What is true of what.
        neutral: Words besides pronouns, auxiliary verbs and so on that do not keep a question from being a
            guess.
    """

    def __init__(self, table: Table, neutral: Iterable[str]) -> None:
        self.table = table
        self._free = _FREE | frozenset(neutral)

    def guessed(self, question: str) -> Thing | None:
        """The thing a question guesses, or None where it is another kind of question."""
        words = _words(question)
        names = self._names
        for length in range(min(self._longest, len(words)), 0, -1):
            thing = names.get(tuple(words[-length:]))
            if thing is not None and self._no_noun(words[:-length], words[-length:]):
                return thing
        return None

    def attribute_of(self, question: str) -> tuple[Attribute, bool] | None:
        """The attribute a question asks for, and whether it asks for it (True) or for its opposite.

        The longest phrase in the question decides, the first of equally long ones. A "not" is not heard.
        """
        text = " ".join(_words(question))
        found = [
            (len(phrase), asked)
            for phrase, pattern, asked in self._phrases
            # Looking for the bare phrase first is many times as quick.
            if phrase in text and pattern.search(text)
        ]
        return max(found, key=lambda one: one[0])[1] if found else None

    def answer(self, question: str, thing: Thing) -> bool:
        """Yes or no; no for what the table does not know.

        "Is it a light?" guesses the lamp, "Is it light?" asks for what is bright: a word that means both
        guesses a thing other than the right one only after an article.
        """
        named = self.guessed(question)
        if named is thing:
            return True
        if named is not None and _after_article(question, named):
            return False
        asked = self.attribute_of(question)
        if asked is None:
            return False
        attribute, wanted = asked
        return (attribute.name in thing.attributes) == wanted

    def _no_noun(self, before: list[str], name: list[str]) -> bool:
        """Whether no word of `before` counts as a noun."""
        following = [*before, ""][1:]
        return all(
            word in self._free or word in name or after == "of"
            for word, after in zip(before, following, strict=True)
        )

    @cached_property
    def _names(self) -> dict[tuple[str, ...], Thing]:
        """Things by the words of each of their names."""
        return {tuple(_words(name)): thing for thing in self.table.things.values() for name in thing.names}

    @cached_property
    def _longest(self) -> int:
        """Words in the longest name."""
        return max(map(len, self._names))

    @cached_property
    def _phrases(self) -> list[tuple[str, re.Pattern[str], tuple[Attribute, bool]]]:
        """All phrases, what finds each as whole words with the last perhaps inflected, and what they ask."""
        return [
            (phrase, re.compile(rf"\b{phrase}(?:s|es|ed|ing)?\b"), (attribute, wanted))
            for attribute in self.table.attributes.values()
            for phrases, wanted in ((attribute.words, True), (attribute.negated, False))
            for phrase in phrases
        ]


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _after_article(question: str, thing: Thing) -> bool:
    """Whether the thing's name stands after an article at the end of a question."""
    text = " ".join(_words(question))
    return any(
        text.endswith(f"{article} {' '.join(_words(name))}") for name in thing.names for article in _ARTICLES
    )
