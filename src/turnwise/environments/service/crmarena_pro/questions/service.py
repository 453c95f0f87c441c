"""Questions about cases: who is quick, who hands over, what is frequent, and who should have a case."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from statistics import fmean
from typing import Any

from turnwise.environments.service.crmarena_pro.made.ledger import Row, read
from turnwise.environments.service.crmarena_pro.questions.draft import Desk, Draft, ahead, periods
from turnwise.judges.extraction import MONTHS

ASSIGNED = "Owner Assignment"


def minutes(case: Row) -> float:
    """How long a case took."""
    return (read(case["ClosedDate"]) - read(case["CreatedDate"])).total_seconds() / 60


def assignments(desk: Desk) -> dict[str, list[Row]]:
    """The entries of who had it, by case, in the order of time."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(desk.tables["CaseHistory__c"], key=lambda one: one["CreatedDate"]):
        if row["Field__c"] == ASSIGNED:
            found[row["CaseId__c"]].append(row)
    return found


def handle_time(desk: Desk) -> Iterator[Draft]:
    """Who takes least (or most) time for a case."""
    had = assignments(desk)
    for period in desk.shuffled(periods()):
        for least in desk.shuffled((2, 3, 4)):
            lowest = desk.rng.random() < 0.6
            times: dict[str, list[float]] = defaultdict(list)
            for case in desk.tables["Case"]:
                if case["ClosedDate"] and period.holds(case["CreatedDate"]) and len(had[case["Id"]]) == 1:
                    times[case["OwnerId"]].append(minutes(case))
            means = {agent: fmean(all_) for agent, all_ in times.items() if len(all_) >= least}
            if (found := ahead(means, lowest=lowest)) is not None:
                word = "lowest" if lowest else "highest"
                yield Draft(
                    "Which service agent stands out?",
                    (
                        f"I mean the one with the {word} average handle time.",
                        f"Count only cases that were opened {period.told}.",
                        f"Count only agents with at least {least} such cases.",
                    ),
                    (found,),
                    {**period.facts, "least": least, "lowest": lowest},
                )
                break


def transfer_count(desk: Desk) -> Iterator[Draft]:
    """Who hands over least (or most) cases to others."""
    for period, least in desk.shuffled(product(periods(), (2, 3, 4))):
        lowest = desk.rng.random() < 0.3
        given: Counter[str] = Counter()
        taken: Counter[str] = Counter()
        for row in desk.tables["CaseHistory__c"]:
            if row["Field__c"] == ASSIGNED and period.holds(row["CreatedDate"]):
                taken[row["NewValue__c"]] += 1
                if row["OldValue__c"]:
                    given[row["OldValue__c"]] += 1
        counts = {agent: float(given[agent]) for agent, number in taken.items() if number >= least}
        if (found := ahead(counts, lowest=lowest)) is not None:
            yield Draft(
                "Who keeps the cases they are given?" if lowest else "Who passes on a lot?",
                (
                    f"I mean the agent who handed {'fewest' if lowest else 'most'} cases over to others.",
                    f"It is about what happened {period.told}.",
                    f"Count only agents who were given at least {least} cases in that time.",
                ),
                (found,),
                {**period.facts, "least": least, "lowest": lowest},
            )


def best_region_identification(desk: Desk) -> Iterator[Draft]:
    """In which state cases are closed quickest."""
    for period in desk.shuffled(periods()):
        least = desk.rng.choice((2, 3))
        times: dict[str, list[float]] = defaultdict(list)
        for case in desk.tables["Case"]:
            if case["ClosedDate"] and period.holds(case["CreatedDate"]):
                times[desk.get(case["AccountId"])["ShippingState"]].append(minutes(case))
        means = {state: fmean(all_) for state, all_ in times.items() if len(all_) >= least}
        if (found := ahead(means, lowest=True)) is not None:
            yield Draft(
                "In which state do we do best?",
                (
                    "I mean where cases are closed in the shortest time on average.",
                    f"Count only cases that were opened {period.told}.",
                    f"Count only states with at least {least} such cases.",
                ),
                (found,),
                {**period.facts, "least": least},
            )


def product_of(desk: Desk, case: Row) -> str:
    """The id of the product a case is about."""
    return desk.get(case["OrderItemId__c"])["Product2Id"]


def top_issue_identification(desk: Desk) -> Iterator[Draft]:
    """Which issue a product has most often."""
    for item in desk.shuffled(desk.tables["Product2"]):
        for period in desk.shuffled(periods()):
            counts: Counter[str] = Counter(
                case["IssueId__c"]
                for case in desk.tables["Case"]
                if period.holds(case["CreatedDate"]) and product_of(desk, case) == item["Id"]
            )
            if (found := ahead(_floats(counts))) is not None:
                yield Draft(
                    "What goes wrong most often?",
                    (
                        f"It is about the {item['Name']}.",
                        f"Count only cases that were opened {period.told}.",
                        "I need the ID of the issue.",
                    ),
                    (found,),
                    {**period.facts, "product": item["Name"]},
                )
                break


def monthly_trend_analysis(desk: Desk) -> Iterator[Draft]:
    """In which month a product has most cases."""
    for item in desk.shuffled(desk.tables["Product2"]):
        counts: Counter[str] = Counter(
            case["CreatedDate"][5:7]
            for case in desk.tables["Case"]
            if case["CreatedDate"].startswith("2024") and product_of(desk, case) == item["Id"]
        )
        if (found := ahead(_floats(counts))) is not None:
            yield Draft(
                "Which month was the worst?",
                (
                    f"It is about cases with the {item['Name']}.",
                    "I mean the month of 2024 in which most were opened.",
                ),
                (MONTHS[int(found) - 1],),
                {"product": item["Name"], "year": 2024},
            )


def case_routing(desk: Desk) -> Iterator[Draft]:
    """Who should get a case that nobody has."""
    closed: dict[str, Counter[str]] = defaultdict(Counter)
    for case in desk.tables["Case"]:
        if case["Status"] == "Closed":
            closed[case["IssueId__c"]][case["OwnerId"]] += 1
    for case in desk.shuffled(row for row in desk.tables["Case"] if row["OwnerId"] is None):
        if (found := ahead(_floats(closed[case["IssueId__c"]]))) is not None:
            yield Draft(
                f"Who should get the case {case['Id']}?",
                ("I need the ID of the agent whom it should be given to.",),
                (found,),
                {"case": case["Id"]},
            )


def _floats(counts: Counter[Any]) -> dict[str, float]:
    return {str(name): float(number) for name, number in counts.items()}


CONTEXT = {
    "handle_time": (
        "The handle time of a case is the time from its being opened to its being closed. Cases that are not "
        "closed, or that were handed over to another agent, do not count."
    ),
    "transfer_count": (
        "A case is handed over where an entry 'Owner Assignment' of its history has an old value: that agent "
        "has handed it over. An agent is given a case by each 'Owner Assignment' with them as the new value."
    ),
    "best_region_identification": "The state of a case is the state that goods are sent to of its account.",
    "case_routing": (
        "A case is given to the agent who has closed most cases of the same issue."
    ),
}  # fmt: skip
HELP = {
    "handle_time": "CaseHistory__c has one 'Owner Assignment' for each agent who had a case.",
    "top_issue_identification": "A case refers to the line of the order, which refers to the product.",
    "monthly_trend_analysis": "A case refers to the line of the order, which refers to the product.",
    "case_routing": "Compare IssueId__c of the case with that of closed cases.",
}
