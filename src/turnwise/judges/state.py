"""`state`: checks that no model is needed for: the state an episode left, what was said, what was called.

An environment leaves its final state in its log: a note named `final_state` (the state itself, or
`{"hash": ...}`), which it takes from its desk at the end. What a task asks for are the parts of a product, as
in tau-bench: the state equals the one that the reference calls lead to (by hash), assertions on the state
hold, certain strings were said, certain calls were made. Each part is 1 or 0, and all must be 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, cast

import msgspec

from turnwise.errors import ConfigError
from turnwise.judges.criteria import at_path
from turnwise.log import EpisodeLog
from turnwise.message import ToolCall
from turnwise.verdict import Asker, Verdict, no_verdict
from turnwise.wire import Record

T = TypeVar("T")

_PLACE = re.compile("[0-9]{1,9}")
FINAL_STATE = "final_state"
"""Name of the note in which an environment leaves its final state."""
Part: TypeAlias = Literal["state", "assertions", "said", "calls"]


class Assertion(Record, frozen=True, kw_only=True):
    """Something that must hold of a state."""

    path: str
    """Keys and places with dots between them, e.g. `orders.W1.items.0.status`."""
    op: Literal["equals", "differs", "contains", "lacks", "at_least", "at_most", "exists", "absent"] = (
        "equals"
    )
    value: Any = None

    def __str__(self) -> str:
        told = "" if self.op in ("exists", "absent") else f" {self.value!r}"
        return f"{self.path} {self.op}{told}"


class WantedCall(Record, frozen=True, kw_only=True):
    """A call that must be made."""

    name: str
    arguments: dict[str, Any] | None = None
    compare_args: tuple[str, ...] | None = None
    """Those arguments that matter; all do where they are left out."""
    requestor: str | None = None
    """The role that must make it, if it matters."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Programmatic checks of an episode; asks nobody."""

    asks: ClassVar[bool] = False

    parts: tuple[Part, ...] = ("state", "assertions", "said", "calls")
    """Which of them count; one that the task says nothing of is left out."""
    state: str = "expected_state"
    """Where the task holds the state (or its hash) to end in."""
    assertions: str = "assertions"
    """Where it holds `Assertion`s."""
    said: str = "outputs"
    """Where it holds strings that the first role must say."""
    calls: str = "actions"
    """Where it holds calls that must be made: `{"name": ..., "arguments": {...}, "compare_args": [...]}`."""
    name: str = "state"

    async def verdicts(self, log: EpisodeLog, ask: Asker) -> Sequence[Verdict]:
        """One verdict for each part that the task asks for.

        Raises:
            ConfigError: the task holds an assertion or a call that is none.
        """
        told = [(part, self._part(part, log)) for part in self.parts]
        return [
            msgspec.structs.replace(v, figures={part: v.score or 0.0}) if v.score is not None else v
            for part, v in told
            if v is not None
        ]

    def reduce(self, verdicts: Sequence[Verdict]) -> Verdict:
        """The product of all parts; missing where one of them cannot be told."""
        missing = next((verdict.missing for verdict in verdicts if verdict.missing is not None), None)
        if missing is not None or not verdicts:
            return no_verdict(missing or "the task says nothing of how it must end")
        reasons = [verdict.reason for verdict in verdicts if not verdict.passed and verdict.reason]
        passed = all(verdict.passed for verdict in verdicts)
        return Verdict(
            score=float(passed),
            passed=passed,
            reason="; ".join(reasons) or None,
            evidence=tuple(sorted({index for verdict in verdicts for index in verdict.evidence})),
            figures={name: value for verdict in verdicts for name, value in verdict.figures.items()},
        )

    def _part(self, part: Part, log: EpisodeLog) -> Verdict | None:
        wanted = at_path(log.task, getattr(self, part))
        if not wanted:
            return None
        if part == "said":
            return said_all(log, [str(text) for text in wanted])
        if part == "calls":
            return made_all(log, [_row(log, self.calls, value, WantedCall) for value in wanted])
        state = final_state(log)
        if state is None:
            return no_verdict("the episode left no note named 'final_state'")
        if part == "state":
            same = hash_of(state) == hash_of(wanted[0])
            return Verdict(score=float(same), passed=same, reason=None if same else "the state is another")
        asked = [_row(log, self.assertions, value, Assertion) for value in wanted]
        broken = [one for one in asked if not holds(state, one)]
        return Verdict(
            score=float(not broken),
            passed=not broken,
            reason=f"not so: {', '.join(map(str, broken))}" if broken else None,
        )


