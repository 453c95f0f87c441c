"""Questions whose answer stands in texts: articles, conversations, calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from turnwise.environments.service.crmarena_pro.made.articles import FAQ, LIMITS, Limits
from turnwise.environments.service.crmarena_pro.made.words import RIVALS
from turnwise.environments.service.crmarena_pro.questions.draft import Desk, Draft

_BREAKS: dict[str, tuple[str, Callable[[int, Limits], bool]]] = {
    "Refunds": (r"I refund you (\d+) dollars", lambda number, limit: number > limit.refund),
    "Replacements": (r"a new [\w ]+ in (\d+) days", lambda number, limit: number < limit.replacement),
    "Returns": (r"You bought it (\d+) days ago, so we take", lambda number, limit: number > limit.returns),
}
"""What an agent says where a rule holds, and which numbers break it."""


def broken_rule(text: str, limit: Limits) -> str | None:
    """The title of the rule that a conversation breaks."""
    if "Please tell me the password" in text:
        return "Passwords"
    for title, (pattern, breaks) in _BREAKS.items():
        if any(breaks(int(number), limit) for number in re.findall(pattern, text)):
            return title
    return None


def policy_violation_identification(desk: Desk) -> Iterator[Draft]:
    """Whether an agent broke a rule in a case, and which."""
    talks = {row["CaseId"]: row["Body"] for row in desk.tables["LiveChatTranscript"]}
    talks |= {row["ParentId"]: row["TextBody"] for row in desk.tables["EmailMessage"]}
    limit = LIMITS[desk.kind]
    for number, case in enumerate(desk.shuffled(sorted(talks))):
        title = broken_rule(talks[case], limit)
        # Most ask about cases in which something was wrong.
        if title is None and number % 3:
            continue
        yield Draft(
            f"Please look into the case {case}.",
            (
                "I want to know whether the agent broke one of our rules there.",
                "I need the ID of the article with that rule, or None if no rule was broken.",
            ),
            () if title is None else (desk.title(title)["Id"],),
            {"case": case},
        )


def knowledge_qa(desk: Desk) -> Iterator[Draft]:
    """What an article says."""
    for question, answer in desk.shuffled(FAQ[desk.kind]):
        yield Draft(question, (), (answer,), {"question": question})


def sales_insight_mining(desk: Desk) -> Iterator[Draft]:
    """Which competitor came up, and why."""
    calls = [row for row in desk.tables["VoiceCallTranscript__c"] if row["OpportunityId__c"]]
    for call in desk.shuffled(calls):
        rival = next(rival for rival in RIVALS if rival in call["Body__c"])
        reason = call["Body__c"].split(f"{rival}, because ", 1)[1].split(".", 1)[0]
        yield Draft(
            f"I would like to know about the calls on the opportunity {call['OpportunityId__c']}.",
            ("Which competitor came up there, and for what reason?",),
            (f"{rival}, because {reason}",),
            {"opportunity": call["OpportunityId__c"]},
        )


def lead_qualification(desk: Desk) -> Iterator[Draft]:
    """Which of the four factors a lead does not meet."""
    limit = LIMITS[desk.kind]
    for call in desk.shuffled(row for row in desk.tables["VoiceCallTranscript__c"] if row["LeadId__c"]):
        text = call["Body__c"]
        (budget,) = re.findall(r"set aside (\d+) dollars", text)
        (months,) = re.findall(r"In (\d+) month", text)
        met = {
            "Budget": int(budget) >= limit.budget,
            "Authority": "I decide about it alone" in text,
            "Need": "We need it now" in text,
            "Timeline": int(months) <= limit.timeline,
        }
        yield Draft(
            f"Can the lead {call['LeadId__c']} be qualified?",
            ("Which of Budget, Authority, Need and Timeline are not met, after what was said in the call?",),
            tuple(factor for factor, holds in met.items() if not holds),
            {"lead": call["LeadId__c"]},
        )


CONTEXT = {
    "policy_violation_identification": (
        "The rules are articles in Knowledge__kav with the summary 'A rule for service agents'. "
        "What was said in a case is in LiveChatTranscript or EmailMessage."
    ),
    "lead_qualification": (
        "What makes a lead qualified is in the article 'Lead qualification'. Answer with those that are "
        "not met, or None if all are."
    ),
    "sales_insight_mining": "Answer as: <competitor>, because <reason>.",
    "knowledge_qa": "Answer in the words of the article, and nothing else.",
}
HELP = {
    "lead_qualification": "Calls with leads are in VoiceCallTranscript__c, by LeadId__c.",
    "sales_insight_mining": "Calls about opportunities are in VoiceCallTranscript__c, by OpportunityId__c.",
    "knowledge_qa": "Articles are in Knowledge__kav; long texts are found by FIND.",
}
