"""How each question is worked out by queries alone: an agent's way, which knows no answer and no record.

Every function is given the facts of a question; it yields SOQL, is sent the records, and returns the answers.
It shares nothing with `questions`, so that the two check each other: the rules and their numbers are read
from the articles, as an agent has to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

Records: TypeAlias = list[dict[str, Any]]
Work: TypeAlias = Generator[str, Records, list[str]]
Facts: TypeAlias = Mapping[str, Any]


def _within(field: str, facts: Facts) -> str:
    """That a date and time lies in the period asked for."""
    return f"{field} >= {facts['first']}T00:00:00Z AND {field} < {facts['after']}T00:00:00Z"


def _best(values: Mapping[str, float], facts: Facts) -> list[str]:
    """Whose value is the one asked for."""
    pick = min if facts.get("lowest") else max
    return [pick(values, key=lambda name: values[name])] if values else []


def _means(pairs: Iterable[tuple[str, float]], least: int = 1) -> dict[str, float]:
    grouped: dict[str, list[float]] = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return {name: sum(all_) / len(all_) for name, all_ in grouped.items() if len(all_) >= least}


def _seconds(case: Mapping[str, Any]) -> float:
    opened, closed = (datetime.fromisoformat(case[name][:19]) for name in ("CreatedDate", "ClosedDate"))
    return (closed - opened).total_seconds()


def _number(text: str) -> int:
    """The number in an article."""
    found = re.search(r"\d+", text)
    return int(found[0]) if found else 0


# Cases -------------------------------------------------------------------------------------------------


def handle_time(facts: Facts) -> Work:
    """Mean time of cases that one agent alone had."""
    alone = yield (
        "SELECT CaseId__c FROM CaseHistory__c WHERE Field__c = 'Owner Assignment' "
        "GROUP BY CaseId__c HAVING COUNT(Id) = 1"
    )
    cases = yield (
        "SELECT Id, OwnerId, CreatedDate, ClosedDate FROM Case "
        f"WHERE ClosedDate != null AND {_within('CreatedDate', facts)}"
    )
    kept = {row["CaseId__c"] for row in alone}
    pairs = ((case["OwnerId"], _seconds(case)) for case in cases if case["Id"] in kept)
    return _best(_means(pairs, facts["least"]), facts)


def transfer_count(facts: Facts) -> Work:
    """Hand-overs of those who were given enough cases."""
    within = f"Field__c = 'Owner Assignment' AND {_within('CreatedDate', facts)}"
    given = yield (
        f"SELECT NewValue__c agent FROM CaseHistory__c WHERE {within} "
        f"GROUP BY NewValue__c HAVING COUNT(Id) >= {facts['least']}"
    )
    passed = yield (
        "SELECT OldValue__c agent, COUNT(Id) number FROM CaseHistory__c "
        f"WHERE {within} AND OldValue__c != null GROUP BY OldValue__c"
    )
    counts = {row["agent"]: row["number"] for row in passed}
    return _best({row["agent"]: counts.get(row["agent"], 0) for row in given}, facts)


def best_region_identification(facts: Facts) -> Work:
    """Mean time of cases by state."""
    cases = yield (
        "SELECT Account.ShippingState, CreatedDate, ClosedDate FROM Case "
        f"WHERE ClosedDate != null AND {_within('CreatedDate', facts)}"
    )
    pairs = ((case["Account"]["ShippingState"], _seconds(case)) for case in cases)
    return _best(_means(pairs, facts["least"]), {"lowest": True})


def top_issue_identification(facts: Facts) -> Work:
    """The issue of most cases of a product."""
    rows = yield (
        "SELECT IssueId__c FROM Case "
        f"WHERE OrderItemId__r.Product2.Name = '{facts['product']}' AND {_within('CreatedDate', facts)} "
        "GROUP BY IssueId__c ORDER BY COUNT(Id) DESC LIMIT 1"
    )
    return [row["IssueId__c"] for row in rows]


def monthly_trend_analysis(facts: Facts) -> Work:
    """The month of most cases of a product."""
    rows = yield (
        "SELECT CALENDAR_MONTH(CreatedDate) month, COUNT(Id) FROM Case WHERE OrderItemId__c IN "
        f"(SELECT Id FROM OrderItem WHERE Product2.Name = '{facts['product']}') "
        f"AND CALENDAR_YEAR(CreatedDate) = {facts['year']} "
        "GROUP BY CALENDAR_MONTH(CreatedDate) ORDER BY COUNT(Id) DESC LIMIT 1"
    )
    return [date(2024, row["month"], 1).strftime("%B") for row in rows]


def case_routing(facts: Facts) -> Work:
    """Who closed most cases of the same issue."""
    (case,) = yield f"SELECT IssueId__c FROM Case WHERE Id = '{facts['case']}'"
    rows = yield (
        f"SELECT OwnerId FROM Case WHERE Status = 'Closed' AND IssueId__c = '{case['IssueId__c']}' "
        "GROUP BY OwnerId ORDER BY COUNT(Id) DESC LIMIT 1"
    )
    return [row["OwnerId"] for row in rows]


# Texts -------------------------------------------------------------------------------------------------


def _rules(summary: str) -> str:
    return f"SELECT Id, Title, FAQ_Answer__c FROM Knowledge__kav WHERE Summary = '{summary}'"


def policy_violation_identification(facts: Facts) -> Work:
    """Which rule what was said breaks."""
    articles = yield _rules("A rule for service agents")
    chats = yield f"SELECT Body FROM LiveChatTranscript WHERE CaseId = '{facts['case']}'"
    mails = yield f"SELECT TextBody FROM EmailMessage WHERE ParentId = '{facts['case']}'"
    lines = "\n".join([row["Body"] for row in chats] + [row["TextBody"] for row in mails]).split("\n")
    said = [line for line in lines if line.startswith("Agent: ")]
    broken: list[str] = []
    for article in articles:
        number = _number(article["FAQ_Answer__c"])
        for line in said:
            told = _number(line)
            wrong = {
                "Refunds": "refund" in line and told > number,
                "Passwords": "tell me the password" in line,
                "Replacements": "promise" in line and told < number,
                "Returns": "bought" in line and told > number,
            }[article["Title"]]
            broken += [article["Id"]] if wrong else []
    return broken


def knowledge_qa(facts: Facts) -> Work:
    """What the article of that title says, found by its words."""
    words = " ".join(re.findall(r"[a-z]{4,}", facts["question"].lower()))
    articles = yield (
        f"FIND {{{words}}} RETURNING Knowledge__kav(Title, FAQ_Answer__c WHERE IsInternal__c = false)"
    )
    return [row["FAQ_Answer__c"] for row in articles if row["Title"] == facts["question"]]


def sales_insight_mining(facts: Facts) -> Work:
    """What the customer said of others."""
    calls = yield (
        f"SELECT Body__c FROM VoiceCallTranscript__c WHERE OpportunityId__c = '{facts['opportunity']}'"
    )
    return [found for row in calls for found in re.findall(r"We also talk to ([^.\n]+)\.", row["Body__c"])]


def lead_qualification(facts: Facts) -> Work:
    """What the lead said of each factor, against the article."""
    (article,) = yield "SELECT FAQ_Answer__c FROM Knowledge__kav WHERE Title = 'Lead qualification'"
    (call,) = yield f"SELECT Body__c FROM VoiceCallTranscript__c WHERE LeadId__c = '{facts['lead']}'"
    budget, months = map(int, re.findall(r"\d+", article["FAQ_Answer__c"]))
    has, until = map(int, re.findall(r"\d+", call["Body__c"]))
    unmet = {
        "Budget": has < budget,
        "Authority": "somebody else" in call["Body__c"],
        "Need": "no use" in call["Body__c"],
        "Timeline": until > months,
    }
    return [factor for factor, holds in unmet.items() if holds]


# Sales -------------------------------------------------------------------------------------------------


def sales_amount_understanding(facts: Facts) -> Work:
    """Sums of lines of orders."""
    rows = yield (
        "SELECT Order.OwnerId agent, SUM(TotalPrice) amount FROM OrderItem WHERE Order.Status = 'Activated' "
        f"AND Order.EffectiveDate >= {facts['first']} AND Order.EffectiveDate < {facts['after']} "
        "GROUP BY Order.OwnerId"
    )
    return _best({row["agent"]: row["amount"] for row in rows}, facts)


def sales_cycle_understanding(facts: Facts) -> Work:
    """Days from the opportunity to the signature."""
    rows = yield (
        "SELECT OwnerId, CreatedDate, ContractID__r.CompanySignedDate FROM Opportunity "
        f"WHERE ContractID__r.CompanySignedDate >= {facts['first']} "
        f"AND ContractID__r.CompanySignedDate < {facts['after']}"
    )
    pairs = (
        (
            row["OwnerId"],
            date.fromisoformat(row["ContractID__r"]["CompanySignedDate"]).toordinal()
            - date.fromisoformat(row["CreatedDate"][:10]).toordinal(),
        )
        for row in rows
    )
    return _best(_means(pairs), facts)


def conversion_rate_comprehension(facts: Facts) -> Work:
    """Converted leads of all leads."""
    within = f"OwnerId != null AND {_within('CreatedDate', facts)}"
    whole = yield (
        f"SELECT OwnerId, COUNT(Id) number FROM Lead WHERE {within} "
        f"GROUP BY OwnerId HAVING COUNT(Id) >= {facts['least']}"
    )
    won = yield (
        f"SELECT OwnerId, COUNT(Id) number FROM Lead WHERE {within} AND IsConverted = true GROUP BY OwnerId"
    )
    counts = {row["OwnerId"]: row["number"] for row in won}
    return _best({row["OwnerId"]: counts.get(row["OwnerId"], 0) / row["number"] for row in whole}, facts)


def lead_routing(facts: Facts) -> Work:
    """The least busy agent of the territory."""
    (lead,) = yield f"SELECT State FROM Lead WHERE Id = '{facts['lead']}'"
    agents = yield (
        "SELECT UserId FROM UserTerritory2Association "
        f"WHERE Territory2Id IN (SELECT Id FROM Territory2 WHERE Description LIKE '%{lead['State']}%')"
    )
    names = ", ".join(f"'{row['UserId']}'" for row in agents)
    busy = yield (
        "SELECT OwnerId, COUNT(Id) number FROM Lead "
        f"WHERE Status IN ('New', 'Contacted') AND OwnerId IN ({names}) GROUP BY OwnerId"
    )
    load = {row["OwnerId"]: row["number"] for row in busy}
    return _best({row["UserId"]: load.get(row["UserId"], 0) for row in agents}, {"lowest": True})


# Work --------------------------------------------------------------------------------------------------


def _stages(article: str) -> dict[str, str]:
    """Stages by the tasks that an article says belong to them."""
    return {
        task: stage for stage, tasks in re.findall(r"(\w+): ([^.]+)\.", article) for task in tasks.split(", ")
    }


_STAGES = "SELECT FAQ_Answer__c FROM Knowledge__kav WHERE Title = 'Tasks of each stage'"


def wrong_stage_rectification(facts: Facts) -> Work:
    """The stage that open tasks belong to."""
    (article,) = yield _STAGES
    tasks = yield (
        f"SELECT Subject FROM Task WHERE WhatId = '{facts['opportunity']}' AND Status != 'Completed'"
    )
    return sorted({_stages(article["FAQ_Answer__c"])[row["Subject"]] for row in tasks})


def activity_priority(facts: Facts) -> Work:
    """Open tasks of the opportunity's stage."""
    (article,) = yield _STAGES
    (opportunity,) = yield (
        "SELECT StageName, (SELECT Id, Subject FROM Tasks WHERE Status != 'Completed') "
        f"FROM Opportunity WHERE Id = '{facts['opportunity']}'"
    )
    stages = _stages(article["FAQ_Answer__c"])
    return [
        task["Id"] for task in opportunity["Tasks"] if stages[task["Subject"]] == opportunity["StageName"]
    ]


