"""Distractors: turns about something else, inserted into any scripted dialogue.

At the `front` they come before everything, and the distance from the content to the questions about it stays
what it was; `between` they come after the content and before the questions, and the distance grows. The
difference of the two is the cost of distance, not of length (MT-Eval, arXiv 2401.16745, section on irrelevant
turns).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypeVar

import msgspec

from turnwise.environments.parts.scripted import Dialogue, Line
from turnwise.errors import ConfigError

Position: TypeAlias = Literal["front", "between"]
AnyDialogue = TypeVar("AnyDialogue", bound=Dialogue)

SMALL_TALK: tuple[tuple[str, str], ...] = (
    ("Is yellow a warm colour?", "Yes. Painters count yellow among the warm colours, with red and orange."),
    ("What is 48 divided by 6?", "48 divided by 6 is 8."),
    ("How many legs do three spiders have?", "A spider has eight legs, so three of them have 24."),
    ("Name a month with thirty days.", "June has thirty days."),
    ("Which is heavier, a litre of water or a litre of oil?", "A litre of water; most oils float on it."),
    ("What do you call a group of wolves?", "A group of wolves is called a pack."),
    ("Can penguins fly?", "No. Penguins use their wings for swimming."),
    ("What is the past tense of 'to swim'?", "The past tense of 'to swim' is 'swam'."),
)
"""Questions and answers that have nothing to do with any dialogue."""


def insert(
    dialogue: AnyDialogue,
    count: int,
    position: Position,
    *,
    pool: Sequence[tuple[str, str]] = SMALL_TALK,
) -> AnyDialogue:
    """`dialogue` with `count` unscored distractor turns.

    The choice depends on the dialogue's id alone, so the same dialogue always gets the same ones, and more of
    them begin with the fewer. `between` is before the first scored line that is not the dialogue's opening;
    a dialogue of one line has no between, and gets them at the front.

    Raises:
        ConfigError: for a count below 0 or above the size of the pool.
    """
    if not 0 <= count <= len(pool):
        raise ConfigError(f"distractors must be from 0 to {len(pool)} (the size of the pool), got {count}")
    chosen = random.Random(f"distractors/{dialogue.id}").sample(range(len(pool)), len(pool))[:count]
    turns = [
        Line(id=f"distractor-{number}", user=pool[at][0], reference=pool[at][1], scored=False)
        for number, at in enumerate(chosen, start=1)
    ]
    lines = dialogue.lines
    place = 0
    if position == "between":
        place = next((at for at, line in enumerate(lines) if at > 0 and line.scored), 0)
    return msgspec.structs.replace(dialogue, lines=(*lines[:place], *turns, *lines[place:]))
