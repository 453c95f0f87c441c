"""MT-Eval (Kwan et al. 2024, arXiv 2401.16745): recall, expand, refine and follow up over many turns.

168 scripted dialogues with 1,170 scored turns, of four kinds; three kinds bring a single-turn twin for nearly
every turn, so that what gets lost *in conversation* can be told from what a model cannot do at all.

Scores keep the paper's scale of 0 to 10. An episode's score is the mean over its scored turns that have a
verdict: each such turn is rewarded with its score divided by their number. A turn that needs a judge where
nobody fills that role, or whose judge's answer cannot be read, has no verdict: it is neither 0 nor counted.
The undivided scores stand in the notes named `mt_eval` (`scoring.Row`), which `turnwise.metrics.mt_eval`
reads; the paper's averages pool turns, not dialogues.

`variant="published"` repeats what the official code does: a label may stand inside another word and among all
other labels; a judge's answer counts only where it is one bare or fenced JSON object (others are dropped,
which shrinks the denominator), whatever number it gives; a follow-up judge sees the stored answer before, not
the agent's own; an emoji is one code point, and a text in no language at all is in the right one; `cls_sgc`
may draw its context from the target's class, and `cls_rc` may give a right label.

The classification ablations are meant to be run with `history="gold"`, the published way; only their last
turn is scored, so that it makes no difference here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.dialogue.mt_eval import agents, build, prompts
from turnwise.environments.dialogue.mt_eval.rows import Form, MTEvalTask
from turnwise.environments.dialogue.mt_eval.scoring import by_rule, judge_prompt, row_of
from turnwise.environments.dialogue.mt_eval.sources import Selection, load
from turnwise.environments.parts.distractors import Position, insert
from turnwise.environments.parts.scripted import Exchange, History, converse, exchanges
from turnwise.environments.parts.views import ask_alone
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.task import Task
from turnwise.verdict import JsonRating, Unreadable, Verdict, judged, no_verdict


class MTEval(Environment, kw_only=True, frozen=True):
    """MT-Eval, its twins, histories, distractors and ablations."""

    name: ClassVar[str] = "mt_eval"
    roles: ClassVar[tuple[str, ...]] = ("agent",)
    optional_roles: ClassVar[tuple[str, ...]] = ("judge",)
    task_type: ClassVar[type[Task]] = MTEvalTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    kind: Selection = "sample"
    """A small set of our own, one of four kinds, all of them, or an ablation (`cls_*`, `irrelevant_*`)."""
    form: Form = "multi"
    """The dialogues, or the single-turn twins of their turns."""
    history: History = "own"
    """What the agent remembers having answered: its own words, or the stored answers."""
    distractors: int = 0
    """Turns about something else to insert into each dialogue."""
    position: Position = "between"
    """Where: before everything (`front`), or between the content and the questions (`between`)."""
    variant: Literal["published", "corrected"] = "corrected"
    """Score as the official code does, errors included, or as the paper means."""
    system: str = prompts.SYSTEM
    """System message at the head of each dialogue; empty for none."""
    ask_again: int = 0
    """How often to ask a judge again whose answer cannot be read."""

    def tasks(self) -> Iterable[Task]:
        """The chosen dialogues, or twins."""
        found = load(self.kind, self.form, published=self.variant == "published")
        if not self.distractors:
            return found
        if self.form == "single":
            raise ConfigError("mt_eval: distractors need a dialogue to stand in; set form='multi'")
        return [self._distracted(task) for task in found]

    def _distracted(self, task: MTEvalTask) -> MTEvalTask:
        longer = insert(
            build.apart(task) if self.position == "between" else task, self.distractors, self.position
        )
        return msgspec.structs.replace(longer, distractors=task.distractors + self.distractors)

    async def run(self, task: MTEvalTask, episode: Episode) -> None:
        """Lead the agent through the dialogue."""
        await converse(episode.agent, task, history=self.history, told=self.system or None)

    async def score(self, task: MTEvalTask, episode: Episode) -> None:
        """Score every turn the agent came to answer."""
        answered = exchanges(task, episode.turns)
        verdicts = [await self._verdict(task, exchange, episode) for exchange in answered]
        given = sum(verdict.score is not None for verdict in verdicts)
        for exchange, verdict in zip(answered, verdicts, strict=True):
            share = None if verdict.score is None else verdict.score / given
            episode.reward(share, exchange.reply, name=task.kind)
            episode.note(row_of(task, exchange, verdict, self.history), exchange.reply, name="mt_eval")
        if given < len(verdicts):
            episode.metric("missing_verdicts", len(verdicts) - given)

    async def _verdict(self, task: MTEvalTask, exchange: Exchange, episode: Episode) -> Verdict:
        published = self.variant == "published"
        verdict = by_rule(task, exchange, published=published)
        if verdict is not None:
            return verdict
        if not episode.has("judge"):
            return no_verdict(
                "it takes a judge, and nobody fills that role", evidence=(exchange.reply.index,)
            )

        async def ask(prompt: str) -> str:
            return (await ask_alone(episode.judge, prompt)).text

        prompt = judge_prompt(task, exchange, self.history, published=published)
        return await judged(ask, prompt, JsonRating(strict=published), Unreadable(ask_again=self.ask_again))

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver`, `random`, `forgetful`, `copycat`; `judge/overlap` rates without a model."""
        return {
            "solver": agents.solver,
            "random": agents.random_agent,
            "forgetful": agents.forgetful(),
            "copycat": agents.copycat,
            "judge/overlap": agents.overlap_judge,
        }
