"""Rating judges: an integer from 1 to 10 with a rationale, in JSON, for each answer of a role.

`rating_judge` rates every answer of any episode by criteria in words. `mt_eval_judge` asks MT-Eval's own
questions (arXiv 2401.16745) about a stored MT-Eval episode: another judge for an old run, no agent needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

from turnwise import wire
from turnwise.environments.dialogue.mt_eval.rows import MTEvalTask
from turnwise.environments.dialogue.mt_eval.scoring import judge_prompt
from turnwise.environments.parts.scripted import exchanges
from turnwise.errors import ConfigError
from turnwise.judges.contract import PromptJudge, Question, mean_of_given
from turnwise.judges.transcript import indented
from turnwise.log import EpisodeLog, Turn, as_seen
from turnwise.verdict import Asker, JsonRating, Unreadable, Verdict


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """Each answer of a role by criteria in words, from 1 to 10."""

    shares: ClassVar[bool] = False
    """Its marks lie on a scale of their own, and say nothing of what passes."""

    criteria: str = "How well does it serve the user?"
    role: str = ""
    """Whose answers; by default those of the episode's first role."""
    low: int = 1
    high: int = 10
    unreadable: Unreadable = Unreadable()
    name: str = "rating"

    def __post_init__(self) -> None:
        JsonRating(low=self.low, high=self.high)

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict an answer.

        Raises:
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        made = rating_judge(
            self.criteria,
            role=self.role or log.roles[0],
            low=self.low,
            high=self.high,
            unreadable=self.unreadable,
        )
        return await made.verdicts(log, ask)

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The mean of those that could be read."""
        return mean_of_given(verdicts)


class MTEvalRating(msgspec.Struct, frozen=True, kw_only=True):
    """MT-Eval's own questions about its episodes, where no rule decides."""

    shares: ClassVar[bool] = False

    variant: Literal["published", "corrected"] = "corrected"
    unreadable: Unreadable = Unreadable()
    name: str = "mt_eval"

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict for each turn that no rule decides.

        Raises:
            ConfigError: it is no episode of MT-Eval.
            ModelError: the judge failed, or its answer cannot be read and the policy says so.
        """
        return await mt_eval_judge(variant=self.variant, unreadable=self.unreadable).verdicts(log, ask)

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The mean of those that could be read."""
        return mean_of_given(verdicts)


def rating_judge(
    criteria: str,
    *,
    role: str = "agent",
    low: int = 1,
    high: int = 10,
    unreadable: Unreadable | None = None,
) -> PromptJudge:
    """A judge that rates each answer of `role` by `criteria`, seeing the conversation up to it.

    Its word on the whole episode is the mean of the ratings that could be read.
    """

    def questions(log: EpisodeLog) -> Sequence[Question]:
        return [
            Question(prompt=_prompt(log, turn, criteria, low, high), evidence=(turn.index,))
            for turn in log.turns
            if turn.role == role and not turn.message.tool_calls
        ]

    return PromptJudge(
        name="rating",
        questions=questions,
        parse=JsonRating(low=low, high=high),
        reducer=mean_of_given,
        unreadable=unreadable or Unreadable(),
    )


def _prompt(log: EpisodeLog, rated: Turn, criteria: str, low: int, high: int) -> str:
    names = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}
    said = [
        f"[{turn.index}] {names[as_seen(turn, rated.role).role]}: {indented(turn.text)}"
        for turn in log.turns[: rated.index]
        if turn.role == rated.role or not turn.to or rated.role in turn.to
    ]
    conversation = "\n".join(said)
    return (
        f"Rate the assistant's response below. {criteria}\n\n"
        f"Conversation so far, each turn under its number:\n{conversation}\n\n"
        f"Response to rate:\n{indented(rated.text)}\n\n"
        "Explain your rating before you give it. Answer in JSON of exactly this form:\n"
        f'```json\n{{"Rationale": "<why>", "Score": <an integer from {low} to {high}>}}\n```'
    )


def mt_eval_judge(
    *, variant: Literal["published", "corrected"] = "corrected", unreadable: Unreadable | None = None
) -> PromptJudge:
    """MT-Eval's judge over stored episodes of it: the turns that no rule decides.

    Raises:
        ConfigError: (when asked) for an episode of another environment.
    """
    published = variant == "published"

    def questions(log: EpisodeLog) -> Sequence[Question]:
        if log.environment != "mt_eval":
            raise ConfigError(f"the MT-Eval judge reads episodes of 'mt_eval', got {log.environment!r}")
        task = wire.from_builtins(log.task, MTEvalTask)
        if task.scorer != "judge":
            return []
        history = log.settings.get("history", "own")
        return [
            Question(
                prompt=judge_prompt(task, exchange, history, published=published),
                evidence=(exchange.reply.index,),
            )
            for exchange in exchanges(task, log.turns)
        ]

    return PromptJudge(
        name="mt_eval",
        questions=questions,
        parse=JsonRating(strict=published),
        reducer=mean_of_given,
        unreadable=unreadable or Unreadable(),
    )
