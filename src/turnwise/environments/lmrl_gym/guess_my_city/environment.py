"""The environment: find out a city by asking about it, openly or for a yes or no, in at most 20 questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar, Literal

from turnwise.environments.lmrl_gym.guess_my_city.table import atlas
from turnwise.environments.parts.guessing import Guessing, Oracle, Table, Thing
from turnwise.environments.parts.guessing.agents import askers
from turnwise.errors import TaskError, did_you_mean
from turnwise.task import Task

NEUTRAL = (
    *("city", "town", "hometown", "home", "place", "object", "something", "type", "kind", "name", "named"),
    *("live", "lived", "living", "from", "in", "born", "come", "located", "near", "there", "called"),
)
"""Words that a guess may have besides the city's own."""
REFUSAL = "I can't answer that question."
_OPEN = re.compile(r"\b(what|which|where|how|who|when|why|describe|tell)\b", re.IGNORECASE)


class GuessMyCityTask(Task, frozen=True, kw_only=True):
    """A city to find out.

    Raises:
        TaskError: for a city that is not in the table, with the nearest that are.
    """

    city: str

    def __post_init__(self) -> None:
        if self.city not in atlas().table.things:
            near = did_you_mean(self.city, atlas().table.things)
            raise TaskError(
                f"guess_my_city task {self.id!r}: field 'city': no {self.city!r} in the table{near}"
            )


class GuessMyCity(Guessing, kw_only=True, frozen=True):
    """Find out where somebody comes from."""

    name: ClassVar[str] = "guess_my_city"
    task_type: ClassVar[type[Task]] = GuessMyCityTask
    RULES: ClassVar[str] = (
        "I come from one of the large cities of the world. Find out which, by asking questions about it, one "
        "in each message. You have {questions} questions, and guessing the city is a question, too: "
        '"Is it Lisbon?" Each question costs a point.\n\n'
    )
    SECRET: ClassVar[str] = "You come from this city: {name}."
    ANSWER: ClassVar[str] = (
        'the question truthfully in one sentence that begins with "Yes." or "No." where that can be asked, '
        "and do not name the city."
    )

    answers: Literal["open", "yes_no"] = "open"
    """`open` answers any question about the city in words; `yes_no` answers all of them with Yes or No, and
    what has no such answer with No, as LMRL-Gym's published oracle does."""
    success: Literal["lmrl_gym", "archer"] = "lmrl_gym"
    """When the city counts as guessed: with `lmrl_gym` the question is a guess of it and the oracle says yes;
    with `archer` the question names it anywhere, whatever the oracle says."""

    def tasks(self) -> Iterable[GuessMyCityTask]:
        """One for each city, by size."""
        return [GuessMyCityTask(id=name.replace(" ", "_").lower(), city=name) for name in atlas().cities]

    def thing(self, task: GuessMyCityTask) -> Thing:
        """The city's row of the table."""
        return atlas().table.things[task.city]

    def oracle(self) -> Oracle:
        """Who answers from the table."""
        return _oracle()

    def look_up(self, question: str, task: GuessMyCityTask) -> str:
        """Yes or no; a fact, where the question is open and asks for one that is known."""
        if self.answers == "open" and _OPEN.search(question):
            return _fact(question.lower(), task.city)
        return super().look_up(question, task)

    def heard(self, said: str, task: GuessMyCityTask) -> str:
        """What an oracle said; as in ArCHer's environment, an answer that gives the city away is withheld."""
        if self.answers == "yes_no":
            return super().heard(said, task)
        text = " ".join(said.split())
        if re.match(r"(yes|no)\b", text, re.IGNORECASE) and not self._named(text, task):
            rest = text[3:] if text.lower().startswith("yes") else text[2:]
            return ("Yes" if text.lower().startswith("yes") else "No") + (rest if rest.strip(" .!,") else ".")
        if re.match(r"yes\b", text, re.IGNORECASE):
            return "Yes."
        return REFUSAL if self._named(text, task) else text

    def found(self, question: str, answer: str, task: GuessMyCityTask) -> bool:
        """See `success`."""
        if self.success == "archer":
            return self._named(question, task)
        return super().found(question, answer, task)

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` halves the table, `random` asks and guesses blindly, `skill50` does either."""
        return {**_ASKERS, **super().agents()}

    def _named(self, text: str, task: GuessMyCityTask) -> bool:
        lower = text.lower()
        return any(
            re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", lower) for name in self.thing(task).names
        )


def _fact(question: str, city: str) -> str:
    """An open question's answer: the topic is found by its words."""
    known, true = atlas().cities[city], atlas().table.things[city].attributes
    if re.search(r"\b(country|nation|continent|where)\b", question):
        return f"It is in {known.country}."
    if re.search(r"\b(languages?|speak|spoken)\b", question):
        return f"People speak {known.language}."
    if re.search(r"\b(food|foods|cuisine|dish|dishes|eat|speciality|specialty)\b", question):
        return f"People like {known.food}."
    if re.search(r"\b(climate|weather|temperatures?|winters?|summers?|hot|cold)\b", question):
        return f"{_climate(true)}."
    if re.search(
        r"\b(famous|landmarks?|sights?|attractions?|known|visit|tourists?|see|monuments?)\b", question
    ):
        return f"It is known for {known.sights}."
    if re.search(r"\b(big|large|population|people|inhabitants|size)\b", question):
        return "More than five million people live there." if "big" in true else "Up to five million people."
    if re.search(r"\b(near|sea|river|located|geography|landscape)\b", question):
        sea = "by the sea" if "coast" in true else "inland"
        return f"It is {sea}{', on a large river' if 'river' in true else ''}."
    return REFUSAL


def _climate(true: frozenset[str]) -> str:
    if "tropical" in true:
        return "It is warm all the year"
    if "cold" in true:
        return "Summers are warm and it snows in winter" + (", and it is dry" if "dry" in true else "")
    return "It is dry and mostly hot" if "dry" in true else "It is mild"


@cache
def _oracle() -> Oracle:
    return Oracle(_table(), NEUTRAL)


def _table() -> Table:
    return atlas().table


def _guess(city: Thing) -> str:
    return f"Is it {city.name}?"


_ASKERS = askers(_table, _guess)
