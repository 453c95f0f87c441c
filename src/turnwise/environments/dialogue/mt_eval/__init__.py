"""MT-Eval: multi-turn recollection, expansion, refinement and follow-up, with single-turn twins."""

from turnwise.environments.dialogue.mt_eval.environment import MTEval
from turnwise.environments.dialogue.mt_eval.rows import MTEvalTask
from turnwise.environments.dialogue.mt_eval.scoring import Row

__all__ = ["MTEval", "MTEvalTask", "Row"]