def quote_approval(facts: Facts) -> Work:
    """Which rule a quote's lines, dates or words break."""
    articles = yield _rules("A rule for quotes")
    (quote,) = yield (
        "SELECT CreatedDate, ExpirationDate, Description, (SELECT Discount FROM QuoteLineItems) "
        f"FROM Quote WHERE Id = '{facts['quote']}'"
    )
    made = date.fromisoformat(quote["CreatedDate"][:10])
    days = (date.fromisoformat(quote["ExpirationDate"]) - made).days
    broken: list[str] = []
    for article in articles:
        number = _number(article["FAQ_Answer__c"])
        wrong = {
            "Discounts": max(line["Discount"] for line in quote["QuoteLineItems"]) > number,
            "Validity": days > number,
            "Side agreements": "guarantee" in quote["Description"],
        }[article["Title"]]
        broken += [article["Id"]] if wrong else []
    return broken


def invalid_config(facts: Facts) -> Work:
    """Which rule on what goes together a quote's lines break."""
    articles = yield _rules("A rule on what goes together in a quote")
    lines = yield f"SELECT Product2.Name, Quantity FROM QuoteLineItem WHERE QuoteId = '{facts['quote']}'"
    counts = {line["Product2"]["Name"]: line["Quantity"] for line in lines}
    broken: list[str] = []
    for article in articles:
        # Products are two words with capitals.
        first, *others = dict.fromkeys(re.findall(r"\b(?!The )[A-Z]\w+ [A-Z]\w+\b", article["FAQ_Answer__c"]))
        sort = article["Title"].rsplit(": ")[-1]
        wrong = {
            "needs": first in counts and not any(other in counts for other in others),
            "number": counts.get(first, 0) > _number(article["FAQ_Answer__c"]),
            "conflicts": first in counts and any(other in counts for other in others),
        }[sort]
        broken += [article["Id"]] if wrong else []
    return broken


