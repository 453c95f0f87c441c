"""Judges: from a stored episode, or two of them, to verdicts.

A judge here is configured from outside and reads a finished episode's log; what is shared with environments
that seat a judge among their roles (`Verdict`, parsers, the policy for answers that cannot be read) is in
`turnwise.verdict`. Each kind has a file, and a name in the entry points `turnwise.judges`.
"""

from turnwise.judges.amulet import AmuletActs, AmuletMaxims
from turnwise.judges.checklist import Checklist
from turnwise.judges.contract import (
    Judge,
    PromptJudge,
    Question,
    Reducer,
    ask_model,
    majority,
    mean_of_all,
    mean_of_given,
    worst,
)
from turnwise.judges.extraction import Extraction
from turnwise.judges.jury import Jury, score_vote, vote
from turnwise.judges.objective import Objexmt
from turnwise.judges.pairwise import PairJudge, Pairwise
from turnwise.judges.question import OneQuestion
from turnwise.judges.rating import MTEvalRating, Rating, mt_eval_judge, rating_judge
from turnwise.judges.refusal import Refusal
from turnwise.judges.rubric import Rubric
from turnwise.judges.sliding_window import SlidingWindow
from turnwise.judges.state import State

__all__ = [
    "AmuletActs",
    "AmuletMaxims",
    "Checklist",
    "Extraction",
    "Judge",
    "Jury",
    "MTEvalRating",
    "Objexmt",
    "OneQuestion",
    "PairJudge",
    "Pairwise",
    "PromptJudge",
    "Question",
    "Rating",
    "Reducer",
    "Refusal",
    "Rubric",
    "SlidingWindow",
    "State",
    "ask_model",
    "majority",
    "mean_of_all",
    "mean_of_given",
    "mt_eval_judge",
    "rating_judge",
    "score_vote",
    "vote",
    "worst",
]
