"""Judges: from a stored episode to verdicts.

A judge here is configured from outside and reads a finished episode's log; what is shared with environments
that seat a judge among their roles (`Verdict`, parsers, the policy for answers that cannot be read) is in
`turnwise.verdict`.
"""

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
from turnwise.judges.rating import mt_eval_judge, rating_judge

__all__ = [
    "Judge",
    "PromptJudge",
    "Question",
    "Reducer",
    "ask_model",
    "majority",
    "mean_of_all",
    "mean_of_given",
    "mt_eval_judge",
    "rating_judge",
    "worst",
]
