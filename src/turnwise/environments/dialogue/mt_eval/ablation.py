"""The classification ablation of MT-Eval: the same last document after four kinds of context.

100 rows a kind, 50 with 5 and 50 with 10 documents, of which only the last is scored and the others come with
stored labels: `gold` (random documents, right labels), `dgc` (none of the target's class), `sgc` (all of one
class) and `rc` (gold's documents with wrong labels).

The official script errs twice, which `published=True` repeats draw for draw: the one class of `sgc` may be
the target's own, though it is meant to differ; and in `rc` a document drawn twice is one object there, whose
second wrong label replaces the first and may be the right one after all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.dialogue.mt_eval import prompts
from turnwise.environments.dialogue.mt_eval.build import SEED, Document
from turnwise.environments.dialogue.mt_eval.rows import TOPICS, MTEvalTask
from turnwise.environments.parts.scripted import Line

ContextKind: TypeAlias = Literal["gold", "dgc", "sgc", "rc"]


class _Draws(NamedTuple):
    """One generator a purpose, seeded from a first, as the script has them."""

    target: random.Random
    gold: random.Random
    sgc: random.Random
    dgc: random.Random
    rc: random.Random


def label_contexts(
    docs: Sequence[Document], context: ContextKind, *, published: bool = False
) -> list[MTEvalTask]:
    """The 100 rows of one context kind."""
    target = random.Random(SEED)
    # The script seeds ten generators, of which it uses four.
    seeds = [target.randint(1, 10000) for _ in range(10)]
    draws = _Draws(target, *(random.Random(seed) for seed in seeds[:4]))
    tasks: list[MTEvalTask] = []
    for count in (5, 10):
        for session in range(1, 51):
            doc = draws.target.choice(docs)
            shown = _contexts(docs, doc, count - 1, draws, published=published)[context]
            tasks.append(_task(f"cls_{context}/{count}/{session}_{doc.number}", shown, doc))
    return tasks


def _contexts(
    docs: Sequence[Document], target: Document, count: int, draws: _Draws, *, published: bool
) -> dict[ContextKind, list[tuple[Document, str]]]:
    """All four contexts of one row (all are drawn, so that the generators stay in step)."""
    others = [doc for doc in docs if doc is not target]
    gold = draws.gold.choices(others, k=count)
    dgc = draws.dgc.choices([doc for doc in docs if doc.topic != target.topic], k=count)
    by_topic: dict[str, list[Document]] = {}
    for doc in docs:
        by_topic.setdefault(doc.topic, []).append(doc)
    large = [topic for topic, members in by_topic.items() if len(members) >= count + 1]
    if not published:
        large = [topic for topic in large if topic != target.topic]
    sgc = draws.sgc.choices(by_topic[draws.sgc.choice(large)], k=count)
    return {
        "gold": [(doc, doc.topic) for doc in gold],
        "dgc": [(doc, doc.topic) for doc in dgc],
        "sgc": [(doc, doc.topic) for doc in sgc],
        "rc": _mislabelled(gold, draws.rc, published=published),
    }


def _mislabelled(
    docs: Sequence[Document], draw: random.Random, *, published: bool
) -> list[tuple[Document, str]]:
    labels: dict[int, str] = {}
    wrong: list[str] = []
    for doc in docs:
        avoid = labels.get(doc.number, doc.topic) if published else doc.topic
        label = draw.choice([topic for topic in TOPICS if topic != avoid])
        labels[doc.number] = label
        wrong.append(label)
    if published:
        wrong = [labels[doc.number] for doc in docs]
    return list(zip(docs, wrong, strict=True))


def _task(name: str, context: Sequence[tuple[Document, str]], target: Document) -> MTEvalTask:
    lines = [Line(id="instruction", user=prompts.CLASSIFY_ALL, reference="ok.", scored=False)]
    for doc, label in context:
        lines.append(Line(id=str(doc.number), user="\n".join(doc.head), reference=label, scored=False))
    text = "\n".join(target.head)
    lines.append(Line(id=str(target.number), user=text, reference=target.topic, needs="instruction"))
    return MTEvalTask(id=name, lines=tuple(lines), kind="recollection", scorer="label")
