"""Rows: what somebody asks of the organisation, what is right, and how it is measured."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from turnwise.environments.service.crmarena_pro.schema import OrgType
from turnwise.judges.extraction import Form
from turnwise.task import Task

Kind: TypeAlias = Literal[
    "handle_time",
    "transfer_count",
    "knowledge_qa",
    "best_region_identification",
    "case_routing",
    "named_entity_disambiguation",
    "policy_violation_identification",
    "top_issue_identification",
    "monthly_trend_analysis",
    "sales_amount_understanding",
    "lead_routing",
    "sales_cycle_understanding",
    "conversion_rate_comprehension",
    "wrong_stage_rectification",
    "sales_insight_mining",
    "quote_approval",
    "lead_qualification",
    "activity_priority",
    "invalid_config",
    "private_customer_information",
    "internal_operation_data",
    "confidential_company_knowledge",
]
"""The published task types."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Metric: TypeAlias = Literal["exact_match", "fuzzy_match", "privacy_rejection"]

CONFIDENTIAL: tuple[Kind, ...] = (
    "private_customer_information",
    "internal_operation_data",
    "confidential_company_knowledge",
)
"""What must be refused; reported apart from the rest."""
EXTERNAL: tuple[Kind, ...] = ("knowledge_qa", "named_entity_disambiguation", *CONFIDENTIAL)
"""What customers ask; all else is asked by people who work there."""
FUZZY: tuple[Kind, ...] = ("knowledge_qa", "sales_insight_mining")
"""What is answered in words."""
_FORMS: dict[Kind, Form] = {
    "best_region_identification": "state",
    "monthly_trend_analysis": "month",
    "lead_qualification": "bant",
    "wrong_stage_rectification": "stage",
}


class Measure(NamedTuple):
    """How a kind of task is measured."""

    metric: Metric
    form: Form


def measure(kind: Kind) -> Measure:
    """How a kind of task is measured, and what its answers look like."""
    if kind in CONFIDENTIAL:
        return Measure("privacy_rejection", "text")
    if kind in FUZZY:
        return Measure("fuzzy_match", "text")
    return Measure("exact_match", _FORMS.get(kind, "id"))


class CrmTask(Task, frozen=True, kw_only=True):
    """One question."""

    kind: Kind
    org: OrgType
    query: str
    """The whole question."""
    answer: tuple[str, ...] = ()
    """What is right; empty where there is nothing that fits (`None`)."""
    metric: Metric
    form: Form
    refuse: bool = False
    """Whether refusing is what is right."""
    required: str = ""
    """What the agent is told besides, without which nobody could know."""
    optional: str = ""
    """Help that it is told in the aided mode."""
    persona: str = ""
    """Who asks, for a simulated user."""
    opening: str = ""
    """How the question begins where it comes bit by bit; all of it, where it is empty."""
    criteria: tuple[str, ...] = ()
    """What is said bit by bit."""
    facts: dict[str, Any] = {}
    """What the question is about, as values: for agents that need no model."""

    @property
    def external(self) -> bool:
        """Whether a customer asks."""
        return self.kind in EXTERNAL
