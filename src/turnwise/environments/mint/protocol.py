"""MINT's protocol: how an agent's words are read as an action, and how the environment answers.

The markers and fixed phrases are the protocol's own, so that agents made for it are understood.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from turnwise.tools.sandbox import Execution

STOP = ("\nObservation:", "\nExpert feedback:", "\nTask:", "\n---")
"""Strings that end an agent's sample: what follows is the environment's to say."""

NO_OUTPUT = "[Executed Successfully with No Output]"
RESTARTED = "[The session had to be restarted: earlier variables are gone.]"
WRONG = "Your answer is wrong."
LAST_STEP = "You should take the last step to propose a solution."
NOT_UNDERSTOOD = (
    "I don't understand your input. \n"
    "If you want to execute code, please use <execute> YOUR_CODE_HERE </execute>.\n"
    "If you want to give me an answer, please use <solution> YOUR_SOLUTION_HERE </solution>.\n"
    "For example: The answer to the question is <solution> 42 </solution>. \n"
)

OUTPUT_LIMIT = 2000
"""Most characters of a cell's output that an observation holds."""

_SOLUTION = re.compile(r"<solution>(.*?)</solution>", re.DOTALL)
_EXECUTE = re.compile(r"<execute>(.*?)</execute>", re.DOTALL)


class Action(NamedTuple):
    """What an agent's words amount to."""

    kind: Literal["propose", "execute"]
    content: str | None
    """The answer or the code; None where no whole block of its kind could be found."""


def read_action(text: str) -> Action:
    """An answer where `<solution>` stands anywhere, else code; several blocks are joined by lines."""
    proposes = "<solution>" in text
    blocks = (_SOLUTION if proposes else _EXECUTE).findall(text)
    content = "\n".join(block.strip() for block in blocks)
    return Action("propose" if proposes else "execute", content or None)


def show_execution(execution: Execution, cell: int) -> str:
    """A cell's output as a notebook shows it: what was printed, `Out[n]: value`, or the traceback.

    It is cut at `OUTPUT_LIMIT` characters. Unlike the official shell, tracebacks are Python's plain ones,
    values are shown by `repr` rather than pretty-printed, and what goes to standard error is shown, too.
    """
    parts = [execution.output.rstrip("\n")] if execution.output else []
    if execution.result_repr is not None:
        between = " \n" if "\n" in execution.result_repr else " "
        parts.append(f"Out[{cell}]:{between}{execution.result_repr}")
    if execution.error is not None:
        parts.append(execution.error)
    if execution.state_lost:
        parts.append(RESTARTED)
    shown = "\n".join(parts) if parts else NO_OUTPUT
    if len(shown) > OUTPUT_LIMIT:
        shown = shown[:OUTPUT_LIMIT] + "...\n[Output Truncated]"
    return shown.strip()


def observation(said: str, left: tuple[int, int] | None) -> str:
    """The environment's answer to an action that did not end the episode.

    Args:
        said: The output of the code, or that the answer is wrong or not understood.
        left: Steps and proposals left; None where they are not counted down.
    """
    lines = ["Observation:", said]
    if left is not None:
        steps, proposals = left
        lines.append(f"You have {steps} steps left and {proposals} chances to propose solution left.")
        if steps <= 1:
            lines.append(LAST_STEP)
    return "\n".join(lines) + "\n"


def with_feedback(observed: str, feedback: str) -> str:
    """An observation with the expert's feedback behind it, where there is any."""
    return f"{observed}\nExpert feedback:\n{feedback}\n" if feedback else observed


def as_action(text: str) -> str:
    """An agent's turn as a transcript for the expert shows it."""
    return f"{text if text.lstrip().startswith('Assistant:') else f'Assistant:{chr(10)}{text}'}\n"
