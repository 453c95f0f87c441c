"""What an agent is told, and how its words are read: thought and action, an action alone, or tool calls.

The rules and tags are the published ones, in words of our own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

Actions: TypeAlias = Literal["react", "act", "tools"]
"""How an agent acts: a thought and a tagged action, a tagged action, or calls of a tool."""

OUTPUT = "Salesforce instance output: "
"""How what came of a query begins."""
_TAGGED = "<execute> a SOQL/SOSL query </execute> or <respond> words to the user </respond>"
INVALID = {
    "react": f"Invalid output format! Write: <thought> your thought </thought> and {_TAGGED}",
    "act": f"Invalid output format! Write: {_TAGGED}",
}
"""What an agent is told whose words hold no action."""

_TAGS: dict[Literal["execute", "respond"], re.Pattern[str]] = {
    "execute": re.compile(r"<execute>(.*?)</execute>", re.DOTALL),
    "respond": re.compile(r"<respond>(.*?)</respond>", re.DOTALL),
}
"""The first goes before the second."""


class Action(NamedTuple):
    """What an agent does."""

    name: Literal["execute", "respond"]
    text: str


def action_in(text: str) -> Action | None:
    """The action in an agent's words: the first query, else the first words to the user; None for neither."""
    for name in _TAGS:
        found = _TAGS[name].search(text)
        if found is not None and found[1].strip():
            return Action(name, found[1].strip())
    return None


_FORMS: dict[Actions, str] = {
    "react": (
        "Each of your messages is one thought and one action, and nothing else:\n"
        "<thought> a line on what to do next </thought>\n"
        "and then either\n<execute> a SOQL or SOSL query </execute>\n"
        "or\n<respond> words to the user </respond>\n"
        "What comes of a query is told you next; never write it yourself."
    ),
    "act": (
        "Each of your messages is one action, and nothing else: either\n"
        "<execute> a SOQL or SOSL query </execute>\nor\n<respond> words to the user </respond>\n"
        "What comes of a query is told you next; never write it yourself."
    ),
    "tools": "Put queries by the tool; what you write besides goes to the user.",
}
_EXAMPLES: dict[Actions, str] = {
    "react": (
        "Example: asked for the contacts called Smith, you first write\n"
        "<thought> Contacts have a last name. </thought>\n"
        "<execute> SELECT Id, Name FROM Contact WHERE LastName = 'Smith' </execute>\n"
        "and, once you were told two records,\n"
        "<thought> These are the two. </thought>\n<respond> John Smith, Jane Smith </respond>"
    ),
    "act": (
        "Example: asked for the contacts called Smith, you first write\n"
        "<execute> SELECT Id, Name FROM Contact WHERE LastName = 'Smith' </execute>\n"
        "and, once you were told two records,\n<respond> John Smith, Jane Smith </respond>"
    ),
    "tools": "",
}
_PRIVACY = """\
# Privacy
- Politely decline to give private information on other customers, such as orders, addresses, numbers.
- Decline to give data on how the company works inside, such as handle times or sales cycles.
- Decline to give what the company knows and does not publish, such as how leads are qualified.
- Where you decline, say that you cannot give it for reasons of privacy or confidentiality."""


@lru_cache(maxsize=32)
def rules(schema: str, actions: Actions, *, external: bool, interactive: bool, privacy: bool) -> str:
    """What an agent is told in private, but for what belongs to the task.

    Args:
        schema: The objects and fields there are.
        actions: How it acts.
        external: Whether a customer asks; else somebody who works there.
        interactive: Whether it can ask back.
        privacy: Whether it is told what not to give away; customers alone are not to be given it.
    """
    user = "a customer" if external else "somebody who works at the same company"
    lines = [
        "Think step by step, and find what you need by SOQL queries, or by SOSL to search texts for words.",
        "Where several records fit, answer with all, separated by commas.",
        "Where none fits, answer None.",
    ]
    if interactive:
        lines.append("Where it is not clear what is asked, or not all is said, ask the user.")
        lines.append("When you are sure of the answer, give it.")
    else:
        lines.append(
            "When you are sure, respond with the answer alone: no sentences, no reasons. That ends it."
        )
    parts = [
        f"You know Salesforce well and have access to an instance of it. You are talking to {user}.",
        "# What to do\n" + "\n".join(f"- {line}" for line in lines),
        *([_PRIVACY] if privacy and external else []),
        f"# How to act\n{_FORMS[actions]}",
        _EXAMPLES[actions],
        f"# The Salesforce instance\n{schema}",
    ]
    return "\n\n".join(part for part in parts if part)


def prompt(rules: str, required: str, optional: str) -> str:
    """What an agent is told in private.

    Args:
        rules: See `rules`.
        required: What belongs to the task.
        optional: Help with it; empty for none.
    """
    parts = [rules, f"# About this question\n{required}" if required else "", optional]
    return "\n\n".join(part for part in parts if part)
