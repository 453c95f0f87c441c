"""`pairwise`: which of two continuations of one conversation is better, asked in both orders.

A pair are two episodes of one task: what both begin with is the history, what follows in each are the
responses. A judge that is shown A first and then B first shows whether it looks at the place: where the two
words differ, the pair is a tie, and counts as inconsistent (`turnwise.metrics.position_bias`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from turnwise.judges import reducers
from turnwise.judges.transcript import View, lines, rendered
from turnwise.log import EpisodeLog
from turnwise.verdict import Asker, Unreadable, Verdict, judged, no_verdict


class PairJudge(Protocol):
    """Anything that says which of two episodes is better: labels `A`, `B` and `tie`, the score is A's."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    async def compared(self, a: EpisodeLog, b: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """Its verdicts, e.g. one for each order."""
        ...

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """What they amount to; pure."""
        ...


class Pair(NamedTuple):
    """Two continuations of one conversation, as text."""

    history: str
    first: str
    second: str


def pair_of(first: EpisodeLog, second: EpisodeLog, view: View | None = None) -> Pair:
    """What two episodes share, and what each goes on with."""
    one, other = lines(first, view), lines(second, view)
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    return Pair(rendered(one[:shared]), rendered(one[shared:]), rendered(other[shared:]))


class BothOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Base of judges that are shown a pair in the order given and, with `swap`, in the other.

    A subclass has a `name` and says which of a shown pair is better (`winner`); here that becomes a word on A
    and B.
    """

    swap: bool = True
    """Ask in both orders."""
    view: View = View()
    """What of the episodes is shown."""
    unreadable: Unreadable = Unreadable()

    async def winner(self, pair: Pair, ask: Asker) -> Verdict:
        """Which of a shown pair is better, by place: `A` is what is shown first."""
        raise NotImplementedError(f"{type(self).__name__} defines no winner(pair, ask)")

    async def compared(self, a: EpisodeLog, b: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict for each order; all are about A and B.

        Raises:
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        found = [placed(await self.winner(pair_of(a, b, self.view), ask), swapped=False)]
        if self.swap:
            found.append(placed(await self.winner(pair_of(b, a, self.view), ask), swapped=True))
        return found

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The winner in all orders, else a tie."""
        return agreed(verdicts)


def placed(verdict: Verdict, *, swapped: bool) -> Verdict:
    """A word on a shown pair as one on A and B; whether the first place won is the figure `first`."""
    if verdict.label is None:
        return verdict
    shown = {"A": 1.0, "B": -1.0, "tie": 0.0}[verdict.label]
    label = {"A": "B", "B": "A"}.get(verdict.label, verdict.label) if swapped else verdict.label
    score = reducers.preference(label).score
    figures = {**verdict.figures, "first": shown}
    return msgspec.structs.replace(verdict, label=label, score=score, figures=figures)


def agreed(verdicts: Sequence[Verdict]) -> Verdict:
    """The winner that all orders agree on, else a tie; missing where one is.

    Figures are `consistent` (1 or 0) and `first`: 1 where the first place won in every order, -1 the second.
    """
    missing = next((verdict.missing for verdict in verdicts if verdict.missing is not None), None)
    if missing is not None or not verdicts:
        return no_verdict(missing or "there was nothing to judge")
    labels = {verdict.label for verdict in verdicts}
    consistent = len(labels) == 1
    whole = reducers.preference(str(labels.pop()) if consistent else "tie")
    sure = [verdict.confidence for verdict in verdicts if verdict.confidence is not None]
    first = [verdict.figures["first"] for verdict in verdicts]
    reason = verdicts[0].reason if consistent else "the winner changed with the order"
    return msgspec.structs.replace(
        whole,
        reason=reason,
        read=verdicts[0].read,
        confidence=sum(sure) / len(sure) if len(sure) == len(verdicts) else None,
        figures={"consistent": float(consistent), "first": sum(first) / len(first)},
    )


class Pairwise(BothOrders, frozen=True, kw_only=True):
    """A plain judge of pairs: it says `[[A]]`, `[[B]]` or `[[C]]` for a tie."""

    question: str = "Which response serves the user better?"
    reasons: bool = True
    """Let it say why before it decides."""
    name: str = "pairwise"

    async def winner(self, pair: Pair, ask: Asker) -> Verdict:
        """See `BothOrders.winner`."""
        how = "Say why in a few sentences, then decide." if self.reasons else "Do not explain."
        prompt = (
            f"{shown_pair(pair)}\n\n{self.question} The order in which they are shown, and their length, say "
            f"nothing. {how}\nEnd with [[A]], [[B]], or [[C]] for a tie."
        )
        return await judged(ask, prompt, read_winner, self.unreadable)


def shown_pair(pair: Pair) -> str:
    """A pair as a judge is shown it."""
    return (
        f"Compare two ways in which a conversation went on.\n\nConversation so far:\n{pair.history}\n\n"
        f"Response A:\n{pair.first}\n\nResponse B:\n{pair.second}"
    )


def read_winner(answer: str) -> Verdict:
    """The last of `[[A]]`, `[[B]]` and `[[C]]` in an answer."""
    found = re.findall(r"\[\[\s*([ABC])\s*\]\]", answer)
    if not found:
        return no_verdict("none of [[A]], [[B]] and [[C]]")
    verdict = reducers.preference({"A": "A", "B": "B", "C": "tie"}[found[-1]])
    return msgspec.structs.replace(verdict, reason=answer.strip() or None)