def named_entity_disambiguation(facts: Facts) -> Work:
    """What of a category was bought in a month."""
    (contact,) = yield f"SELECT AccountId FROM Contact WHERE Id = '{facts['contact']}'"
    products = yield (
        f"SELECT ProductId FROM ProductCategoryProduct WHERE ProductCategory.Name = '{facts['category']}'"
    )
    names = ", ".join(f"'{row['ProductId']}'" for row in products)
    year, month = map(int, facts["month"].split("-"))
    items = yield (
        f"SELECT Product2Id FROM OrderItem WHERE Order.AccountId = '{contact['AccountId']}' "
        f"AND Order.Status = 'Activated' AND CALENDAR_YEAR(Order.EffectiveDate) = {year} "
        f"AND CALENDAR_MONTH(Order.EffectiveDate) = {month} AND Product2Id IN ({names})"
    )
    return sorted({row["Product2Id"] for row in items})


WORK: dict[str, Callable[[Facts], Work]] = {
    work.__name__: work
    for work in (
        *(handle_time, transfer_count, best_region_identification, top_issue_identification),
        *(monthly_trend_analysis, case_routing, policy_violation_identification, knowledge_qa),
        *(sales_insight_mining, lead_qualification, sales_amount_understanding, sales_cycle_understanding),
        *(conversion_rate_comprehension, lead_routing, wrong_stage_rectification, activity_priority),
        *(quote_approval, invalid_config, named_entity_disambiguation),
    )
}
"""By type of task; what must be refused is not worked out."""
