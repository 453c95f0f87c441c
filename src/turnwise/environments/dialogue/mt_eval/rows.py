"""The tasks of MT-Eval: scripted dialogues of four kinds, and how a turn of each is scored."""

from __future__ import annotations

from typing import Literal, TypeAlias

from turnwise.environments.dialogue.mt_eval.checkers import Instruction
from turnwise.environments.parts.scripted import Dialogue

Kind: TypeAlias = Literal["recollection", "expansion", "refinement", "follow_up"]
Form: TypeAlias = Literal["multi", "single"]
Scorer: TypeAlias = Literal["label", "instruction", "judge"]

KINDS: tuple[Kind, ...] = ("recollection", "expansion", "refinement", "follow_up")

TOPICS: tuple[str, ...] = (
    "ethics",
    "sports",
    "music",
    "art",
    "science",
    "literature",
    "economics",
    "medicine",
    "food",
    "technology",
    "history",
    "travel",
    "education",
)  # fmt: skip
"""The classes of the documents, in the official order (some draws depend on it)."""


class MTEvalTask(Dialogue, frozen=True, kw_only=True):
    """One dialogue of MT-Eval, or the single-turn twin of one of its turns (`form="single"`)."""

    kind: Kind
    scorer: Scorer
    """`label`: the stored answer must be named; `instruction`: a checker decides; `judge`: a judge rates."""
    form: Form = "multi"
    document: str = ""
    """The text that the judge compares with (expansion, refinement)."""
    instruction: Instruction | None = None
    """The instruction that holds throughout (recollection)."""
    distractors: int = 0
    """Unscored turns about something else that were inserted."""
