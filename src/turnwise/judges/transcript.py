"""What a judge is shown of an episode: whose turns, with or without tools; each line under its turn's index.

Indices are those of the episode, in every window, so that a judge can point to a turn. The further lines of
a turn are indented, so that nothing said in one can pass for another turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from turnwise.log import EpisodeLog, Turn
from turnwise.message import Text
from turnwise.wire import Record


class View(Record, frozen=True, kw_only=True):
    """What is shown."""

    roles: tuple[str, ...] = ()
    """Whose turns; of everybody where it is empty."""
    system: bool = False
    """Whether instructions to the agents are shown."""
    tools: bool = True
    """Whether calls of tools and their results are."""
    thoughts: bool = False
    """Whether the agents' thoughts are."""


class Line(NamedTuple):
    """A turn as a judge sees it."""

    turn: int
    """Its index in the episode."""
    text: str

    def __str__(self) -> str:
        return f"[{self.turn}] {self.text}"


def lines(log: EpisodeLog, view: View | None = None) -> list[Line]:
    """The turns that a judge is shown, in order."""
    shown = view or View()
    found: list[Line] = []
    for turn in log.turns:
        text = _text(turn, shown)
        if text is not None:
            found.append(Line(turn.index, text))
    return found


def rendered(shown: Sequence[Line]) -> str:
    """Lines as one text."""
    return "\n".join(str(line) for line in shown)


def speaker(turn: Turn) -> str:
    """Who says a turn: a role, `tool NAME`, or the environment by what it plays (`user`, `system`)."""
    if turn.message.role == "tool":
        return f"tool {turn.message.name or ''}".rstrip()
    return turn.message.role if turn.role == "environment" else turn.role


def said_by(log: EpisodeLog, role: str) -> list[Turn]:
    """The turns that a role said in words, in order."""
    return [turn for turn in log.turns if turn.role == role and turn.text]


def indented(text: str) -> str:
    """A text whose further lines are indented, so that none of them can pass for what stands around it."""
    return text.replace("\r", "\n").replace("\n", "\n    ")


def _text(turn: Turn, view: View) -> str | None:
    """A turn as one line, or several indented; None where it is not shown."""
    message = turn.message
    if view.roles and turn.role not in view.roles:
        return None
    if (message.role == "system" and not view.system) or (message.role == "tool" and not view.tools):
        return None
    parts: list[str] = []
    if view.thoughts and message.reasoning:
        parts.append(f"(thinks: {message.reasoning})")
    if isinstance(message.content, str):
        parts += [message.content] if message.content else []
    else:
        parts += [p.text if isinstance(p, Text) else f"<{p.name or p.media_type}>" for p in message.content]
    if view.tools:
        parts += [f"calls {call.name}({call.arguments})" for call in message.tool_calls]
    if not parts:
        return None
    return indented("\n".join([f"{speaker(turn)}: {parts[0]}", *parts[1:]]))
