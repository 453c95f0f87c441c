"""The rows: a request that can be read in several ways, what it means, and a follow-up."""

from __future__ import annotations

from typing import Literal, TypeAlias

from turnwise.errors import TaskError
from turnwise.task import Task
from turnwise.wire import Record

Category: TypeAlias = Literal["Query", "Management"]


class Ambiguity(Record, frozen=True, kw_only=True):
    """A term of the request that can be read in several ways."""

    term: str
    meant: str = ""
    """How the user means it, in words that may be said; published rows have none."""
    snippet: str = ""
    """The piece of the reference SQL that settles it."""
    keys: tuple[str, ...] = ()
    """Words of a question that is about it, for a user by rules; by default those of the term."""


class Masked(Record, frozen=True, kw_only=True):
    """An entry of the knowledge base that the agent is not shown."""

    knowledge: int
    """Its id."""
    term: str = ""
    """How the request calls it; by default the entry's own name."""
    keys: tuple[str, ...] = ()


class Detail(Record, frozen=True, kw_only=True):
    """What the user can say about a clause of what they want, should anybody ask."""

    clause: str
    """`SELECT`, `WHERE`, `ORDER BY`, …; see `segments`."""
    meant: str
    keys: tuple[str, ...]


class Part(Record, frozen=True, kw_only=True):
    """A request and how its answer is tested: the first one, or the follow-up."""

    asks: str
    """As the agent is told it."""
    clear: str = ""
    """The same, so that it can be read in one way only."""
    category: Category = "Query"
    """A question, or something to be changed."""
    sql: tuple[str, ...]
    """Reference statements."""
    ordered: bool = False
    """Whether the order of the rows counts."""
    probes: tuple[str, ...] = ()
    """Of a change: queries that must give the same after the prediction as after the reference."""
    test_cases: tuple[str, ...] = ()
    """Published tests: Python that defines `test_case(pred_sqls, sol_sqls, db_name, conn)`."""
    details: tuple[Detail, ...] = ()
    guess: str = ""
    """What somebody submits who never asks: another reading of `asks`; empty where there is none."""

    @property
    def reference(self) -> str:
        """The reference statements as one script."""
        return ";\n".join(statement.strip().rstrip(";") for statement in self.sql)


class BirdTask(Task, frozen=True, kw_only=True):
    """One task.

    Raises:
        TaskError: it cannot be tested: a part has no reference SQL, or is a change without tests.
    """

    database: str
    first: Part
    follow_up: Part | None = None
    critical: tuple[Ambiguity, ...] = ()
    """Terms whose reading changes the answer."""
    other: tuple[Ambiguity, ...] = ()
    """Terms whose reading does not (order, number of rows); not counted."""
    masked: tuple[Masked, ...] = ()
    preprocess: tuple[str, ...] = ()
    """SQL that is run before anything else."""

    def __post_init__(self) -> None:
        for part in (self.first, self.follow_up):
            if part is not None and not part.reference:
                raise TaskError(
                    f"bird_interact task {self.id!r}: there is no reference SQL; it is not published with "
                    "the rows: get it from the authors, and put it beside them as ground_truth.jsonl"
                )

    @property
    def ambiguities(self) -> int:
        """m: how many ambiguities are counted."""
        return len(self.critical) + len(self.masked)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts there are."""
        return (self.first,) if self.follow_up is None else (self.first, self.follow_up)
