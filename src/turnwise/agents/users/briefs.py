"""Briefs: what a user's model is told, with the rules and marks of published protocols in words of our own.

Each is the system prompt of a user; an environment tells it to the role (`episode.user.tell(system(...))`) or
an agent is made with it. What a task holds (an instruction, a profile, an intent) goes in as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.agents.users.marks import FINISH, OUT_OF_SCOPE, STOP, TRANSFER

REACT_FORM = "Format:\n\nThought:\n<your thought>\n\nUser Response:\n<what is sent to the agent>"
"""How the protocol `react` wants a user's words."""

_ONE_LINE = "Write one line at a time: what the user says next."
_BIT_BY_BIT = "Do not give the whole instruction away at once, only what the present step needs."
_NOTHING_NEW = (
    "Make nothing up that the instruction does not say: asked for an order number that it does not give, for "
    "example, say that you do not remember it or do not have it."
)
_OWN_WORDS = "Never repeat the instruction word for word; say the same in words of your own."
_NATURAL = "Talk as naturally as you can, and with the temper that the instruction describes."


def tau_bench(instruction: str, *, react: bool = False) -> str:
    """tau-bench 1: the user of a task's instruction.

    Args:
        instruction: The task's.
        react: The form that the protocol `react` reads.
    """
    if react:
        first = (
            "First write a Thought about what to do next, which nobody is sent; then a User Response of one "
            "line: what the user says next, which is sent to the agent."
        )
        stop = f"Once the goal of the instruction is reached, the User Response is {STOP} and nothing else."
    else:
        first = _ONE_LINE
        stop = f"Once the goal of the instruction is reached, write {STOP} as a message of its own."
    told = f"You are a user who talks to an agent.\n\nInstruction: {instruction}\n\n" + _rules(
        first, _BIT_BY_BIT, _NOTHING_NEW, stop, _OWN_WORDS, _NATURAL
    )
    return f"{told}\n\n{REACT_FORM}" if react else told


def tau2_bench(scenario: str, *, persona: str = "", tools: bool = False) -> str:
    """tau2-bench: the user of a scenario, who may have tools of their own.

    Args:
        scenario: Reason for the call, what is known and what is not, how to behave.
        persona: Who they are.
        tools: Whether the user can do things on a device of their own.
    """
    rules = [
        "You play a customer who contacts a representative. Stay in the part, whatever is said.",
        _ONE_LINE,
        "Begin with the reason for the contact, and give further information only when it is asked for.",
        _NOTHING_NEW.replace("instruction", "scenario"),
        _OWN_WORDS.replace("instruction", "scenario"),
        f"When what the scenario asks for is done, write {STOP} to end the conversation.",
        f"When you are handed over to another agent, write {TRANSFER}.",
        f"When the scenario does not hold what you need to go on, write {OUT_OF_SCOPE}.",
    ]
    if tools:
        rules += [
            "You have tools, which act on your own device. Use one when the representative asks you to do or "
            "to look at something, and only then; tell afterwards what you saw, never what you suppose.",
            "Write a message or call a tool, never both at once.",
        ]
    who = f"\n\n<persona>\n{persona.strip()}\n</persona>" if persona.strip() else ""
    return f"{_rules(*rules)}{who}\n\n<scenario>\n{scenario.strip()}\n</scenario>"


def vitabench(persona: str, instructions: str) -> str:
    """VitaBench: a user of life services with a persona and several requests in one story."""
    rules = _rules(
        _ONE_LINE,
        "Say what your situation is and what you need; your temper must show in how you say it.",
        "Split the instructions into points and bring them up over several turns. Every point must have come "
        "up in the end.",
        "Never make anything up; say that you do not remember where you are asked what you do not know. Give "
        "your user id where you must say who you are.",
        "Insist on your own requirements; do not let yourself be talked into something else.",
        "Lose patience when you are asked the same thing more than 3 times.",
        f"Do not end before everything was said and done; then write {STOP}. If you are handed over, write "
        f"{TRANSFER}; if the instructions do not hold what you need to go on, write {OUT_OF_SCOPE}.",
    )
    return (
        f"You are a user who talks to an assistant.\n\n<persona>\n{persona.strip()}\n</persona>\n\n"
        f"<instructions>\n{instructions.strip()}\n</instructions>\n\n{rules}"
    )


def crmarena_pro(persona: str, query: str) -> str:
    """CRMArena-Pro, interactive: a persona who reveals a request bit by bit."""
    rules = _rules(
        _ONE_LINE,
        "Ask for less than you want at first. Reveal one criterion at a time, from the broad to the narrow, "
        "and leave some out until you are asked.",
        _NOTHING_NEW,
        _OWN_WORDS,
        "Where the agent answers by a name, ask for the ID.",
        f"When the goal is reached, or the agent says that there is none (None), write {STOP} as a "
        "message of its own.",
    )
    return f"{persona.strip()}\n\nYou talk to an agent.\n\nInstruction: {query.strip()}\n\n{rules}"


def travelbench(profile: str, intent: Sequence[str], *, time: str = "", place: str = "") -> str:
    """TravelBench, multi-turn: a traveller with a profile, who cannot do anything but talk.

    Args:
        profile: The only source of what the user likes.
        intent: The request taken apart.
        time: When it is.
        place: Where the user is.
    """
    rules = _rules(
        "Stay in the part of the user; you see what the assistant says, and none of its tools.",
        "What you like stands in the profile and nowhere else; asked for anything else, say that you have no "
        "special preference.",
        "You can operate nothing: asked to click, book or search, say that you cannot.",
        "Speak in short sentences, as one talks.",
        "End the conversation when you have a plan that can be carried out and you agree to it, when two "
        "turns in a row have brought nothing new, or when it is clear that the assistant cannot do it. The "
        f"message that ends it is exactly {FINISH}",
    )
    about = "\n".join(f"{name}: {text}" for name, text in (("Time", time), ("Place", place)) if text)
    wanted = "\n".join(f"- {part}" for part in intent)
    return (
        f"You are a traveller who talks to an assistant.\n{about}\n\nProfile:\n{profile.strip()}\n\n"
        f"What you want:\n{wanted}\n\n{rules}"
    )


def _rules(*rules: str) -> str:
    return "Rules:\n" + "\n".join(f"- {rule}" for rule in rules)
