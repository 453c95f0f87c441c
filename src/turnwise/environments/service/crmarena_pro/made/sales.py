"""Leads, opportunities, contracts, tasks and calls."""

from __future__ import annotations

from datetime import date, timedelta

from turnwise.environments.service.crmarena_pro.made.articles import LIMITS
from turnwise.environments.service.crmarena_pro.made.ledger import BEGIN, TODAY, Ledger, Row, at, read, stamp
from turnwise.environments.service.crmarena_pro.made.people import Names, phone
from turnwise.environments.service.crmarena_pro.made.words import (
    CITIES,
    FIRMS,
    REASONS,
    RIVALS,
    STAGE_TASKS,
    STAGES,
    TERRITORIES,
)

LEADS = 130
UNASSIGNED = 10
"""Leads that nobody follows up yet."""
CALLED = 16
"""Leads that somebody has talked to at length, still to be qualified."""
OPPORTUNITIES = 90
PROBABLE = {"Qualification": 10, "Discovery": 30, "Quote": 50, "Negotiation": 75, "Closed": 100}


def make(ledger: Ledger, names: Names) -> None:
    """Adds opportunities with what belongs to them, and leads."""
    sellers = [row["Id"] for row in ledger.tables["User"] if row["Title"] == "Sales Agent"]
    for _ in range(OPPORTUNITIES):
        _opportunity(ledger, ledger.rng.choice(sellers))
    likely = {seller: ledger.rng.uniform(0.2, 0.7) for seller in sellers}
    territories = _territories(ledger)
    for number in range(LEADS):
        _lead(ledger, names, number, likely, territories)


def _territories(ledger: Ledger) -> dict[str, list[str]]:
    """Sales agents by state."""
    states = {row["Id"]: TERRITORIES[row["Name"]] for row in ledger.tables["Territory2"]}
    found: dict[str, list[str]] = {state: [] for state in CITIES}
    for row in ledger.tables["UserTerritory2Association"]:
        for state in states[row["Territory2Id"]]:
            found[state].append(row["UserId"])
    return found


# Opportunities -------------------------------------------------------------------------------------------


def _opportunity(ledger: Ledger, seller: str) -> None:
    rng, tables = ledger.rng, ledger.tables
    account = rng.choice(tables["Account"])
    contact = rng.choice([row for row in tables["Contact"] if row["AccountId"] == account["Id"]])
    stage = rng.choices(STAGES, weights=(2, 2, 3, 2, 5))[0]
    closed = stage == "Closed"
    opened = ledger.moment(BEGIN, TODAY - timedelta(days=130 if closed else 5))
    close = opened.date() + timedelta(days=rng.randint(20, 120))
    opportunity = ledger.add(
        "Opportunity",
        AccountId=account["Id"],
        ContactId__c=contact["Id"],
        OwnerId=seller,
        StageName=stage,
        Probability=PROBABLE[stage],
        CreatedDate=stamp(opened),
        CloseDate=(close if closed else TODAY + timedelta(days=rng.randint(5, 90))).isoformat(),
    )
    amount = 0
    entries = rng.sample(tables["PricebookEntry"], rng.randint(1, 3))
    for entry in entries:
        count = rng.randint(1, 9)
        price = count * entry["UnitPrice"]
        amount += price
        ledger.add(
            "OpportunityLineItem",
            OpportunityId=opportunity["Id"],
            Product2Id=entry["Product2Id"],
            Quantity=count,
            TotalPrice=price,
        )
    product = next(row for row in tables["Product2"] if row["Id"] == entries[0]["Product2Id"])
    opportunity.update(Amount=amount, Name=f"{product['Name']} for {account['Name']}")
    if closed:
        _contract(ledger, opportunity, close)
    else:
        _tasks(ledger, opportunity, stage)
        _meeting(ledger, opportunity)
    if rng.random() < 0.5:
        _talk(ledger, opportunity, contact)


def _contract(ledger: Ledger, opportunity: Row, signed: date) -> None:
    contract = ledger.add(
        "Contract",
        AccountId=opportunity["AccountId"],
        Status="Activated",
        StartDate=(signed + timedelta(days=7)).isoformat(),
        CompanySignedDate=signed.isoformat(),
        ContractTerm=ledger.rng.choice((12, 24, 36)),
    )
    opportunity["ContractID__c"] = contract["Id"]


def _tasks(ledger: Ledger, opportunity: Row, stage: str) -> None:
    """What is left to do is of one other stage (the record is behind), or of several."""
    rng = ledger.rng
    place = STAGES.index(stage)
    for before in STAGES[:place]:
        _task(ledger, opportunity, rng.choice(STAGE_TASKS[before]), done=True)
    if rng.random() < 0.4:
        real = rng.choice([one for one in STAGES[:4] if one != stage])
        for subject in rng.sample(STAGE_TASKS[real], rng.randint(2, 3)):
            _task(ledger, opportunity, subject)
        return
    for subject in rng.sample(STAGE_TASKS[stage], rng.randint(1, 2)):
        _task(ledger, opportunity, subject)
    for other in rng.sample([one for one in STAGES if one != stage], 2):
        _task(ledger, opportunity, rng.choice(STAGE_TASKS[other]))


