"""Questions about sales: who sells most, quickest, and to whom; and whose a new lead is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from statistics import fmean

from turnwise.environments.service.crmarena_pro.made.ledger import Row
from turnwise.environments.service.crmarena_pro.questions.draft import Desk, Draft, Period, ahead, periods


def sales_amount_understanding(desk: Desk) -> Iterator[Draft]:
    """Who sold most."""
    for period in desk.shuffled(periods()):
        lowest = desk.rng.random() < 0.3
        sums: dict[str, float] = defaultdict(float)
        for item in desk.tables["OrderItem"]:
            order = desk.get(item["OrderId"])
            if order["Status"] == "Activated" and period.holds(order["EffectiveDate"]):
                sums[order["OwnerId"]] += item["TotalPrice"]
        if (found := ahead(sums, lowest=lowest)) is not None:
            yield Draft(
                "Which sales agent is to be named in the report?",
                (
                    f"I mean the one with the {'lowest' if lowest else 'highest'} sales amount.",
                    f"It is about orders {period.told}.",
                ),
                (found,),
                {**period.facts, "lowest": lowest},
            )


def sales_cycle_understanding(desk: Desk) -> Iterator[Draft]:
    """Who comes to a contract in the shortest time."""
    for period in desk.shuffled(periods()):
        lowest = desk.rng.random() < 0.6
        days: dict[str, list[float]] = defaultdict(list)
        for opportunity in desk.tables["Opportunity"]:
            if opportunity["ContractID__c"] is None:
                continue
            signed = desk.get(opportunity["ContractID__c"])["CompanySignedDate"]
            if period.holds(signed):
                opened = date.fromisoformat(opportunity["CreatedDate"][:10])
                days[opportunity["OwnerId"]].append((date.fromisoformat(signed) - opened).days)
        if (found := ahead({who: fmean(all_) for who, all_ in days.items()}, lowest=lowest)) is not None:
            yield Draft(
                "Who of the sales agents is an example to us?" if lowest else "Which sales agent needs help?",
                (
                    f"I mean the one with the {'shortest' if lowest else 'longest'} sales cycle on average.",
                    f"Count only contracts that we signed {period.told}.",
                ),
                (found,),
                {**period.facts, "lowest": lowest},
            )


def conversion_rate_comprehension(desk: Desk) -> Iterator[Draft]:
    """Who makes most of leads."""
    for period in desk.shuffled(periods()):
        for least in desk.shuffled((2, 3, 4)):
            rates = _rates(desk, period, least)
            if (found := ahead(rates)) is not None:
                yield Draft(
                    "Which sales agent does best with leads?",
                    (
                        "I mean the one with the highest conversion rate.",
                        f"Count only leads that were made {period.told}.",
                        f"Count only agents with at least {least} such leads.",
                    ),
                    (found,),
                    {**period.facts, "least": least},
                )
                break


def _rates(desk: Desk, period: Period, least: int) -> dict[str, float]:
    leads: dict[str, list[bool]] = defaultdict(list)
    for lead in desk.tables["Lead"]:
        if lead["OwnerId"] and period.holds(lead["CreatedDate"]):
            leads[lead["OwnerId"]].append(lead["IsConverted"])
    return {who: fmean(all_) for who, all_ in leads.items() if len(all_) >= least}


def lead_routing(desk: Desk) -> Iterator[Draft]:
    """Whose a new lead should be."""
    load: Counter[str] = Counter(lead["OwnerId"] for lead in desk.tables["Lead"] if _open(lead))
    for lead in desk.shuffled(row for row in desk.tables["Lead"] if row["OwnerId"] is None):
        territories = {
            row["Id"] for row in desk.tables["Territory2"] if lead["State"] in row["Description"].split(", ")
        }
        agents = [
            row["UserId"]
            for row in desk.tables["UserTerritory2Association"]
            if row["Territory2Id"] in territories
        ]
        if (found := ahead({who: float(load[who]) for who in agents}, lowest=True)) is not None:
            yield Draft(
                f"Who should follow up the lead {lead['Id']}?",
                ("I need the ID of the sales agent whom it should be given to.",),
                (found,),
                {"lead": lead["Id"]},
            )


def _open(lead: Row) -> bool:
    return lead["OwnerId"] is not None and lead["Status"] in ("New", "Contacted")


CONTEXT = {
    "sales_amount_understanding": (
        "The sales amount of an agent is the price of all lines of activated orders that are the agent's."
    ),
    "sales_cycle_understanding": (
        "A sales cycle lasts from the day an opportunity was opened to the day we signed its contract."
    ),
    "conversion_rate_comprehension": "It is the share of the agent's leads that were converted.",
    "lead_routing": (
        "A lead is given to a sales agent in the territory of its state: to who has fewest open leads. "
        "A lead is open where its status is 'New' or 'Contacted'."
    ),
}
HELP = {
    "sales_cycle_understanding": "An opportunity refers to its contract by ContractID__c.",
    "lead_routing": "Territory2 names its states; UserTerritory2Association says who works there.",
}
