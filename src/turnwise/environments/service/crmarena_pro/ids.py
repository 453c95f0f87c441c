"""Record ids in Salesforce's form: three signs for the object, a number in base 62, three signs to check.

The last three tell small letters from capitals where case was lost: each stands for five of the fifteen
before, with one bit for each capital among them.
"""

from __future__ import annotations

import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKS = string.ascii_uppercase + string.digits[:6]
_MIDDLE = {"b2b": "Wt000004", "b2c": "Wt000007"}
"""What stands for the organisation."""
PREFIXES = {
    "User": "005",
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityLineItem": "00k",
    "Quote": "0Q0",
    "QuoteLineItem": "0QL",
    "Contract": "800",
    "Order": "801",
    "OrderItem": "802",
    "Product2": "01t",
    "ProductCategory": "0ZG",
    "ProductCategoryProduct": "0ZH",
    "Pricebook2": "01s",
    "PricebookEntry": "01u",
    "Case": "500",
    "CaseHistory__c": "a00",
    "Issue__c": "a03",
    "EmailMessage": "02s",
    "LiveChatTranscript": "570",
    "VoiceCallTranscript__c": "a06",
    "Knowledge__kav": "ka0",
    "Task": "00T",
    "Event": "00U",
    "Territory2": "0MI",
    "UserTerritory2Association": "0UT",
}
"""How ids of each object begin."""


def record_id(table: str, number: int, org: str) -> str:
    """The id of an object's record.

    Args:
        table: The object.
        number: Counted from 0.
        org: The organisation.
    """
    # Spread, so that neighbours do not look alike.
    left, spread = (number + 1) * 7919 % 62**4, ""
    for _ in range(4):
        left, digit = divmod(left, 62)
        spread = _DIGITS[digit] + spread
    short = f"{PREFIXES[table]}{_MIDDLE[org]}{spread}"
    return short + checks(short)


def checks(short: str) -> str:
    """The last three signs of an id of fifteen."""
    return "".join(
        _CHECKS[sum(sign.isupper() << place for place, sign in enumerate(short[start : start + 5]))]
        for start in (0, 5, 10)
    )
