"""One game of WILT as a plain object: the agent's messages in, what the harness says out.

See the package's docstring for where `published` and `corrected` differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.games.wilt import checker, prompts, protocol
from turnwise.environments.games.wilt.checker import Judged, Triple
from turnwise.environments.games.wilt.hypotheses import Tracker
from turnwise.environments.games.wilt.rules import trusted

End: TypeAlias = Literal["guessed", "aborted", "no_guess"]


class Guess(NamedTuple):
    """The final guess."""

    source: str
    judged: Judged


class Game:
    """One game.

    Args:
        rule: Text of the hidden rule.
        hypotheses: Texts of the rules the tests are measured against.
        limit: Attempts: tests and what costs as much as one.
        tests: Attempts that may be tests; `limit` by default.
        published: Behave as the official harness.

    Attributes:
        attempts: Attempts used.
        tests: The tests made, with their results.
        reused: Tests of a triple that was tested before.
        confirming: Tests, the first excepted, that confirm a bias.
        guess: The final guess, once made.
        end: Why the game is over; None while it goes on.
    """

    def __init__(
        self, rule: str, hypotheses: Sequence[str], *, limit: int, tests: int | None = None, published: bool
    ) -> None:
        self.rule = rule
        self.limit = limit
        self.attempts = 0
        self.tests: list[tuple[Triple, bool]] = []
        self.reused = 0
        self.confirming = 0
        self.guess: Guess | None = None
        self.end: End | None = None
        self.tracker = Tracker(hypotheses)
        self._function = trusted(rule)
        self._allowed = limit if tests is None else tests
        self._published = published
        self._warned = False
        """The last message was a bad one; the next ends the game."""
        # The official loop never ends for an agent that goes on testing without attempts; this one does.
        self._messages_left = 4 * limit + 4

    @property
    def points(self) -> float:
        """1000 and up to 100 for attempts left, for a correct guess; else 0."""
        if self.guess is None or self.guess.judged.outcome != "correct":
            return 0.0
        return 1000 + 100 * (1 - self.attempts / self.limit)

    def answer(self, text: str) -> str:
        """Take the agent's message; what to say to it. Sets `end` where the game is over."""
        self._messages_left -= 1
        kind = protocol.kind_of(text, published=self._published)
        if kind == "guess":
            says = self._take_guess(text)
        elif kind == "test":
            says = self._take_test(text)
        else:
            self.attempts += 1
            says = self._complain(prompts.FORMAT)
        if self.end is None and (self.attempts > self.limit or self._messages_left == 0):
            self.end = "no_guess"
        return says

    def _take_guess(self, text: str) -> str:
        source = protocol.read_guess(text, published=self._published)
        if source is None:
            return self._complain(prompts.BACKTICKS)
        judged = checker.judge(self.rule, source)
        self.guess = Guess(source, judged)
        self.end = "guessed"
        if judged.outcome == "invalid":
            return prompts.INVALID
        return prompts.verdict(self.rule, correct=judged.outcome == "correct")

    def _take_test(self, text: str) -> str:
        triple = protocol.read_test(text, published=self._published)
        if isinstance(triple, tuple) and self.attempts < self._allowed:
            return self._test(triple)
        if isinstance(triple, tuple):
            return self._complain(prompts.OUT_OF_TESTS, bad=not self._published)
        return self._complain(triple, bad=False)

    def _test(self, triple: Triple) -> str:
        try:
            value = bool(self._function(*triple))
        except Exception:
            # Only of nan, inf and enormous numbers; the official run dies of it.
            return self._complain(protocol.UNREADABLE, bad=False)
        first = self.attempts == 0 if self._published else not self.tests
        confirms = self.tracker.update(triple, value)
        self.confirming += confirms and not first
        self.reused += any(triple == known for known, _ in self.tests)
        self.tests.append((triple, value))
        before = self.limit - self.attempts
        self.attempts += 1
        self._warned = False
        return prompts.result(triple, value, before if self._published else before - 1)

    def _complain(self, says: str, *, bad: bool = True) -> str:
        """Answer a message that is no move; the second bad one in a row ends the game."""
        if bad and self._warned:
            self.end = "aborted"
            return prompts.ABORTED
        self._warned = bad
        return says
