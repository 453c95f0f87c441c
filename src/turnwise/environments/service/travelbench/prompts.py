"""What agent, user, judge and meta-judge are told: the published rules in our words, with their marks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from turnwise.agents.users.marks import FINISH
from turnwise.environments.service.travelbench.rows import Form, TravelTask
from turnwise.environments.service.travelbench.scoring import DIMENSIONS, UNSOLVED
from turnwise.environments.service.travelbench.tools import TOOLS
from turnwise.log import Turn
from turnwise.verdict import Verdict

APOLOGY = (
    "I am sorry, I could not finish this within the calls I have. Please put your request in other words."
)
"""What is said for an agent that calls tools without end."""

_GOAL = """You are a travel assistant. Do what the user asks, as far as it is about travel: flights, trains,
hotels, routes, places to go. You have tools.

What may be of use:
{context}

The time now, which counts: {time}

Rules
- Do what is asked and no more: no food, sights, hotels or stops that nobody asked for.
- What stands above, or can be found with a tool, is not asked for and not guessed. Coordinates, numbers,
  prices, times and distances come from tools or from above. What no tool knows may be estimated, and is then
  called an estimate.
- The user can look nothing up, open no app and order nothing. Say it so that they can go at once.
- A call that fails or finds nothing is tried again with other arguments. If that is no use, say what you
  tried, and give the best plan there is.
- When there is a plan that can be followed, stop. Be brief and clear. Answer in the user's language.
"""
_FORMS: dict[Form, str] = {
    "single": """- You cannot ask the user anything.
- In each step either call tools, or give the final answer.
""",
    "multi": """- Ask only for what decides the result, cannot be found and cannot be assumed; one question
  at a time, and never the same one again.
- In each turn either ask, or call tools, or give the final answer; never ask and call at once.
""",
    "unsolvable": f"""- You cannot ask the user anything, and may not guess what is missing.
- In each step either call tools, or give the final answer.
- As soon as you find, at the beginning or later, that it is not clear what is wanted, that something
  needed is missing and cannot be found, or that no tool of yours can do it, stop and say exactly
  {UNSOLVED} and nothing else.
""",
}


def agent(form: Form, task: TravelTask) -> str:
    """What the agent is told in private."""
    return _GOAL.format(context=task.context or "(nothing)", time=task.time) + _FORMS[form]


def user(task: TravelTask) -> str:
    """What a user's model is told in private."""
    return f"""You play a user who talks with a travel assistant. You speak as the user would, never of
rules, profiles or models.

The time now: {task.time}

Where you are:
{task.context or "(nothing is known)"}

Who you are, which is all you know of yourself:
{task.profile or "(nothing is known)"}

What you want:
{task.intent or task.query}

Rules
- Wishes, budget, times and tastes come from who you are, and from nowhere else. Asked for anything else, you
  say in everyday words that you have no special preference.
- You never contradict what you said before.
- You can look nothing up, open nothing, order nothing, call nobody. Asked to, you say so.
- Be short, one sentence at best, as people speak; no thanks and no repetition.
- Say {FINISH} and nothing else when the assistant has given a plan that can be followed and you agree; when
  two of its turns in a row brought nothing new; or when it clearly cannot do it.
"""


_SCALE = "very poor, poor, fair, good, excellent"
_ASPECTS = {
    "reasoning_planning": "Does it understand what is wanted and what the tools can do? Are calls planned, "
    "needed, in a sensible order, with the right arguments; are empty or odd results checked and mended?",
    "summarization_extraction": "Does it take from request and results what matters, and nothing that is not "
    "there? Made-up coordinates, distances or prices weigh heavily.",
    "presentation": "Is the answer clear, correct, short, and to the point; does it say where evidence ends?",
    "user_interaction": "Are questions needed, few and to the point, never about what could be found; "
    "does it make use of the replies, and come to an end?",
}


def judge(form: Form, task: TravelTask, turns: Iterable[Turn]) -> str:
    """What a judge is asked about a trajectory."""
    dimensions = DIMENSIONS[form]
    aspects = "\n".join(f"- {name}: {_ASPECTS[name]}" for name in dimensions)
    form_of_answer = "\n".join(
        f"<{name}>\n<reasoning>why, in plain text</reasoning>\n<rating>one of: {_SCALE}</rating>\n</{name}>"
        for name in dimensions
    )
    return f"""Judge how a travel assistant with tools handled a request, in {len(dimensions)} respects.

{aspects}

First of all, in every respect: each argument of a call must come from the conversation or from a result, and
fit the request; each fact of the answer must stand in a result. Who states what no tool said, where a tool
could have told, does at best poorly.

{_shown(task, turns)}

Answer with this XML, and nothing else:
<response>
{form_of_answer}
</response>"""


def meta_judge(task: TravelTask, turns: Iterable[Turn], verdict: Verdict) -> str:
    """What a meta-judge is asked about a judgement."""
    ratings = "\n".join(f"- {name}: {rating:g} of 5" for name, rating in verdict.figures.items())
    return f"""A judge rated how a travel assistant handled a request. Rate the judgement: does it rest on
what happened, does it see what matters (arguments from real sources, results used as they are), do
its ratings follow from its reasons, from 1 (very poor) to 5 (excellent)?

{_shown(task, turns)}

<judgement>
{ratings}

{verdict.reason or ""}
</judgement>

Answer with this XML, and nothing else:
<meta_evaluation>
<reasoning>why, in plain text</reasoning>
<rating>one of: {_SCALE}</rating>
</meta_evaluation>"""


def _shown(task: TravelTask, turns: Iterable[Turn]) -> str:
    """The tools, the request and what happened."""
    return (
        f"<tools>\n{_tools()}\n</tools>\n\n<context>\nTime: {task.time}\n{task.context}\n</context>\n\n"
        f"<request>\n{task.query}\n</request>\n\n<conversation>\n{conversation(turns)}\n</conversation>"
    )


def conversation(turns: Iterable[Turn]) -> str:
    """What user and agent said and did, without what they were told in private."""
    lines: list[str] = []
    for turn in turns:
        message = turn.message
        if turn.role == "tool":
            lines.append(f"result of {message.name}: {turn.text}")
        elif turn.role in ("agent", "user"):
            calls = (f"call: {call.name}({call.arguments})" for call in message.tool_calls)
            lines += [f"{turn.role} {call}" for call in calls]
            lines += [f"{turn.role}: {turn.text}"] if turn.text else []
        elif message.role == "user" and "agent" in (turn.to or ("agent",)):
            lines.append(f"user: {turn.text}")
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _tools() -> str:
    return "\n".join(msgspec.json.encode(made.spec).decode() for made in TOOLS)
