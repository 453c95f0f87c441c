"""TravelBench's arithmetic: ratings to 0-100, the share of calls in error, the judge's own judge, means.

    average  = mean of the ratings (1 to 5) of the dimensions
    S        = (rating - 1) / 4 * 100
    S_pen    = S * (1 - errors / calls)
    final    = S_pen * meta / 5              where a meta-judge rates the judgement from 1 to 5

Pure functions: no model does sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from turnwise.environments.service.travelbench.rows import Form
from turnwise.log import Turn
from turnwise.verdict import Parser, Verdict, no_verdict
from turnwise.wire import Record

UNSOLVED = "[Unsolved]"
"""What an agent says of a request that cannot be done, exactly as published."""
DIMENSIONS: dict[Form, tuple[str, ...]] = {
    "single": ("reasoning_planning", "summarization_extraction", "presentation"),
    "multi": ("reasoning_planning", "summarization_extraction", "presentation", "user_interaction"),
}
RATINGS = {"极差": 1, "较差": 2, "一般": 3, "较好": 4, "优秀": 5} | {
    word: rating for rating, word in enumerate(("very poor", "poor", "fair", "good", "excellent"), start=1)
}
"""The published words, and ours."""


class Scores(Record, frozen=True, kw_only=True):
    """How one trajectory was judged, by dimension and on average (`average`)."""

    ratings: dict[str, float]
    """From 1 to 5."""
    normalised: dict[str, float]
    """From 0 to 100."""
    penalised: dict[str, float]
    """The same, less the share of calls in error."""
    final: dict[str, float]
    """The same, by the meta-judge's weight, where there is one."""


def normalised(rating: float) -> float:
    """A rating from 1 to 5 on the scale from 0 to 100."""
    return (rating - 1) / 4 * 100


def tool_weight(*, calls: int, errors: int) -> float:
    """One less the share of calls in error; 1 without any call."""
    return 1.0 if calls == 0 else 1 - errors / calls


def scores(ratings: Mapping[str, float], *, calls: int, errors: int, meta: float | None = None) -> Scores:
    """All scores of one trajectory.

    Args:
        ratings: From 1 to 5, by dimension.
        calls: Calls of tools that were made.
        errors: Those that ended in an error.
        meta: The meta-judge's rating of the judgement, from 1 to 5, where there is one.

    Raises:
        ValueError: there are no ratings.
    """
    if not ratings:
        raise ValueError("TravelBench: no ratings, so no score")
    rated = {**ratings, "average": fmean(ratings.values())}
    plain = {name: normalised(rating) for name, rating in rated.items()}
    tools = tool_weight(calls=calls, errors=errors)
    penalised = {name: value * tools for name, value in plain.items()}
    trust = 1.0 if meta is None else meta / 5
    return Scores(
        ratings=rated,
        normalised=plain,
        penalised=penalised,
        final={name: value * trust for name, value in penalised.items()},
    )


def overall(judged: Iterable[Scores]) -> dict[str, float]:
    """Means of the final scores over trajectories; those without a judgement are none.

    Raises:
        ValueError: nothing was judged.
    """
    final = [one.final for one in judged]
    if not final:
        raise ValueError("TravelBench: nothing was judged, so there is no mean")
    return {name: fmean(one[name] for one in final) for name in final[0]}


def untold(said: Iterable[str], facts: Sequence[str]) -> list[str]:
    """The facts that were not said, whatever their case: what can be checked without a judge."""
    spoken = "\n".join(said).casefold()
    return [fact for fact in facts if fact.casefold() not in spoken]


# Abstention ----------------------------------------------------------------------------------------------


def unsolved(turns: Sequence[Turn], *, anywhere: bool = False) -> bool:
    """Whether an agent says that a request cannot be done.

    As published, the agent's first message says so, be it one that calls tools; its prompt allows it at any
    time, which is what `anywhere` looks for.
    """
    said = [turn.text for turn in turns if turn.role == "agent"]
    return any(UNSOLVED in text for text in (said if anywhere else said[:1]))


def accuracy(abstained: Sequence[bool]) -> float:
    """Share of unsolvable requests that were recognised; published: out of 100.

    Raises:
        ValueError: there are none.
    """
    if not abstained:
        raise ValueError("TravelBench: no request, so no accuracy")
    return sum(abstained) / len(abstained)


# What a judge says ---------------------------------------------------------------------------------------


def reader(dimensions: Sequence[str]) -> Parser:
    """Reads a judge's XML: for each dimension a `rating` in one of the five words, and the `reasoning`.

    Tags that the judge forgot to close do no harm. What rates less than all dimensions is no verdict. The
    ratings are the verdict's `figures`, their mean its score.
    """

    def read(answer: str) -> Verdict:
        ratings: dict[str, float] = {}
        reasons: list[str] = []
        for name, part in _parts(answer, dimensions).items():
            rating = _rating(part)
            if rating is None:
                return no_verdict(f"no rating of {name}: expected <rating> with one of {', '.join(RATINGS)}")
            ratings[name] = rating
            reasons.append(f"{name}: {_inside(part, 'reasoning')}")
        if len(ratings) < len(dimensions):
            missing = [name for name in dimensions if name not in ratings]
            return no_verdict(f"no element {', '.join(f'<{name}>' for name in missing)}")
        return Verdict(score=fmean(ratings.values()), figures=ratings, reason="\n".join(reasons))

    return read


def read_meta(answer: str) -> Verdict:
    """Reads a meta-judge's XML: `<meta_evaluation>` with `reasoning` and a `rating`."""
    part = _parts(answer, ["meta_evaluation"]).get("meta_evaluation", "")
    rating = _rating(part)
    if rating is None:
        return no_verdict(f"expected <meta_evaluation> with a <rating>: one of {', '.join(RATINGS)}")
    return Verdict(score=rating, reason=_inside(part, "reasoning"))


def _parts(answer: str, names: Sequence[str]) -> dict[str, str]:
    """What stands after each element's opening tag, up to the next one's; the last of a name counts."""
    opening = "|".join(map(re.escape, names))
    return dict(re.findall(rf"<({opening})>(.*?)(?=<(?:{opening})>|\Z)", answer, re.DOTALL))


def _inside(part: str, tag: str) -> str:
    """The text of a tag, up to the next tag of any kind."""
    found = re.search(rf"<{tag}>([^<]*)", part)
    return found[1].strip() if found else ""


def _rating(part: str) -> int | None:
    return RATINGS.get(_inside(part, "rating").casefold())
