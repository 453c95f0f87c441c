"""What each role was shown: its view graph laid beside what happened to it.

History is what happened, a view is what a model was shown in one call. Where a context policy leaves things
out, or says them in other words, the two differ; both are told in one order, history's.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from turnwise.log import Call, EpisodeLog, Ref, as_seen
from turnwise.message import Message
from turnwise.view.reading import messages
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s

_CALLS = 2_000
_DIFFED = 12_000
"""Characters up to which two texts are compared word by word."""
_ALIKE = 0.3
"""Share of words from which a private message is another wording of the turn whose place it takes."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Seen(NamedTuple):
    """A call and how much it was shown, worked out from the call before."""

    call: Call
    turn: int | None
    """The turn it became."""
    shown: int
    private: int
    turns: int
    """How many of the messages shown are turns."""
    top: int
    """The last turn that it was shown; -1 where there is none."""


class RoleView:
    """The calls of one role of an episode."""

    def __init__(self, log: EpisodeLog, role: str) -> None:
        self.log = log
        self.role = role
        self.turn_of = {turn.calls[-1]: turn.index for turn in log.turns if turn.calls and turn.role == role}
        self.seen: dict[int, Seen] = {}
        for call in log.calls:
            if call.role == role:
                self.seen[call.n] = self._see(call)

    @cached_property
    def known(self) -> list[int]:
        """The turns that it said or was told, in order."""
        role, alone = self.role, len(self.log.roles) == 1
        shown = {ref for one in self.seen.values() for ref in one.call.added if isinstance(ref, int)}
        return [
            turn.index
            for turn in self.log.turns
            if turn.role == role or role in turn.to or turn.index in shown or (alone and not turn.to)
        ]

    def history(self, one: Seen) -> list[int]:
        """What the role knew when a call was made."""
        return self.known[: self._knew(one)]

    def _knew(self, one: Seen) -> int:
        """How many turns that is."""
        return bisect_right(self.known, one.top if one.top >= 0 else (one.turn or 0) - 1)

    def line(self, one: Seen) -> s.ViewCall:
        """A call in short."""
        return s.ViewCall(
            n=one.call.n,
            turn=one.turn,
            parent=one.call.parent,
            shown=one.shown,
            hidden=self._knew(one) - one.turns,
            private=one.private,
        )

    @property
    def rewritten(self) -> bool:
        """Whether some call was shown something else than history and a system prompt."""
        for one in self.seen.values():
            if self._knew(one) > one.turns:
                return True
            for ref in one.call.added:
                if isinstance(ref, Message) and ref.role != "system":
                    return True
        return False

    def refs(self, one: Seen) -> list[Ref]:
        """Everything that was shown in a call, in order."""
        parts: list[list[Ref]] = []
        node: Seen | None = one
        while node is not None:
            parts.append(list(node.call.added))
            parent = None if node.call.parent is None else self.seen.get(node.call.parent)
            if parent is not None:
                parts.append([self._said(parent)])
            node = parent
        return [ref for part in reversed(parts) for ref in part]

    def _said(self, one: Seen) -> Ref:
        return self.log.message_of(one.call) if one.turn is None else one.turn

    def _see(self, call: Call) -> Seen:
        turns = [ref for ref in call.added if isinstance(ref, int)]
        shown, private, count, top = len(call.added), len(call.added) - len(turns), len(turns), -1
        parent = None if call.parent is None else self.seen.get(call.parent)
        if parent is not None:
            shown, private, count = shown + parent.shown + 1, private + parent.private, count + parent.turns
            count += parent.turn is not None
            private += parent.turn is None
            top = max(parent.top, -1 if parent.turn is None else parent.turn)
        return Seen(call, self.turn_of.get(call.n), shown, private, count, max([top, *turns]))


def role_view(source: Source, found: Found, role: str) -> RoleView:
    """The calls of a role.

    Raises:
        MissingError: the episode has no such role.
    """
    log = found.log
    if role not in log.roles and not any(turn.role == role for turn in log.turns):
        raise MissingError(f"{found.name} has no role {role[:40]!r}; it has {', '.join(log.roles)}")
    return source.of(found, ("view", role), lambda: RoleView(log, role))


def page(source: Source, found: Found, role: str, query: s.ViewQuery) -> s.ViewPage:
    """What a role was shown in a call, beside what happened.

    Raises:
        MissingError: there is no such role, or no such call of it.
    """
    view = role_view(source, found, role)
    if not view.seen:
        raise MissingError(f"{role!r} made no call in {found.name}")
    number = max(view.seen) if query.call is None else query.call
    if number not in view.seen:
        raise MissingError(f"{role!r} made no call {number} in {found.name}: it made {len(view.seen)}")
    one = view.seen[number]
    lines = source.of(found, ("beside", role, number), lambda: _beside(view, one))
    shown = lines[query.start : query.start + query.count]
    return s.ViewPage(
        role=role,
        call=view.line(one),
        calls=[view.line(other) for other in list(view.seen.values())[-_CALLS:]],
        start=query.start,
        total=len(lines),
        entries=[_entry(found, role, line) for line in shown],
    )


