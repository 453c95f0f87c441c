"""What is sold, for how much, and what was bought."""

from __future__ import annotations

from turnwise.environments.service.crmarena_pro.made.ledger import BEGIN, TODAY, Ledger
from turnwise.environments.service.crmarena_pro.made.words import PRODUCTS

ORDERS = 150


def make(ledger: Ledger) -> None:
    """Adds products, categories, prices, and orders."""
    book = ledger.add("Pricebook2", Name="Standard prices", IsActive=True)
    for category, products in PRODUCTS[ledger.org].items():
        kind = ledger.add("ProductCategory", Name=category)
        for name, price in products:
            text = f"The {name}, one of our {category.lower()}."
            item = ledger.add("Product2", Name=name, Description=text, IsActive=True)
            ledger.add("ProductCategoryProduct", ProductCategoryId=kind["Id"], ProductId=item["Id"])
            ledger.add("PricebookEntry", Pricebook2Id=book["Id"], Product2Id=item["Id"], UnitPrice=price)
    for _ in range(ORDERS):
        _order(ledger, book["Id"])


def _order(ledger: Ledger, book: str) -> None:
    rng, tables = ledger.rng, ledger.tables
    account = rng.choice(tables["Account"])
    sellers = [user for user in tables["User"] if user["Title"] == "Sales Agent"]
    day = ledger.moment(BEGIN, TODAY).date()
    order = ledger.add(
        "Order",
        AccountId=account["Id"],
        OwnerId=rng.choice(sellers)["Id"],
        Status="Draft" if rng.random() < 0.1 else "Activated",
        EffectiveDate=day.isoformat(),
        Pricebook2Id=book,
    )
    for entry in rng.sample(tables["PricebookEntry"], rng.randint(1, 3)):
        count = rng.randint(1, 6)
        ledger.add(
            "OrderItem",
            OrderId=order["Id"],
            Product2Id=entry["Product2Id"],
            Quantity=count,
            UnitPrice=entry["UnitPrice"],
            TotalPrice=count * entry["UnitPrice"],
        )
