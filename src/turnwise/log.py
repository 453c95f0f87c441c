"""What an episode leaves behind: turns, calls, effects, rewards and notes, in one versioned JSON form.

The log of an episode is append-only. A `Segment` is what one commit adds; an `EpisodeLog` is the fold of all
segments under a header. Nothing in it depends on the wall clock: measured times are kept beside the log
(`Timing`), so that the same seed, task and effects give the same bytes.

Two ideas carry the rest. A **turn** is what could be seen: who said what. A **call** is one model call: what
the model was shown, as an extension of an earlier call of the same role (`parent`, `added`), and what it
sampled. The calls of a role thus form a graph in which each node holds only what it adds; a context policy
that rewrites history starts a branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TypeAlias, cast

import msgspec

from turnwise import wire
from turnwise.message import Message, ToolSpec
from turnwise.model import Alternatives, Sampling, Usage
from turnwise.wire import Record


class Stop(StrEnum):
    """Why an episode ended."""

    COMPLETED = "completed"
    """The environment's script came to its end."""
    MAX_TURNS = "max_turns"
    MAX_TOOL_CALLS = "max_tool_calls"
    MAX_TOKENS = "max_tokens"
    BUDGET = "budget"
    """The money was spent."""
    TIMEOUT = "timeout"
    REFUSED = "refused"
    ERROR = "error"
    """Infrastructure or the environment failed: an outcome of its own, never a score."""

    @property
    def cut(self) -> bool:
        """Whether a limit broke the conversation off, which did not come to an end of its own."""
        return self in _LIMITS


_LIMITS = frozenset({Stop.MAX_TURNS, Stop.MAX_TOOL_CALLS, Stop.MAX_TOKENS, Stop.BUDGET, Stop.TIMEOUT})


Ref: TypeAlias = int | Message
"""One entry of a view: the index of a turn, or a message shown to this role alone (a system prompt)."""


class Turn(Record, frozen=True, kw_only=True, gc=False):
    """One visible entry of an episode."""

    index: int
    role: str = "environment"
    """Who speaks: a role, `environment`, or `tool`."""
    message: Message
    """As its speaker said it: an `assistant` message from a role, `user` or `system` from the environment."""
    to: tuple[str, ...] = ()
    """Whom it was addressed to; empty where the environment has one role, or leaves it to the views."""
    calls: tuple[int, ...] = ()
    """Numbers of the speaker's calls that made it, the one that said it last."""
    parent: int | None = None
    """The turn it answers, where that is not the one before it."""

    @property
    def text(self) -> str:
        """The text of its message."""
        return self.message.text


class Call(Record, frozen=True, kw_only=True, gc=False):
    """One model call: the unit of replay and of training."""

    role: str
    n: int
    """Its number among the role's calls, in the order they were asked for."""
    parent: int | None = None
    """The role's call whose prompt and sample this prompt extends; None starts from nothing."""
    added: tuple[Ref, ...] = ()
    """What the prompt adds to that."""
    message: Message | None = None
    """What was sampled; None where the turn it made says the same."""
    finish: str = "stop"
    model: str | None = None
    """The model that answered, where the provider names another than the agent's."""
    version: str | None = None
    """Policy version that sampled."""
    usage: Usage | None = None
    sampling: Sampling | None = None
    """Where it differs from the agent's."""
    tools: int | None = None
    """Index into the log's `toolsets` of the tools that were offered."""
    added_ids: tuple[int, ...] | None = None
    """Token ids the prompt adds to the parent's prompt and sample."""
    sampled_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    """Log-probability (natural) of each sampled token."""
    sampled_texts: tuple[str, ...] | None = None
    """The sampled tokens, where the provider told these and no ids."""
    alternatives: tuple[Alternatives, ...] | None = None
    """What might have stood in the place of each sampled token."""
    error: str | None = None
    """The call failed for good, and why."""
    error_kind: str | None = None

    @property
    def tokens(self) -> int | None:
        """Tokens sampled, where its provider told each."""
        told = self.sampled_texts if self.sampled_ids is None else self.sampled_ids
        return None if told is None else len(told)


