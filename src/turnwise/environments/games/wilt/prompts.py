"""What WILT tells its participants: words of our own around the benchmark's markers and form of results."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.environments.games.wilt.checker import Triple

OUT_OF_TESTS = "Maximum attempts reached. Please make a guess."
FORMAT = (
    "I cannot read that. End your message with a test, e.g. 'Test Case: ```(0,0,0)```', or with your guess, "
    "e.g. 'Final Guess: ```lambda x, y, z: True```'."
)
BACKTICKS = "Please put the function in backticks, e.g. 'Final Guess: ```lambda x, y, z: True```'."
INVALID = "Invalid lambda function."
ABORTED = "Aborting."

CLASSES = ("Correct", "Missing Edge Case", "Near-Miss Magnitudes", "Completely Different")
"""What a judge may call a guess, from the same function to an unrelated one."""

_TASK = "There is a hidden rule: a function that takes three numbers x, y and z and returns True or False."
_GUESS_FORM = (
    "a Python lambda function of three numbers in triple backticks, as in "
    '"Final Guess: ```lambda x,y,z: x < y < z```"'
)


def opening(tests: int) -> str:
    """The task, for an agent with `tests` test cases."""
    return f"""{_TASK} \
Find out what it is.

The numbers may be integers or floats that can be written in at most 3 digits, signs and decimal points not \
counted (-11.3 is fine). In each message, first explain step by step what you think and what you plan, and \
then do exactly one of two things:

1. Test one triple: end your message with "Test Case: ```(x,y,z)```", e.g. "Test Case: ```(1, 2, 3)```" for \
x=1, y=2, z=3. You will be told what the rule says of it. One test case a message.
2. Guess the rule: end your message with "Final Guess: " and {_GUESS_FORM}. This can be done only once and \
ends the game.

You have at most {tests} test cases and exactly one guess. The rule never changes, so never test a triple \
twice. A wrong guess scores nothing, even if it is close: guess when you are confident, or when your tests \
are nearly used up.

The test case or the guess must be the last thing in your message, with nothing else on its line. Say why \
you chose it."""


def opening_with(tests: Sequence[tuple[Triple, bool]]) -> str:
    """The task for an agent that may only guess, from tests somebody else made."""
    shown = "\n".join(f"{triple_text(triple)}: {result}" for triple, result in tests)
    return f"""{_TASK} \
Somebody has tested it. From these tests, find out what the rule is.

The tests, and what the rule says of each:

{shown}

Explain why you choose your guess, and then end your message with "Final Guess: " and {_GUESS_FORM}. \
Put nothing else on its line. You have exactly one guess."""


def triple_text(triple: Triple) -> str:
    """A triple as results show it: `(1.0, 2.0, 3.0)`."""
    return f"({', '.join(str(float(number)) for number in triple)})"


def result(triple: Triple, value: bool, remaining: int) -> str:
    """What a test showed."""
    return f"Result for input {triple_text(triple)}: {value}. Attempts Remaining: {remaining}"


def verdict(rule: str, *, correct: bool) -> str:
    """The end of the game, after a guess that could be computed."""
    if correct:
        return "Congratulations! Your guess is correct. SCORE: 1000."
    return f"Sorry, that is not the rule. The rule was {rule}. SCORE: 0"


def judging(rule: str, guess: str) -> str:
    """Asks a judge how near a guess came."""
    return f"""Compare two Python functions of three numbers and say how similar they are. Choose one class:

1. "Correct": they are the same function, perhaps written differently.
2. "Missing Edge Case": they are very close, but differ at a boundary or in some special case, as x < y < z \
and x <= y <= z do.
3. "Near-Miss Magnitudes": they say the same kind of thing with other numbers, as (x > 0 and x < 5) and \
(x > -1 and x < 7) do.
4. "Completely Different": anything else, e.g. lambda x: False and lambda x: x % 2 == 0.

First function: {rule}
Second function: {guess}

Reason first. Then end with one line: "Judgment: " and the class."""
