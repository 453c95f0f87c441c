"""Cases: who opened them about what, who had them, how long it took, and what was said."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from turnwise.environments.service.crmarena_pro.made.articles import LIMITS
from turnwise.environments.service.crmarena_pro.made.ledger import TODAY, Ledger, Row, at, stamp
from turnwise.environments.service.crmarena_pro.made.words import ISSUES

CASES = 240
OPEN_FOR_NOBODY = 8
"""Cases that no agent has yet."""
BROKEN = 0.3
"""Share of conversations in which a rule is broken."""


def make(ledger: Ledger) -> None:
    """Adds issues, cases, their histories and conversations."""
    for name, text in ISSUES[ledger.org]:
        ledger.add("Issue__c", Name=name, Description__c=text)
    orders = {row["Id"]: row for row in ledger.tables["Order"]}
    items = [row for row in ledger.tables["OrderItem"] if orders[row["OrderId"]]["Status"] == "Activated"]
    agents = [row for row in ledger.tables["User"] if row["Title"] == "Service Agent"]
    paces = {agent["Id"]: ledger.rng.uniform(0.5, 2.0) for agent in agents}
    for number in range(CASES):
        item = ledger.rng.choice(items)
        _case(ledger, item, orders[item["OrderId"]], paces, assigned=number < CASES - OPEN_FOR_NOBODY)


def _case(ledger: Ledger, item: Row, order: Row, paces: dict[str, float], *, assigned: bool) -> None:
    rng, tables = ledger.rng, ledger.tables
    bought = date.fromisoformat(order["EffectiveDate"])
    first = (
        TODAY - timedelta(days=2)
        if not assigned
        else min(bought + timedelta(days=3), TODAY - timedelta(days=3))
    )
    opened = ledger.moment(first, TODAY - timedelta(days=1))
    # A few issues are most of the work.
    issue = rng.choices(tables["Issue__c"], weights=(6, 5, 4, 3, 2, 2))[0]
    product = next(row for row in tables["Product2"] if row["Id"] == item["Product2Id"])
    contact = rng.choice([row for row in tables["Contact"] if row["AccountId"] == order["AccountId"]])
    case = ledger.add(
        "Case",
        Subject=f"{product['Name']}: {issue['Name'].lower()}",
        Description=f"My {product['Name']} has a problem. {issue['Description__c']}",
        Status="New",
        Priority=rng.choice(("Low", "Medium", "High")),
        Origin=rng.choice(("Chat", "Email")),
        AccountId=order["AccountId"],
        ContactId=contact["Id"],
        IssueId__c=issue["Id"],
        OrderItemId__c=item["Id"],
        CreatedDate=stamp(opened),
    )
    _history(ledger, case, "Case Creation", None, None, opened)
    if assigned:
        _worked(ledger, case, opened, paces)
        _talk(ledger, case, product["Name"], contact)


def _worked(ledger: Ledger, case: Row, opened: datetime, paces: dict[str, float]) -> None:
    """Who had it, one after the other, and when it was closed."""
    rng = ledger.rng
    agents = sorted(paces)
    owner, when = rng.choice(agents), opened + timedelta(minutes=rng.randint(1, 30))
    _history(ledger, case, "Owner Assignment", None, owner, when)
    while rng.random() < 0.25:
        other = rng.choice([agent for agent in agents if agent != owner])
        when += timedelta(minutes=rng.randint(20, 240))
        _history(ledger, case, "Owner Assignment", owner, other, when)
        owner = other
    case["OwnerId"] = owner
    closed = when + timedelta(minutes=int(rng.randint(60, 2400) * paces[owner]))
    if closed >= at(TODAY) or rng.random() < 0.08:
        case["Status"] = "Working"
        return
    case.update(Status="Closed", ClosedDate=stamp(closed))
    _history(ledger, case, "Case Closed", "Working", "Closed", closed)


def _history(ledger: Ledger, case: Row, field: str, old: str | None, new: str | None, when: datetime) -> None:
    ledger.add(
        "CaseHistory__c",
        CaseId__c=case["Id"],
        Field__c=field,
        OldValue__c=old,
        NewValue__c=new,
        CreatedDate=stamp(when),
    )


def _talk(ledger: Ledger, case: Row, product: str, contact: Row) -> None:
    """A conversation in which each rule is kept, but for one at most."""
    rng = ledger.rng
    titles = rng.sample(("Refunds", "Passwords", "Replacements", "Returns"), rng.randint(1, 3))
    broken = rng.choice(titles) if rng.random() < BROKEN else None
    lines = [f"Customer: {case['Description']}", "Agent: I am sorry to hear that."]
    for title in titles:
        lines.append(f"Agent: {_says(ledger, title, product, broken=title == broken)}")
        lines.append(
            f"Customer: {rng.choice(('All right.', 'Thank you.', 'I see.', 'That is good to know.'))}"
        )
    text = "\n".join([*lines, "Agent: Have a good day."])
    when = case["ClosedDate"] or case["CreatedDate"]
    if case["Origin"] == "Chat":
        ledger.add("LiveChatTranscript", CaseId=case["Id"], OwnerId=case["OwnerId"], Body=text, EndTime=when)
    else:
        ledger.add(
            "EmailMessage",
            ParentId=case["Id"],
            Subject=f"Re: {case['Subject']}",
            TextBody=text,
            FromAddress="service@ours.example",
            ToAddress=contact["Email"],
            MessageDate=when,
        )


def _says(ledger: Ledger, title: str, product: str, *, broken: bool) -> str:
    """What an agent says where a rule holds, and keeps or breaks it."""
    rng, limit = ledger.rng, LIMITS[ledger.org]
    if title == "Refunds":
        low, high = (limit.refund + 5, 2 * limit.refund) if broken else (10, limit.refund)
        return f"I refund you {rng.randint(low, high)} dollars at once."
    if title == "Passwords":
        if broken:
            return "Please tell me the password of your account, so that I can look."
        return "The number of your order is all I need; never tell anybody your password."
    if title == "Replacements":
        days = rng.randint(1, limit.replacement - 1) if broken else rng.randint(limit.replacement, 12)
        return f"I promise you a new {product} in {days} days."
    low, high = (limit.returns + 1, 2 * limit.returns) if broken else (2, limit.returns)
    return f"You bought it {rng.randint(low, high)} days ago, so we take it back."
