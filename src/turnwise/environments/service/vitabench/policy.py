"""What the agent is told, in words of our own: when it is, how to use tools, how to talk."""

from __future__ import annotations

from datetime import datetime

from turnwise.agents.users.marks import STOP

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def policy(time: str) -> str:
    """For an agent who talks to a user.

    Args:
        time: When the task plays.
    """
    return (
        f"It is {with_weekday(time)}.\n\n"
        "Tools:\n"
        "- Before you call a tool, see whether you know all it needs. Ask the user for what is missing; what "
        "the user cannot tell, find out by other tools.\n"
        "- Heed what each tool says under Precondition and Postcondition.\n\n"
        "Talk:\n"
        "- Rely on what was said and found; make nothing up.\n"
        "- Do what the user wants, and do not suggest wants that they do not have.\n"
        "- When it is done, ask whether there is anything else. When there is not, end the conversation with "
        f"{STOP}"
    )


def solo_policy(time: str) -> str:
    """For an agent who is told everything at once, and has nobody to ask."""
    return (
        f"It is {with_weekday(time)}.\n\n"
        "- You are told all that a user wants. Do all of it with the tools, in the order in which it is "
        "told: what is ordered first and cancelled or changed later, too.\n"
        "- Heed what each tool says under Precondition and Postcondition. What needs the user's word "
        "counts as confirmed.\n"
        "- Nobody answers you. Call tools only, and when all is done, write "
        f"{STOP}"
    )


def with_weekday(time: str) -> str:
    """A time and its day of the week; any other text as it is."""
    try:
        return f"{time} {_DAYS[datetime.fromisoformat(time).weekday()]}"
    except ValueError:
        return time