def final_state(log: EpisodeLog) -> Any:
    """The state that an episode left; None where it left none."""
    notes = [note.value for note in log.notes if note.name == FINAL_STATE]
    return notes[-1] if notes else None


def hash_of(state: Any) -> str:
    """Hex SHA-256 of a JSON value, whatever the order of its keys; `{"hash": x}` alone stands for x."""
    if isinstance(state, dict):
        known = cast("dict[str, Any]", state)
        if list(known) == ["hash"] and isinstance(known["hash"], str):
            return known["hash"]
    return hashlib.sha256(msgspec.json.encode(state, order="deterministic")).hexdigest()


def holds(state: Any, assertion: Assertion) -> bool:
    """Whether an assertion holds; of what is not there, only `absent`, `lacks` and `differs` do."""
    there, found = _looked_up(state, assertion.path)
    op, value = assertion.op, assertion.value
    if op in ("exists", "absent"):
        return there is (op == "exists")
    if not there:
        return op in ("differs", "lacks")
    if op in ("equals", "differs"):
        return (hash_of(found) == hash_of(value)) is (op == "equals")
    if op in ("contains", "lacks"):
        return _inside(value, found) is (op == "contains")
    if not isinstance(found, (int, float)) or not isinstance(value, (int, float)):
        return False
    return found >= value if op == "at_least" else found <= value


def _inside(value: Any, found: Any) -> bool:
    """Whether a list has a member, an object a key, a text a part."""
    if isinstance(found, list):
        return value in found
    return isinstance(found, (str, dict)) and isinstance(value, str) and value in found


def said_all(log: EpisodeLog, strings: Sequence[str], role: str | None = None) -> Verdict:
    """Whether a role (the first) said each string in some turn, as tau-bench compares.

    Case does not matter, and commas in what was said do not, so that `1,234` says `1234`.
    """
    spoken = [
        (turn.index, turn.text.lower().replace(",", ""))
        for turn in log.turns
        if turn.role == (role or log.roles[0])
    ]
    places = [next((index for index, text in spoken if one.lower() in text), None) for one in strings]
    unsaid = [one for one, place in zip(strings, places, strict=True) if place is None]
    return Verdict(
        score=float(not unsaid),
        passed=not unsaid,
        reason=f"never said: {', '.join(map(repr, unsaid))}" if unsaid else None,
        evidence=tuple(sorted({place for place in places if place is not None})),
    )


def made_all(log: EpisodeLog, wanted: Sequence[WantedCall]) -> Verdict:
    """Whether each wanted call was made by some turn: the same name, and the same of what is compared."""
    made = [
        (turn.index, turn.role, call, _arguments(call))
        for turn in log.turns
        for call in turn.message.tool_calls
    ]
    places = [
        next((index for index, role, call, given in made if _matches(want, role, call, given)), None)
        for want in wanted
    ]
    unmade = [want.name for want, place in zip(wanted, places, strict=True) if place is None]
    return Verdict(
        score=float(not unmade),
        passed=not unmade,
        reason=f"never called: {', '.join(unmade)}" if unmade else None,
        evidence=tuple(sorted({place for place in places if place is not None})),
    )


def _matches(want: WantedCall, role: str, call: ToolCall, given: dict[str, Any] | None) -> bool:
    if given is None or call.name != want.name or want.requestor not in (None, role):
        return False
    asked = want.arguments or {}
    keys = {*asked, *given} if want.compare_args is None else set(want.compare_args)
    return all(
        (key in asked) == (key in given) and hash_of(asked.get(key)) == hash_of(given.get(key))
        for key in keys
    )


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        given = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return None
    return cast("dict[str, Any]", given) if isinstance(given, dict) else None


def _row(log: EpisodeLog, path: str, value: Any, kind: type[T]) -> T:
    """What a task holds, as what it has to be."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"task {log.task.get('id')!r}: {path}: {error}") from None


def _looked_up(state: Any, path: str) -> tuple[bool, Any]:
    """Whether there is something at a path of a state, and what."""
    found = state
    for key in path.split("."):
        if isinstance(found, dict) and key in found:
            found = cast("dict[str, Any]", found)[key]
        elif isinstance(found, list) and _PLACE.fullmatch(key) and int(key) < len(cast("list[Any]", found)):
            found = cast("list[Any]", found)[int(key)]
        else:
            return False, None
    return True, found
