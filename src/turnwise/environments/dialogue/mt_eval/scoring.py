"""How a turn of MT-Eval is scored: by rule where a rule decides, else by what a judge is asked.

Scores run from 0 to 10, as in the paper: a rule gives 0 or 10, a judge 1 to 10.
"""

from __future__ import annotations

import re
import string

from turnwise.environments.dialogue.mt_eval import prompts
from turnwise.environments.dialogue.mt_eval.rows import TOPICS, Form, Kind, MTEvalTask, Scorer
from turnwise.environments.parts.scripted import Exchange, History
from turnwise.verdict import Verdict
from turnwise.wire import Record

_NO_PUNCTUATION = str.maketrans(string.punctuation, " " * len(string.punctuation))


class Row(Record, frozen=True, kw_only=True):
    """One scored turn, as `turnwise.metrics.mt_eval` analyses it; the episode's notes hold them."""

    dialogue: str
    line: str
    kind: Kind
    scorer: Scorer
    form: Form = "multi"
    history: History = "own"
    position: int
    """Among the scored turns of its dialogue, from 1."""
    distance: int
    """Lines from the content it needs to the turn itself."""
    distractors: int = 0
    twin: str | None = None
    """Dialogue id of its single-turn form."""
    score: float | None = None
    """From 0 to 10; None where there is no verdict."""
    missing: str | None = None
    """Why there is none."""


def row_of(task: MTEvalTask, exchange: Exchange, verdict: Verdict, history: History) -> Row:
    """A scored turn with all that the analyses ask of it."""
    return Row(
        dialogue=task.id,
        line=exchange.line.id,
        kind=task.kind,
        scorer=task.scorer,
        form=task.form,
        history=history,
        position=exchange.position,
        distance=task.distance(exchange.at),
        distractors=task.distractors,
        twin=exchange.line.twin,
        score=verdict.score,
        missing=verdict.missing,
    )


def by_rule(task: MTEvalTask, exchange: Exchange, *, published: bool = False) -> Verdict | None:
    """The verdict of a rule, 0 or 10; None where it takes a judge."""
    response, turn = exchange.reply.text, exchange.reply.index
    if task.scorer == "label":
        right = names_label(response, exchange.line.reference, published=published)
        return Verdict(score=10 * right, evidence=(turn,))
    if task.scorer == "instruction" and task.instruction is not None:
        right = task.instruction.follows(response, published=published)
        return Verdict(score=10 * right, evidence=(turn,))
    return None


def names_label(response: str, label: str, *, published: bool = False) -> bool:
    """Whether a response names a label.

    As published, the label only has to stand somewhere in the lower-cased response without punctuation, so
    "party" names "art", and a list of all labels is always right. Corrected, it must be a word of its own and
    the only one of the labels that is named.
    """
    plain, wanted = (text.translate(_NO_PUNCTUATION).lower() for text in (response, label))
    if published:
        return wanted in plain
    named = {topic for topic in (*TOPICS, wanted.strip()) if re.search(rf"\b{re.escape(topic)}\b", plain)}
    return named == {wanted.strip()}


def judge_prompt(task: MTEvalTask, exchange: Exchange, history: History, *, published: bool = False) -> str:
    """What a judge is asked about a turn.

    The published script shows the judge of a follow-up turn the *stored* answer to the turn it follows, even
    where the agent went on from its own; corrected, it is the one the agent remembers.
    """
    line, response = exchange.line, exchange.reply.text
    if task.kind == "expansion":
        return prompts.rate_expansion(task.document, prompts.instruction_in(line.user), response.strip())
    if task.kind == "refinement":
        constraints = constraints_until(task, exchange.at)
        return prompts.rate_refinement(task.document, constraints, response, alone=task.form == "single")
    before = None
    if line.needs is not None:
        earlier = task.lines[exchange.at - task.distance(exchange.at)]
        stored = published or history == "gold"
        before = (earlier.user, earlier.reference if stored else exchange.before)
    return prompts.rate_follow_up(before, line.user, response)


def constraints_until(task: MTEvalTask, index: int) -> list[str]:
    """The constraints that hold at a line: all since its task type (the middle of `doc_type_step`) began."""
    constraints: list[str] = []
    for line in reversed(task.lines[: index + 1]):
        if not line.scored:
            continue
        if _task_type(line.id) != _task_type(task.lines[index].id):
            break
        constraints.append(prompts.instruction_in(line.user))
    return constraints[::-1]


def _task_type(line_id: str) -> str:
    return line_id.split("_")[1]