def _task(ledger: Ledger, opportunity: Row, subject: str, *, done: bool = False) -> None:
    rng = ledger.rng
    ledger.add(
        "Task",
        WhatId=opportunity["Id"],
        OwnerId=opportunity["OwnerId"],
        Subject=subject,
        Description=f"{subject}, for {opportunity['Name']}.",
        Priority=rng.choice(("Low", "Normal", "High")),
        Status="Completed" if done else rng.choice(("Not Started", "In Progress")),
        ActivityDate=(
            TODAY + timedelta(days=rng.randint(-30, -1) if done else rng.randint(1, 30))
        ).isoformat(),
    )


def _meeting(ledger: Ledger, opportunity: Row) -> None:
    day = TODAY + timedelta(days=ledger.rng.randint(1, 20))
    ledger.add(
        "Event",
        WhatId=opportunity["Id"],
        OwnerId=opportunity["OwnerId"],
        Subject=f"Talk about {opportunity['Name']}",
        StartDateTime=stamp(at(day, ledger.rng.randrange(8, 17))),
        DurationInMinutes=ledger.rng.choice((30, 60, 90)),
    )


def _talk(ledger: Ledger, opportunity: Row, contact: Row) -> None:
    """A call in which a competitor comes up."""
    rng = ledger.rng
    rival, reason = rng.choice(RIVALS), rng.choice(REASONS)
    body = (
        f"Agent: Good morning, {contact['FirstName']}. Have you had time to think about it?\n"
        f"Customer: We have. We also talk to {rival}, because {reason}.\n"
        "Agent: I understand. Let me see what we can do.\nCustomer: Please do."
    )
    called = read(opportunity["CreatedDate"]) + timedelta(days=rng.randint(2, 15))
    ledger.add(
        "VoiceCallTranscript__c", OpportunityId__c=opportunity["Id"], Body__c=body, CreatedDate=stamp(called)
    )


# Leads ---------------------------------------------------------------------------------------------------


def _lead(
    ledger: Ledger, names: Names, number: int, likely: dict[str, float], territories: dict[str, list[str]]
) -> None:
    rng = ledger.rng
    state = rng.choice(sorted(CITIES))
    owner = rng.choice(territories[state])
    fresh = number < UNASSIGNED + CALLED
    came = ledger.moment(TODAY - timedelta(days=40) if fresh else BEGIN, TODAY - timedelta(days=4))
    lead = ledger.add(
        "Lead",
        **names.fields("leads.example"),
        Company=rng.choice(FIRMS),
        Phone=phone(ledger),
        City=CITIES[state],
        State=state,
        Status="New",
        OwnerId=None if number < UNASSIGNED else owner,
        CreatedDate=stamp(came),
        IsConverted=False,
    )
    if number < UNASSIGNED:
        return
    if fresh:
        lead["Status"] = "Contacted"
        _qualifying_call(ledger, lead)
    elif rng.random() < likely[owner]:
        opportunity = rng.choice(ledger.tables["Opportunity"])
        converted = min(came.date() + timedelta(days=rng.randint(3, 40)), TODAY)
        lead.update(
            Status="Qualified",
            IsConverted=True,
            ConvertedDate=converted.isoformat(),
            ConvertedOpportunityId=opportunity["Id"],
        )
    else:
        lead["Status"] = rng.choice(("New", "Contacted", "Unqualified", "Unqualified"))


def _qualifying_call(ledger: Ledger, lead: Row) -> None:
    """A call that says of each factor how it stands."""
    rng, limit = ledger.rng, LIMITS[ledger.org]
    met = {factor: rng.random() < 0.65 for factor in ("Budget", "Authority", "Need", "Timeline")}
    low, high = (limit.budget, 3 * limit.budget) if met["Budget"] else (limit.budget // 5, limit.budget - 1)
    months = rng.randint(1, limit.timeline) if met["Timeline"] else rng.randint(limit.timeline + 1, 18)
    lines = [
        f"Agent: Good day, {lead['FirstName']}. What can we do for you?",
        "Lead: We need it now, the old one breaks down every week."
        if met["Need"]
        else "Lead: We have no use for it as yet, I am only looking round.",
        "Agent: And what have you in mind to spend?",
        f"Lead: We have set aside {rng.randint(low, high)} dollars.",
        "Agent: Who decides?",
        "Lead: I decide about it alone."
        if met["Authority"]
        else "Lead: That is for somebody else to decide.",
        "Agent: And until when do you want it?",
        f"Lead: In {months} months." if months > 1 else "Lead: In 1 month.",
    ]
    called = read(lead["CreatedDate"]) + timedelta(days=rng.randint(1, 3))
    body = "\n".join(lines)
    ledger.add("VoiceCallTranscript__c", LeadId__c=lead["Id"], Body__c=body, CreatedDate=stamp(called))