class Effect(Record, frozen=True, kw_only=True):
    """An answer from outside that is not a model call: a recorded tool, a clock, a search engine."""

    key: str
    """Kind, and the role it belongs to, e.g. `tool:agent`."""
    n: int
    """Its number among the effects of this key."""
    at: int
    """Turns that stood when it was asked for."""
    value: Any = None
    error: str | None = None
    """It raised, and what."""


class Reward(Record, frozen=True, kw_only=True, gc=False):
    """One component of somebody's reward."""

    value: float | None
    """None is a missing verdict: it stays missing, it is never 0."""
    role: str | None = None
    """Whose; None is the environment's first role."""
    turn: int | None = None
    """The turn it is for; None is the whole episode."""
    name: str = "reward"


class Note(Record, frozen=True, kw_only=True):
    """Anything worth reading later: JSON, about one turn or the whole episode."""

    value: Any
    turn: int | None = None
    name: str = "note"


class Branch(Record, frozen=True, kw_only=True):
    """Where a fork left its parent: the first moment at which both counts are reached."""

    turns: int
    """Turns it shares."""
    effects: int
    """Effects (model calls that passed, and others) it shares."""
    seed: int | None = None
    """From here on draws come from this seed; None goes on with the parent's."""


class Failure(Record, frozen=True, kw_only=True):
    """What went wrong in an episode that failed."""

    type: str
    message: str
    traceback: str = ""


class Segment(Record, frozen=True, kw_only=True):
    """What one commit adds to an episode's log."""

    turns: Sequence[Turn] = ()
    calls: Sequence[Call] = ()
    effects: Sequence[Effect] = ()
    rewards: Sequence[Reward] = ()
    notes: Sequence[Note] = ()
    metrics: dict[str, float] = {}
    toolsets: Sequence[tuple[ToolSpec, ...]] = ()


class Timing(msgspec.Struct, array_like=True, gc=False):
    """When a call or effect was asked for and how long it took; kept beside the log, not in it."""

    key: str
    n: int
    start: float
    """Seconds since the episode began (for a resumed part: since it resumed)."""
    seconds: float
    retries: tuple[str, ...] = ()
    """Of a call: kinds of the errors after which it was sent again, in their order."""


