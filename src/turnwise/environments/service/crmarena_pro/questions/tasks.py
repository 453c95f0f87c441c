"""All tasks of an organisation, made once for a process."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from turnwise.environments.service.crmarena_pro.made.org import Org, made
from turnwise.environments.service.crmarena_pro.made.words import PERSONAS
from turnwise.environments.service.crmarena_pro.questions import confidential, sales, service, texts, workflow
from turnwise.environments.service.crmarena_pro.questions.draft import Desk, Draft
from turnwise.environments.service.crmarena_pro.rows import CONFIDENTIAL, KINDS, CrmTask, Kind, measure
from turnwise.environments.service.crmarena_pro.schema import OrgType

Maker: TypeAlias = Callable[[Desk], Iterator[Draft]]
INSTANCES = 4
"""Tasks of each kind."""
_MAKERS: dict[Kind, Maker] = {
    kind: getattr(module, kind)
    for kind in KINDS
    for module in (service, texts, sales, workflow, confidential)
    if hasattr(module, kind)
}
_CONTEXT: dict[str, str] = {**service.CONTEXT, **texts.CONTEXT, **sales.CONTEXT, **workflow.CONTEXT}
_HELP: dict[str, str] = {**service.HELP, **texts.HELP, **sales.HELP, **workflow.HELP}


@lru_cache(maxsize=2)
def tasks(org: OrgType) -> tuple[CrmTask, ...]:
    """`INSTANCES` tasks of each kind, kind by kind."""
    found = made(org)
    return tuple(task for kind in KINDS for task in _of_kind(found, org, kind))


def _of_kind(org: Org, name: OrgType, kind: Kind) -> list[CrmTask]:
    desk = Desk(org, name, random.Random(f"crmarena_pro/{name}/{kind}"))
    drafts = islice(_MAKERS[kind](desk), INSTANCES)
    return [_task(org, name, kind, number, draft) for number, draft in enumerate(drafts)]


def _task(org: Org, name: OrgType, kind: Kind, number: int, draft: Draft) -> CrmTask:
    metric, form = measure(kind)
    who = draft.facts.get("contact")
    required = [f"Today is {org.today}."]
    if who is not None:
        required.append(f"The contact who asks is {who}.")
    if kind in _CONTEXT:
        required.append(_CONTEXT[kind])
    return CrmTask(
        id=f"{name}/{kind}/{number}",
        kind=kind,
        org=name,
        query=draft.query,
        answer=draft.answer,
        metric=metric,
        form=form,
        refuse=kind in CONFIDENTIAL,
        required=" ".join(required),
        optional=_HELP.get(kind, ""),
        persona=PERSONAS[number % len(PERSONAS)],
        opening=draft.opening,
        criteria=draft.criteria,
        facts=dict(draft.facts),
    )
