"""Questions on whether work goes as it should: stages, tasks, quotes; and which product somebody means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from turnwise.environments.service.crmarena_pro.made.articles import LIMITS, rules
from turnwise.environments.service.crmarena_pro.made.ledger import Row
from turnwise.environments.service.crmarena_pro.made.words import STAGE_TASKS
from turnwise.environments.service.crmarena_pro.questions.draft import Desk, Draft
from turnwise.judges.extraction import MONTHS

_STAGE_OF = {subject: stage for stage, subjects in STAGE_TASKS.items() for subject in subjects}


def _open_tasks(desk: Desk) -> dict[str, list[Row]]:
    """Tasks that are not done, by opportunity."""
    found: dict[str, list[Row]] = {}
    for task in desk.tables["Task"]:
        if task["Status"] != "Completed":
            found.setdefault(task["WhatId"], []).append(task)
    return found


def wrong_stage_rectification(desk: Desk) -> Iterator[Draft]:
    """Which stage an opportunity is really in."""
    for key, tasks in desk.shuffled(_open_tasks(desk).items()):
        stages = {_STAGE_OF[task["Subject"]] for task in tasks}
        if len(stages) == 1 and stages != {desk.get(key)["StageName"]}:
            yield Draft(
                f"I believe that the stage of the opportunity {key} is wrong.",
                ("Which stage is it really in, going by the tasks that are still open?",),
                (stages.pop(),),
                {"opportunity": key},
            )


def activity_priority(desk: Desk) -> Iterator[Draft]:
    """Which tasks belong to the stage an opportunity is in."""
    for key, tasks in desk.shuffled(_open_tasks(desk).items()):
        stage = desk.get(key)["StageName"]
        fitting = [task["Id"] for task in tasks if _STAGE_OF[task["Subject"]] == stage]
        if fitting and len(fitting) < len(tasks):
            yield Draft(
                f"What should be done first for the opportunity {key}?",
                ("I need the IDs of the open tasks that belong to the stage it is in.",),
                tuple(fitting),
                {"opportunity": key},
            )


def _lines(desk: Desk) -> dict[str, dict[str, Row]]:
    """Lines of quotes by the product's name, by quote."""
    found: dict[str, dict[str, Row]] = {quote["Id"]: {} for quote in desk.tables["Quote"]}
    for line in desk.tables["QuoteLineItem"]:
        found[line["QuoteId"]][desk.get(line["Product2Id"])["Name"]] = line
    return found


def quote_approval(desk: Desk) -> Iterator[Draft]:
    """Which rule a quote breaks."""
    limit = LIMITS[desk.kind]
    for number, (key, lines) in enumerate(desk.shuffled(_lines(desk).items())):
        quote = desk.get(key)
        days = date.fromisoformat(quote["ExpirationDate"]) - date.fromisoformat(quote["CreatedDate"][:10])
        broken = [
            title
            for title, breaks in (
                ("Discounts", any(line["Discount"] > limit.discount for line in lines.values())),
                ("Validity", days.days > limit.validity),
                ("Side agreements", "price guarantee" in quote["Description"]),
            )
            if breaks
        ]
        # Most ask about quotes with which something is wrong.
        if not broken and number % 4:
            continue
        yield Draft(
            f"Can the quote {key} be approved?",
            ("I need the ID of the article with the rule that it breaks, or None if it breaks none.",),
            tuple(desk.title(title)["Id"] for title in broken),
            {"quote": key},
        )


def invalid_config(desk: Desk) -> Iterator[Draft]:
    """Which rule on what goes together a quote breaks."""
    rule, most = rules(desk.kind), LIMITS[desk.kind].most
    for number, (key, lines) in enumerate(desk.shuffled(_lines(desk).items())):
        limited = lines.get(rule.limited)
        broken = [
            title
            for title, breaks in (
                (f"{rule.asks}: needs", rule.asks in lines and rule.needed not in lines),
                (f"{rule.limited}: number", limited is not None and limited["Quantity"] > most),
                (f"{rule.one}: conflicts", rule.one in lines and rule.other in lines),
            )
            if breaks
        ]
        if not broken and number % 4:
            continue
        yield Draft(
            f"Does what is offered in the quote {key} go together?",
            ("I need the ID of the article with the rule that it breaks, or None if it breaks none.",),
            tuple(desk.title(title)["Id"] for title in broken),
            {"quote": key},
        )


def named_entity_disambiguation(desk: Desk) -> Iterator[Draft]:
    """Which product somebody means."""
    categories = {row["Id"]: row["Name"] for row in desk.tables["ProductCategory"]}
    of = {
        row["ProductId"]: categories[row["ProductCategoryId"]]
        for row in desk.tables["ProductCategoryProduct"]
    }
    for contact in desk.shuffled(desk.tables["Contact"]):
        bought: dict[tuple[str, str], set[str]] = {}
        for item in desk.tables["OrderItem"]:
            order = desk.get(item["OrderId"])
            if order["AccountId"] == contact["AccountId"] and order["Status"] == "Activated":
                month = order["EffectiveDate"][:7]
                bought.setdefault((of[item["Product2Id"]], month), set()).add(item["Product2Id"])
        for (category, month), products in sorted(bought.items()):
            others = [one for kind, one in bought if kind == category]
            if len(products) == 1 and len(others) > 1:
                told = f"{MONTHS[int(month[5:]) - 1]} {month[:4]}"
                yield Draft(
                    "What was it again that I bought?",
                    (
                        f"It was one of your {category.lower()}.",
                        f"I bought it in {told}.",
                        "I need the product's ID.",
                    ),
                    tuple(products),
                    {"contact": contact["Id"], "category": category, "month": month},
                )
                break


CONTEXT = {
    "wrong_stage_rectification": "Which task belongs to which stage is in the article 'Tasks of each stage'.",
    "activity_priority": "Which task belongs to which stage is in the article 'Tasks of each stage'.",
    "quote_approval": "The rules are articles in Knowledge__kav with the summary 'A rule for quotes'.",
    "invalid_config": (
        "The rules are articles in Knowledge__kav with the summary 'A rule on what goes together in a quote'."
    ),
    "named_entity_disambiguation": (
        "What was bought are the lines of activated orders of the account of the contact who asks."
    ),
}
HELP = {
    "wrong_stage_rectification": "A task is open until its status is 'Completed'.",
    "activity_priority": "A task is open until its status is 'Completed'.",
    "quote_approval": "Look at the lines of the quote, its dates, and its description.",
    "invalid_config": "Look at the products of the lines of the quote, and how many there are of each.",
    "named_entity_disambiguation": "ProductCategoryProduct says which product is of which category.",
}