class _Line(NamedTuple):
    state: str
    turn: int | None
    message: Message | None = None
    """What was shown, where that is not the turn itself."""


def _beside(view: RoleView, one: Seen) -> list[_Line]:
    """History and view merged: what was hidden where it happened, what was private where it was told."""
    refs = view.refs(one)
    told = {ref for ref in refs if isinstance(ref, int)}
    hidden = [turn for turn in view.history(one) if turn not in told]
    lines: list[_Line] = []
    place = 0
    for ref in refs:
        if isinstance(ref, int):
            while place < len(hidden) and hidden[place] < ref:
                lines.append(_Line("hidden", hidden[place]))
                place += 1
            lines.append(_Line("shown", ref))
        elif place < len(hidden) and _rewords(view.log, hidden[place], ref, view.role):
            lines.append(_Line("rewritten", hidden[place], ref))
            place += 1
        else:
            lines.append(_Line("private", None, ref))
    return [*lines, *(_Line("hidden", turn) for turn in hidden[place:])]


def _rewords(log: EpisodeLog, turn: int, ref: Message, role: str) -> bool:
    """Whether a private message says what a hidden turn said, in other words."""
    was = as_seen(log.turns[turn], role)
    if was.role != ref.role or ref.role == "system":
        return False
    if was.tool_call_id is not None and was.tool_call_id == ref.tool_call_id:
        return True
    before, after = (set(_WORDS.findall(text[:_DIFFED])) for text in (was.text, ref.text))
    return not before or not after or len(before & after) >= _ALIKE * min(len(before), len(after))


def _entry(found: Found, role: str, line: _Line) -> s.ViewEntry:
    happened = None if line.turn is None else as_seen(found.log.turns[line.turn], role)
    said = line.message or happened
    assert said is not None
    diff = difference(happened.text, said.text) if line.state == "rewritten" and happened is not None else []
    state: Any = line.state
    return s.ViewEntry(state=state, turn=line.turn, message=messages.message(found, said), diff=diff)


def difference(before: str, after: str) -> list[s.Piece]:
    """Two texts word by word; nothing where they are long."""
    if max(len(before), len(after)) > _DIFFED:
        return []
    a, b = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[s.Piece] = []
    for op, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op == "equal":
            pieces.append(s.Piece(op="same", text="".join(a[a0:a1])))
            continue
        pieces += [s.Piece(op="cut", text="".join(a[a0:a1]))] if a1 > a0 else []
        pieces += [s.Piece(op="new", text="".join(b[b0:b1]))] if b1 > b0 else []
    return pieces


def two(source: Source, found: Found, query: s.DiffQuery) -> s.DiffPage:
    """Two roles' views side by side.

    Raises:
        MissingError: there is no such role.
    """
    a, b = (role_view(source, found, role) for role in (query.a, query.b))
    rows = source.of(found, ("two", query.a, query.b), lambda: _moments(a, b))
    shown = rows[query.start : query.start + query.count]
    return s.DiffPage(
        a=query.a,
        b=query.b,
        start=query.start,
        total=len(rows),
        rows=[_row(found, moment) for moment in shown],
    )


class _Moment(NamedTuple):
    turn: int | None
    a: str
    b: str
    role: str
    message: Message


def _moments(a: RoleView, b: RoleView) -> list[_Moment]:
    """All turns that either knows, and before the call that first showed it each private message."""
    log = a.log
    private = [(*where, "a") for where in _private(a)] + [(*where, "b") for where in _private(b)]
    private.sort(key=lambda item: item[0])
    rows: list[_Moment] = []
    knows = (set(a.known), set(b.known))
    place = 0
    for turn in [*log.turns, None]:
        while place < len(private) and (turn is None or private[place][0] <= turn.index):
            _, message, whose = private[place]
            role = a.role if whose == "a" else b.role
            sides = ("private", "unseen") if whose == "a" else ("unseen", "private")
            rows.append(_Moment(None, *sides, role, message))
            place += 1
        if turn is None:
            break
        sides = [
            "said" if turn.role == view.role else "told" if turn.index in known else "unseen"
            for view, known in zip((a, b), knows, strict=True)
        ]
        if sides != ["unseen", "unseen"]:
            rows.append(_Moment(turn.index, sides[0], sides[1], turn.role, turn.message))
    return rows


def _private(view: RoleView) -> list[tuple[int, Message]]:
    """Each private message with the turn before which it was first shown."""
    found: list[tuple[int, Message]] = []
    said: set[bytes] = set()
    for one in view.seen.values():
        after = -1 if one.call.parent is None else view.seen[one.call.parent].top
        for ref in one.call.added:
            if isinstance(ref, int):
                after = ref
                continue
            key = msgspec.msgpack.encode(ref)
            if key not in said:
                said.add(key)
                found.append((after + 1, ref))
    return found


def _row(found: Found, moment: _Moment) -> s.DiffRow:
    a: Any = moment.a
    b: Any = moment.b
    message = messages.message(found, moment.message)
    return s.DiffRow(turn=moment.turn, a=a, b=b, role=moment.role, message=message)
