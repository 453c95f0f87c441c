"""Who works here, where, and whom we sell to."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

from turnwise.environments.service.crmarena_pro.made.ledger import BEGIN, Ledger, Row, at, stamp
from turnwise.environments.service.crmarena_pro.made.words import (
    CITIES,
    FIRM_KINDS,
    FIRMS,
    FIRST,
    INDUSTRIES,
    LAST,
    TERRITORIES,
)

SERVICE_AGENTS = 8
ACCOUNTS = 48
SELLERS = 2
"""Sales agents in each territory."""


class Names:
    """Names of people, each once."""

    def __init__(self, ledger: Ledger) -> None:
        self._left = list(product(FIRST, LAST))
        ledger.rng.shuffle(self._left)

    def fields(self, domain: str) -> dict[str, str]:
        """The fields of the next person."""
        first, last = self._left.pop()
        mail = f"{first}.{last}@{domain}".lower()
        return {"FirstName": first, "LastName": last, "Name": f"{first} {last}", "Email": mail}


def make(ledger: Ledger, names: Names) -> None:
    """Adds users, territories, accounts and contacts."""
    for _ in range(SERVICE_AGENTS):
        _user(ledger, names, "Service Agent")
    for name, states in TERRITORIES.items():
        territory = ledger.add("Territory2", Name=name, Description=", ".join(states))
        for _ in range(SELLERS):
            user = _user(ledger, names, "Sales Agent")
            ledger.add("UserTerritory2Association", UserId=user["Id"], Territory2Id=territory["Id"])
    firms = [f"{firm} {kind}" for firm, kind in product(FIRMS, FIRM_KINDS)]
    ledger.rng.shuffle(firms)
    for number in range(ACCOUNTS):
        _account(ledger, names, firms[number])


def _user(ledger: Ledger, names: Names, title: str) -> Row:
    return ledger.add("User", **names.fields("ours.example"), Title=title, IsActive=True)


def _account(ledger: Ledger, names: Names, firm: str) -> None:
    rng = ledger.rng
    state = rng.choice(sorted(CITIES))
    owner = rng.choice([user for user in ledger.tables["User"] if user["Title"] == "Sales Agent"])
    made = stamp(at(BEGIN - timedelta(days=rng.randrange(30, 900))))
    where = {
        "ShippingState": state,
        "ShippingCity": CITIES[state],
        "Phone": phone(ledger),
        "OwnerId": owner["Id"],
    }
    if ledger.org == "b2b":
        industry = INDUSTRIES[firm.rsplit(" ", 1)[1]]
        account = ledger.add("Account", Name=firm, Industry=industry, CreatedDate=made, **where)
        domain = f"{''.join(filter(str.isalpha, firm)).lower()}.example"
        people = [names.fields(domain) for _ in range(rng.randint(1, 2))]
    else:
        people = [names.fields("mail.example")]
        person = {name: people[0][name] for name in ("Name", "FirstName", "LastName")}
        account = ledger.add("Account", **person, PersonEmail=people[0]["Email"], CreatedDate=made, **where)
    for person in people:
        ledger.add("Contact", **person, Phone=phone(ledger), AccountId=account["Id"], CreatedDate=made)


def phone(ledger: Ledger) -> str:
    """A telephone number of the range that is kept free for stories."""
    return f"+1-{ledger.rng.randrange(201, 990)}-555-01{ledger.rng.randrange(100):02d}"