class EpisodeLog(Record, frozen=True, kw_only=True, tag_field="version", tag=wire.VERSION):
    """A whole episode as it is stored, shown, replayed, forked and trained on; `version` heads its JSON."""

    environment: str
    settings: dict[str, Any] = {}
    """The environment's settings."""
    roles: tuple[str, ...] = ("agent",)
    task: dict[str, Any]
    epoch: int = 0
    seed: int = 0
    agents: dict[str, str] = {}
    """Name of the agent in each role."""
    branches: tuple[Branch, ...] = ()
    """For a fork: where it and its forebears left their parents."""
    turns: tuple[Turn, ...] = ()
    calls: tuple[Call, ...] = ()
    """By role, in the order they were asked for."""
    effects: tuple[Effect, ...] = ()
    rewards: tuple[Reward, ...] = ()
    notes: tuple[Note, ...] = ()
    metrics: dict[str, float] = {}
    toolsets: tuple[tuple[ToolSpec, ...], ...] = ()
    stop: Stop | None = None
    """None while it runs, or where it was cut off."""
    detail: str | None = None
    """The environment's own word for why it ended."""
    error: Failure | None = None

    def to_json(self) -> bytes:
        """The one JSON form."""
        return wire.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> EpisodeLog:
        """Read it back; unknown fields of newer versions are kept.

        Raises:
            msgspec.ValidationError: naming the path of what does not fit, or the version that is too new.
        """
        raw = msgspec.json.decode(data)
        if isinstance(raw, dict):
            version = cast("dict[str, Any]", raw).get("version", wire.VERSION)
            if isinstance(version, int) and version > wire.VERSION:
                raise msgspec.ValidationError(
                    f"an episode of version {version}, but this reads up to {wire.VERSION}: update turnwise"
                )
        return wire.from_builtins(raw, cls)

    def extended(self, segments: Iterable[Segment]) -> EpisodeLog:
        """This log with further segments folded in, in canonical order; a call made anew replaces the old."""
        turns, calls, effects = list(self.turns), list(self.calls), list(self.effects)
        rewards, notes, toolsets = list(self.rewards), list(self.notes), list(self.toolsets)
        metrics = dict(self.metrics)
        for segment in segments:
            turns += segment.turns
            calls += segment.calls
            effects += segment.effects
            rewards += segment.rewards
            notes += segment.notes
            toolsets += segment.toolsets
            metrics |= segment.metrics
        order = {role: number for number, role in enumerate(self.roles)}
        calls = list({(call.role, call.n): call for call in calls}.values())
        calls.sort(key=lambda call: (order.get(call.role, len(order)), call.role, call.n))
        effects.sort(key=lambda effect: (effect.key, effect.n))
        said = {(turn.role, turn.calls[-1]): turn.message for turn in turns if turn.calls}
        for number, call in enumerate(calls):
            if call.message is not None and said.get((call.role, call.n)) == call.message:
                calls[number] = msgspec.structs.replace(call, message=None)
        return msgspec.structs.replace(
            self,
            turns=tuple(turns),
            calls=tuple(calls),
            effects=tuple(effects),
            rewards=tuple(rewards),
            notes=tuple(notes),
            metrics=metrics,
            toolsets=tuple(toolsets),
        )

    def score(self, role: str | None = None) -> float | None:
        """Sum of the role's rewards (the first role's by default).

        None where the episode failed or is unfinished, or where all its verdicts are missing.
        """
        if self.stop is None or self.stop is Stop.ERROR:
            return None
        return total(self.rewards, role, self.roles[0])

    def message_of(self, call: Call) -> Message:
        """What a call sampled.

        Raises:
            KeyError: for a call of another log, or one that failed.
        """
        if call.message is not None:
            return call.message
        for turn in self.turns:
            if turn.calls and turn.role == call.role and turn.calls[-1] == call.n:
                return turn.message
        raise KeyError(f"no turn of this log was said by call {call.n} of {call.role!r}")

    def view(self, call: Call) -> tuple[Ref, ...]:
        """Everything the model was shown in a call, as turn indices and messages for this role alone."""
        by_number = {other.n: other for other in self.calls if other.role == call.role}
        turn_of = {turn.calls[-1]: turn.index for turn in self.turns if turn.calls and turn.role == call.role}
        parts: list[tuple[Ref, ...]] = []
        node = call
        while True:
            parts.append(node.added)
            if node.parent is None:
                break
            parent = by_number[node.parent]
            index = turn_of.get(parent.n)
            parts.append((self.message_of(parent) if index is None else index,))
            node = parent
        return tuple(ref for part in reversed(parts) for ref in part)

    def shown(self, call: Call) -> tuple[Message, ...]:
        """The messages the model was shown in a call, as that role saw them."""
        return tuple(
            as_seen(self.turns[ref], call.role) if isinstance(ref, int) else ref for ref in self.view(call)
        )

    def prompt_ids(self, call: Call) -> tuple[int, ...] | None:
        """The exact token ids fed to the model in a call, or None where the provider did not tell."""
        by_number = {other.n: other for other in self.calls if other.role == call.role}
        parts: list[tuple[int, ...]] = []
        node = call
        while True:
            if node.added_ids is None:
                return None
            parts.append(node.added_ids)
            if node.parent is None:
                return tuple(token for part in reversed(parts) for token in part)
            node = by_number[node.parent]
            parts.append(node.sampled_ids or ())


def total(rewards: Iterable[Reward], role: str | None, first: str) -> float | None:
    """Sum of one role's rewards; 0 where it got none, None where all it got is missing."""
    wanted = role or first
    mine = [reward.value for reward in rewards if (reward.role or first) == wanted]
    given = [value for value in mine if value is not None]
    return None if mine and not given else sum(given, 0.0)


def as_seen(turn: Turn, role: str) -> Message:
    """A turn's message as `role` sees it: its own words as `assistant`, another role's as `user`."""
    message = turn.message
    if message.role != "assistant" or turn.role == role:
        return message
    return Message(role="user", content=message.content, name=message.name)
