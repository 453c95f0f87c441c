"""What MINT says to the agent and to the expert, in our own words with the protocol's own markers.

The first message has three blocks with `---` between them: the rules, one worked example of the task's
family, and the task. The official examples look things up with `wikipedia_search`; ours name only tools that
are there.
"""

from __future__ import annotations

from turnwise.environments.mint.protocol import NO_OUTPUT

SEPARATOR = "\n---\n"

_RULES = """\
You are a helpful assistant who solves problems.

Begin each turn by thinking step by step about how to solve the task, inside "<thought>" tags, for example: \
<thought> I need to print "Hello World!" </thought>.

"""
_WITH_TOOLS = """\
Then do one of two things:

1) Run code in an interactive Python session and see what it prints. The session keeps its variables from \
turn to turn. Put the code inside "<execute>" tags, for example: <execute> print("Hello World!") </execute>.
2) Propose a solution in the form that the task asks for. Put it inside "<solution>" tags, for example: \
The answer is <solution> A </solution>.

You have {steps} chances to run code or to propose a solution. You can propose a solution {proposals} times \
at most.
"""
_WITHOUT_TOOLS = """\
Then propose a solution in the form that the task asks for, inside "<solution>" tags, for example: The \
answer is <solution> A </solution>.

You can propose a solution {proposals} times at most.
"""

_REASONING = (
    (
        "Task:\nA round tank has a radius of M centimetres, where M is the smallest prime above 700, and is "
        "2 metres high. How many litres does it hold?\nOutput format requirement: Round to three decimal "
        "places.\n",
    ),
    (
        "Assistant:\n<thought> First I need the smallest prime above 700. </thought>\n<execute>\n"
        "def is_prime(n):\n    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))\n\n"
        "M = next(n for n in range(701, 1000) if is_prime(n))\nM\n</execute>\n\nObservation:\nOut[1]: 701\n",
        "This is GOOD. You found M with a small program instead of guessing it. Now put it into the formula "
        "for the volume, and mind the units.",
    ),
    (
        "Assistant:\n<thought> The volume is pi * r^2 * h. With r = 7.01 m and h = 2 m it comes out in cubic "
        "metres; one cubic metre is 1000 litres. </thought>\n<execute>\nimport math\n"
        "print(round(math.pi * (M / 100) ** 2 * 2 * 1000, 3))\n</execute>\n\nObservation:\n{litres}\n",
        "This is GOOD. The units are right and the number is rounded as the task wants it. You can propose "
        "it now.",
    ),
    ("Assistant:\nThe answer is <solution> {litres} </solution>.\n",),
)
_LITRES = "308756.354"

_MBPP_TASK = (
    "Task:\nWrite a function to count the words of a sentence that begin with a given letter.\n"
    'assert count_words("Tom ties ten knots", "t") == 3\n'
)
_HUMANEVAL_TASK = (
    "Task:\nComplete the following code:\n\ndef count_words(sentence: str, letter: str) -> int:\n"
    '    """Count the words of a sentence that begin with a given letter.\n'
    '    assert count_words("Tom ties ten knots", "t") == 3\n    """\n'
)
_HEAD = {
    "mbpp": "def count_words(sentence, letter):",
    "humaneval": "def count_words(sentence: str, letter: str) -> int:",
}
_TEST = 'found = count_words("Tom ties ten knots", "t")\nassert found == 3, f"expected 3, got {found}"'
_CODE = (
    (
        "Assistant:\n<thought> I split the sentence and look at the first letters. I try it on the given "
        "test before I propose it. </thought>\n<execute>\n{head}\n"
        "    return sum(word[0] == letter for word in sentence.split())\n\n{test}\n</execute>\n\n"
        'Observation:\nTraceback (most recent call last):\n  File "<cell 1>", line 5, in <module>\n'
        '    assert found == 3, f"expected 3, got {{found}}"\n           ^^^^^^^^^^\n'
        "AssertionError: expected 3, got 2\n",
        "This is BAD. Look at which word your function misses, and at how its first letter is written.",
    ),
    (
        'Assistant:\n<thought> "Tom" begins with a capital letter: I compare in lower case. </thought>\n'
        "<execute>\n{head}\n"
        "    return sum(word[0].lower() == letter.lower() for word in sentence.split())\n\n{test}\n"
        "</execute>\n\nObservation:\n{quiet}\n",
        "This is GOOD. The test passes now. You can propose this function.",
    ),
    (
        "Assistant:\n<thought> The test passes, so I propose this function. </thought>\n<solution>\n{head}\n"
        "    return sum(word[0].lower() == letter.lower() for word in sentence.split())\n</solution>\n",
    ),
)

_EXPERT = """\
You are an expert who watches an assistant solve a task and comments on its work.

---
Here is an example; comment in the way its expert does.

{example}
---

{tools}
{transcript}

{answer}

Comment on the assistant's last action, briefly and helpfully. Act as a teacher: do not give away the \
solution or parts of the answer, but lead the assistant to find out by itself how to get there, so that it \
thinks more clearly and answers better.{form}
Expert feedback:
"""
_BINARY = ' Begin with the sentence "This is GOOD." or "This is BAD.", as fits.'
_ANSWER = "Correct solution (NEVER disclose it to the assistant): {answer}"
NOT_GIVEN = "NOT GIVEN"

EXPERT_STOP = ("\nObservation:", "\nTask:", "\nAssistant:")
"""Strings that end the expert's sample."""


def example(family: str, *, feedback: bool, session: bool = True) -> str:
    """The worked example of a family (`reasoning`, `mbpp`, `humaneval`).

    With or without an expert's words; without a Python session only the answer is left of it.
    """
    if family == "reasoning":
        turns, fill = _REASONING, {"litres": _LITRES}
    else:
        task = _MBPP_TASK if family == "mbpp" else _HUMANEVAL_TASK
        turns = ((task,), *_CODE)
        fill = {"head": _HEAD[family], "test": _TEST, "quiet": NO_OUTPUT}
    shown: list[str] = []
    for said, *comments in turns if session else (turns[0], turns[-1]):
        shown.append(said if said.startswith("Task:") else said.format(**fill))
        if feedback:
            shown += [f"Expert feedback:\n{comment}\n" for comment in comments]
    return "\n".join(shown)


def opening(
    family: str, prompt: str, *, steps: int, proposals: int, tools: str | None, feedback: bool
) -> str:
    """The first message to the agent.

    Args:
        family: Whose worked example to show.
        prompt: The task's own text.
        steps: Actions it may take.
        proposals: Solutions it may propose.
        tools: What functions the Python session has; None where there is no session.
        feedback: Whether an expert will comment.
    """
    rules = _RULES + (_WITHOUT_TOOLS if tools is None else _WITH_TOOLS)
    head = rules.format(steps=steps, proposals=proposals) + (f"\n{tools}" if tools else "")
    shown = example(family, feedback=feedback, session=tools is not None)
    return SEPARATOR.join((head, f"\n{shown}", f"\nTask:\n{prompt}\n"))


def expert(family: str, transcript: str, *, answer: str | None, tools: str | None, binary: bool) -> str:
    """The question to the expert.

    Args:
        family: Whose worked example to show.
        transcript: The conversation from the task on, the newest observation last.
        answer: The right answer, where the expert may know it.
        tools: What functions the Python session has.
        binary: Whether only GOOD or BAD will be passed on.
    """
    return _EXPERT.format(
        example=example(family, feedback=True, session=tools is not None),
        tools=tools or "",
        transcript=transcript,
        answer=_ANSWER.format(answer=NOT_GIVEN if answer is None else answer.strip()),
        form=_BINARY if binary else "",
    )
